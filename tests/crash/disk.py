"""A disk whose power can be cut: ext4 in a file. What was not synced is gone afterwards, as on a real machine."""

import fcntl
import os
import struct
import subprocess
from pathlib import Path

from tests.acceptance.server import until

_SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN
_NO_LOG_FLUSH = 2


class Disk:
    """Mounted at `path` between `mount` and `unmount`."""

    def __init__(self, folder: Path, size: str = "1G") -> None:
        """Makes the image. Raises CalledProcessError or OSError where this machine does not allow it."""
        self._image, self.path = folder / "disk.img", folder / "disk"
        self.path.mkdir()
        run("truncate", "-s", size, str(self._image))
        run("mkfs.ext4", "-q", str(self._image))

    def mount(self) -> None:
        run("mount", "-o", "loop", str(self._image), str(self.path))

    def cut(self) -> None:
        """From here on nothing reaches the disk, not even the journal of what was written before."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, struct.pack("i", _NO_LOG_FLUSH))
        finally:
            os.close(descriptor)

    def unmount(self) -> None:
        if os.path.ismount(self.path):
            until(lambda: run("umount", str(self.path), check=False) == 0, "the end of those who use the disk", 20)


def run(*words: str, check: bool = True) -> int:
    return subprocess.run(words, check=check, capture_output=True, timeout=60).returncode


def why_not(folder: Path) -> str | None:
    """Why power cuts cannot be tried here; None where they can. Tries one, since nothing else tells."""
    if os.geteuid() != 0:
        return "power cuts need root (mount)"
    try:
        disk = Disk(folder, "64M")
        disk.mount()
    except subprocess.CalledProcessError as error:
        return f"{' '.join(error.cmd)}: {error.stderr.decode().strip()}"
    except OSError as error:
        return f"{error.filename}: {error.strerror}"
    try:
        disk.cut()
    except OSError as error:
        return f"this kernel does not shut ext4 down: {error.strerror}"
    finally:
        disk.unmount()
    return None
