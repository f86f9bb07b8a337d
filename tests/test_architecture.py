"""
The map of the package is true, and imports point one way along it.
"""

import ast
import re
from pathlib import Path

import pytest

import cftokens
import cftokens.sync

PACKAGE = Path(cftokens.__file__).parent
MODULES = sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))
WINGS = ("_operations/", "_transport/")


def entries(docstring: str | None) -> list[str]:
    """
    Return the paths that a map lists, in order. A folder that is listed as a whole ends in a slash.
    """
    folder, found = "", []
    for indent, name in re.findall(r"^    ( *)([\w/]+(?:\.py|/))  ", str(docstring), re.MULTILINE):
        folder = folder if indent else ""
        if name in WINGS:
            folder = name
        else:
            found.append(folder + name)
    return found


MAP = entries(cftokens.__doc__)
SYNC_MAP = entries(cftokens.sync.__doc__)


def place(module: str) -> int:
    """
    Return how far down the map a module stands.
    """
    return next((index for index, entry in enumerate(MAP) if module.startswith(entry)), -1)


def imports(module: str) -> set[str]:
    """
    Return the modules of ours that a module imports, at any level.
    """
    names: set[str] = set()
    for node in ast.walk(ast.parse((PACKAGE / module).read_text())):
        if isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{each.name}" for each in node.names}
        elif isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
    return {file_of(name) for name in names if name.split(".")[0] == "cftokens"}


def file_of(name: str) -> str:
    """
    Return the file of a module, or of the module that defines a name.
    """
    path = name.replace(".", "/").removeprefix("cftokens").lstrip("/")
    if f"{path}.py" in MODULES:
        return f"{path}.py"
    if f"{path}/__init__.py" in MODULES:
        return f"{path}/__init__.py"
    return file_of(name.rpartition(".")[0]) if "." in name else "__init__.py"


def test_the_map_lists_every_module_and_no_other() -> None:
    """
    Each file is in the map once, by itself or with its folder.
    """
    folders = [entry for entry in MAP if entry.endswith("/")]
    rooms = {
        next((folder for folder in folders if module.startswith(folder)), module)
        for module in MODULES
        if not module.endswith("__init__.py") or module.startswith((*folders,))
    }

    assert len(MAP) == len({*MAP})
    assert {*MAP} == rooms


@pytest.mark.parametrize("module", [each for each in MODULES if place(each) >= 0])
def test_imports_point_down_the_map(module: str) -> None:
    """
    A module imports only from its own folder and from modules further down.
    """
    assert [each for each in imports(module) if place(each) < place(module)] == []


@pytest.mark.parametrize("wing", WINGS)
def test_a_wing_itself_imports_nothing(wing: str) -> None:
    """
    Its `__init__.py` imports no module of ours.
    """
    assert imports(f"{wing}__init__.py") == set()


def test_each_wing_keeps_to_itself() -> None:
    """
    The transport imports no operations, and few modules import the client and its resources.

    The package itself does, so that users can annotate with their classes.
    """
    users = {
        imported: {module for module in MODULES if imported in imports(module)}
        for imported in ("_client.py", "_resources.py")
    }

    transport = {each for module in MODULES if module.startswith("_transport/") for each in imports(module)}

    assert not [each for each in transport if each.startswith("_operations/")]
    assert users["_resources.py"] == {"__init__.py", "_client.py", "sync/_resources.py"}
    assert {user.partition("/")[0] for user in users["_client.py"]} == {
        "__init__.py",
        "sync",
        "emulator",
        "testing.py",
    }


@pytest.mark.parametrize(
    ("room", "allowed"),
    [
        ("cli/", {"__main__.py"}),
        ("testing.py", set()),
        ("sync/", {"testing.py"}),
        ("emulator/", {"sync/emulator.py"}),
        ("_tools/", set()),
    ],
)
def test_nothing_depends_on_what_is_built_on_top(room: str, allowed: set[str]) -> None:
    """
    The fixtures use the blocking emulator, and that the async one. The command line uses both worlds. Nothing
    else imports these packages.
    """
    users = {
        module
        for module in MODULES
        if not module.startswith((room, "cli/")) and any(each.startswith(room) for each in imports(module))
    }

    assert users == allowed


def test_the_map_of_sync_is_true() -> None:
    """
    The blocking package lists its modules, and their imports point down the list as well.
    """
    ours = {module.removeprefix("sync/") for module in MODULES if module.startswith("sync/")}
    upwards = [
        (module, each)
        for index, module in enumerate(SYNC_MAP)
        for each in imports(f"sync/{module}")
        if each.removeprefix("sync/") in SYNC_MAP[:index] and each.startswith("sync/")
    ]

    assert {*SYNC_MAP, "__init__.py"} == ours
    assert upwards == []


@pytest.mark.parametrize("module", MODULES)
def test_each_file_says_its_purpose(module: str) -> None:
    """
    The first line of its docstring is a sentence.
    """
    first = str(ast.get_docstring(ast.parse((PACKAGE / module).read_text()))).splitlines()[0]

    assert re.fullmatch(r"(``|[A-Z]).{15,110}[.]", first)


def test_no_function_takes_a_sender_and_an_account() -> None:
    """
    They come in one object, which a resource holds.
    """
    signatures = [
        [argument.arg for argument in node.args.args[:2]]
        for module in MODULES
        if module.startswith(WINGS)
        for node in ast.walk(ast.parse((PACKAGE / module).read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]

    assert ["sender", "account_id"] not in signatures
