"""
The README and the documentation are true: their Python blocks run, and their commands are right.
"""

import logging
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from cftokens.emulator import Emulator as AsyncEmulator
from cftokens.emulator._policies import TOKENS_WRITE
from cftokens.emulator._state import Owner, Policy
from cftokens.sync.emulator import Emulator

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


ZONE_PAGES = ("write-policies.md", "in-aiohttp-web.md", "in-fastapi.md")
"""Those that make a token for a single zone, for which the creator must hold the permission."""

PICTURES = sorted((ROOT / "docs").glob("*/*.svg"))


@pytest.fixture
def emulator_variables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """
    Point the environment to a new emulator.
    """
    with Emulator() as emulator:
        monkeypatch.setenv("CLOUDFLARE_BASE_URL", emulator.base_url)
        monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", emulator.account_id)
        monkeypatch.setenv("CLOUDFLARE_API_TOKEN", emulator.api_token)
        yield


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """
    Run pages in a directory of their own, and undo what they set up for the log.
    """
    monkeypatch.chdir(tmp_path)
    loggers = [logging.getLogger(name) for name in (None, "cftokens")]
    before = [(logger.level, logger.handlers[:], logger.filters[:]) for logger in loggers]
    yield
    for logger, (level, handlers, filters) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.handlers, logger.filters = handlers, filters


@pytest.fixture
def slow_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Let changes take a second to be known in every emulator that is made without saying otherwise.
    """
    for emulator in (Emulator, AsyncEmulator):
        defaults = emulator.__init__.__kwdefaults__
        assert defaults is not None
        monkeypatch.setitem(defaults, "propagation", 1.0)


@pytest.fixture
def bare_minters(monkeypatch: pytest.MonkeyPatch, page: Path) -> None:
    """
    Let each emulator's first token be one that `bootstrap_url()` leads to: it makes tokens, and no more.
    """

    def policies(owner: Owner) -> tuple[Policy, ...]:
        groups = (TOKENS_WRITE[owner.kind],)
        return (Policy(effect="allow", groups=groups, resources={owner.name: "*"}),)

    if page.name not in ZONE_PAGES:
        monkeypatch.setattr("cftokens.emulator._operations._everything_of_account", policies)
        monkeypatch.setattr("cftokens.emulator._operations._everything_of_user", policies)


def run_blocks(page: Path) -> None:
    """
    Run the blocks of Python on a page, one after another.
    """
    document = Sybil(parsers=[PythonCodeBlockParser()], path=str(page.parent)).parse(page)
    document.namespace["__name__"] = "__main__"  # as where a reader pastes it
    for example in document.examples():
        example.evaluate()


@pytest.mark.usefixtures("emulator_variables")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_of_python_runs(page: Path) -> None:
    """
    The blocks of a page can be pasted one after another.
    """
    run_blocks(page)


@pytest.mark.usefixtures("slow_changes", "bare_minters", "emulator_variables")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_of_python_runs_as_at_cloudflare(page: Path) -> None:
    """
    They also run with a credential that only makes tokens, and where a new value is refused for a moment.
    """
    run_blocks(page)


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_every_picture_has_the_colours_of_the_text(picture: Path) -> None:
    """
    A picture that a page includes has a title, and no colour of its own that a dark page would hide.
    """
    text = picture.read_text()
    svg = ET.fromstring(text)

    assert svg.findtext("{http://www.w3.org/2000/svg}title")
    assert "currentColor" in text
    assert not re.search("#[0-9a-f]{3}", re.sub("svg:root {.*?}", "", text))


def test_the_commands_of_the_readme_are_one_line_each() -> None:
    """
    The first shell block runs the quickstart, and the second ends with nox.
    """
    blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)

    assert [len(block.splitlines()) for block in blocks[:2]] == [1, 1]
    assert "quickstart.py" in blocks[0]
    assert blocks[1].rstrip().endswith("nox -s quick")


def programs(page: Path) -> dict[str, str]:
    """
    Return the programs that a page shows: its files, if its blocks name them, or else the page as a whole.
    """
    found: dict[str, str] = {}
    for block in re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
        named = re.match(r"# (\w+)\.py\n", block)
        part = named[1] if named else "page"
        name = re.sub(r"\W", "_", f"{page.parent.name}_{page.stem}_{part}")
        found[name] = f"{found.get(name, '')}{block}\n"
    return found


def test_every_block_of_python_is_typed(tmp_path: Path) -> None:
    """
    What the how-to pages and explanations show passes mypy's strict mode as it stands.
    """
    for page in [page for page in PAGES if page.parent.name in ("how-to", "explanation")]:
        for name, program in programs(page).items():
            tmp_path.joinpath(f"{name}.py").write_text(program)
    strict = (sys.executable, "-m", "mypy", "--strict", "--config-file=", "--follow-imports=silent")
    checked = subprocess.run([*strict, "."], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert re.fullmatch(r"Success: no issues found in \d+ source files\n", checked.stdout)
