"""The security checklist: which tests hold which item, and the items that have no better place.

`ITEMS` is checked: each test that it names exists. What the items say in full: the faults and security reference.
"""

import ast
import json
import logging
import re
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from eventmill.query.ask import QUESTIONS
from eventmill.registry import tokens
from eventmill.registry.keys import add_key
from eventmill.registry.password import password_hash
from eventmill.store.base import QueryRefused
from eventmill.web import auth
from tests.stored_events import frame, row
from tests.unit.web.conftest import Server
from tests.unit.web.test_keys import asked

API = "/api/v1"
TESTS = Path(__file__).resolve().parents[2]
HERE = "unit/web/test_security.py"
ITEMS: dict[int, tuple[str, list[str]]] = {
    2: ("CSP without inline script", [
        f"{HERE}::test_item_2_pages_have_no_inline_script",
        "unit/web/test_guard.py::test_security_headers_everywhere",
        "unit/web/test_shares.py::test_only_pages_under_embed_may_stand_in_a_frame",
    ]),
    3: ("SQL injection, second order too", [
        f"{HERE}::test_item_3_no_parameter_of_any_question_becomes_sql",
        f"{HERE}::test_item_3_what_was_stored_stays_a_value_when_it_is_asked_with",
        "unit/web/test_api.py::test_injection_stays_a_value",
        "unit/web/test_fuzz.py::test_schemathesis",
    ]),
    4: ("the query connection reads, and stays inside", [
        f"{HERE}::test_item_4_a_query_cannot_reach_out", f"{HERE}::test_item_4_a_query_cannot_lift_its_limits",
        "unit/store/test_guard.py::test_everything_else_is_refused",
        "unit/store/test_clickhouse.py::test_reads_stay_inside",
    ]),
    6: ("path traversal", [
        f"{HERE}::test_item_6_no_path_leads_out",
        "unit/test_topics.py::test_errors_name_the_topic",
        "unit/web/test_shares.py::test_a_view_is_a_path_of_this_server",
    ]),
    7: ("log injection in our own logs", [f"{HERE}::test_item_7_nobody_writes_into_our_log"]),
    8: ("CSV injection in exports", [
        "unit/query/test_export.py::test_formulas_are_text", f"{HERE}::test_item_8_an_export_has_no_formula",
    ]),
    9: ("bytes after decompression", ["unit/collect/test_inflate.py::test_bombs_are_413_with_bounded_memory"]),
    10: ("depth of JSON", [
        f"{HERE}::test_item_10_depth_at_the_api", "faults/test_numbers.py::test_depth_is_refused_before_it_costs",
    ]),
    11: ("slow clients, large heads, smuggling", [
        "unit/collect/test_http.py::test_malformed_and_smuggling_shapes", "unit/collect/test_http.py::test_too_much",
        "faults/test_connections.py::test_2000_slow_clients_are_closed_and_others_served_as_fast_as_without",
    ]),
    12: ("CORS: the door without credentials, the API by its list", [
        "unit/collect/test_http.py::test_cors_on_success_error_and_preflight",
        "unit/web/test_domains.py::test_item_12_cors_by_the_list",
    ]),
    13: ("Referer and Origin filter, and do not authenticate", [
        "unit/web/test_domains.py::test_item_13_look_alikes_are_refused",
        "unit/web/test_domains.py::test_item_13_the_filter_is_no_authentication",
    ]),
    14: ("scopes of keys, of one site; no default password", [
        f"{HERE}::test_item_14_there_is_no_password_until_one_is_set",
        "unit/web/test_keys.py::test_an_admin_key_may_everything",
        "unit/web/test_keys.py::test_a_read_key_reads_and_changes_nothing",
        "unit/web/test_keys.py::test_a_write_key_reads_nothing",
        "unit/collect/test_door_keys.py::test_a_wrong_key_is_401_and_nothing_is_kept",
        "unit/web/test_guard.py::test_other_addresses_need_a_password_or_a_key",
    ]),
    15: ("keys hashed at rest, never in logs or URLs", [
        "unit/web/test_keys.py::test_item_15_keys_are_hashed_at_rest_and_not_in_logs",
        "unit/web/test_keys.py::test_item_15_keys_are_not_taken_from_urls",
        "unit/collect/test_door_keys.py::test_the_file_holds_no_key",
    ]),
    16: ("secrets compared in constant time", [f"{HERE}::test_item_16_secrets_are_compared_in_constant_time"]),
    17: ("sessions rotate; forged changes", [
        "unit/web/test_session.py::test_item_17_a_sign_in_makes_a_new_session_and_ends_the_old",
        "unit/web/test_session.py::test_item_17_pages_of_others_change_nothing_with_the_cookie",
        "unit/web/test_session.py::test_item_17_nor_without_one_on_loopback",
    ]),
    18: ("a key or a link of one site sees that site only", [
        "unit/web/test_keys.py::test_item_18_a_key_of_one_site_sees_that_site_only",
        "unit/web/test_keys.py::test_item_18_the_rest_is_closed_to_a_key_of_one_site",
        "unit/web/test_keys.py::test_item_18_no_spelling_of_the_query_widens_it",
        "unit/web/test_shares.py::test_item_18_a_share_reads_its_site_and_nothing_else",
    ]),
    19: ("label cardinality of metrics", ["unit/web/test_metrics.py::test_the_page_reads_as_prometheus_does"]),
    20: ("addresses truncated before they are written; trusted proxies", [
        "unit/collect/test_privacy.py::test_no_full_address_reaches_the_writer",
        "unit/collect/test_privacy.py::test_forwarded_is_ignored_from_strangers",
    ]),
}  # fmt: skip
"""Items 1 (stored XSS) and 5 (SSRF) are held by tests/web and tests/unit/alerts."""
EVIL = [
    "'", "' OR 1=1 -- ", "'; DROP TABLE events; --", "\\'", "`", '"', "{a:String}",
    "a' UNION SELECT * FROM system.users --", "1) OR (1=1", "/*", "x\x00y", "%' OR ''='",
    "${jndi:ldap://x}", "file('/etc/passwd')",
]  # fmt: skip


