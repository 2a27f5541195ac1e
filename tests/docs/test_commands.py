"""Every command and program on a page runs, and says what the page shows."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.acceptance.server import ROOT, Server
from tests.docs.conftest import local, settled
from tests.docs.pages import blocks, name, pages, steps
from tests.docs.shell import Shell, missing

pytestmark = pytest.mark.xdist_group("docs")
RUNNABLE = [page for page in pages() if blocks(page, "console", "python")]
_TOPICS_S = 2.0
"""Twice the time in which a running server takes up a topic."""


@pytest.mark.parametrize("page", RUNNABLE, ids=name)
def test_commands(page: Path, served: Server, tmp_path: Path) -> None:
    env = {
        "PATH": f"{ROOT / '.venv' / 'bin'}:/usr/local/bin:/usr/bin:/bin:/usr/sbin",
        "EVENTMILL_DATA": str(served.data),
        "LC_ALL": "C.UTF-8",
        "CURL_HOME": str(tmp_path),
    }
    (tmp_path / ".curlrc").write_text("silent\nshow-error\n")  # its progress would run into the output
    with Shell(tmp_path, env) as shell:
        for block in blocks(page, "console", "python"):
            where = f"{name(page)}:{block.line}"
            if block.language == "python":
                settled(served)
                _run_program(local(block.text, served), tmp_path, env, where)
                continue
            for step in steps(block):
                if step.command.startswith("eventmill serve"):
                    continue  # that is the server which runs
                if step.command.startswith(("eventmill", "id=")) and not step.command.startswith("eventmill send"):
                    settled(served)
                code, lines = shell.run(local(step.command, served))
                assert code == step.code, f"{where}: {step.command}\n" + "\n".join(lines)
                lacking = missing(step.shown, lines)
                assert lacking is None, f"{where}: {step.command}\nshould print {lacking}\n" + "\n".join(lines)
                if step.command.startswith("eventmill topics add"):
                    time.sleep(_TOPICS_S)
    settled(served)
    assert served.api("ledger")["balanced"]


def _run_program(text: str, folder: Path, env: dict[str, str], where: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"{where}:\n{done.stderr}"
