"""Small file systems of their own, for faults of a disk. They need root; without it the tests are skipped."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def _run(*words: str | Path) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def _try_mount(*words: str | Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    try:
        _run("mount", *words)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"cannot mount here: {error.stderr.strip()}")


@contextmanager
def tmpfs(folder: Path, size: str) -> Iterator[Path]:
    folder.mkdir(parents=True)
    _try_mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder)
    try:
        yield folder
    finally:
        _run("umount", "-l", folder)


@contextmanager
def ext4(folder: Path, size: str) -> Iterator[Path]:
    """A loop-mounted ext4 that becomes read-only at the first error."""
    folder.mkdir(parents=True)
    image = folder.with_suffix(".img")
    with image.open("wb") as file:
        file.truncate(int(size))
    _run("mkfs.ext4", "-q", "-F", image)
    _try_mount("-o", "loop,errors=remount-ro", image, folder)
    try:
        yield folder
    finally:
        _run("umount", "-l", folder)
        image.unlink()


def mount_again(folder: Path) -> None:
    """As a person mends it: the failed file system goes, and comes back from the same image, checked."""
    image = folder.with_suffix(".img")
    _run("umount", "-l", folder)
    subprocess.run(["fsck.ext4", "-p", image], check=False, capture_output=True)
    # A device of its own: whoever has files open on the failed one still holds that.
    loop = _run("losetup", "--find", "--show", image).strip()
    _run("mount", "-o", "errors=remount-ro", loop, folder)
    _run("losetup", "--detach", loop)  # once it is unmounted


def device(folder: Path) -> str:
    """`loop3` of a folder on /dev/loop3."""
    return Path(_run("findmnt", "-n", "-o", "SOURCE", folder).strip()).name
