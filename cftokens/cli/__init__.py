"""
The command line: ``cftokens``, also ``python -m cftokens``.

::

    _program.py       the command itself: its commands, and how it ends
    reading.py        list, show, groups, verify
    making.py         create, ensure, recover, roll
    changing.py       edit, retire, delete
    rotating.py       rotate
    words.py          explain, diff, audit, whatis
    running.py        run
    emulating.py      emulator
    helping.py        bootstrap, completion
    _owner.py         whose tokens, and naming one of them
    _wizard.py        create -i
    _wording.py       what a token may do, and what would change, in words
    _remedies.py      the commands that mend what an audit finds
    _access.py        the options that say what a token may do
    _destinations.py  where a new value goes
    _settling.py      the line that settles an unknown outcome
    _asking.py        questions before what cannot be undone
    _completing.py    names and ids for the shell's completion
    _output.py        what a command prints: tables, JSON, ids
    _drawing.py       tables and progress on a terminal, with rich
    _columns.py       for which columns of a table there is room
    _logged.py        what the library logs, on standard error
    _failures.py      errors and exit statuses
    _terms.py         messages of the library, in words of the command line
    _text.py          text that is safe on a terminal

It needs click and rich, which come with ``cftokens[cli]``. The library never imports it.
"""

import io
import signal
import sys
from importlib.util import find_spec


def main() -> int:
    """
    Run the command line. Return the exit status only if an extra is missing; otherwise exit with it.
    """
    if find_spec("click") is None or find_spec("rich") is None:
        sys.stderr.write("The command line needs its extra: pip install 'cftokens[cli]'.\n")
        return 2
    try:
        from cftokens.cli._program import program  # noqa: PLC0415 -- only now it is known that click is there
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        return 130

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name must not fail what was done already
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that nothing is left half-done
    program(prog_name="cftokens")
    return 0  # pragma: no cover -- program() exits
