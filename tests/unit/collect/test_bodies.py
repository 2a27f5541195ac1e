"""What the door makes of bodies: accepted lines, or a typed reason."""

import json
from typing import Any

import msgspec
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventmill.collect.bodies import Bodies
from eventmill.collect.forms import event_of
from eventmill.collect.refusal import Malformed
from eventmill.collect.sent import encoder
from eventmill.event import FIELDS

bodies = Bodies(frozenset({"strict"}))


def read(body: bytes, topic: str = "event", accepts_form: bool = True) -> list[dict[str, Any]]:
    """The lines of a body, as whoever reads the queue decodes them."""
    return [json.loads(encoder.encode(line)) for line in bodies.read(body, topic, accepts_form)]


def props(line: dict[str, Any]) -> Any:
    return json.loads(line["props"])


def test_shapes() -> None:
    event = {"category": "h5", "action": "pv"}
    text = json.dumps(event).encode()
    assert read(text) == [event]
    assert read(b"[" + text + b"," + text + b"]") == [event, event]
    assert read(text + b"\n" + text + b"\n") == [event, event]
    assert read(text + b"\r\n\r\n  \n" + text) == [event, event]
    assert read(b"\xef\xbb\xbf" + text) == [event]
    assert read(b" \n\t" + text) == [event]
    assert read(json.dumps(event, indent=2).encode()) == [event]
    assert read(json.dumps([event, event], indent=2).encode()) == [event, event]
    assert read(json.dumps(event, indent=2).encode() + b"\n" + text) == [event, event]
    assert read(b"[]") == []
    assert read(b"category=h5&action=pv") == [event]


