"""
Fetch Pythons from the packages of Debian's testing release, without installing any.

    python debian_pythons.py DIRECTORY VERSION...

Each one is unpacked into DIRECTORY/VERSION with everything that it depends on, its C library included, and
then linked from DIRECTORY/bin. The exit status is 1 if one of them cannot be fetched, for example because the
mirror does not answer. It needs apt on Debian, and patchelf.
"""

import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {mirror} testing main\n"
TIMEOUT = 120.0
"""Seconds for one command, so that a mirror that hangs holds nothing up."""


class UnavailableError(Exception):
    """
    A command failed; the message is what it said.
    """


def main(directory: str, *versions: str) -> int:
    with tempfile.TemporaryDirectory(prefix="debian-pythons-") as folder:
        try:
            apt = prepare_apt(Path(folder))
        except (OSError, UnavailableError, subprocess.TimeoutExpired) as error:
            print(f"Debian's packages cannot be used: {error}")
            return 1
        return max([fetch(version, Path(directory).absolute(), apt) for version in versions], default=0)


def fetch(version: str, directory: Path, apt: list[str]) -> int:
    try:
        download(version, directory, apt)
        python = directory / version / "usr" / "bin" / f"python{version}"
        patch(python)
        print(run(str(python), "-VV").strip())
        link(python, directory / "bin")
    except (OSError, UnavailableError, subprocess.TimeoutExpired) as error:
        print(f"Python {version} cannot be fetched from Debian's packages: {error}")
        return 1
    return 0


def prepare_apt(folder: Path) -> list[str]:
    """
    Return the command of an apt of its own, for which testing is all there is, and nothing is installed.
    """
    (folder / "status").touch()
    (folder / "sources.list").write_text(SOURCE.format(mirror=mirror(folder)))
    settings = [
        f"Dir::State={folder}",
        f"Dir::State::status={folder}/status",
        f"Dir::Cache={folder}",
        f"Dir::Etc::sourcelist={folder}/sources.list",
        "Dir::Etc::sourceparts=/dev/null",
        "Dir::Etc::preferencesparts=/dev/null",
        "APT::Install-Recommends=false",
        "APT::Sandbox::User=root",  # apt's own user may not enter the folder
        "APT::Update::Error-Mode=any",
        "Acquire::Retries=1",
        "Acquire::http::Timeout=10",
    ]
    apt = ["apt-get", "-qq", *(f"-o{each}" for each in settings)]
    run(*apt, "update")
    return apt


def mirror(folder: Path) -> str:
    """
    Return the address from which this machine has its own release.
    """
    release = platform.freedesktop_os_release()["VERSION_CODENAME"]
    # A fresh machine has no lists, so apt is asked where it would fetch them.
    files = run("apt-get", f"-oDir::State::lists={folder}/lists", "--print-uris", "update")
    found = re.search(rf"'(\S+)/dists/{release}/", files)
    if not found:
        raise UnavailableError(f"apt has no source for {release}")
    return found[1]


def download(version: str, directory: Path, apt: list[str]) -> None:
    tree = directory / version
    tree.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="debian-pythons-") as archives:
        run(*apt, f"-oDir::Cache::archives={archives}", "--download-only", "install", f"python{version}")
        for archive in sorted(Path(archives).glob("*.deb")):
            run("dpkg", "-x", str(archive), str(tree))


def patch(python: Path) -> None:
    """
    Give a Python the loader and the libraries that came with it, because those of a stable release are older.
    """
    loader = run("patchelf", "--print-interpreter", str(python)).strip()
    own = python.parents[1] / loader.removeprefix("/")
    libraries = own.resolve().parent
    run("patchelf", "--set-interpreter", str(own), str(python))
    # Unlike a runpath, an rpath also holds for the libraries that a library needs.
    run("patchelf", "--force-rpath", "--set-rpath", str(libraries), str(python))


def link(python: Path, folder: Path) -> None:
    """
    Link a Python that is complete, so that no half-unpacked one is ever on the path.
    """
    folder.mkdir(exist_ok=True)
    (folder / python.name).unlink(missing_ok=True)
    (folder / python.name).symlink_to(python)


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT)
    if done.returncode:
        raise UnavailableError(done.stderr.strip())
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
