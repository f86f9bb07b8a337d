"""
Cloudflare's token API on loopback: for demonstrations and for tests.

::

    from cftokens.emulator import Emulator, Fault

    async with Emulator() as emulator:
        async with emulator.client() as client: ...
        emulator.inject(Fault.status(502), operation="create")

``python -m cftokens.emulator -- COMMAND`` runs a command in any language against one.

A request passes through ``_server`` (HTTP), ``_rate`` (the limit), ``faults`` and ``_injection`` (what
goes wrong on purpose), ``_routes`` (what it asks for), ``_access`` (who may), ``_operations`` (what is
done), ``_rules``, ``_policies`` and ``_targets`` (what a body must say), to ``_state`` (the tokens).
Every no is in ``_refusals``; ``_control`` serves the emulator's own paths.
"""

from cftokens.emulator._emulator import Emulator
from cftokens.emulator._server import RecordedRequest
from cftokens.emulator.faults import Fault

__all__ = ["Emulator", "Fault", "RecordedRequest"]