MALFORMED = [
    (b"", "malformed_empty"),
    (b"  \n", "malformed_empty"),
    (b"{", "malformed_json"),
    (b"[", "malformed_json"),
    (b"[{}", "malformed_json"),
    (b"[{},]", "malformed_json"),
    (b"{}]", "malformed_json"),
    (b"{},{}", "malformed_json"),
    (b"{}{}", "malformed_ndjson"),
    (b"{} \t{}", "malformed_ndjson"),
    (b'{"a":"}\\"{"}{}\n{}', "malformed_ndjson"),
    (b"{}\n[{}]", "malformed_event"),
    (b"[[]]", "malformed_event"),
    (b"[1]", "malformed_event"),
    (b"[null]", "malformed_event"),
    (b"[][]", "malformed_json"),
    (b"[]\n[]", "malformed_json"),
    (b"{}\nnull", "malformed_event"),
    (b"hello", "malformed_json"),
    (b"12", "malformed_json"),
    (b'"text"', "malformed_json"),
    (b"{'a':1}", "malformed_json"),
    (b'{"a":NaN}', "malformed_json"),
    (b'{"a":Infinity}', "malformed_json"),
    (b'{"a":01}', "malformed_json"),
    (b'{"a":1.}', "malformed_json"),
    (b'{"a":+1}', "malformed_json"),
    (b'{"a":1e999}', "malformed_json"),
    (b'{"props":{"a":1e999}}', "malformed_json"),
    (b'{"props":{"a":[{"b":-1e999}]}}', "malformed_json"),
    (b'{"a":' + b"1" * 10_000 + b"}", "malformed_json"),
    (b'{"a":"\\ud800"}', "malformed_json"),
    (b'{"props":{"a":"\\ud800"}}', "malformed_json"),
    (b'{"\\udc00":1}', "malformed_json"),
    (b'{"a":"\\u00g0"}', "malformed_json"),
    (b'{"a":"\x01"}', "malformed_json"),
    (b'{"a":"\n"}', "malformed_json"),
    (b'{"a":"\x00"}', "malformed_json"),
    (b'{"a":"\xff"}', "malformed_utf8"),
    (b'{"props":{"a":"\xff"}}', "malformed_utf8"),
    (b'{"a":"\xed\xa0\x80"}', "malformed_utf8"),
    (b'{"a":"\xc0\xaf"}', "malformed_utf8"),
    ('{"a":1}'.encode("utf-16"), "malformed_utf8"),
    (b'{"a":' * 100_000, "malformed_depth"),
    (b"[" * 100_000, "malformed_depth"),
    (b'{"props":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "malformed_depth"),
    (b'{"props":{"ip":' + b'{"ip":' * 800 + b"1" + b"}" * 800 + b"}}", "malformed_depth"),
    (b"a=%ff", "malformed_form"),
    (b"a=%ed%a0%80", "malformed_form"),
]


@pytest.mark.parametrize(("body", "kind"), MALFORMED, ids=range(len(MALFORMED)))
def test_malformed(body: bytes, kind: str) -> None:
    with pytest.raises(Malformed) as caught:
        read(body)
    assert caught.value.kind == kind
    assert caught.value.reason
    assert caught.value.at <= len(body)


def test_a_form_is_never_read_from_json_content_and_needs_an_equals_sign() -> None:
    assert read(b"a=b", accepts_form=True)
    with pytest.raises(Malformed):
        read(b"a=b", accepts_form=False)
    with pytest.raises(Malformed):
        read(b"hello&world", accepts_form=True)


def test_where_an_error_is() -> None:
    with pytest.raises(Malformed) as caught:
        read(b'{"a":"x"}\n{"b":,}')
    assert caught.value.at == 15
    with pytest.raises(Malformed) as caught:
        read(b"[{},{},7]")
    assert caught.value.at == 2
    with pytest.raises(Malformed) as caught:
        read(b"{}\n{} {}")
    assert caught.value.at == 5


def test_the_doors_own_fields_cannot_be_set() -> None:
    for body in (
        b'{"_v":"x","_x":"y","_raw":"z","_n":3}',
        b'[{"_v":"x","_x":"y","_raw":"z","_n":3}]',
        b'{"\\u005fv":"x","_\\u0078":"y","\\u005F\\u0072aw":"z","_n":3}',
        b"_v=x&_x=y&_raw=z&_n=3",
        b"a=b&_v=x",
        b"%5fv=x&a=1&%5F%78=y&%5Fraw=z&_%6E=3",
    ):
        (line,) = read(body)
        assert not {"_v", "_x", "_raw", "_n"} & set(line), body
        assert "_v" in props(line)


def test_key_parts_keep_their_source_text() -> None:
    (line,) = read(b'{"category":1.0,"action":85,"label":true,"value":1e2,"user":-0,"session":false,"time":1.50}')
    assert line == {
        "category": "1.0", "action": "85", "label": "true", "value": "1e2", "user": "-0", "session": "false",
        "time": "1.50",
    }  # fmt: skip


def test_numbers_given_as_text() -> None:
    (line,) = read(b'{"duration_ms":"12.5","bytes":"100"}')
    assert line == {"duration_ms": 12.5, "bytes": 100}
    (line,) = read(b'{"duration_ms":12,"bytes":100.0}')
    assert line == {"duration_ms": 12.0, "bytes": 100}
    (line,) = read(b'{"bytes":9223372036854775807}')
    assert line == {"bytes": 2**63 - 1}


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ('{"duration_ms":"soon"}', "invalid_duration_ms"),
        ('{"duration_ms":true}', "invalid_duration_ms"),
        ('{"duration_ms":"1e999"}', "invalid_duration_ms"),
        ('{"duration_ms":"NaN"}', "invalid_duration_ms"),
        ('{"duration_ms":' + "9" * 400 + "}", "invalid_duration_ms"),
        ('{"duration_ms":[]}', "invalid_duration_ms"),
        ('{"bytes":-1}', "invalid_bytes"),
        ('{"bytes":1.5}', "invalid_bytes"),
        ('{"bytes":9223372036854775808}', "invalid_bytes"),
        ('{"bytes":"1_000"}', "invalid_bytes"),
        ('{"category":{"a":1}}', "invalid_category"),
        ('{"label":[]}', "invalid_label"),
        ('{"time":true}', "invalid_time"),
        ('{"time":{}}', "invalid_time"),
        ('{"props":7}', "invalid_props"),
        ('{"props":[]}', "invalid_props"),
        ('{"props":"text"}', "invalid_props"),
        ('{"props":"[1]"}', "invalid_props"),
        ('{"id":"' + "x" * 65 + '"}', "invalid_id"),
        ('{"id":"' + "é" * 33 + '"}', "invalid_id"),
    ],
)
def test_what_cannot_be_made_of_its_type_is_kept_with_the_reason(event: str, reason: str) -> None:
    first, second = read(b'{"category":"good"}\n' + event.encode())
    assert first == {"category": "good"}
    assert second["_x"] == reason
    assert json.loads(second["_raw"]) == json.loads(event)


