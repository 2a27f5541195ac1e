"""Wrong parameters are refused with what would be right."""

import pytest

from eventmill.query import counts, series, top
from eventmill.query.model import RequestError, parse_number

GOOD = {"from": "2026-11-20", "to": "2026-11-21"}


@pytest.mark.parametrize(("change", "said"), [
    ({"from": ""}, "from is missing"), ({"to": "2026-11-19"}, "is after"), ({"from": "2026-02-30"}, "no date"),
    ({"from": "20261120"}, "YYYY-MM-DD"), ({"from": "2026-W47-5"}, "no date"), ({"to": "tomorrow"}, "no date"),
    ({"from": "2026-11-20T00:00:01"}, "no whole hour of UTC"), ({"to": "2026-11-21T13:30"}, "write 2026-11-21T13:00"),
    ({"from": "2026-11-20T24:00"}, "no date"), ({"from": "2026-11-20T13"}, "or an hour such as"),
    ({"from": "2026-11-21T13:00", "to": "2026-11-21T12:00"}, "is after"),
    ({"from": "0001-01-01T00:00+14:00"}, "no date"),
    ({"from": "2026-11-20T13:00Z", "tz": "Asia/Kolkata"}, "no whole hour of Asia/Kolkata"),
    ({"from": "२०२६-११-२०"}, "no date"),
    ({"by": "browser"}, "unknown by"),
    ({"interval": "week"}, "unknown interval"), ({"tz": "Mars/Olympus"}, "unknown tz"),
    ({"tz": "../etc/passwd"}, "unknown tz"),
    ({"tz": "/etc/passwd"}, "unknown tz"), ({"tz": "UTC'"}, "unknown tz"), ({"bot": "maybe"}, "bot is"),
    ({"catgory": "h5"}, "unknown parameter 'catgory'"), ({"metrics": "uv"}, "unknown metrics"),
    ({"by": "category", "action": "pv"}, "above the given action"),
])  # fmt: skip
def test_counts_refuses(change: dict[str, str], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        counts.parse({**GOOD, **change}, "UTC")


def test_what_is_empty_is_not_given() -> None:
    empty = dict.fromkeys(("topic", "site", "category", "by", "interval", "tz", "bot"), "")
    assert counts.parse({**GOOD, **empty}, "Asia/Shanghai") == counts.parse(GOOD, "Asia/Shanghai")


def test_others_refuse_too() -> None:
    with pytest.raises(RequestError, match="unknown interval"):
        series.parse({**GOOD, "interval": "total"}, "UTC")
    for dimension in ("", "time", "props.", "id_hash", "count()"):
        with pytest.raises(RequestError, match="unknown dimension"):
            top.parse({**GOOD, "dimension": dimension}, "UTC")


@pytest.mark.parametrize("text", ["0", "-1", "1e3", "11", "1 ", "+5", "९", "9" * 30])
def test_numbers(text: str) -> None:
    with pytest.raises(RequestError, match="whole number"):
        parse_number({"limit": text}, "limit", 5, 1, 10)
