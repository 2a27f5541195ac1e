"""CSV and NDJSON say what the JSON says, and a spreadsheet runs none of it."""

import csv
import io
import json

import msgspec
import pytest

from eventmill.query import counts, export, series, summary, top
from eventmill.query.ask import QUESTIONS
from eventmill.query.model import RequestError

COUNTS = counts.Counts([
    counts.Count("2026-11-20", "=1+1", counts.Figures(3, 2)), counts.Count("2026-11-21", 'a,"b"\nc', counts.Figures(1)),
])  # fmt: skip
TOP = top.Top(
    [top.Ranked("-5", 3, 2, 0.75, top.Figures(1, 1)), top.Ranked("-5+2", 1, 1, 0.25, top.Figures(0, 0))],
    top.Total(4, 2),
)


def read(answer: object) -> list[list[str]]:
    return [*csv.reader(io.StringIO(export.export(answer, "csv").decode(), newline=""))]


def test_csv() -> None:
    assert read(COUNTS) == [
        ["eventDate", "eventKey", "eventData.pv", "eventData.uv"],
        ["2026-11-20", "'=1+1", "3", "2"],
        ["2026-11-21", 'a,"b"\nc', "1", ""],
    ]
    assert read(TOP) == [
        ["value", "pv", "uv", "share", "before.pv", "before.uv"],
        ["-5", "3", "2", "0.75", "1", "1"],
        ["'-5+2", "1", "1", "0.25", "0", "0"],
    ]
    nothing = summary.Figures(1, 2, 0, None, None, 3)
    assert read(summary.Summary(nothing)) == [
        ["visitors", "views", "visits", "bounce_rate", "duration_s", "events"], ["1", "2", "0", "", "", "3"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "=", "-", "+x", "-1e", "٣"]
)
def test_formulas_are_text(text: str) -> None:
    (_, (cell,)) = csv.reader(io.StringIO(export.table(["x"], [[text]]), newline=""))
    assert cell == ("'" + text if text != "٣" else text)


@pytest.mark.parametrize("text", ["-5", "+5.25", "-1e9", "1", "", "plain", " =1"])
def test_numbers_and_other_text_stay(text: str) -> None:
    (_, row) = csv.reader(io.StringIO(export.table(["x"], [[text]]), newline=""))
    assert (row or [""]) == [text]


def test_ndjson() -> None:
    lines = export.export(TOP, "ndjson").decode().splitlines()
    assert [json.loads(line) for line in lines] == json.loads(msgspec.json.encode(TOP))["data"]
    assert export.export(series.Series([]), "ndjson") == b""


def test_lists_become_columns() -> None:
    class Row(msgspec.Struct):
        cohort: str
        returned: list[int]
        more: list[dict[str, int]]

    class Answer(msgspec.Struct):
        data: list[Row]

    answer = Answer([Row("a", [3, 1], [{"x": 1}]), Row("b", [2], [])])
    assert read(answer) == [
        ["cohort", "returned.0", "returned.1", "more"], ["a", "3", "1", '[{"x":1}]'], ["b", "2", "", ""],
    ]  # fmt: skip


@pytest.mark.parametrize("name", [name for name, question in QUESTIONS.items() if export.has_rows(question.answer)])
def test_an_answer_without_rows_has_its_columns(name: str) -> None:
    answer = QUESTIONS[name].answer
    assert [*export._columns(answer)]


def test_formats() -> None:
    assert export.parse_format({"from": "x", "format": "csv"}) == ("csv", {"from": "x"})
    assert export.parse_format({"format": ""}) == ("json", {})
    with pytest.raises(RequestError, match="one of json, csv, ndjson"):
        export.parse_format({"format": "xls"})
    with pytest.raises(RequestError, match="JSON only"):
        export.export(counts.Figures(1), "csv")
