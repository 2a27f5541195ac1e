"""The data directory's disk: does it keep what it says it keeps, how fast, and how much fits."""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from eventmill.commands.checks.finding import Finding, bad, ok, warn
from eventmill.settings import Settings, size

_WRITES = 50
_BYTES = 4096
_SLOW_MS = 30.0
_TOO_FAST_MS = 0.02
_GONE_AT_BOOT = {"tmpfs", "ramfs"}
_LAYERED = {"overlay", "aufs"}
_REMOTE = {"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "glusterfs", "ceph"}


def check(settings: Settings) -> Iterator[Finding]:
    """Writes and removes one small file in the data directory, or in the nearest directory above that exists."""
    folder = existing(settings.data_dir)
    if not os.access(folder, os.W_OK | os.X_OK):
        yield bad(
            "data", f"{folder} cannot be written", f"chown it to this user, or name another with --data ({user()})"
        )
        return
    yield ok("data", str(settings.data_dir) + ("" if folder == settings.data_dir else ", made at the first start"))
    yield _filesystem(folder)
    yield _fsync(folder)
    yield _space(folder, settings)


def existing(path: Path) -> Path:
    """The path, or the nearest one above it that exists."""
    while not path.exists():
        path = path.parent
    return path


def user() -> str:
    return f"uid {os.geteuid()}"


def fsync_times(folder: Path, writes: int = _WRITES) -> list[float]:
    """Milliseconds of each of some small appends with fsync, sorted."""
    times = []
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".eventmill-fsync-") as file:
        for _ in range(writes):
            file.write(os.urandom(_BYTES))
            file.flush()
            begun = time.perf_counter()
            os.fsync(file.fileno())
            times.append((time.perf_counter() - begun) * 1000)
    return sorted(times)


def filesystem(folder: Path) -> str:
    """The kind of file system that holds the folder, e.g. `ext4`; empty where it is not known."""
    found, longest = "", -1
    real = str(folder.resolve())
    try:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    for line in lines:
        _, point, kind, *_ = line.split(" ")
        point = point.replace("\\040", " ")
        inside = point in ("/", real) or real.startswith(point + "/")
        if inside and len(point) >= longest:
            found, longest = kind, len(point)
    return found


def _filesystem(folder: Path) -> Finding:
    kind = filesystem(folder)
    if kind in _GONE_AT_BOOT:
        return warn("file system", f"{kind}: what is acknowledged is gone after a restart", "put --data on a disk")
    if kind in _LAYERED:
        return warn("file system", f"{kind}: gone with the container", "mount a volume at the data directory")
    if kind in _REMOTE:
        return warn("file system", f"{kind}: locks and fsync depend on a server", "put --data on a local disk")
    return ok("file system", kind or "unknown")


def _fsync(folder: Path) -> Finding:
    try:
        times = fsync_times(folder)
    except OSError as error:
        return bad("fsync", f"{error}", "the disk cannot keep what is acknowledged: see `dmesg`, replace it")
    median, p99 = statistics.median(times), times[int(len(times) * 0.99)]
    text = f"median {median:.2f} ms, p99 {p99:.2f} ms over {len(times)} writes of {_BYTES} bytes"
    if median > _SLOW_MS:
        return warn(
            "fsync", text, "each answer waits so long; a disk with a power-protected cache is 10 to 100 × faster"
        )
    if median < _TOO_FAST_MS and filesystem(folder) not in _GONE_AT_BOOT:
        return warn(
            "fsync", f"{text}: too fast to be true", "no barriers (mount option), or a cache that lies: see `mount`"
        )
    return ok("fsync", text)


def _space(folder: Path, settings: Settings) -> Finding:
    disk = os.statvfs(folder)
    free, reserve = disk.f_bavail * disk.f_frsize, size(settings.queue.reserve)
    text = f"{free / 1e9:.1f} GB free, queue.reserve {settings.queue.reserve}, queue.quota {settings.queue.quota}"
    if free < reserve:
        return bad("space", f"{text}: the door answers 503", "free some space, or lower queue.reserve")
    if disk.f_files and disk.f_favail < 1000:
        return warn("space", f"only {disk.f_favail} inodes free", "remove small files, or use another disk")
    if free < 4 * reserve:
        return warn("space", text, "free some space: at queue.reserve the door answers 503")
    if free - reserve < size(settings.queue.quota):
        return warn("space", f"{text}: the disk is full before the quota is", "lower queue.quota, or add disk")
    return ok("space", text)
