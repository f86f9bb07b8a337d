"""
Answers in Cloudflare's form, one for each operation, with invented ids and secrets.
"""

import json
from pathlib import Path
from typing import Any


def sample(name: str) -> Any:
    """
    Return the named sample, parsed.
    """
    return json.loads((Path(__file__).parent / f"{name}.json").read_bytes())