def test_a_rejected_event_keeps_its_id_for_tracing() -> None:
    (line,) = read(b'{"id":"e1","bytes":-1}')
    assert line["id"] == "e1"


def test_null_is_not_sent() -> None:
    assert read(b'{"id":null,"category":null,"props":null,"bytes":null,"time":null}') == [{}]
    assert read(b'{"id":null,"category":null,"props":null,"bytes":null,"time":null,"x":1}') == [{"props": '{"x":1}'}]


def test_unknown_fields_join_props() -> None:
    (line,) = read(b'{"a":1,"props":{"a":2,"b":3},"c":{"d":[1]}}')
    assert props(line) == {"a": 1, "b": 3, "c": {"d": [1]}}


def test_props_sent_as_text() -> None:
    (line,) = read(b'{"props":"{\\"a\\": 1.10}","b":2}')
    assert line["props"] == '{"a":1.10,"b":2}'


def test_props_keep_digits() -> None:
    for body in (b'{"props":{"a":9007199254740993,"b":1.10}}', b'{"a":9007199254740993,"b":1.10}'):
        (line,) = read(body)
        assert line["props"] == '{"a":9007199254740993,"b":1.10}'
    (line,) = read(b'{"props":{"a":[9007199254740993,123456789012345678901234567890]}}')
    assert line["props"] == '{"a":[9007199254740993,123456789012345678901234567890]}'


def test_the_last_of_double_keys_wins_everywhere() -> None:
    (line,) = read(b'{"category":"a","category":"b","props":{"x":1,"x":2,"y":{"z":1,"z":2}}}')
    assert line["category"] == "b"
    assert line["props"] == '{"x":2,"y":{"z":2}}'
    (line,) = read(b'{"category":"a","category":"b","x":1,"x":1.50}')
    assert (line["category"], line["props"]) == ("b", '{"x":1.50}')
    (line,) = read(b"category=a&category=b&x=1&x=2")
    assert (line["category"], line["props"]) == ("b", '{"x":"2"}')


def test_checked_topics_keep_the_text_as_sent() -> None:
    first, second = read(b'[{"a" : 1, "a": 2, "b":null},{"category":"x"}]', topic="strict")
    assert (first["_raw"], first["_n"]) == ('{"a" : 1, "a": 2, "b":null}', 2)
    assert (second["_raw"], second["_n"]) == ('{"category":"x"}', 1)
    (line,) = read(b"test01=111&test02=222&test02=&x=", topic="strict")
    assert (line["_raw"], line["_n"]) == ("test01=111&test02=222&test02=&x=", 3)
    (line,) = read(b'{"topic":"strict","category":"x"}')
    assert line["_n"] == 2


def test_forms() -> None:
    (line,) = read(b"category=a+b%20c&label=%E4%BD%A0%F0%9F%98%80&x=%22%5C%0A&=empty&flag")
    assert line["category"] == "a b c"
    assert line["label"] == "你😀"
    assert props(line) == {"x": '"\\\n', "": "empty", "flag": ""}
    assert event_of("label=100%", keep_raw=False).label == "100%"
    assert event_of("label=%zz%4", keep_raw=False).label == "%zz%4"
    assert event_of("label=a=b", keep_raw=False).label == "a=b"
    assert event_of("label=%00", keep_raw=False).label == "\0"
    assert event_of('label="q"', keep_raw=False).label == '"q"'
    assert event_of('label=","user":"u', keep_raw=False).user is None
    assert event_of("props=%7B%22a%22%3A1.0%7D", keep_raw=False).props == '{"a":1.0}'


# -- what the door accepts, the worker reads the same