@pytest.mark.parametrize(
    "named", [pytest.param(name, id=f"{n} {name}") for n, (_, names) in ITEMS.items() for name in names]
)
def test_the_tests_that_are_named_exist(named: str) -> None:
    file, _, function = named.partition("::")
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_item_2_pages_have_no_inline_script(server: Server) -> None:
    from eventmill.web.assets import PAGES

    for path in PAGES:
        answer = server.client.get(path)
        assert answer.headers["content-type"].startswith("text/html")
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "'unsafe" not in policy
        for tag, body in re.findall(r"<script\b([^>]*)>(.*?)</script>", answer.text, re.DOTALL | re.IGNORECASE):
            assert re.search(r'\bsrc="/[^/]', tag)
            assert not body.strip()
        assert not re.search(r"<style\b|\son\w+\s*=|javascript:|\sstyle\s*=", answer.text, re.IGNORECASE)
        assert not re.search(r'(?:src|href)="(?:https?:)?//', answer.text)


def test_item_3_no_parameter_of_any_question_becomes_sql(server: Server) -> None:
    before = server.client.get(f"{API}/counts", params=asked("counts")).json()
    for name, question in QUESTIONS.items():
        for parameter in question.parameters:
            for evil in EVIL:
                answer = server.client.get(f"{API}/{name}", params=asked(name, **{parameter: evil}))
                assert answer.status_code in (200, 400), (name, parameter, evil, answer.text)
                text = answer.json().get("detail", "")
                assert "Code:" not in text, (name, parameter, evil, text)
    for evil in EVIL:
        for path in (f"events/{evil}", f"rejects/{evil}", f"keys/{evil}", f"domains/{evil}", f"sites/{evil}"):
            method = "GET" if path[0] in "er" else "DELETE"
            url = f"{API}/{httpx.QueryParams({'x': path})}"[: len(API) + 1] + path.replace("%", "%25").replace(
                "?", "%3F"
            )
            assert server.client.request(method, url.replace("\x00", "%00")).status_code in (400, 404), path
    assert server.client.get(f"{API}/counts", params=asked("counts")).json() == before


def test_item_3_what_was_stored_stays_a_value_when_it_is_asked_with(server: Server) -> None:
    at = datetime(2026, 11, 17, tzinfo=UTC)
    fields = ("category", "label", "user", "site", "browser")
    stored = [row(at, **dict.fromkeys(fields, evil)) for evil in EVIL]
    server.services.sources.store.insert("events", frame(stored))
    day = {"from": "2026-11-17", "to": "2026-11-17"}
    for field in fields:
        listed = server.client.get(f"{API}/top", params={**day, "dimension": field, "limit": "100"}).json()["data"]
        assert {item["value"] for item in listed} == {*EVIL}
        for item in listed:
            filters = json.dumps([["is", field, item["value"]]])
            answer = server.client.get(f"{API}/series", params={**day, "filters": filters})
            if "\x00" in item["value"]:
                assert answer.status_code == 400
                continue
            assert sum(point["pv"] for point in answer.json()["data"]) == 1, (field, item)


