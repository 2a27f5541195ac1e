"""The topics that `topics add` keeps: `topics.toml` in the data directory, changed whole or not at all."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from eventmill.commands import toml
from eventmill.settings import MANAGED, managed_topics
from eventmill.topics import Topic

_HEAD = "# Written by `eventmill topics`; a topic of the same name in eventmill.toml wins over the one here.\n"


@contextmanager
def changing(data: Path) -> Iterator[dict[str, Topic]]:
    """The managed topics, to be changed in place; durable when the block ends without an error.

    Two commands at once wait for each other. Raises SettingsError where the file cannot be read, and OSError.
    """
    data.mkdir(parents=True, exist_ok=True)
    with (data / f"{MANAGED}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        topics = managed_topics(data)
        yield topics
        _replace(data / MANAGED, text_of(topics))


def text_of(topics: dict[str, Topic]) -> str:
    """The file's text: what differs from the defaults, so that a later default reaches old topics too."""
    blocks = [_HEAD]
    for name, topic in topics.items():
        table = _given(topic)
        fields = table.pop("fields", {})
        blocks.append(_table(f"topics.{toml.key(name)}", table))
        for field, check in fields.items():
            blocks.append(_table(f"topics.{toml.key(name)}.fields.{toml.key(field)}", _given(check)))
    return "\n".join(blocks)


def _given(record: msgspec.Struct) -> dict[str, Any]:
    fresh = type(record)()
    pairs = {name: getattr(record, name) for name in record.__struct_fields__}
    return {name: value for name, value in pairs.items() if value != getattr(fresh, name)}


def _table(name: str, options: dict[str, Any]) -> str:
    return "".join([f"[{name}]\n", *(f"{option} = {toml.value(item)}\n" for option, item in options.items())])


def _replace(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    with new.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