SCHEMA = polars.Schema(
    dict.fromkeys(FIELDS, polars.String)
    | {"duration_ms": polars.Float64, "bytes": polars.Int64}
    | {"_v": polars.String, "_x": polars.String, "_raw": polars.String, "_n": polars.Int64}
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=8
)
names = st.sampled_from([*FIELDS, "_v", "_x", "x", "ip_address"]) | texts
events = st.dictionaries(names, values, max_size=6)


def check_frame(lines: list[Any]) -> None:
    """polars reads exactly what a plain JSON decoder reads."""
    encoded = encoder.encode_lines(lines)
    assert encoded.count(b"\n") == len(lines)
    frame = polars.read_ndjson(encoded, schema=SCHEMA)
    assert frame.height == len(lines)
    for row, line in zip(frame.iter_rows(named=True), encoded.split(b"\n"), strict=False):
        expected = json.loads(line)
        assert {name: value for name, value in row.items() if value is not None} == expected


@given(st.lists(events, min_size=1, max_size=4), st.sampled_from(["array", "ndjson", "spaced", "ascii"]))
@settings(max_examples=400, deadline=None)
def test_the_worker_reads_what_the_door_accepted(sent: list[dict[str, Any]], shape: str) -> None:
    if shape == "array":
        body = json.dumps(sent, ensure_ascii=False).encode()
    elif shape == "spaced":
        body = json.dumps(sent, ensure_ascii=False, indent=1).encode()
    elif shape == "ascii":
        body = json.dumps(sent).encode()
    else:
        body = b"\n".join(msgspec.json.encode(event) for event in sent)
    try:
        lines = bodies.read(body, "event", accepts_form=False)
    except Malformed:
        return
    assert len(lines) == len(sent)
    check_frame(lines)
    for line, event in zip(lines, sent, strict=True):
        if line.x is None:
            for name in ("category", "user", "url"):
                if isinstance(event.get(name), str):
                    assert getattr(line, name) == event[name]
            unknown = [name for name in event if name not in FIELDS and event[name] == event[name]]
            if unknown and "ip" not in "".join(unknown).lower():
                kept = json.loads(str(line.props))
                assert all(kept[name] == event[name] for name in unknown if not isinstance(event[name], dict | list))


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
@settings(max_examples=400, deadline=None)
def test_any_bytes_are_a_form_or_malformed(body: bytes) -> None:
    for accepts_form in (True, False):
        try:
            lines = bodies.read(body, "event", accepts_form)
        except Malformed:
            continue
        if lines:
            check_frame(lines)


@given(st.text(st.sampled_from('{}[]",:\\ \n\r\t01.eE-+ntrufalsxé/') | st.characters(), max_size=60))
@settings(max_examples=500, deadline=None)
def test_json_like_text_agrees_with_a_plain_decoder(text: str) -> None:
    """Whatever a strict JSON decoder refuses, the door refuses too."""
    body = ('{"a":' + text + "}").encode("utf-8", "surrogatepass")
    try:
        lines = bodies.read(body, "event", accepts_form=False)
    except Malformed:
        return
    check_frame(lines)
    if b"\n" not in body:
        json.loads(body)


@given(st.dictionaries(texts, texts, max_size=5))
@settings(max_examples=300, deadline=None)
def test_forms_come_back_as_they_were_encoded(fields: dict[str, str]) -> None:
    from urllib.parse import urlencode

    line = event_of(urlencode(fields), keep_raw=False)
    check_frame([line])
    if line.x is None:
        for name in ("category", "label", "user"):
            if name in fields:
                assert getattr(line, name) == fields[name]


query_text = st.lists(
    st.sampled_from([*'abc_=&%+5fF"\\{}0269;é', "category", "label", "user=", "%5f", "%22", "%E4%BD%A0", "&", "="]),
    max_size=20,
).map("".join)


@given(query_text)
@settings(max_examples=500, deadline=None)
def test_both_ways_to_read_a_query_agree(text: str) -> None:
    """The quick way makes JSON of the query; the slow one splits it. `keep_raw` forces the slow one."""
    try:
        slow = event_of(text, keep_raw=True)
    except Malformed:
        with pytest.raises(Malformed):
            event_of(text, keep_raw=False)
        return
    quick = event_of(text, keep_raw=False)
    if slow.x is None:
        slow.raw = slow.sent = None
    assert quick == slow
