"""
The threat model names a test for each line that it defends, and each of them exists.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "explanation" / "threat-model.md").read_text(encoding="utf-8")
DEFENDED = PAGE.partition("## What we defend against")[2].partition("## What we do not defend against")[0]
LINES = re.split("^- ", DEFENDED, flags=re.MULTILINE)[1:]
NAMES = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.splitlines()[0])
def test_each_line_names_a_test(line: str) -> None:
    """
    What no test holds is not defended.
    """
    assert re.search(r"`tests/[\w/]+\.py::\w+`", line)


@pytest.mark.parametrize(("file", "name"), NAMES)
def test_each_named_test_exists(file: str, name: str) -> None:
    """
    The file has a test, or a fixture for all tests, of this name.
    """
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))

    assert name in {
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
