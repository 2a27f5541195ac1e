"""The commands against a real server: what a person types, and what then is in the store."""

import json
import os
import pty
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.acceptance.server import PROGRAM, Server, run, until

INTERFACES = Path(__file__).parents[2] / "examples" / "config" / "interfaces.toml"
IN_FORCE_S = 1.0
"""A change of topics is in force in every process after so long: part of the public interface."""


def ok(*words: str) -> str:
    done = run(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def failed(*words: str, code: int = 1) -> str:
    done = run(*words)
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stderr.startswith("eventmill: "), done.stderr
    return done.stderr


def written(path: Path, events: list[object]) -> Path:
    path.write_text("".join((e if isinstance(e, str) else json.dumps(e)) + "\n" for e in events))
    return path


def test_one_event_with_all_its_fields(server: Server) -> None:
    said = ok(
        "send", "h5", "pv", "85", "41", "--user", "ann", "--session", "s1", "--site", "shop", "--page",
        "https://shop.example/a", "--referrer", "https://www.google.com/", "--id", "one", "--prop", "price=9.90",
        "--prop", "code=007", "--prop", "language=de", "--data", str(server.data),
    )  # fmt: skip
    assert said == "accepted 1\n"
    server.drain()
    columns = "category, action, label, value, user, session, url, referrer, language, props"
    ((*fields, props),) = server.events(columns, "id = 'one'")
    assert fields == ["h5", "pv", "85", "41", "ann", "s1", "https://shop.example/a", "https://www.google.com/", "de"]
    assert json.loads(props) == {"price": 9.9, "code": "007"}


def test_the_same_id_is_counted_once_and_traced(server: Server) -> None:
    for _ in range(3):
        ok("send", "twice", "--id", "two", "--url", f"127.0.0.1:{server.collect_port}")
    server.drain()
    assert len(server.events("id", "category = 'twice'")) == 1
    assert "stored" in ok("trace", "two", "--data", str(server.data))


def test_without_an_id_each_is_an_event(server: Server) -> None:
    for _ in range(2):
        assert json.loads(ok("send", "each", "--json", "--data", str(server.data))) == {"accepted": 1}
    server.drain()
    assert len(server.events("id", "category = 'each'")) == 2


def test_a_file_again_adds_nothing(server: Server, tmp_path: Path) -> None:
    file = written(tmp_path / "e.ndjson", [{"category": "file", "label": str(n)} for n in range(2500)])
    words = ("send", "--file", str(file), "--data", str(server.data))
    assert ok(*words) == "accepted 2,500, refused 0, requests sent again 0\n"
    assert json.loads(ok(*words, "--json")) == {"accepted": 2500, "refused": 0, "retries": 0, "refusals": []}
    total = server.drain()
    assert server.sql("SELECT count(), uniqExact(label) FROM events WHERE category = 'file'") == [[2500, 2500]]
    assert total["duplicate"] >= 2500


def test_bad_lines_are_named_and_cost_no_good_one(server: Server, tmp_path: Path) -> None:
    lines = [{"category": "mixed", "label": str(n)} for n in range(50)]
    lines[7:7] = ['{"category": "mixed"']
    lines[20:20] = ["[1, 2]", '{"category": "mixed", "label": "\\ud800"', ""]
    done = run("send", "--file", str(written(tmp_path / "m", lines)), "--data", str(server.data))
    assert done.returncode == 1
    assert "accepted 50, refused 3" in done.stdout
    assert "line 8: " in done.stderr
    server.drain()
    assert server.sql("SELECT count() FROM events WHERE category = 'mixed'") == [[50]]


def test_what_only_the_door_can_see_is_found_by_halving(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "utf8"
    good = [json.dumps({"category": "halved", "label": str(n)}).encode() for n in range(40)]
    file.write_bytes(b"\n".join([*good[:13], b'{"category": "halved", "label": "\xff"}', *good[13:]]))
    done = run("send", "--file", str(file), "--data", str(server.data))
    assert (done.returncode, "accepted 40, refused 1" in done.stdout) == (1, True), done.stdout
    assert "line 14: " in done.stderr
    server.drain()
    assert server.sql("SELECT count() FROM events WHERE category = 'halved'") == [[40]]


def test_stdin(server: Server) -> None:
    lines = "".join(json.dumps({"category": "piped", "label": str(n)}) + "\n" for n in range(30))
    words = [str(PROGRAM), "send", "--file", "-", "--data", str(server.data)]
    for _ in range(2):
        assert subprocess.run(words, input=lines, text=True, capture_output=True, check=True).stderr == ""
    server.drain()
    assert server.sql("SELECT count() FROM events WHERE category = 'piped'") == [[60]]


def test_a_bar_on_a_terminal_only_on_stderr(server: Server, tmp_path: Path) -> None:
    file = written(tmp_path / "bar", [{"category": "bar"}] * 2000)
    ours, theirs = pty.openpty()
    words = [str(PROGRAM), "send", "--file", str(file), "--data", str(server.data)]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=theirs, env=environment)
    os.close(theirs)
    stdout, _ = process.communicate(timeout=60)
    drawn = os.read(ours, 65536).decode()
    os.close(ours)
    assert stdout == b"accepted 2,000, refused 0, requests sent again 0\n"
    assert "2,000 events" in drawn


def test_a_restart_under_a_file_loses_and_doubles_nothing(tmp_path: Path) -> None:
    count = 120_000
    file = written(tmp_path / "long", [{"category": "long", "label": str(n)} for n in range(count)])
    with Server(tmp_path / "data", collectors=2) as server:
        words = [str(PROGRAM), "send", "--file", str(file), "--url", f"http://127.0.0.1:{server.collect_port}"]
        sender = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        until(lambda: server.api("ledger")["total"]["received"] > 0, "the first batch")
        assert server.process is not None
        os.kill(server.pid("collector-0"), signal.SIGKILL)
        os.kill(server.pid("collector-1"), signal.SIGKILL)
        server.restart()
        stdout, _ = sender.communicate(timeout=120)
        assert sender.returncode == 0, stdout
        assert stdout.startswith(f"accepted {count:,}, refused 0"), stdout
        server.drain()
        assert server.sql("SELECT count(), uniqExact(label) FROM events") == [[count, count]]


def test_topics_are_in_force_within_a_second(server: Server) -> None:
    data = ("--data", str(server.data))
    assert "`eventmill topics add order` adds it" in failed("send", "x", "--topic", "order", *data)
    ok("topics", "add", "order", "--alias", "/order", "--field", "amount:number,required,min=0", *data)
    time.sleep(IN_FORCE_S)
    assert server.post({"amount": 1}, "/t/order").status == 200
    reply = server.send("/order", "amount=2", {"Content-Type": "application/x-www-form-urlencoded"})
    assert (reply.status, reply.body) == (200, b"OK")
    ok("send", "--topic", "order", "--prop", "amount=-1", *data)
    ok("send", "--topic", "order", "--prop", "total=1", *data)
    server.drain()
    assert {reason for reason, _ in server.rejects()} >= {"invalid_field", "missing_field"}
    assert "order" in ok("topics", "list", *data)
    ok("topics", "remove", "order", *data)
    time.sleep(IN_FORCE_S)
    assert server.post({"amount": 1}, "/t/order").status == 404


def test_doctor_knows_the_running_server(server: Server) -> None:
    where = ("--data", str(server.data))
    environment = {
        **os.environ,
        "EVENTMILL_COLLECT_LISTEN": f"127.0.0.1:{server.collect_port}",
        "EVENTMILL_WEB_LISTEN": f"127.0.0.1:{server.web_port}",
    }
    words = [str(PROGRAM), "doctor", "--json", *where]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=True)
    found = {line["check"]: line for line in json.loads(done.stdout)}
    assert "held by the running server" in found["collect.listen"]["text"]
    assert "held by the running server" in found["web.listen"]["text"]
    assert {found[name]["level"] for name in ("server", "collector", "API", "queue")} == {"ok"}


