"""
The README and the documentation are true: their Python blocks run, and their commands are right.
"""

import logging
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


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """
    Undo what a page sets up for the log.
    """
    loggers = [logging.getLogger(name) for name in (None, "cftokens")]
    before = [(logger.level, logger.handlers[:], logger.filters[:]) for logger in loggers]
    yield
    for logger, (level, handlers, filters) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.handlers, logger.filters = handlers, filters


@pytest.mark.usefixtures("restored_logging")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_of_python_runs(
    page: Path, emulator_variables: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    The blocks of a page can be pasted one after another.
    """
    monkeypatch.chdir(tmp_path)
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
