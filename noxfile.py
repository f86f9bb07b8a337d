"""
CI runs `nox -s quick` first, and then `nox` without arguments: lint, types, tests, docs, build.
"""

import atexit
import os
import shutil
import tarfile
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "virtualenv"
nox.options.sessions = ["lint", "types", "tests", "docs", "build"]

ROOT = Path(__file__).parent
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")


def installed_pythons() -> list[str]:
    """
    Return the versions of the classifiers that this machine has, under pyenv or on the path.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = [str(path) for path in sorted(pyenv.glob("versions/3.*/bin"), reverse=True)]
    os.environ["PATH"] = os.pathsep.join([*found, os.environ["PATH"]])
    return [each for each in nox.project.python_versions(PROJECT) if shutil.which(f"python{each}")]


def group(name: str) -> tuple[str, ...]:
    return nox.project.dependency_groups(PROJECT, name)


PYTHONS = installed_pythons()
WORKERS = ("-n", "4")
"""More than CI has processors, because tests often wait."""
REPORTS: list[Path] = []


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format with ruff."""
    session.install(*group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Check types with mypy and pyright."""
    session.install("-e", ".[speedups]", "nox", *group("types"))
    session.run("mypy")
    session.run("pyright")


@nox.session
def quick(session: nox.Session) -> None:
    """Run the tests that are not slow, on the Python that runs nox."""
    session.install("-e", ".", *group("test"))
    session.run("python", "-m", "pytest", "-m", "not slow", *WORKERS, *session.posargs)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests: on the oldest Python with complete coverage, on the newest with the speedups."""
    is_newest = session.python == PYTHONS[-1] != PYTHONS[0]
    session.install("-e", ".[speedups]" if is_newest else ".", *group("test"))
    report = ROOT / session.create_tmp() / "tests.xml"
    REPORTS.append(report)
    pytest = ("-m", "pytest", f"--junit-xml={report}", *WORKERS, *session.posargs)
    if session.python != PYTHONS[0]:
        session.run("python", *pytest)
        return
    session.run("coverage", "erase")
    session.run("coverage", "run", *pytest, env={"PYTHONDEVMODE": "1"})
    if not session.posargs:
        session.run("coverage", "combine", "--quiet")
        session.run("coverage", "report")


@nox.session
def sync(session: nox.Session) -> None:
    """Write the resources for user tokens, and the blocking ones, from _resources.py."""
    session.run("python", "cftokens/_tools/generate_twins.py")  # stale twins may not be importable


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; a warning is an error, and so is a public name that it lacks."""
    session.install("-e", ".[cli]", *group("docs"))
    session.run("python", "docs/command_line.py")
    session.run("sphinx-build", "-nWE", "--keep-going", "-b", "html", "docs", "docs/_build/html")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure against others, and write docs/benchmarks.md and its picture."""
    session.install("-e", ".[cli,speedups]", *group("bench"))
    session.run("python", "-m", "tests.benchmarks", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Build wheel and sdist, look into them, and import the wheel."""
    session.install(*group("build"))
    dist = ROOT / session.create_tmp() / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(dist))
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    problems = wheel_problems(wheel) + sdist_problems(sdist)
    if problems:
        session.error("; ".join(problems))
    session.install(str(wheel))
    session.run("python", "-P", "-c", "import cftokens, cftokens.emulator; print(cftokens.__version__)")


def wheel_problems(wheel: Path) -> list[str]:
    names = set(zipfile.ZipFile(wheel).namelist())
    source = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "cftokens").rglob("*.py")
        if "_tools" not in path.parts
    }
    return [
        *(f"the wheel lacks {name}" for name in sorted(source | {"cftokens/py.typed"}) if name not in names),
        *(f"the wheel holds {name}" for name in sorted(names) if not name.startswith("cftokens")),
        *(f"the wheel holds {name}" for name in sorted(names) if "_tools" in name),
    ]


def sdist_problems(sdist: Path) -> list[str]:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = (
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "noxfile.py",
        "pyproject.toml",
        "docs/conf.py",
        "tests/conftest.py",
    )
    return [f"the sdist lacks {name}" for name in needed if name not in names]


@atexit.register
def count_tests() -> None:
    """
    Close with the number of tests, over all versions of Python.
    """
    suites = [suite for report in REPORTS if report.exists() for suite in ET.parse(report).getroot()]  # noqa: S314 -- our own
    total, failed, skipped = (
        sum(int(suite.get(key, 0)) for suite in suites for key in keys)
        for keys in (("tests",), ("failures", "errors"), ("skipped",))
    )
    if suites:
        print(f"{total - failed - skipped} passed, {failed} failed, {skipped} skipped")  # noqa: T201
