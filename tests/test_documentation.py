"""
The README and the documentation are true: every block of Python runs, and the commands are the ones.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.fixture(scope="session")
def emulator_variables() -> Iterator[dict[str, str]]:
    """
    An emulator in a process of its own, and the variables that lead to it.
    """
    command = [sys.executable, "-m", "cftokens.emulator", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        yield dict(line.removeprefix("export ").rstrip().split("=", 1) for line in lines)
        process.terminate()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_of_python_runs(
    page: Path, emulator_variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A page can be read from top to bottom and each of its blocks be pasted.
    """
    for name, value in emulator_variables.items():
        monkeypatch.setenv(name, value)
    document = Sybil(parsers=[PythonCodeBlockParser()], path=str(page.parent)).parse(page)
    document.namespace["__name__"] = "__main__"  # as where a reader pastes it
    for example in document.examples():
        example.evaluate()


def test_the_commands_of_the_readme_are_one_line_each() -> None:
    """
    The first two blocks of shell set up a fresh clone; .ci/run calls the second.
    """
    blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)

    assert [len(block.splitlines()) for block in blocks[:2]] == [1, 1]
    assert "quickstart.py" in blocks[0]
    assert blocks[1].rstrip().endswith("nox")
