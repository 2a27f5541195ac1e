"""Fault 31: numbers that JSON cannot mean, or that a computer cannot hold. One rule from the door to the API: what is
no JSON (NaN, Infinity) is 400; what cannot be the field's type is rejected with its bytes; props keep every digit."""

import json
from collections.abc import Iterator

import pytest

from tests.acceptance.server import Server

JSON = {"Content-Type": "application/json"}
DIGITS = "1" + "0123456789" * 1000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("numbers") / "data") as running:
        yield running


def send(server: Server, body: str) -> str:
    """`400`, `stored` or the reason of the reject; the ledger balances, and rejects keep the bytes."""
    before = server.drain()
    reply = server.send("/e", body, JSON)
    assert reply.status in (200, 400), reply
    total = server.drain()
    assert total["received"] == before["received"] + 1
    if total["stored"] > before["stored"]:
        assert reply.status == 200
        return "stored"
    newest = server.api("rejects", limit="1")["data"][0]
    assert newest["bytes"] == body[:65_536]
    return "400" if reply.status == 400 else newest["reason"]


@pytest.mark.parametrize("place", ["category", "duration_ms", "bytes", "time", "n", "props"])
@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "+1", "01", "1.", ".5", "0x10", "1e", "--1"])
def test_what_is_no_json_is_400(server: Server, place: str, number: str) -> None:
    value = f'{{"n":{number}}}' if place == "props" else number
    assert send(server, f'{{"{place}":{value}}}') == "400"


@pytest.mark.parametrize(
    ("field", "number", "becomes"),
    [
        ("duration_ms", "1e999", "invalid_duration_ms"),
        ("duration_ms", DIGITS, "invalid_duration_ms"),
        ("duration_ms", "1e-999", 0.0),
        ("duration_ms", "9007199254740993", 9007199254740992.0),
        ("bytes", "9007199254740993", 9007199254740993),
        ("bytes", "9223372036854775807", 9223372036854775807),
        ("bytes", "9223372036854775808", "invalid_bytes"),
        ("bytes", "-1", "invalid_bytes"),
        ("bytes", "1.5", "invalid_bytes"),
        ("bytes", "1e999", "invalid_bytes"),
        ("bytes", DIGITS, "invalid_bytes"),
        ("time", "1e999", "invalid_time"),
        ("time", DIGITS, "invalid_time"),
        ("label", "9007199254740993", "9007199254740993"),
        ("label", "1.10", "1.10"),
        ("label", "1e5", "1e5"),
        ("label", DIGITS, DIGITS),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_number_is_exact_or_rejected(server: Server, field: str, number: str, becomes: object) -> None:
    outcome = send(server, f'{{"category":"exact","user":"{field}-{number[:30]}","{field}":{number}}}')
    if outcome != "stored":
        assert outcome in (becomes, "400")
        assert isinstance(becomes, str)
        return
    ((found,),) = server.events(field, f"user = '{field}-{number[:30]}'")
    assert found == becomes


@pytest.mark.parametrize("number", ["9007199254740993", "1.10", "-1", "1e5", "123456789012345678901234567890", "0.1"])
@pytest.mark.parametrize("depth", ["outer", "props"])
def test_props_keep_every_digit(server: Server, number: str, depth: str) -> None:
    inner = f'"n":{number}'
    fields = inner if depth == "outer" else f'"props":{{{inner}}}'
    assert send(server, f'{{"category":"digits","user":"{depth}{number}",{fields}}}') == "stored"
    ((props,),) = server.events("props", f"user = '{depth}{number}'")
    assert props == f"{{{inner}}}"


@pytest.mark.parametrize(
    "body",
    ['{"category":"a","category":"b"}', '{"n":1,"n":2}', '{"props":{"n":1,"n":2}}', '{"id":"dup-a","id":"dup-b"}'],
)
def test_of_the_same_key_the_last_one_wins_everywhere(server: Server, body: str) -> None:
    wanted = json.loads(body)  # Python's own rule is the documented one
    assert send(server, body.replace("{", '{"user":"twice",', 1)) == "stored"
    rows = server.events("id, category, props, received", "user = 'twice'")
    found_id, category, props, _ = max(rows, key=lambda row: row[3])
    assert category == wanted.get("category", "event")
    assert found_id == wanted.get("id", "")
    assert json.loads(props or "{}") == wanted.get("props", {"n": wanted["n"]} if "n" in wanted else {})


@pytest.mark.parametrize("opening", ['{"a":', "[", '{"props":{"a":', '{"a":['])
@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_depth_is_refused_before_it_costs(server: Server, opening: str, depth: int) -> None:
    closing = "".join({"{": "}", "[": "]"}[mark] for mark in reversed(opening) if mark in "{[")
    assert send(server, opening * depth + "1" + closing * depth) != "stored"
    assert server.restarts() == 0


def test_a_moderate_depth_passes_whole(server: Server) -> None:
    # Whole numbers are exact at any depth; others, below the first level, are what a double holds.
    nested = '{"a":' * 50 + "[9007199254740993,1.5]" + "}" * 50
    assert send(server, f'{{"user":"deep","props":{nested}}}') == "stored"
    ((props,),) = server.events("props", "user = 'deep'")
    assert props == nested
