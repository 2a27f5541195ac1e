"""`make demo ARGS=--once`: the first thing that somebody tries."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def demo(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "examples" / "demo.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)


def test_once_prints_the_statistics_and_a_balanced_ledger(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    done = demo("--once", "--data", str(data))
    assert done.returncode == 0, done.stdout + done.stderr
    rows = dict(re.findall(r"│ (h5\S*)\s+│\s+(\d+) │", done.stdout))
    assert rows == {
        "h5": "100", "h5.pv": "100", "h5.pv.85": "100",
        "h5.pv.85.41": "30", "h5.pv.85.42": "20", "h5.pv.85.43": "50",
    }  # fmt: skip
    head = next(line for line in done.stdout.splitlines() if " key " in line)
    assert [column.strip() for column in head.strip("┃").split("┃")] == ["key", "pv", "uv"]
    (ledger,) = re.findall(r"ledger: .*", done.stdout)
    assert re.search(r"[1-9]\S* duplicate \+ [1-9]\S* rejected \+ 0 queued: balanced", ledger), ledger
    assert not (data / "runtime.json").exists(), "the server is still running"


def test_a_directory_of_somebody_else_is_not_emptied(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    done = demo("--once", "--data", str(tmp_path))
    assert done.returncode == 1
    assert "name another directory with --data" in done.stderr
    assert (tmp_path / "precious").exists()
