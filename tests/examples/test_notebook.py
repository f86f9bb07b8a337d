"""
The blocking client in a notebook, whose kernel always runs an event loop.
"""

from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from cftokens.sync.emulator import Emulator, Fault
from tests.examples.programs import DEADLINE, at_once_or_later

pytestmark = pytest.mark.slow

CELLS = [
    """
    import asyncio
    from cftokens.sync import Client
    client = Client()
    assert asyncio.get_running_loop().is_running()
    """,
    "[token.name for token in client.accounts.tokens.list()]",
    "created = client.accounts.tokens.create(name='notebook', policies=[]); created",
    "client.accounts.tokens.wait_until_active(created.value).status",
    "await asyncio.sleep(0); client.accounts.tokens.delete(created.id).id == created.id",
    "client.close()",
]


def run(emulator: Emulator, monkeypatch: pytest.MonkeyPatch, cells: list[str]) -> list[str]:
    """
    Run the cells in a new kernel, and return the output of each.
    """
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", emulator.api_token)
    monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", emulator.account_id)
    monkeypatch.setenv("CLOUDFLARE_BASE_URL", emulator.base_url)
    code = [{"cell_type": "code", "metadata": {}, "source": cell, "outputs": []} for cell in cells]
    parts = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": code}
    notebook: Any = nbformat.from_dict(parts)  # type: ignore[no-untyped-call]  # it has few types
    NotebookClient(notebook, timeout=int(DEADLINE), kernel_name="python3").execute()
    return ["".join(map(shown, cell.outputs)) for cell in notebook.cells]


def shown(output: nbformat.NotebookNode) -> str:
    """
    Return an output of a cell as text.
    """
    return str(output.get("data", {}).get("text/plain") or output.get("text", ""))


@at_once_or_later
def test_the_blocking_client_works_in_a_notebook(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Calls work while the kernel's loop is running, and a cell's output masks the value.
    """
    outputs = run(emulator, monkeypatch, CELLS)

    assert outputs[0] == ""
    assert outputs[1] == '["The emulator\'s first account token"]'
    assert "name='notebook'" in outputs[2]
    assert "value=<TokenValue cfat_…" in outputs[2]
    assert outputs[3:] == ["'active'", "True", ""]


def test_a_client_survives_an_interrupted_cell(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The interrupt ends a hanging call, and the next cell uses the same client.
    """
    emulator.inject(Fault.delay(60.0), operation="verify")
    outputs = run(
        emulator,
        monkeypatch,
        [
            "from cftokens.sync import Client; client = Client()",
            """
            import os, signal, threading
            threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
            try:
                client.accounts.tokens.verify()
            except KeyboardInterrupt:
                print("interrupted")
            """,
            "client.accounts.tokens.verify().status",
        ],
    )

    assert outputs == ["", "interrupted\n", "'active'"]
