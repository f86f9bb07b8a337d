"""
Every public method of every async class has a blocking twin that calls it.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import cftokens
import cftokens.sync
from cftokens import TokenValue, _resources, _user_resources
from cftokens._operations import pagination
from cftokens.sync import Temporary
from cftokens.sync import _pagination as sync_pagination
from cftokens.sync import _resources as sync_resources
from cftokens.sync import _user_resources as sync_user_resources


def resources(module: Any) -> dict[str, type]:
    """
    Return the classes of a module by name.
    """
    return {
        name: cls
        for name, cls in inspect.getmembers(module, inspect.isclass)
        if cls.__module__ == module.__name__
    }


MODULES = [(_resources, sync_resources), (_user_resources, sync_user_resources)]
PAIRS = [
    *(
        (cls, resources(twin)[name])
        for original, twin in MODULES
        for name, cls in resources(original).items()
    ),
    (pagination.Paginator, sync_pagination.Paginator),
    (cftokens.Client, cftokens.sync.Client),
]


def public_methods(cls: type) -> dict[str, Callable[..., Any]]:
    """
    Return the public methods of a class by name.
    """
    return {
        name: method
        for name, method in inspect.getmembers(cls, inspect.isfunction)
        if not name.startswith("_")
    }


METHODS = [
    pytest.param(method, public_methods(twin).get(name), id=f"{original.__name__}.{name}")
    for original, twin in PAIRS
    for name, method in public_methods(original).items()
]


@pytest.mark.parametrize(("original", "twin"), PAIRS, ids=lambda each: each.__name__)
def test_no_method_is_missing_and_none_is_added(original: type, twin: type) -> None:
    """
    Both classes have the same public methods.
    """
    assert public_methods(twin).keys() == public_methods(original).keys()


@pytest.mark.parametrize(("original", "twin"), MODULES)
def test_every_resource_has_a_twin(original: Any, twin: Any) -> None:
    """
    The two modules define the same resources.
    """
    assert resources(original).keys() == resources(twin).keys() != set()


def parameters(method: Callable[..., Any]) -> list[tuple[str, Any, Any, str]]:
    """
    Return the names, kinds, defaults and types of the parameters.
    """
    found = inspect.signature(method).parameters.values()
    return [(each.name, each.kind, each.default, str(each.annotation)) for each in found]


@pytest.mark.parametrize(("original", "twin"), METHODS)
def test_signatures_are_the_same(original: Callable[..., Any], twin: Callable[..., Any]) -> None:
    """
    A twin takes the same parameters, of the same kinds, with the same defaults and types.
    """
    assert parameters(twin) == parameters(original)


@pytest.mark.parametrize(("original", "twin"), METHODS)
def test_results_are_the_same(original: Callable[..., Any], twin: Callable[..., Any]) -> None:
    """
    A twin returns what the coroutine returns; an async iterator becomes an iterator.
    """
    returns = [str(inspect.signature(method).return_annotation) for method in (original, twin)]
    plain = [
        each.replace("AsyncGenerator", "Iterator")
        .replace(", None]", "]")
        .replace("cftokens.sync._pagination", "cftokens._operations.pagination")
        .replace("cftokens.sync._temporary", "cftokens._operations.lifecycle")
        for each in returns
    ]

    assert plain[0] == plain[1]


@pytest.mark.parametrize(("original", "twin"), METHODS)
def test_docstrings_are_the_same(original: Callable[..., Any], twin: Callable[..., Any]) -> None:
    """
    The only exception is that of close() on a client.
    """
    if original.__qualname__ == "Client.close":
        assert "May be called again" in str(twin.__doc__)
    else:
        assert inspect.getdoc(twin) == inspect.getdoc(original)


def test_the_clients_take_the_same_arguments() -> None:
    """
    The blocking one only lacks the session, which belongs to a loop.
    """
    ours = inspect.signature(cftokens.Client.__init__).parameters
    theirs = inspect.signature(cftokens.sync.Client.__init__).parameters

    assert [*theirs.values()] == [each for name, each in ours.items() if name != "session"]


class StubPortal:
    """
    Returns what it is called with, and runs nothing.
    """

    def call(self, coroutine: Any) -> Any:
        """
        Return what was passed in place of a coroutine.
        """
        return coroutine

    iterate = call


class Recorder:
    """
    Stands in for an async object, and returns the name and arguments of each call.
    """

    def __getattr__(self, name: str) -> Any:
        if name in {"accounts", "user", "tokens", "permission_groups", "value"}:
            return self
        return lambda *args, **kwargs: (name, args, kwargs)


def arguments_for(method: Callable[..., Any]) -> tuple[list[Any], dict[str, Any]]:
    """
    Make arguments from a signature: a value that is hidden, functions, and otherwise the parameter's name.
    """
    found = list(inspect.signature(method).parameters.values())[1:]
    special = {"value": TokenValue("value"), "store": print, "check": print}
    made = {each.name: special.get(each.name, each.name) for each in found}
    keywords = {each.name for each in found if each.kind is inspect.Parameter.KEYWORD_ONLY}
    positional = [made[each.name] for each in found if each.name not in keywords]
    return positional, {name: made[name] for name in keywords}


def twin_methods() -> Iterator[Any]:
    """
    Yield each generated class with each of its methods.
    """
    for _, twin in MODULES:
        for name, cls in resources(twin).items():
            for method in public_methods(cls):
                yield pytest.param(cls, method, id=f"{name}.{method}")


@pytest.mark.parametrize(("cls", "name"), [*twin_methods()])
def test_every_argument_reaches_the_coroutine(cls: Any, name: str) -> None:
    """
    A twin passes each argument on under its own name.
    """
    twin = cls(StubPortal(), Recorder())
    args, kwargs = arguments_for(getattr(cls, name))
    called: Any = getattr(twin, name)(*args, **kwargs)
    if isinstance(called, sync_pagination.Paginator | Temporary):
        called = called._wrapped

    assert called[:2] == (name, tuple(args))
    assert called[2].keys() == kwargs.keys()
    for key, given in called[2].items():
        assert inspect.iscoroutinefunction(given) if kwargs[key] is print else given == kwargs[key]
