"""
What an import imports: names when they are used, and no more for a command than it needs.
"""

import ast
import inspect
import pickle
import pydoc
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import cftokens
from cftokens import Token, models
from cftokens.sync.emulator import Emulator
from tests.vocabulary import TOKEN_ID

COMMAND_LINE = "from cftokens.cli import main; main()"


def declared() -> dict[str, str]:
    """
    Return the module of each name that type checkers see imported.
    """
    (block, *_) = [
        node
        for node in ast.parse(Path(cftokens.__file__).read_text()).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    return {
        each.name: str(node.module)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for each in node.names
    }


def imported_by(program: str, *arguments: str) -> set[str]:
    """
    Run a program with arguments in a fresh interpreter, and return the modules that it imported.
    """
    report = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); "
    command = [sys.executable, "-c", report + program, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return {*done.stderr.split()}


def test_type_checkers_see_what_is_imported() -> None:
    """
    The table, `__all__`, and the imports for type checkers have the same names, from the same modules.
    """
    places = {"the imports": declared(), "_HOMES": cftokens._HOMES, "__all__": cftokens.__all__}
    names = {*declared(), *cftokens._HOMES, *cftokens.__all__}
    missing = [f"{name} to {place}" for place, has in places.items() for name in names if name not in has]

    assert not missing, f"In cftokens/__init__.py, add {', '.join(sorted(missing))}."
    assert declared() == cftokens._HOMES
    assert sorted(cftokens._HOMES) == sorted(cftokens.__all__)


@pytest.mark.parametrize("name", cftokens.__all__)
def test_a_name_is_that_of_its_module(name: str) -> None:
    """
    Each public name is the object that its module defines.
    """
    assert getattr(cftokens, name) is getattr(import_module(cftokens._HOMES[name]), name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """
    It says which name of which module is missing, and carries what Python needs to suggest another.
    """
    with pytest.raises(AttributeError, match=r"^module 'cftokens' has no attribute 'Cleint'$") as raised:
        cftokens.Cleint  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue] # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'Cleint' from 'cftokens'"):
        exec("from cftokens import Cleint")

    assert (raised.value.name, raised.value.obj) == ("Cleint", cftokens)


def test_a_prompt_shows_the_public_names() -> None:
    """
    Tab completion lists public names and modules alone, all of them there, and help() describes the classes.
    """
    assert {*cftokens.__all__, "errors", "models", "policies", "r2"} == {*dir(cftokens)}
    assert dict(inspect.getmembers(cftokens))["models"] is models
    assert "class Client" in pydoc.plain(pydoc.render_doc(cftokens))


@pytest.mark.slow
def test_the_package_alone_imports_nothing() -> None:
    """
    Neither another module of ours nor another library is imported before a name is used.
    """
    found = imported_by("import cftokens")

    assert {name for name in found if name.startswith("cftokens")} == {"cftokens"}
    assert not {"attr", "aiohttp", "cattrs", "yarl", "asyncio"} & found


@pytest.mark.slow
@pytest.mark.parametrize("module", ["errors", "models", "policies", "r2"])
def test_a_module_is_an_attribute_of_the_package(module: str) -> None:
    """
    `import cftokens` is enough to reach it, and it is imported then.
    """
    assert f"cftokens.{module}" in imported_by(f"import cftokens; cftokens.{module}.__all__")


@pytest.mark.slow
def test_a_star_import_brings_every_public_name() -> None:
    """
    `from cftokens import *` imports what `__all__` lists.
    """
    program = "from cftokens import *; import cftokens; assert {*cftokens.__all__} <= {*globals()}"

    assert "cftokens._client" in imported_by(program)


@pytest.mark.slow
def test_what_was_pickled_brings_its_module() -> None:
    """
    A model can be loaded in an interpreter that has imported nothing of ours.
    """
    data = pickle.dumps(Token(id=TOKEN_ID))

    found = imported_by(f"import pickle; assert pickle.loads({data!r}).id == {TOKEN_ID!r}")

    assert "cftokens.models" in found


@pytest.mark.slow
def test_help_needs_neither_the_client_nor_rich() -> None:
    """
    The command's own help imports click, and of ours only what lists the commands.
    """
    found = imported_by(COMMAND_LINE, "--help")

    assert {name for name in found if name.startswith("cftokens.")} == {
        "cftokens._version",
        "cftokens.cli",
        "cftokens.cli._program",
    }
    assert not {"attr", "aiohttp", "rich", "yarl"} & found


@pytest.mark.slow
def test_a_list_in_a_pipe_needs_no_more_than_the_client() -> None:
    """
    It imports neither the emulator nor rich.
    """
    with Emulator() as emulator:
        options = ["--account", emulator.account_id, "--quiet"]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CLOUDFLARE_BASE_URL", emulator.base_url)
            patch.setenv("CLOUDFLARE_API_TOKEN", emulator.api_token)
            found = imported_by(COMMAND_LINE, "list", *options)

    assert "cftokens.sync" in found
    assert not {"cftokens.emulator", "rich", "cftokens.audit"} & found
