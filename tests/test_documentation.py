"""
The README and the documentation are true: their Python blocks run, and their commands are right.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from cftokens.sync.emulator import Emulator

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.fixture
def emulator_variables() -> Iterator[dict[str, str]]:
    """
    The variables that point to a new emulator.
    """
    with Emulator() as emulator:
        yield {
            "CLOUDFLARE_BASE_URL": emulator.base_url,
            "CLOUDFLARE_ACCOUNT_ID": emulator.account_id,
            "CLOUDFLARE_API_TOKEN": emulator.api_token,
        }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_of_python_runs(
    page: Path, emulator_variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The blocks of a page can be pasted one after another.
    """
    for name, value in emulator_variables.items():
        monkeypatch.setenv(name, value)
    document = Sybil(parsers=[PythonCodeBlockParser()], path=str(page.parent)).parse(page)
    document.namespace["__name__"] = "__main__"  # as where a reader pastes it
    for example in document.examples():
        example.evaluate()


def test_the_commands_of_the_readme_are_one_line_each() -> None:
    """
    The first shell block runs the quickstart, and the second ends with nox.
    """
    blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)

    assert [len(block.splitlines()) for block in blocks[:2]] == [1, 1]
    assert "quickstart.py" in blocks[0]
    assert blocks[1].rstrip().endswith("nox -s quick")
