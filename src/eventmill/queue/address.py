"""What a broker's URL says: where it is, under which prefix, and what an acknowledgement must mean."""

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit, urlunsplit

from eventmill.queue.base import QueueError

CLASSES = ("fsync", "replicated", "relaxed")
_OPTIONS = {"durability", "partitions", "prefix"}
_PARTITIONS = 4


@dataclass(slots=True, frozen=True)
class Address:
    """`url` is without eventmill's own options; `asked` is the class that must hold, None for the default."""

    url: str
    prefix: str
    partitions: int
    asked: str | None


def parse_address(url: str, more: Collection[str] = ()) -> tuple[Address, dict[str, str]]:
    """The address and the options named in `more`. Raises QueueError where an option is unknown or wrong."""
    parts = urlsplit(url)
    given = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    known = _OPTIONS | set(more)
    if unknown := sorted(set(given) - known):
        raise QueueError(f"queue: option {unknown[0]!r} is not known here; known are {', '.join(sorted(known))}")
    asked = given.pop("durability", None)
    if asked is not None and asked not in CLASSES:
        raise QueueError(f"queue: durability={asked!r} is none of {', '.join(CLASSES)}")
    partitions = given.pop("partitions", str(_PARTITIONS))
    if not partitions.isdecimal() or not 1 <= int(partitions) <= 256:
        raise QueueError(f"queue: partitions={partitions!r} must be a number from 1 to 256")
    prefix = given.pop("prefix", "eventmill")
    if not prefix or not prefix.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise QueueError(f"queue: prefix={prefix!r} must be letters, digits, '-', '_' and '.'")
    return Address(urlunsplit(parts._replace(query="")), prefix, int(partitions), asked), given


def chosen(asked: str | None, real: str, why: str, mend: str) -> str:
    """The class in force: what was asked for, where the broker really gives it. `real` is what it gives, `why` how it
    says so. Raises QueueError with the mend where it gives less than asked for (by default: than `fsync`)."""
    if asked in {"relaxed", real} or (asked is None and real in {"fsync", "replicated"}):
        return "relaxed" if asked == "relaxed" else real
    raise QueueError(
        f"queue: durability={asked or 'fsync'} is not what this broker gives ({why}). {mend}, "
        "or accept losses by adding durability=relaxed to the URL"
    )
