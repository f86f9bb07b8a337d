"""
Benchmarks of cftokens and other libraries, in one run: ``nox -s bench``.

::

    server.py        sends prepared answers, in its own process
    contenders.py    the libraries that are measured
    measuring.py     calls and listings, the contenders taking turns
    fresh.py         what needs a fresh interpreter: import, memory, stalls of the loop
    programs/        the programs that those interpreters run
    bars.py          the targets, and whether they are met
    report.py        writes docs/benchmarks.md
    chart.py         draws docs/benchmarks.svg
"""
