"""
How fast cftokens is, beside others in one run: ``nox -s bench``.

::

    server.py        answers with bytes that are ready, in a process of its own
    contenders.py    who is measured
    measuring.py     one figure after another, in turns
    fresh.py         what needs an interpreter of its own: import, memory, blocks of the loop
    programs/        what those interpreters run
    bars.py          what was promised, and whether it holds
    report.py        docs/benchmarks.md
    chart.py         docs/benchmarks.svg
"""
