"""The parameters of the API by name: what they mean, and their schema."""

from typing import Any

from eventmill.query import counts
from eventmill.query.dimensions import COLUMNS, COMPUTED
from eventmill.query.export import FORMATS
from eventmill.query.model import LAST_DAY

_DATE = {"type": "string", "examples": ["2026-11-20", "2026-11-20T13:00"]}
_SPAN = "day (2026-11-20) or hour (2026-11-20T13:00, in `tz` unless it has an offset)"
_TEXT = {"type": "string"}
_FILTER = "Only events with exactly this {}."
PARAMETERS: dict[str, tuple[str, dict[str, Any]]] = {
    "from": (f"First {_SPAN}, inclusive.", _DATE),
    "to": (f"Last {_SPAN}, inclusive; data reaches to {LAST_DAY} at most.", _DATE),
    "tz": ("Time zone of the days and hours, an IANA name; the configured one by default.",
           {"type": "string", "examples": ["Europe/Berlin"]}),
    "topic": (_FILTER.format("topic"), _TEXT),
    "site": (_FILTER.format("site"), _TEXT),
    "category": ("First part of the key.", _TEXT),
    "action": ("Second part of the key.", _TEXT),
    "label": ("Third part of the key.", _TEXT),
    "value": ("Fourth part of the key.", _TEXT),
    "bot": ("Only bots, or only others.", {"type": "string", "enum": ["true", "false"]}),
    "filters": ("Conditions that all must hold, a JSON list of `[operator, field, value]`; the field is any dimension.",
                {"type": "string", "examples": ['[["is","browser","Chrome"],["in","os",["iOS","Android"]]]']}),
    "by": ("One row for each key of this depth below the prefix; `all` for every prefix at or below it.",
           {"type": "string", "enum": [name for name in counts.BY if name]}),
    "metrics": ("Views and visitors, or views alone (faster).", {"type": "string", "enum": list(counts.METRICS)}),
    "dimension": (f"A field ({', '.join((*COLUMNS, *COMPUTED))}) or `props.NAME`.",
                  {"type": "string", "examples": ["browser"]}),
    "limit": ("How many rows at most.", {"type": "integer", "minimum": 0}),
    "compare": ("The period of equal length right before, too.", {"type": "string", "enum": ["previous"]}),
    "cursor": ("The page behind another: `next` of its answer.", _TEXT),
    "format": ("The rows of `data` as a file, instead of the answer as JSON.",
               {"type": "string", "enum": [*FORMATS]}),
    "search": ("Only values that have this text in them, in upper or lower case.", _TEXT),
    "offset": ("How many rows of the beginning are left out.", {"type": "integer", "minimum": 0}),
    "reason": ("Only rejects with this reason.", _TEXT),
    "before": ("The page after this one: `next` of the answer before.", _TEXT),
}  # fmt: skip
