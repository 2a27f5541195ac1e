"""`python3 -m scripts.services [install]`."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from scripts.services import CATALOGUE

_POLICY = Path("/usr/sbin/policy-rc.d")


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["install"]):
        print(__doc__, file=sys.stderr)
        return 2
    if arguments:
        install()
    missing = 0
    for program in CATALOGUE.values():
        found = program.find()
        missing += found is None
        print(f"{program.name:12} {found or f'missing: package {program.package}'}")
    return 1 if missing else 0


def install() -> None:
    """Installs the packages of what is missing; does nothing when nothing is."""
    missing = [program for program in CATALOGUE.values() if program.find() is None]
    packages = sorted({name for program in missing for name in program.packages().split()})
    if packages:
        _install_packages(packages)
    for program in missing:
        program.fetch()


def _install_packages(packages: list[str]) -> None:
    if shutil.which("apt-get") is None:
        raise SystemExit(f"no apt-get here: install these yourself: {' '.join(packages)}")
    root = [] if os.geteuid() == 0 else ["sudo"]
    print(f"installing {' '.join(packages)}", file=sys.stderr)
    quiet = ["-y", "-qq", "--no-install-recommends"]
    with _no_services_start(root):
        _apt([*root, "apt-get", "update", "-qq"])
        _apt([*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", *quiet, *packages])


def _apt(command: list[str]) -> None:
    if subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False).returncode:
        raise SystemExit(f"failed: {' '.join(command)}")


@contextlib.contextmanager
def _no_services_start(root: list[str]) -> Iterator[None]:
    """Debian's packages start their daemons on installation unless this file says no."""
    if _POLICY.exists():
        yield
        return
    subprocess.run([*root, "tee", str(_POLICY)], input=b"#!/bin/sh\nexit 101\n", stdout=subprocess.DEVNULL, check=True)
    subprocess.run([*root, "chmod", "755", str(_POLICY)], check=True)
    try:
        yield
    finally:
        subprocess.run([*root, "rm", "-f", str(_POLICY)], check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
