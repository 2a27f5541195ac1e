"""The closing line of continuous integration: all tests of all runs, and no green after a run that died."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.tally import tally

ROOT = Path(__file__).parents[3]
ALONE = "===== 3 passed, 1 skipped, 700 deselected in 12.34s ====="
REST = "= 2 failed, 690 passed, 4 skipped, 1 xfailed, 2 warnings, 3 errors in 301.20s (0:05:01) ="


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (f"...\n{ALONE}\nmore\n{REST}\n", (693, 5, 6)),
        (f"{ALONE}\n===== 1 passed, 1 error in 0.10s =====", (4, 1, 1)),
        (f"\x1b[32m==== \x1b[1m5 passed\x1b[0m\x1b[32m in 1.00s\x1b[0m ====\x1b[0m\n{ALONE}", (8, 0, 1)),
        (f"==== 700 deselected in 0.30s ====\n{ALONE}", (3, 0, 1)),
        (f"==== no tests ran in 0.01s ====\n{ALONE}", (3, 0, 1)),
        ("says 9 passed in 1.00s\n==== FAILURES ====\n" + ALONE + "\n" + ALONE, (6, 0, 2)),
    ],
)
def test_all_runs_are_summed(log: str, expected: tuple[int, int, int]) -> None:
    counts = tally(log, 2)
    assert (counts["passed"], counts["failed"], counts["skipped"]) == expected


@pytest.mark.parametrize(("log", "dead"), [("", 2), (f"{ALONE}\nSegmentation fault\n", 1)])
def test_a_run_that_died_counts_as_failed(log: str, dead: int) -> None:
    assert tally(log, 2)["failed"] == dead


@pytest.mark.parametrize(
    ("log", "line", "code"),
    [(f"{ALONE}\n{ALONE}\n", "6 passed, 0 failed, 2 skipped\n", 0), (ALONE, "3 passed, 1 failed, 1 skipped\n", 1)],
)
def test_one_plain_line_and_the_exit_code(tmp_path: Path, log: str, line: str, code: int) -> None:
    path = tmp_path / "log"
    path.write_text(log)
    ended = subprocess.run(
        [sys.executable, "-m", "scripts.tally", str(path), "2"], capture_output=True, text=True, check=False
    )
    assert (ended.stdout, ended.returncode) == (line, code)


@pytest.mark.parametrize(
    ("setup", "check", "test", "line", "code"),
    [
        ("true", "true", f"echo '{ALONE}'; echo '{ALONE}'", "6 passed, 0 failed, 2 skipped", 0),
        ("true", "false", f"echo '{ALONE}'; echo '{ALONE}'", "6 passed, 0 failed, 2 skipped", 1),
        ("true", "true", f"echo '{ALONE}'; echo '{REST}'; exit 1", "693 passed, 5 failed, 6 skipped", 1),
        ("true", "true", f"echo '{ALONE}'; echo '{ALONE}'; exit 3", "6 passed, 0 failed, 2 skipped", 1),
        ("true", "true", f"echo '{ALONE}'", "3 passed, 1 failed, 1 skipped", 1),
        ("false", "true", "true", "0 passed, 2 failed, 0 skipped", 1),
    ],
    ids=["all is well", "check fails", "tests fail", "make fails", "a run dies in silence", "setup fails"],
)
def test_ci_ends_with_the_line(tmp_path: Path, setup: str, check: str, test: str, line: str, code: int) -> None:
    """The script itself, with a Makefile of ours."""
    for name in (".ci/run", "scripts/tally.py"):
        (tmp_path / name).parent.mkdir()
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "scripts" / "services.py").write_text("")
    (tmp_path / "Makefile").write_text(f"setup:\n\t@{setup}\ncheck:\n\t@{check}\ntest:\n\t@{test}\n")
    bin_ = tmp_path / ".venv" / "bin"
    bin_.mkdir(parents=True)
    (bin_ / "python").symlink_to(sys.executable)
    ended = subprocess.run([tmp_path / ".ci" / "run"], capture_output=True, text=True, check=False)
    assert ended.stdout.splitlines()[-1] == line, ended
    assert ended.returncode == code
