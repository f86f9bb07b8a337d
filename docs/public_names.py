"""
A Sphinx extension that makes the reference complete, and its names public.

- A class is shown without private bases.
- A model also lists the fields that it inherits, and each field has its type beside its name.
- A name in a docstring is linked, wherever it is defined.
- A page of Cloudflare's is linked by its name, because its address is too long for a line.
- An error that is made like its base is shown without arguments.
- The build warns about a public name, method or field that the reference lacks.
"""

import inspect
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise, takewhile
from typing import Any

import attrs
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

import cftokens.audit
import cftokens.emulator
import cftokens.errors
import cftokens.models
import cftokens.policies
import cftokens.r2
import cftokens.sync.emulator
import cftokens.testing

LOG = logging.getLogger(__name__)
MODULES = (
    cftokens,
    cftokens.sync,
    cftokens.models,
    cftokens.errors,
    cftokens.policies,
    cftokens.audit,
    cftokens.r2,
    cftokens.emulator,
    cftokens.sync.emulator,
    cftokens.testing,
)


ELSEWHERE = {"aiohttp.client.ClientSession": "aiohttp.ClientSession"}
"""Names of other projects' classes, and those under which they are documented."""


PAGE_OF_CLOUDFLARE = re.compile(
    r"(?P<indent> *)(?P<address>https://developers\.cloudflare\.com/(\S+/)?(?P<name>[\w-]+)/)"
)


def hide_private_bases(_app: Sphinx, _name: str, _obj: type, _options: object, bases: list[type]) -> None:
    """
    Leave out the bases that callers cannot import.
    """
    public = [base for base in bases if not base.__name__.startswith("_") and base.__name__ != "Resource"]
    bases[:] = public or [object]


def add_inherited_fields(
    _app: Sphinx, what: str, _name: str, obj: Any, _options: object, lines: list[str]
) -> None:
    """
    Put the fields of a model's base before its own.
    """
    if what == "class" and attrs.has(obj) and attrs.has(obj.__mro__[1]) and "Attributes:" in lines:
        inherited = inspect.getdoc(obj.__mro__[1]) or ""
        fields = inherited.partition("Attributes:\n")[2]
        start = lines.index("Attributes:") + 1
        lines[start:start] = fields.splitlines()


def put_types_beside_names(
    _app: Sphinx, _what: str, _name: str, _obj: object, _options: object, lines: list[str]
) -> None:
    """
    Show the type of a field beside its name, as in the source, rather than below its description.
    """
    heads = [index for index, line in enumerate(lines) if line.startswith(".. attribute::")]
    for start, end in reversed([*pairwise([*heads, len(lines)])]):
        types = [line for line in lines[start:end] if line.startswith("   :type:")]
        others = [line for line in lines[start + 1 : end] if line not in types]
        lines[start + 1 : end] = [*types, *others]


def name_pages_of_cloudflare(
    _app: Sphinx, _what: str, _name: str, _obj: object, _options: object, lines: list[str]
) -> None:
    """
    Link each address that is a line of its own by the last part of its path.
    """
    is_first = True
    for index, line in enumerate(lines):
        if page := PAGE_OF_CLOUDFLARE.fullmatch(line):
            title = page["name"].replace("-", " ").replace("_", " ")
            start = "Cloudflare's documentation: " if is_first else "· "
            lines[index] = f"{page['indent']}{start}`{title} <{page['address']}>`__"
        is_first = not page


def hide_inherited_arguments(
    _app: Sphinx,
    _what: str,
    _name: str,
    obj: Any,
    _options: object,
    _arguments: str | None,
    _returned: str | None,
) -> tuple[str, str] | None:
    """
    Show only what an error is made with in addition to its base.
    """
    if inspect.isclass(obj) and issubclass(obj, Exception) and "__init__" not in vars(obj):
        return "", ""
    return None


