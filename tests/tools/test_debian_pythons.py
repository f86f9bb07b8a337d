"""
The script that fetches Pythons from Debian's packages. The tests that nox runs on them show that they work.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "debian_pythons.py"


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"http_proxy": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1"}, id="mirror"),
        pytest.param({"PATH": ""}, id="apt"),
    ],
)
def test_it_ends_with_a_sentence_if_there_is_no_mirror_or_apt(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    """
    A machine without a mirror that answers, or without apt, gets a sentence and status 1, and no Python.
    """
    done = subprocess.run(
        [sys.executable, SCRIPT, tmp_path / "pythons", "3.14"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=os.environ | environment,
    )

    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("Debian's packages cannot be used: ")
    assert not (tmp_path / "pythons").exists()
