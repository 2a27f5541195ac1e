"""The peers' own virtual environment: nothing of theirs gets into eventmill's lock file."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.part import UnavailableError, say

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / ".cache" / "bench-venv"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def python() -> Path:
    """Its interpreter; makes it where it is missing or its packages changed. Raises `UnavailableError`."""
    program, stamp = FOLDER / "bin" / "python", FOLDER / "made-from"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted and program.exists():
        return program
    say(f"making {FOLDER.relative_to(ROOT)} for the peers")
    uv = _uv()
    # Without VIRTUAL_ENV: an environment that happens to be active is not ours to fill.
    env = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    for command in (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(FOLDER)],
        [uv, "pip", "install", "--quiet", "--python", str(program), "-r", str(REQUIREMENTS)],
    ):
        done = subprocess.run(command, check=False, env=env, stdout=sys.stderr)
        if done.returncode:
            raise UnavailableError(f"the peers' packages cannot be installed: {command[1]} failed")
    stamp.write_text(wanted)
    return program


def _uv() -> str:
    """As scripts/setup finds it: on PATH if it runs (it may be a shim for nothing), else the one that it made."""
    for candidate in (shutil.which("uv"), ROOT / ".cache" / "uv" / "bin" / "uv"):
        if candidate and Path(candidate).exists():
            tried = subprocess.run([candidate, "--version"], check=False, capture_output=True)
            if tried.returncode == 0:
                return str(candidate)
    raise UnavailableError("no uv found; scripts/setup installs it")
