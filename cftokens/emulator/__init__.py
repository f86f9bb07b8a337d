"""
Cloudflare's token API on loopback, for demonstrations and tests.

::

    from cftokens.emulator import Emulator, Fault

    async with Emulator() as emulator:
        async with emulator.client() as client: ...
        minter = emulator.issue("account")
        emulator.inject(Fault.status(502), operation="create")

``python -m cftokens.emulator -- COMMAND`` runs a program in any language against an emulator.

A request passes through ``_guard`` (no web pages), ``_server`` (HTTP), ``_bodies`` (decompression),
``_routes`` (from path to operation), ``_rate`` (the rate limits), ``_injection`` (faults), ``_lockout``,
``_access`` (authentication and permissions), ``_operations``, and ``_rules``, ``_policies`` and ``_targets``
(validation of the body) to ``_propagation`` (what is known already) and ``_state`` (the tokens).
``_issuing`` makes tokens as the dashboard does; ``_refusals`` has every error of the API; ``_control`` serves
the emulator's own paths; ``_log`` is what it logs.
"""

from cftokens.emulator._emulator import Emulator
from cftokens.emulator._issuing import IssuedToken
from cftokens.emulator._server import RecordedRequest
from cftokens.emulator.faults import Fault

__all__ = ["Emulator", "Fault", "IssuedToken", "RecordedRequest"]
