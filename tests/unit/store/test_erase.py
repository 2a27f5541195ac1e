"""Forgetting: what is of the person goes, however it is written; everything else is as before."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventmill.erasure import Mark, Marks, digest
from eventmill.forget import ForgetError, ForgetRequest
from eventmill.query import rejects
from eventmill.queue.base import Draft
from eventmill.store import erase
from tests.stored_events import frame, row
from tests.unit.store.erased_site import NOW_MS, OTHER, WHO, Site, event, reject_rows
from tests.unit.work.lines import draft


def test_read_unread_and_refused_events_of_a_user_go_and_the_rest_stays(site: Site) -> None:
    site.send(event(WHO), event(OTHER), event(None, _v="daily-hash"))
    site.send({**event(WHO), "_n": 3, "_raw": json.dumps({"category": "h5", "user": WHO, "a": 1})})
    site.work()
    site.send(event(WHO, url="https://h5.example/secret-zebra"), event(OTHER))
    site.send({"_x": "invalid_time", "_raw": json.dumps({"user": WHO}), "_n": 1})
    assert site.users() == ["daily-hash", OTHER, WHO]
    assert site.reasons()[0][0] == "field_count"
    assert site.files_with(WHO)

    counted = site.forgetting.submit(ForgetRequest(user=WHO, dry_run=True), 0)
    assert (counted.state, counted.events, counted.rejects, counted.queued) == ("counted", 1, 1, 4)
    assert site.users() == ["daily-hash", OTHER, WHO]

    answer = site.forget(user=WHO)
    assert (answer.state, answer.events, answer.rejects, answer.files) == ("waiting", 1, 1, 1)
    site.work()
    assert site.users() == ["daily-hash", OTHER, OTHER]
    assert site.reasons() == [("erased", "", "")] * 3
    assert rejects.to_replay(site.store, rejects.ReplayRequest(reason="erased")) == []
    assert site.balance() == (7, 4, 0, 3)  # `stored` goes on counting the erased one
    assert site.store.query("SELECT count() FROM events")[0][0] == 3


@pytest.mark.parametrize("who", [{"id": "key-1"}, {"id": "own"}, {"session": "s-1"}, {"user": "daily-hash"}])
def test_by_id_by_session_and_by_visitor(site: Site, who: dict[str, str]) -> None:
    site.send(event(None, label="by key"), event(None, label="key-1"), key="key")
    site.send(event(None, id="own"), event(None, session="s-1"), event(None, _v="daily-hash"))
    site.work()
    site.writer.close()
    labels = "SELECT label, id, session, user FROM events ORDER BY ALL"
    before = set(map(tuple, site.store.query(labels)))
    assert site.forget(**who).state == "done"
    gone = before - set(map(tuple, site.store.query(labels)))
    ((value,),) = [list(who.values())]
    assert len(gone) == 1
    assert value in next(iter(gone))
    bodies = b"".join(entry.body for entry in site.reader.find(b"", 100))
    assert bodies.count(b'"erased"') == 1


@pytest.mark.parametrize(
    "text",
    [
        '{"user":"zöe \\"x\\" / y","a":1}',
        '{"a":1,"user" : "z\\u00f6e \\"x\\" \\/ y"}',
        '[{"user":"n"},{"user":"zöe \\"x\\" / y"}]',
        '{"user":"zöe \\"x\\" / y","cut":',
        "user=z%C3%B6e+%22x%22+%2F+y&a=1",
        'a=1&user=z%C3%B6e%20%22x%22%20%2F%20y',
    ],
)  # fmt: skip
def test_rejects_are_found_however_the_field_is_written(site: Site, text: str) -> None:
    who = 'zöe "x" / y'
    others = ['{"user":"n"}', '{"label":"zöe"}', '{"user":"zöe"}']
    site.store.insert("rejects", reject_rows(text, *others))
    mark = Mark("user", digest(erase.salt(site.store), who), NOW_MS)
    assert erase.find_rejects(site.store, mark) == [(7, 9, 0)]
    assert erase.find_rejects(site.store, mark, who) == [(7, 9, 0)]


@pytest.mark.parametrize("text", ['{"user":"zeb\\u0072a"}', "user=ze%62ra", '{"user":"zebra"}'])
def test_a_plain_name_is_found_though_it_hides(site: Site, text: str) -> None:
    site.store.insert("rejects", reject_rows(text, '{"user":"n"}'))
    site.send({"_x": "malformed", "_raw": text})
    site.writer.close()
    answer = site.forget(user="zebra")
    assert (answer.rejects, answer.queued) == (1, 1)


def test_later_events_are_not_named(site: Site) -> None:
    site.store.insert("events", frame([row(NOW_MS, user=WHO), row(NOW_MS + 1, user=WHO)]))
    site.store.insert("rejects", reject_rows(json.dumps({"user": WHO}), received=NOW_MS + 1))
    answer = site.forget(user=WHO)
    assert (answer.events, answer.rejects) == (1, 0)
    assert site.store.query("SELECT toUnixTimestamp64Milli(time) FROM events") == [(NOW_MS + 1,)]


@pytest.mark.parametrize("who", [{}, {"user": ""}, {"user": "a", "id": "b"}, {"session": "a\0b"}, {"id": "x" * 5000}])
def test_wrong_requests(site: Site, who: dict[str, str]) -> None:
    with pytest.raises(ForgetError):
        site.forget(**who)
    assert site.forgetting.list() == []


VALUE = st.sampled_from(["a", "b", 'ä"\\', "", None])


LINE = st.fixed_dictionaries(
    {}, optional={"user": VALUE, "_v": VALUE, "session": VALUE, "id": VALUE, "category": st.just("c")}
)


@given(st.lists(st.lists(LINE, min_size=1, max_size=4), min_size=1, max_size=4), st.sampled_from(["a", 'ä"\\']))
def test_entries_against_a_plain_reference(requests: list[list[dict[str, Any]]], who: str) -> None:
    lines = [[{n: v for n, v in event.items() if v is not None} for event in request] for request in requests]
    made: Draft = draft(*lines, received=5, ip="203.0.113.0")
    for name in ("user", "session", "id"):
        marks = Marks("salt", [Mark(name, digest("salt", who), 5)])
        gone = [
            [(event.get("user", event.get("_v")) if name == "user" else event.get(name)) == who for event in request]
            for request in lines
        ]
        found = marks.in_entry(made.heads, made.body, 5)
        assert marks.in_entry(made.heads, made.body, 6) is None
        if not any(any(row) for row in gone):
            assert found is None
            continue
        assert found is not None
        heads, body, erased = found
        assert erased == sum(sum(row) for row in gone)
        texts = body.split(b"\n")
        assert len(texts) == made.count + 1
        flat = [mark for row in gone for mark in row]
        before = made.body.split(b"\n")
        assert [text == old for text, old in zip(texts, before, strict=True)] == [*(not g for g in flat), True]
        kept = [msgspec.json.decode(line) for line in heads.splitlines()]
        assert [head.get("n", 1) for head in kept] == [len(row) for row in gone]
        assert ["ip" in head for head in kept] == [not all(row) for row in gone]