@pytest.mark.parametrize("statement", [
    "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')", "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT * FROM s3('http://127.0.0.1:1/b/k', 'CSV')", "SELECT * FROM postgresql('127.0.0.1:1','d','t','u','p')",
    "SELECT * FROM executable('id', 'TSV', 'a String')", "SELECT * FROM mysql('127.0.0.1:1','d','t','u','p')",
    "SELECT * FROM remote('127.0.0.1:1', system.one)", "SELECT * FROM sqlite('/tmp/x', 't')",
    "SELECT * FROM (SELECT * FROM url('http://127.0.0.1:1/', 'CSV'))",
    "WITH x AS (SELECT file('/etc/passwd')) SELECT * FROM x",
    "SELECT * FROM cluster('default', system.one)", "SELECT * FROM hdfs('hdfs://127.0.0.1:1/x', 'TSV')",
    "SELECT * FROM mongodb('127.0.0.1:1','d','c','u','p','a String')",
    "SELECT * FROM redis('127.0.0.1:1','k','k String')",
    "INSERT INTO events SELECT * FROM events", "ALTER TABLE events DELETE WHERE 1", "SYSTEM SHUTDOWN",
    "SELECT 1 INTO OUTFILE '/tmp/eventmill-out'", "CREATE TABLE x (a Int8) ENGINE=Memory", "SET readonly = 0",
    "SELECT 1; DROP TABLE events", "GRANT ALL ON *.* TO default", "ATTACH TABLE x",
    "/**/ SELECT * FROM/**/url ('http://127.0.0.1:1/','CSV')", "SELECT * FROM `url`('http://127.0.0.1:1/','CSV')",
])  # fmt: skip
def test_item_4_a_query_cannot_reach_out(server: Server, statement: str) -> None:
    answer = server.client.post(f"{API}/sql", json={"query": statement})
    assert answer.status_code == 400, answer.text
    assert "root:" not in answer.text
    with pytest.raises(QueryRefused):
        server.services.sources.store.query(statement)
    assert not Path("/tmp/eventmill-out").exists()


@pytest.mark.parametrize("setting", ["readonly", "max_memory_usage", "max_execution_time"])
def test_item_4_a_query_cannot_lift_its_limits(server: Server, setting: str) -> None:
    def ask(statement: str) -> httpx.Response:
        return server.client.post(f"{API}/sql", json={"query": statement})

    asked_for = f"SELECT toString(getSetting('{setting}')) AS s"
    before = ask(asked_for).json()["data"]
    for statement in (f"{asked_for} SETTINGS {setting} = 0", f"SELECT * FROM ({asked_for} SETTINGS {setting} = 0)"):
        answer = ask(statement)
        assert answer.status_code == 400 or answer.json()["data"] == before


@pytest.mark.parametrize("path", [
    "/static/../../../../etc/passwd", "/static/..%2f..%2f..%2fetc%2fpasswd", "/static/%2e%2e/%2e%2e/guard.py",
    "/static/....//....//etc/passwd", "/..%2f..%2fetc/passwd", "/static/%00", "/static//etc/passwd",
    "/api/v1/rejects/..%2f..%2fetc%2fpasswd", "/api/v1/events/..%2f..%2fetc%2fpasswd", "/share/..%2f..%2fetc%2fpasswd",
    "/embed/..%2f..%2f/x", "/static/..%5c..%5cguard.py",
])  # fmt: skip
def test_item_6_no_path_leads_out(server: Server, path: str) -> None:
    url = server.client.base_url.copy_with(raw_path=path.encode())
    with httpx.Client(timeout=20) as client:
        answer = client.get(url)
    assert answer.status_code in (400, 404)
    assert "root:" not in answer.text
    assert "import" not in answer.text
    folder = server.settings.data_dir
    before = {*folder.rglob("*")}
    for name in ("../../x", "..", "/etc/x", "a\\..\\b"):
        server.client.post(f"{API}/sites", json={"name": name})
        server.client.post(f"{API}/keys", json={"name": name, "scope": "write", "site": name})
        server.client.get(f"{API}/counts", params=asked("counts", site=name, topic=name))
    grown = {item for item in {*folder.rglob("*")} - before if folder / "store" not in item.parents}
    assert grown <= {folder / ".door-keys.json.lock", folder / "door-keys.json", folder / "settings.sqlite-journal"}
    assert not (folder.parent.parent / "x").exists()


