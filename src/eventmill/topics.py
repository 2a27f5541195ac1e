"""Topics: what may be sent into each, how long the queue keeps it, who reads it."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

Doc = msgspec.Meta
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class TopicError(Exception):
    """A topic is declared wrongly; the message names it and the mend."""


class Field(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a field of an event must be."""

    type: Annotated[
        Literal["string", "integer", "number", "boolean", "time", "enum"], Doc(description="The JSON type.")
    ] = "string"
    required: Annotated[bool, Doc(description="An event without it is rejected.")] = False
    min: Annotated[float | None, Doc(description="Least number.")] = None
    max: Annotated[float | None, Doc(description="Greatest number.")] = None
    min_length: Annotated[int | None, Doc(description="Least length of a string, in characters.")] = None
    max_length: Annotated[int | None, Doc(description="Greatest length of a string, in characters.")] = None
    pattern: Annotated[str | None, Doc(description="Regular expression that the whole string matches.")] = None
    values: Annotated[list[Any] | None, Doc(description="The values that an enum allows.")] = None


class Topic(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One topic. An event that fails its checks is accepted and then rejected with the reason."""

    aliases: Annotated[list[str], Doc(description="Paths that take POSTs into this topic and answer OK.")] = []
    fields: Annotated[dict[str, Field], Doc(description="Checks by field name, known fields or props.")] = {}
    field_count: Annotated[int | None, Doc(description="Exactly so many fields must be sent.")] = None
    extra: Annotated[Literal["allow", "reject"], Doc(description="Undeclared fields: allow or reject.")] = "allow"
    retention: Annotated[str, Doc(description="How long the queue keeps what every group has read.")] = "15d"
    consumers: Annotated[int, Doc(description="Consumers of the topic in its group (brokers).", ge=1)] = 1
    group: Annotated[str, Doc(description="The consumer group that stores the topic.")] = "store"
    start: Annotated[
        Literal["earliest", "latest"],
        Doc(description="Where a new group starts on a broker; on the embedded queue always at the earliest."),
    ] = "earliest"

    @property
    def checked(self) -> bool:
        """Whether an event of this topic can fail, so that its text as sent must be kept beside it."""
        return bool(self.fields) or self.field_count is not None or self.extra == "reject"


def with_defaults(topics: dict[str, Topic]) -> dict[str, Topic]:
    """The three default topics and the declared ones, checked. Raises TopicError."""
    merged = {"event": Topic(), "request": Topic(), "log": Topic(), **topics}
    seen: dict[str, str] = {}
    for name, topic in merged.items():
        if not _NAME.fullmatch(name):
            raise TopicError(f"topics.{name}: a name has a-z, 0-9, _ and -, at most 63 characters")
        if not _NAME.fullmatch(topic.group):
            raise TopicError(f"topics.{name}.group: {topic.group!r} has other characters than a-z, 0-9, _ and -")
        for alias in topic.aliases:
            if not alias.startswith("/") or "?" in alias:
                raise TopicError(f"topics.{name}.aliases: {alias!r} must be a path that starts with /")
            if alias in seen:
                raise TopicError(f"topics.{name}.aliases: {alias} already belongs to topic {seen[alias]}")
            seen[alias] = name
        for field, check in topic.fields.items():
            _check_field(f"topics.{name}.fields.{field}", check)
    return merged


def _check_field(where: str, check: Field) -> None:
    if check.pattern is not None:
        try:
            re.compile(check.pattern)
        except re.error as error:
            raise TopicError(f"{where}.pattern: {error}") from error
    if check.type == "enum" and not check.values:
        raise TopicError(f"{where}: an enum needs values = [...]")
    # A check that would never run looks like protection and is none.
    for options, types in _APPLY:
        given = [option for option in options if getattr(check, option) is not None]
        if given and check.type not in types:
            raise TopicError(f"{where}: {' and '.join(options)} are for {' and '.join(types)}, not for {check.type}")
    for low, high in (("min", "max"), ("min_length", "max_length")):
        least, most = getattr(check, low), getattr(check, high)
        if least is not None and most is not None and least > most:
            raise TopicError(f"{where}: {low} {least:g} is above {high} {most:g}: nothing could pass")


_APPLY = (
    (("min", "max"), ("number", "integer")),
    (("min_length", "max_length", "pattern"), ("string",)),
    (("values",), ("enum",)),
)


def groups(topics: Mapping[str, Topic]) -> dict[str, list[str]]:
    """The consumer groups of the store and the topics that each reads."""
    found: dict[str, list[str]] = {}
    for name, topic in topics.items():
        found.setdefault(topic.group, []).append(name)
    return found
