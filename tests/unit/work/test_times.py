"""Times as clients send them."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventmill.work.times import parse_times

BERLIN = ZoneInfo("Europe/Berlin")


def ms(text: str, zone: ZoneInfo = BERLIN) -> int | None:
    return parse_times(pl.Series([text]), zone)[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20T10:00:00Z", 1795168800000),
        ("2026-11-20T10:00:00.25Z", 1795168800250),
        ("2026-11-20T11:00:00+01:00", 1795168800000),
        ("2026-11-20T11:00:00", 1795168800000),  # no zone: the configured one
        ("2026-11-20 11:00:00", 1795168800000),
        ("1795168800", 1795168800000),
        ("1795168800.5", 1795168800500),
        ("1795168800.712", 1795168800712),
        ("2004-02-01T00:00:00.712+00:00", 1075593600712),
        ("1795168800500", 1795168800500),  # above 1e11 it is milliseconds
        ("100000000000", 100000000000000),
        (" 1795168800 ", 1795168800000),
        ("0", 0),
        ("-1", -1000),
        *((text, None) for text in ("", "soon", "nan", "inf", "1e999", "1_000", "2026-13-01T00:00:00Z", "12:00")),
    ],
)
def test_each_form(text: str, expected: int | None) -> None:
    assert ms(text) == expected


def test_an_hour_that_the_clocks_skip_or_repeat_is_still_a_time() -> None:
    assert ms("2026-03-29T02:30:00") is not None
    assert ms("2026-10-25T02:30:00") == ms("2026-10-25T00:30:00Z")  # the first of the two


@settings(max_examples=200, deadline=None)
@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1)),  # noqa: DTZ001 - the zone is drawn beside it
    st.integers(-14 * 60, 14 * 60),
)
def test_rfc_3339_reads_as_python_does(moment: datetime, minutes: int) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=timezone(timedelta(minutes=minutes)))
    expected = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert ms(moment.isoformat(timespec="milliseconds")) == expected
    assert ms(moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")) == expected


@settings(max_examples=300, deadline=None)
@given(st.lists(st.from_regex(r"(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]\.[0-9]{3}Z",
                              fullmatch=True), min_size=1, max_size=5))  # fmt: skip
def test_a_column_of_one_form_reads_as_each_of_its_texts_does(texts: list[str]) -> None:
    alone = [parse_times(pl.Series([text + " "]), BERLIN)[0] for text in texts]  # with a space: not of the quick form
    assert parse_times(pl.Series(texts), BERLIN).to_list() == alone