def test_item_7_nobody_writes_into_our_log(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    forged = "INJECTED\r\nERROR root: INJECTED\x1b[31m"
    escaped = {"user-agent": "INJECTED", "origin": "http://INJECTED.example", "referer": "http://INJECTED/%0aERROR"}
    with caplog.at_level(logging.DEBUG):
        server.client.get(f"{API}/counts", params={"site": forged, "from": forged})
        server.client.get(f"{API}/events/INJECTED%0d%0aERROR", headers=escaped)
        server.client.get("/INJECTED%0d%0aERROR", headers={"authorization": "Bearer INJECTED"})
        server.client.post(f"{API}/session", json={"password": forged})
        server.client.post(f"{API}/domains", json={"host": forged})
        server.client.post(f"{API}/sql", json={"query": f"SELECT '{forged}' FROM nothing"})
        server.client.post(f"{API}/keys", content=forged.encode(), headers={"content-type": "application/json"})
    ours = [record for record in caplog.records if record.name.startswith(("eventmill", "uvicorn", "litestar"))]
    forging = [message for message in map(logging.LogRecord.getMessage, ours) if re.search(r"[\x00-\x1f\x7f]", message)]
    assert not forging  # one request, one line, without anything that steers a terminal


def test_item_8_an_export_has_no_formula(server: Server) -> None:
    at = datetime(2026, 11, 16, tzinfo=UTC)
    evil = ["=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\r=1", "plain"]
    server.services.sources.store.insert("events", frame([row(at, label=text, category="csv") for text in evil]))
    params = {"from": "2026-11-16", "to": "2026-11-16", "dimension": "label", "format": "csv"}
    answer = server.client.get(f"{API}/top", params=params)
    assert answer.headers["content-type"].startswith("text/csv")
    import csv
    import io

    cells = [line[0] for line in csv.reader(io.StringIO(answer.text, newline=""))][1:]
    assert len(cells) == len(evil)
    for cell in cells:
        assert cell == "plain" or cell.startswith("'") or re.fullmatch(r"[+-]\d+", cell), cell


@pytest.mark.parametrize("depth", [100, 10_000, 900_000])
def test_item_10_depth_at_the_api(server: Server, depth: int) -> None:
    deep = "[" * depth
    given = {"content-type": "application/json"}
    for path in ("keys", "domains", "sites", "shares", "goals", "alerts", "session", "sql", "forget", "rejects/replay"):
        for body in (deep, '{"name":' + deep, '{"x":' + '{"a":' * (depth // 5)):
            answer = server.client.post(f"{API}/{path}", content=body.encode(), headers=given)
            assert answer.status_code in (400, 503), (path, answer.text)
    if depth <= 10_000:
        for name in ("filters", "steps", "again"):
            for question, known in QUESTIONS.items():
                if name in known.parameters:
                    answer = server.client.get(f"{API}/{question}", params=asked(question, **{name: deep}))
                    assert answer.status_code == 400, (question, name)
    assert server.client.get(f"{API}/lag").status_code == 200


def test_item_14_there_is_no_password_until_one_is_set(server: Server) -> None:
    registry = server.services.registry
    assert registry is not None
    assert password_hash(registry) == ""
    for guess in ("", "admin", "password", "eventmill"):
        assert server.client.post(f"{API}/session", json={"password": guess}).status_code == 409


def test_item_16_secrets_are_compared_in_constant_time(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    real = tokens.hmac.compare_digest

    class Watched:
        @staticmethod
        def compare_digest(one, other) -> bool:
            compared.append((one, other))
            return real(one, other)

    monkeypatch.setattr(tokens, "hmac", Watched)
    key = add_key(server.services.registry, "timed", "read")[1]  # type: ignore[arg-type]
    assert server.client.get(f"{API}/lag", headers={"authorization": f"Bearer {key}"}).status_code == 200
    assert compared == [(tokens.hash_of(key).encode(),) * 2]
    source = Path(auth.__file__).read_text(encoding="utf-8")
    assert not re.search(r"hashed\s*==|==\s*hashed|\.hash\s*==", source)