def test_the_ledger_balances(server: Server) -> None:
    server.drain()
    assert json.loads(ok("ledger", "--json", "--data", str(server.data)))["balanced"] is True


def test_nobody_listens(tmp_path: Path) -> None:
    words = ("send", "x", "--url", "127.0.0.1:9", "--patience", "0.2", "--data", str(tmp_path))
    assert "`eventmill serve` starts one, --url names another" in failed(*words)


@pytest.mark.parametrize(
    ("words", "mend"),
    [
        (("send",), "eventmill send CATEGORY"),
        (("send", "x", "--file", "y"), "leave out category"),
        (("send", "x", "--prop", "y"), "write NAME=VALUE"),
        (("send", "x", "--prop", "user=y"), "has an argument or option of its own"),
        (("send", "x", "--config", "/nowhere.toml"), "`eventmill init` writes one"),
    ],
)
def test_wrong_use(words: tuple[str, ...], mend: str) -> None:
    assert mend in failed(*words, code=2)


def test_a_file_that_is_not_there() -> None:
    assert "No such file" in failed("send", "--file", "/nowhere.ndjson")


COMMANDS = (
    "init", "serve", "collect", "work", "web", "send", "live", "trace", "ledger", "sql", "doctor", "bench",
    "query counts", "query series", "query top", "rejects list", "rejects show", "rejects replay",
    "topics list", "topics add", "topics remove",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches(command: str) -> None:
    assert len(ok(*command.split(), "--help").splitlines()) > 8


def test_the_six_interfaces(tmp_path: Path) -> None:
    counts = {"identity": 7, "financial": 4, "internet": 5, "social": 3, "trip": 3, "communication": 4}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    with Server(tmp_path / "data", INTERFACES) as server:
        for name, count in counts.items():
            for sent in (count, count + 1):
                body = "&".join(f"test{n:02}={n}" for n in range(sent))
                reply = server.send(f"/{name}_pro", body, form)
                assert (reply.status, reply.body) == (200, b"OK")
            assert server.send(f"/{name}_pro").status == 405
        total = server.drain()
        assert (total["stored"], total["rejected"]) == (6, 6)
        assert {reason for reason, _ in server.rejects()} == {"field_count"}
        groups = {row[0] for row in server.sql("SELECT DISTINCT topic FROM events")}
        assert groups == {f"{name}_pro" for name in counts}
