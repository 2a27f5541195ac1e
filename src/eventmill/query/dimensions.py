"""What events are ranked and filtered by: columns, properties, and what follows from columns.

Each is one SQL expression whose value is a text, '' where an event has none. Names of columns come from the lists
here; names of properties are bound parameters.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from eventmill.event import KEY_PARTS
from eventmill.query import products
from eventmill.settings import Product

COLUMNS = (
    "site", "topic", "category", "action", "label", "value", "user", "session", "url", "url_host", "referrer",
    "referrer_host", "page", "utm_source", "utm_medium", "utm_campaign", "source", "channel", "user_agent",
    "browser", "os", "device", "bot", "ip", "country", "language", "screen", "duration_ms", "bytes", "id",
)  # fmt: skip
NUMBERS = ("bot", "duration_ms", "bytes")
"""Columns that are no text: shown, and compared, as the text of their value."""
DAILY = frozenset({"site", "topic", "category", "action"})
"""Columns of the projections: what reads only these is answered without reading rows."""
KEPT = DAILY | {"label", "value"}
"""Columns that `daily` keeps of expired events."""
_PROP = re.compile(r"props\.(.{1,128})", re.DOTALL)
_KEY = "replaceRegexpOne(concat({}), '\\\\.+$', '')".format(
    ", '.', ".join(f"replaceAll(replaceAll({part}, '%', '%25'), '.', '%2E')" for part in KEY_PARTS)
)
_COMPUTED: Mapping[str, tuple[str, frozenset[str]]] = {
    "key": (_KEY, frozenset(KEY_PARTS)),
    "route": ("if(topic = 'request', label, '')", frozenset({"topic", "label"})),
}
"""Expression and the columns that it reads."""
COMPUTED = (*_COMPUTED, "product")


def prop_name(dimension: str) -> str | None:
    """`plan` of `props.plan`; None where the dimension is no property."""
    found = _PROP.fullmatch(dimension)
    return found[1] if found else None


def is_dimension(name: str) -> bool:
    """Whether there is such a dimension."""
    return name in COLUMNS or name in COMPUTED or prop_name(name) is not None


def reads(dimension: str) -> frozenset[str]:
    """The columns that its expression reads."""
    if dimension in _COMPUTED:
        return _COMPUTED[dimension][1]
    if dimension == "product":
        return products.COLUMNS
    return frozenset({"props" if dimension.startswith("props.") else dimension})


def expression(dimension: str, params: dict[str, Any], tag: str, configured: Sequence[Product] = ()) -> str:
    """The text of the dimension; its parameters are added to `params`, their names begin with `tag`. `configured` are
    the products."""
    if dimension == "product":
        return products.expression(configured, params, tag)
    prop = prop_name(dimension)
    if prop is not None:
        return as_text(prop_json(prop, params, tag))
    if dimension in NUMBERS:
        return f"ifNull(toString({dimension}), '')"
    return _COMPUTED[dimension][0] if dimension in _COMPUTED else dimension


def as_text(json: str) -> str:
    """The content of a property that is a text, else its JSON: 1 and "1" are one value."""
    return f"if(startsWith({json}, '\"'), JSONExtractString({json}), {json})"


def prop_json(name: str, params: dict[str, Any], tag: str = "prop") -> str:
    """The expression of a property as JSON, '' where an event has none; its parameters are added to `params`.

    Looking for `"name":` is exact where no object is nested and nothing escaped (`props` is canonical: no spaces, no
    key twice), and twice as fast as parsing.
    """
    params[tag], params[f"{tag}_quoted"] = name, msgspec.json.encode(name)[1:-1].decode()
    quick, exact = f"simpleJSONExtractRaw(props, {{{tag}_quoted:String}})", f"JSONExtractRaw(props, {{{tag}:String}})"
    plain = "position(props, '{', 2) = 0 AND position(props, '\\\\') = 0"
    return f"if({plain}, {quick}, {exact})"
