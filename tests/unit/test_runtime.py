"""A running server is found, a dead one's file is not believed."""

import json
import os
import subprocess
import sys

from eventmill import runtime


def wrote(folder, **content):
    (folder / "runtime.json").write_text(json.dumps(content))


def test_nothing_there(tmp_path):
    assert runtime.find(tmp_path) is None


def test_a_live_server(tmp_path):
    words = [sys.executable, "-c", "print('up', flush=True); input()", "eventmill.parent"]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    wrote(tmp_path, pid=process.pid, collect=["127.0.0.1:1"], web="[::1]:2", ready=True, later="unknown")
    found = runtime.find(tmp_path)
    assert (found.collector_url, found.web_url, found.ready) == ("http://127.0.0.1:1", "http://[::1]:2", True)
    process.communicate(b"\n")
    assert runtime.find(tmp_path) is None


def test_another_program_under_the_old_number(tmp_path):
    process = subprocess.Popen(["sleep", "60"])
    try:
        wrote(tmp_path, pid=process.pid)
        assert runtime.find(tmp_path) is None
    finally:
        process.kill()
        process.wait()


def test_a_damaged_file(tmp_path):
    (tmp_path / "runtime.json").write_text('{"pid": ')
    assert runtime.find(tmp_path) is None
    wrote(tmp_path, pid=str(os.getpid()))
    assert runtime.find(tmp_path) is None