def show_arguments_of_model(_app: Sphinx, init: Any, _is_bound: bool) -> None:
    """
    Show what attrs has generated without its private names.
    """
    if inspect.isfunction(init) and init.__code__.co_filename.startswith("<attrs generated"):
        init.__dict__.pop("__signature__", None)
        shown = inspect.signature(init)
        public = [each for each in shown.parameters.values() if each.name != "_unknown"]
        init.__signature__ = shown.replace(parameters=public)  # type: ignore[attr-defined]


def name_as_documented(
    _app: Sphinx, _env: BuildEnvironment, node: pending_xref, _text: nodes.TextElement
) -> None:
    """
    Look a name up as other projects document it.
    """
    target = str(node["reftarget"])
    node["reftarget"] = ELSEWHERE.get(target, target.removesuffix("()"))


def link_short_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.TextElement
) -> nodes.Element | None:
    """
    Link a name that stands in a docstring without its module to what is documented under it.

    Of several, the one that has most in common with the place of the docstring is meant.
    """
    if node.get("refdomain") != "py":
        return None
    here = f"{node.get('py:module')}.{node.get('py:class')}"
    ending = f".{node['reftarget']}"
    objects = env.domains.python_domain.objects
    found = [name for name in objects if name.endswith(ending)]
    if not found:
        return None
    name = max(found, key=lambda each: in_common(each, here))
    entry = objects[name]
    uri = app.builder.get_relative_uri(env.current_document.docname or node["refdoc"], entry.docname)
    return nodes.reference("", "", text, internal=True, refuri=f"{uri}#{entry.node_id}", reftitle=name)


def in_common(one: str, other: str) -> int:
    """
    Return the number of characters with which both begin.
    """
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def members_of(value: object) -> Iterator[str]:
    """
    Yield the fields and methods of a class: of a model, also those that it inherits from a public one.
    """
    if inspect.isclass(value):
        models = [base for base in value.__mro__ if attrs.has(base) and not base.__name__.startswith("_")]
        bases = [value, *models]
        names = {*fields_of(value), *(name for base in bases for name in vars(base))}
        yield from sorted(name for name in names if not name.startswith("_"))


def fields_of(cls: type) -> Iterable[str]:
    """
    Return the fields of a model, or what an error is made with, which are its attributes.
    """
    if attrs.has(cls):
        return attrs.fields_dict(cls)
    if issubclass(cls, cftokens.CFTokensError) and "__init__" in vars(cls):
        arguments = inspect.signature(cls).parameters.keys() - {"message"}
        return arguments - {name for base in cls.__mro__[1:] for name in fields_of(base)} - set(dir(cls))
    return ()


def warn_of_missing_names(_app: Sphinx, env: BuildEnvironment) -> None:
    """
    Warn about each public name that the reference lacks. One that has two homes is described in one.
    """
    described = env.domains.python_domain.objects
    for home, name in [(module, name) for module in MODULES for name in module.__all__]:
        value = getattr(home, name)
        homes = [each.__name__ for each in MODULES if name in each.__all__ and getattr(each, name) is value]
        for member in ("", *members_of(value)):
            path = f"{name}.{member}".rstrip(".")
            if not any(f"{each}.{path}" in described for each in homes):
                LOG.warning("the reference lacks %s.%s", home.__name__, path)


def setup(app: Sphinx) -> dict[str, bool]:
    """
    Register all of this.
    """
    app.connect("autodoc-process-bases", hide_private_bases)
    app.connect("autodoc-process-docstring", add_inherited_fields, priority=400)  # before napoleon
    app.connect("autodoc-process-docstring", put_types_beside_names, priority=600)
    app.connect("autodoc-process-docstring", name_pages_of_cloudflare)
    app.connect("autodoc-process-signature", hide_inherited_arguments)
    app.connect("autodoc-before-process-signature", show_arguments_of_model, priority=600)
    app.connect("missing-reference", name_as_documented, priority=400)  # before intersphinx
    app.connect("missing-reference", link_short_name, priority=600)  # after it: a list is Python's
    app.connect("env-check-consistency", warn_of_missing_names)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
