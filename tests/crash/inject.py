"""Faults put into a running process's system calls, through strace: a kill, an error, a delay at the N-th call."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.acceptance.server import until


@contextmanager
def injected(strace: Path, pid: int, call: str, fault: str) -> Iterator[subprocess.Popen[bytes]]:
    """`fault` as strace writes it, e.g. `error=EIO:when=3`; counted per thread from now on. Ends with the block."""
    command = [str(strace), "-f", "-qqq", "-o", "/dev/null", "-p", str(pid), "-e", f"trace={call}"]
    process = subprocess.Popen([*command, "-e", f"inject={call}:{fault}"], stderr=subprocess.PIPE)
    try:
        until(lambda: _traced(pid) or process.poll() is not None, f"strace on {pid}")
        time.sleep(0.05)  # the other threads are seized after the first
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate()


def _traced(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True  # killed already by what was injected
    return "TracerPid:\t0\n" not in status
