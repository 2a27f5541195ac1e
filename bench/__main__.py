"""Measures this machine and prints one table: what, measured, must reach, aim, command.

    python -m bench [--quick | --full] [--only door,honesty,...] [--json FILE]
    python -m bench --readme [--json FILE]

Each part runs alone, one after the other, in a process of its own. The usual measurement takes up to 20 minutes;
`--quick` shows in two that everything works; `--full` fills the store up to 50 M rows and takes an hour or more.
What was measured is written to `.cache/bench.json`, from which `--readme` prints the Markdown table of README.
"""

import argparse
import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.part import Watch, add_doses
from bench.table import Part, markdown, show

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / ".cache" / "bench.json"
# Seconds that a part may take, and what those before it left over: together 20 minutes, those whose time depends
# most on the machine at the end. A part that is cut off says so in the table.
PARTS = {
    "door": 90, "honesty": 75, "peers": 95, "idle": 40, "singles": 80, "batches": 110, "flat": 160, "query": 250,
    "dashboard": 400, "behaviour": 600, "queues": 120,
}  # fmt: skip
ASKED_FOR = frozenset({"behaviour", "queues"})
"""Measured where they are named, or with --full."""
FULL = 12  # times as long with --full
_END_S = 20  # for a part that was cut off to end its servers


def machine() -> dict[str, Any]:
    """What the figures belong to."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        commit = subprocess.run(
            ["git", "describe", "--always", "--dirty"], cwd=ROOT, check=False, capture_output=True, text=True
        ).stdout.strip()
        return {
            "cpu": model, "cores": len(os.sched_getaffinity(0)), "memory_gb": round(memory),
            "system": f"Linux {platform.release()}", "python": platform.python_version(), "commit": commit,
        }  # fmt: skip
    return {"cpu": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}


def run(name: str, options: list[str], limit: float) -> Part:
    """One part in its own process, and who else used the machine meanwhile."""
    watch = Watch()
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "rows.json")
        command = [sys.executable, "-m", f"bench.{name}", "--rows-to", str(answer), *options]
        # A session of its own: Ctrl-C reaches the part once, from here, and its servers are ended by it.
        with subprocess.Popen(command, cwd=ROOT, start_new_session=True) as process:
            failed = ""
            try:
                process.wait(limit)
            except subprocess.TimeoutExpired:
                failed = f"not finished after {limit:.0f} s"
            finally:
                _end(process)
        if answer.exists():
            part = Part.from_json(json.loads(answer.read_text()))
        else:
            part = Part(name, failed=failed or f"ended with {process.returncode}; its messages are above")
    watch.fill(part)
    return part


def _end(process: subprocess.Popen[bytes]) -> None:
    """Interrupts a part that still runs, so that it ends its own servers."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def heading(result: dict[str, Any]) -> str:
    found = result["machine"]
    words = (
        f"{found['cpu']}, {found['cores']} cores", f"{found.get('memory_gb', '?')} GB", found.get("system", ""),
        f"Python {found['python']}", f"commit {found.get('commit', '?')}", result["when"][:10],
    )  # fmt: skip
    return ", ".join(word for word in words if word) + ("; quick run, rough figures" if result["quick"] else "")


def readme(result: dict[str, Any]) -> str:
    parts = [Part.from_json(stored) for stored in result["parts"]]
    return f"{heading(result)}.\n\n{markdown(parts)}"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_doses(parser)
    parser.add_argument("--only", help="comma-separated: " + ", ".join(PARTS))
    parser.add_argument("--json", type=Path, default=RESULT, metavar="FILE", help="default: .cache/bench.json")
    parser.add_argument("--readme", action="store_true", help="measure nothing; print the table of the last run")
    given = parser.parse_args()
    if given.readme:
        if not given.json.exists():
            parser.error(f"{given.json} does not exist: run `make bench` first")
        print(readme(json.loads(given.json.read_text())))
        return 0
    usual = [name for name in PARTS if given.full or name not in ASKED_FOR]
    names = given.only.split(",") if given.only else usual
    if unknown := sorted(set(names) - set(PARTS)):
        parser.error(f"--only knows no {', '.join(unknown)}; there are {', '.join(PARTS)}")
    options = ["--quick"] * given.quick + ["--full"] * given.full
    result: dict[str, Any] = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine(), "quick": given.quick,
        "full": given.full, "parts": [],
    }  # fmt: skip
    parts: list[Part] = []
    began, allowed = time.monotonic(), 0.0
    for number, name in enumerate(names, 1):
        print(f"[{number}/{len(names)}] {name}, {time.monotonic() - began:.0f} s so far", file=sys.stderr, flush=True)
        allowed += PARTS[name] * (FULL if given.full else 1)
        try:
            parts.append(run(name, options, max(10.0, began + allowed - time.monotonic())))
        except KeyboardInterrupt:
            print(f"interrupted; the parts before {name} are in {given.json}", file=sys.stderr)
            return 130
        print(f"   {parts[-1].seconds:.0f} s, {parts[-1].quiet()}", file=sys.stderr, flush=True)
        # After each part: what was measured is kept when a later part is interrupted.
        result["parts"] = [part.as_json() for part in parts]
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(heading(result), highlight=False)
    show(parts, console)
    for part in parts:
        console.print(f"{part.name:8} {part.seconds:4.0f} s  {part.quiet()}", highlight=False)
    missed = [row.name for part in parts for row in part.rows if row.met == "no" and not row.detail]
    broken = [part.name for part in parts if part.failed]
    console.print(f"missed: {len(missed)}" + (f"; failed: {', '.join(broken)}" if broken else ""), highlight=False)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
