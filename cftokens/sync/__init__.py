"""
Cloudflare's API tokens for blocking code: the async client's names without ``await``.

::

    _client.py        Client
    _generated.py     one class per resource, made from the async ones
    _pagination.py    Paginator
    _portal.py        the way from blocking code to the loop, also after a fork
    _loop_thread.py   the loop in its thread, Ctrl-C, and the end of the interpreter
    emulator.py       the emulator, served from a thread

Models, errors and options are those of `cftokens`.
"""

from cftokens.sync._client import Client
from cftokens.sync._pagination import Paginator

__all__ = ["Client", "Paginator"]
