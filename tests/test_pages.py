"""
Pages that repeat what the code says are true: the tree of errors, what messages mean, the width of code.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import pytest

import cftokens
from cftokens import errors
from cftokens._transport.hints import _HINTS, Refusal, hint_for
from cftokens.errors import CFTokensError, ErrorData
from tests.vocabulary import ACCOUNT, CHANGING

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)
WIDEST = 88
"""Columns of code that fit beside the contents at 1280 pixels."""

ERROR_TREE = (DOCS / "reference" / "error-tree.md").read_text()
MESSAGES = (DOCS / "how-to" / "error-messages.md").read_text()


# All errors


def branches(cls: type[CFTokensError], indent: str = "") -> Iterator[str]:
    """
    Draw the classes below an error, in the order of their definition.
    """
    below = [each for each in vars(errors).values() if isinstance(each, type) and each.__bases__[0] is cls]
    for each in below:
        is_last = each is below[-1]
        others = [base.__name__ for base in each.__bases__[1:]]
        also = f" (also a {others[0]})" if others else ""
        yield f"{indent}{'└' if is_last else '├'}── {each.__name__}{also}"
        yield from branches(each, f"{indent}{' ' if is_last else '│'}   ")


def test_the_tree_of_errors_is_the_one_in_the_code() -> None:
    """
    The page draws every error below its base class.
    """
    (tree,) = re.findall(r"```text\n(.*?)\n```", ERROR_TREE, re.DOTALL)

    assert tree.splitlines() == ["CFTokensError", *branches(CFTokensError)]


def test_each_error_has_a_line_on_what_to_do() -> None:
    """
    The tables of the page have each error once, with when it comes and what to do about it.
    """
    rows = re.findall(r"^\| \[`(\w+Error)`\]\(\S+\) \| (.+) \| (.+) \|$", ERROR_TREE, re.MULTILINE)
    classes = [name for name in errors.__all__ if name.endswith("Error") and name != "CFTokensError"]

    assert sorted(name for name, _, _ in rows) == sorted(classes)


# What messages mean


class Symptom(NamedTuple):
    """
    A row of the page: an answer, and the hint above it.
    """

    hint: str
    refusal: Refusal


def symptoms() -> Iterator[Symptom]:
    """
    Read the refusals of the page.
    """
    for section in re.split(r"^### ", MESSAGES, flags=re.MULTILINE)[1:]:
        quoted = " ".join(re.findall(r"^> (.*)$", section, re.MULTILINE)).replace("`", "")
        for row in re.findall(r"^\| (\d+) \| (\w+) \| (.+) \| (.+) \|$", section, re.MULTILINE):
            yield Symptom(quoted, refusal(*row))


def refusal(status: str, code: str, text: str, asked: str) -> Refusal:
    """
    Return what a row describes.
    """
    call = re.search(r"client\.(\w+)\.tokens\.(\w+)", asked)
    owner, operation = call.groups() if call else ("accounts", "list")
    kind: Literal["account", "user"] | None = None
    if "with an account-owned token" in asked:
        kind = "account"
    elif "with a user token" in asked:
        kind = "user"
    path = "/user/tokens" if owner == "user" else f"/accounts/{ACCOUNT}/tokens"
    reasons = () if code == "none" else (ErrorData(int(code), text),)
    return Refusal(int(status), reasons, operation, operation in CHANGING, path, kind)


SYMPTOMS = list(symptoms())


@pytest.mark.parametrize("symptom", SYMPTOMS, ids=lambda each: f"{each.refusal.status} {each.refusal.errors}")
def test_a_refusal_has_the_hint_that_the_page_quotes(symptom: Symptom) -> None:
    """
    The page quotes the hint for each answer as the error has it.
    """
    assert hint_for(symptom.refusal) == symptom.hint


def test_the_page_has_every_hint() -> None:
    """
    Each rule decides at least one of the page's answers.
    """
    deciding = {
        next(rule for rule, (applies, _) in enumerate(_HINTS) if applies(each.refusal)) for each in SYMPTOMS
    }

    assert deciding == set(range(len(_HINTS)))


def strings_of(path: Path) -> Iterator[str]:
    """
    Yield the strings of a module, and the fixed parts of those with values in them.
    """
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_the_package_raises_each_message_of_the_page() -> None:
    """
    The words of other failures are those of the code.
    """
    words = re.findall(r'^\| "(.+?)" \|', MESSAGES, re.MULTILINE)
    strings = [each for path in Path(cftokens.__file__).parent.rglob("*.py") for each in strings_of(path)]

    assert words
    assert [each for each in words if not any(each in string for string in strings)] == []


# Code on a page


def blocks(page: Path) -> Iterator[str]:
    """
    Yield the code of a page, also what it includes of a program.
    """
    text = page.read_text()
    yield from re.findall(r"^```(?!\{|output)\w+\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    for program, name in re.findall(r"{literalinclude} (\S+)\n:pyobject: (\S+)", text):
        source = (page.parent / program).read_text()
        yield ast.get_source_segment(source, definition(ast.parse(source), name.split("."))) or ""


def definition(node: ast.AST, names: list[str]) -> ast.AST:
    """
    Return the function or class with a dotted name.
    """
    for name in names:
        node = next(each for each in ast.iter_child_nodes(node) if getattr(each, "name", None) == name)
    return node


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_code_fits_beside_the_contents(page: Path) -> None:
    """
    No line of code is cut off at 1280 pixels. What a program prints is wrapped.
    """
    assert [line for block in blocks(page) for line in block.splitlines() if len(line) > WIDEST] == []


def test_no_page_has_an_em_dash() -> None:
    """
    The text is plain.
    """
    assert [page.name for page in PAGES if "\u2014" in page.read_text()] == []


# Links


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_a_link_out_is_https_to_a_host(page: Path) -> None:
    """
    A link is a path within the documentation, which Sphinx checks, or an https address.
    """
    links = [urlsplit(link) for link in re.findall(r"\]\(<?([^)\s>]+)", page.read_text())]
    outward = [link for link in links if link.scheme]

    assert [link for link in outward if link.scheme != "https" or "." not in link.netloc] == []
