"""Request bodies: JSON objects, arrays, NDJSON and forms, told apart by their bytes."""

import re

import msgspec

from eventmill.collect import forms
from eventmill.collect.loose import line_of
from eventmill.collect.props import make_canonical
from eventmill.collect.refusal import Malformed
from eventmill.collect.sent import NO_PROPS, Sent, array_decoder, decoder, id_fits, names_private, time_text

_values = msgspec.json.Decoder()
_source = msgspec.json.Decoder(msgspec.Raw)
_sources = msgspec.json.Decoder(list[msgspec.Raw])
_BYTE = re.compile(r"\(byte (\d+)\)")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_UNSEPARATED = re.compile(rb"[}\]][ \t\r]*[{\[]")
_CLEARER = {"Input data was truncated": "the JSON ends early, or holds half a surrogate pair"}
_JSON_STARTS = (b"{", b"[")
_BOM = b"\xef\xbb\xbf"


class Bodies:
    """Reads bodies into lines. `checked` are the topics whose events keep their text as sent."""

    def __init__(self, checked: frozenset[str]) -> None:
        self._checked = checked

    def read(self, body: bytes, topic: str, accepts_form: bool) -> list[Sent]:
        """The events of a body that came for `topic`, in order. Raises Malformed."""
        keep_raw = topic in self._checked
        first = body[:1]
        if not keep_raw and first in _JSON_STARTS and not names_private(body):
            lines = self._strict(body, is_array=first == b"[")
            if lines is not None:
                return lines
        return self._read_loosely(body, keep_raw, accepts_form)

    def _strict(self, body: bytes, is_array: bool) -> list[Sent] | None:
        """The lines where every event is of the strict form, else None: `_read_loosely` then says what is wrong."""
        try:
            lines = array_decoder.decode(body) if is_array else decoder.decode_lines(body)
            with_props = []
            for line in lines:
                if line.topic in self._checked or (line.id is not None and not id_fits(line.id)):
                    return None
                if line.time is not None:
                    line.time = time_text(line.time)
                if line.props is not NO_PROPS:
                    with_props.append(line)
            if with_props:
                make_canonical(with_props)  # this decodes them, and so finds bad UTF-8 in them too
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if not is_array and len(lines) > 1:
            _check_separated(body, len(lines))
        return lines

    def _read_loosely(self, body: bytes, keep_raw: bool, accepts_form: bool) -> list[Sent]:
        if body.startswith(_BOM):
            body = body[3:]
        try:
            text = body.decode()
        except UnicodeDecodeError as error:
            raise Malformed("malformed_utf8", "the body is not UTF-8", error.start) from error
        first = body.lstrip()[:1]
        if first in _JSON_STARTS:
            return self._json(body, keep_raw, is_array=first == b"[")
        if accepts_form and "=" in text:
            return [forms.event_of(text, keep_raw)]
        if not first:
            raise Malformed("malformed_empty", "the body is empty")
        wanted = "a JSON object or array, or a form" if accepts_form else "a JSON object or array"
        raise Malformed("malformed_json", f"the body is not {wanted}", len(body) - len(body.lstrip()))

    def _json(self, body: bytes, keep_raw: bool, is_array: bool) -> list[Sent]:
        try:
            return self._loose(body, keep_raw, is_array)
        except msgspec.DecodeError as error:
            found = _BYTE.search(str(error))
            at = int(found[1]) if found else 0
            raise Malformed("malformed_json", _CLEARER.get(str(error), str(error)), at) from error
        except RecursionError as error:
            raise Malformed("malformed_depth", "the JSON is nested too deep") from error

    def _loose(self, body: bytes, keep_raw: bool, is_array: bool) -> list[Sent]:
        if is_array:
            values = _values.decode(body)
            sources = _sources.decode(body)
        else:
            values = _values.decode_lines(body)
            sources = _source.decode_lines(body)
            if len(values) > 1:
                _check_separated(body, len(values))
        lines = []
        for index, (value, source) in enumerate(zip(values, sources, strict=True)):
            if not isinstance(value, dict):
                raise Malformed("malformed_event", "an event must be a JSON object", index)
            topic = value.get("topic")
            named = isinstance(topic, str) and topic in self._checked
            lines.append(line_of(value, source, keep_raw=keep_raw or named))
        return lines


def _check_separated(body: bytes, values: int) -> None:
    """Raises Malformed where two of the `values` of an NDJSON body share a line."""
    # Between a closing and an opening brace only a newline can stand where a new value begins, and nowhere
    # else in JSON: as many of them as gaps is the usual, well-formed case.
    if body.count(b"}\n{") + body.count(b"}\r\n{") == values - 1:
        return
    found = _UNSEPARATED.search(_STRING.sub(lambda match: b'"' + b"x" * (len(match[0]) - 2) + b'"', body))
    if found:
        raise Malformed("malformed_ndjson", "two values on one line: a newline must part them", found.start() + 1)
