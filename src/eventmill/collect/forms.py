"""Query strings and forms (application/x-www-form-urlencoded, WHATWG URL 5.1): one event each."""

import re
from urllib.parse import quote, unquote_to_bytes

import msgspec

from eventmill.collect.loose import line_of
from eventmill.collect.privacy import scrub
from eventmill.collect.refusal import Malformed
from eventmill.collect.sent import NO_PROPS, Sent, decoder, id_fits

_BEYOND_ASCII = re.compile(r"%[89A-Fa-f]")


_NO_SOURCE = msgspec.Raw(b"{}")
"""A form's values are all text: nobody asks how they were written."""


def event_of(text: str, keep_raw: bool) -> Sent:
    """The event of `text`, which is ASCII or UTF-8 already decoded. Raises Malformed."""
    if not keep_raw:
        line = _at_once(text)
        if line is not None:
            return line
    values = fields_of(text)
    line = line_of(values, _NO_SOURCE, keep_raw=False)
    if keep_raw or line.x is not None:
        line.raw = _kept_text(text)
        line.sent = len(values)
    return line


def _at_once(text: str) -> Sent | None:
    """The usual query, by turning it into JSON: `a=b&c=%2F` is `{"a":"b","c":"\\u002f"}`.

    None where that does not hold: quotes, unknown names, a missing or a second `=`, escapes beyond ASCII.
    """
    if '"' in text or "\\" in text or ("_" in text and _names_private(text)):
        return None
    made = text
    if "%" in text:
        if _BEYOND_ASCII.search(text) or "&%5" in text or text.startswith("%5"):
            return None
        made = text.replace("%", "\\u00")
    try:
        line = decoder.decode('{"' + made.replace("+", " ").replace("=", '":"').replace("&", '","') + '"}')
    except (msgspec.DecodeError, RecursionError):
        return None
    return line if line.props is NO_PROPS and (line.id is None or id_fits(line.id)) else None


def _names_private(text: str) -> bool:
    """Whether a name begins with an underscore, as only the door's own fields do."""
    return "&_" in text or text.startswith("_")


def fields_of(text: str) -> dict[str, object]:
    """Names and values; of the same name the last one wins. Raises Malformed where an escape is not UTF-8."""
    fields: dict[str, object] = {}
    escaped = "%" in text or "+" in text
    for pair in text.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            if escaped:
                name, value = _unescape(name), _unescape(value)
            fields[name] = value
    return fields


def _kept_text(text: str) -> str:
    """The form as it was sent, but for the addresses in it, which escapes may hide."""
    plain = _unescape(text)
    if scrub(plain) == plain:
        return text
    pairs = [pair.partition("=") for pair in text.split("&")]
    return "&".join(f"{name}{equals}{quote(scrub(_unescape(value)), safe=':/')}" for name, equals, value in pairs)


def _unescape(text: str) -> str:
    text = text.replace("+", " ")
    if "%" not in text:
        return text
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError as error:
        raise Malformed("malformed_form", "an escape is not UTF-8") from error
