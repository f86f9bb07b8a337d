"""
Answers in the shape of Cloudflare's, one for each operation, with invented ids and secrets.
"""

import json
from pathlib import Path
from typing import Any


def sample(name: str) -> Any:
    """
    Return the sample of that name, parsed.
    """
    return json.loads((Path(__file__).parent / f"{name}.json").read_bytes())
