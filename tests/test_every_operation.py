"""
Each operation is in the tables that bring its tests, and on the page that lists them.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final, get_args

import pytest

from cftokens.emulator._routes import Operation
from tests import samples
from tests.answers import MODELS, REQUESTS
from tests.support import CALLS
from tests.vocabulary import ADDRESSES

PAGE: Final = Path(__file__).parent.parent / "docs" / "how-to" / "emulator.md"
ONLY_EMULATED: Final = {"user", "accounts"}
EMULATED: Final = {*get_args(Operation)}
OPERATIONS: Final = {*ADDRESSES, *REQUESTS, *MODELS, *CALLS, *EMULATED} - ONLY_EMULATED

TABLES: Final[Mapping[str, Collection[str]]] = {
    "ADDRESSES in tests/vocabulary.py": ADDRESSES,
    "REQUESTS in tests/answers.py": REQUESTS,
    "MODELS in tests/answers.py": MODELS,
    "CALLS in tests/support.py": CALLS,
    "tests/samples, as a file": [path.stem for path in Path(samples.__file__).parent.glob("*.json")],
    "Operation in cftokens/emulator/_routes.py": EMULATED,
}


@pytest.mark.parametrize("table", TABLES)
def test_every_operation_is_in_every_table(table: str) -> None:
    """
    An operation that is in one of the tables is in all of them.
    """
    missing = OPERATIONS - {*TABLES[table]}

    assert not missing, f"Add {', '.join(sorted(missing))} to {table}."


def test_the_page_lists_the_operations_of_a_fault() -> None:
    """
    The page of the emulator names all operations that a fault can be for, and no others.
    """
    (listed,) = re.findall(r"`operation` is one of (.*?), or `None`", PAGE.read_text(), re.DOTALL)
    differing = EMULATED ^ {*re.findall(r"`(\w+)`", listed)}

    assert not differing, f"In docs/how-to/emulator.md, after “is one of”, add or remove {differing}."
