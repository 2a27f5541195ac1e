"""The configuration: each option one record with its name, default and help.

Precedence: command-line flag, then environment (`EVENTMILL_` + the option's path), then file, then default.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from eventmill.topics import Field, Topic, TopicError, with_defaults
from eventmill.units import LOOPBACK, SettingsError, address, duration, is_loopback, network, pause, size, url_path

__all__ = [
    "DOOR_KEYS", "LOOPBACK", "MANAGED", "RESERVED_PATHS", "Product", "Settings", "SettingsError", "address", "check",
    "duration", "is_loopback", "load", "managed_topics", "option_names", "plain_type", "read_file", "size",
]  # fmt: skip

Doc = msgspec.Meta


class Collect(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The door: where events come in."""

    listen: Annotated[list[str], Doc(description="Addresses that take events, HOST:PORT.")] = msgspec.field(
        default_factory=lambda: ["0.0.0.0:8080"]
    )
    processes: Annotated[int, Doc(description="Collector processes sharing these addresses.", ge=1, le=256)] = 2
    max_body: Annotated[str, Doc(description="Largest request body, as sent and decompressed; larger is 413.")] = "10MB"
    trusted_proxies: Annotated[
        list[str], Doc(description="Networks whose X-Forwarded-For is believed, e.g. 10.0.0.0/8.")
    ] = []
    pixel_paths: Annotated[list[str], Doc(description="Paths that answer a 1×1 image and record an event.")] = (
        msgspec.field(default_factory=lambda: ["/event.png", "/event.gif"])
    )
    do_not_track: Annotated[
        str,
        Doc(
            description="Requests with DNT: 1 or Sec-GPC: 1 are counted as others (ignore), "
            "counted without visitor, address and user agent (anonymous), or answered and not kept (drop).",
            pattern="^(ignore|anonymous|drop)$",
        ),
    ] = "ignore"
    header_timeout: Annotated[float, Doc(description="Seconds for a request's head to arrive.", gt=0)] = 10.0
    body_timeout: Annotated[float, Doc(description="Seconds for a request's body to arrive.", gt=0)] = 30.0
    idle_timeout: Annotated[float, Doc(description="Seconds that an idle connection is kept.", gt=0)] = 75.0
    queue_memory: Annotated[
        str, Doc(description="Bytes that may wait in memory for the disk, per process; beyond is 503.")
    ] = "64MB"


class Web(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The API and the dashboard."""

    listen: Annotated[str, Doc(description="Address of the API and the dashboard; loopback by default.")] = (
        "127.0.0.1:8090"
    )
    allowed_hosts: Annotated[
        list[str], Doc(description="Host names, beside the server's own address, that requests may name.")
    ] = []
    frames: Annotated[
        list[str],
        Doc(description="Hosts whose pages may show a share's chart in a frame, beside allowed domains; * for all."),
    ] = []
    query_seconds: Annotated[float, Doc(description="A query that takes longer is stopped.", gt=0)] = 30.0
    query_memory: Annotated[str, Doc(description="A query that needs more memory is stopped.")] = "2GB"


class Work(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The worker: validates, enriches, removes duplicates, stores."""

    workers: Annotated[int, Doc(description="Worker processes (one with the embedded store).", ge=1)] = 1
    batch: Annotated[int, Doc(description="Events in one insert, about.", ge=1, le=1_000_000)] = 50_000
    linger: Annotated[str, Doc(description="Shortest time between two inserts: more means fewer, larger parts.")] = (
        "200ms"
    )


class Queue(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The durable queue."""

    url: Annotated[str, Doc(description="Where events wait: sqlite:, kafka://, redis://, beanstalk:// or amqp://.")] = (
        "sqlite:"
    )
    spill: Annotated[
        bool,
        Doc(description="While a broker is away events wait on the collector's disk; false: 503 instead."),
    ] = True
    quota: Annotated[str, Doc(description="Bytes that all queue files may take; beyond, the door answers 503.")] = (
        "20GB"
    )
    reserve: Annotated[str, Doc(description="Bytes of the disk left free; below, the door answers 503.")] = "256MB"
    file_size: Annotated[str, Doc(description="A queue file rolls to a new one at this size.")] = "256MB"


class StoreTable(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The store."""

    url: Annotated[str, Doc(description="Where events are kept: chdb: (embedded) or chdb://DIR.")] = "chdb:"
    keep: Annotated[str, Doc(description="How long raw events are kept, e.g. 400d; 0 is for ever.")] = "0"


class Alerts(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Alerts, and the webhooks that are told."""

    allow_private: Annotated[
        bool, Doc(description="Webhooks may be in private networks and on this machine, not only on the internet.")
    ] = False
    every: Annotated[str, Doc(description="How often alerts are evaluated.")] = "30s"
    timeout: Annotated[str, Doc(description="How long a webhook may take to answer.")] = "10s"


class Geo(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Countries of visitors, from a file on this machine: nothing is asked over the network."""

    database: Annotated[
        str,
        Doc(description="A file that maps addresses to countries (MMDB, as MaxMind, DB-IP and IPinfo give out); empty: "
            "no countries. The truncated address is looked up, when an event is stored."),
    ] = ""  # fmt: skip


class Product(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Events of a site, or of pages below a path, are of a product: one table each, the first that fits counts."""

    name: Annotated[str, Doc(description="What statistics call it.", min_length=1)]
    site: Annotated[str, Doc(description="Only events of this site; empty: of any.")] = ""
    path: Annotated[
        str, Doc(description="What the path of the url begins with, e.g. /shop/; empty: any.", pattern="^(/.*)?$")
    ] = ""


class Settings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Everything that can be configured."""

    data: Annotated[str, Doc(description="The data directory.")] = "eventmill-data"
    timezone: Annotated[
        str, Doc(description="Zone of days, and of times sent without one (IANA name, e.g. Asia/Shanghai).")
    ] = "UTC"
    settings_db: Annotated[
        str,
        Doc(
            description="Where keys, the password, domains, goals and alerts are kept: sqlite: (a file in the data "
            "directory) or postgresql://USER:PASSWORD@HOST/DB.",
            pattern="^(sqlite:|postgresql://.+)$",
        ),
    ] = "sqlite:"
    queue: Queue = msgspec.field(default_factory=Queue)
    store: StoreTable = msgspec.field(default_factory=StoreTable)
    collect: Collect = msgspec.field(default_factory=Collect)
    web: Web = msgspec.field(default_factory=Web)
    work: Work = msgspec.field(default_factory=Work)
    alerts: Alerts = msgspec.field(default_factory=Alerts)
    geo: Geo = msgspec.field(default_factory=Geo)
    products: list[Product] = msgspec.field(default_factory=list)
    topics: dict[str, Topic] = msgspec.field(default_factory=dict)

    @property
    def data_dir(self) -> Path:
        return Path(self.data).absolute()

    @property
    def queue_dir(self) -> Path | None:
        """Where the embedded queue keeps its files; None for a queue elsewhere."""
        url = urlsplit(self.queue.url)
        return (Path(url.path) if url.path else self.data_dir / "queue") if url.scheme == "sqlite" else None

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


def load(
    file: Path | None = None,
    flags: Mapping[str, Any] | None = None,
    env: Mapping[str, str] | None = None,
) -> Settings:
    """Reads the file (default `./eventmill.toml` where present), the environment and the flags.

    `flags` maps option paths like `collect.processes` to values; None means not given.
    Raises `SettingsError`.
    """
    env = os.environ if env is None else env
    path, tree = read_file(file, env)
    # `queue = "sqlite:"` is short for `[queue] url = "sqlite:"`.
    for section in ("queue", "store"):
        if isinstance(tree.get(section), str):
            tree[section] = {"url": tree[section]}
    _from_environment(Settings, "EVENTMILL", tree, env)
    for option, value in (flags or {}).items():
        if value is not None:
            _put(tree, option, value)
    declared = tree.get("topics", {})
    if isinstance(declared, dict):
        # What the file says of a topic wins over what `eventmill topics add` once said.
        tree["topics"] = {**_managed(Path(str(tree.get("data", Settings().data)))), **declared}
    source = f"{path}: " if path else ""
    try:
        settings = msgspec.convert(tree, Settings, strict=True)
        settings.topics = with_defaults(settings.topics)
    except msgspec.ValidationError as error:
        raise SettingsError(source + _explain(error, tree)) from error
    except TopicError as error:
        raise SettingsError(f"{source}{error}") from error
    check(settings)
    return settings


def read_file(file: Path | None, env: Mapping[str, str]) -> tuple[Path | None, dict[str, Any]]:
    """The configuration file in force and its tables; (None, {}) where there is none. Raises SettingsError."""
    named = file or (Path(env["EVENTMILL_CONFIG"]) if env.get("EVENTMILL_CONFIG") else None)
    path = named or Path("eventmill.toml")
    if named is None and not path.exists():
        return None, {}
    try:
        text = path.read_text(encoding="utf-8")
        return path, tomllib.loads(text)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; `eventmill init` writes one") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}{_TWICE if 'overwrite' in str(error) else ''}") from error


_TWICE = '; where a section has more options, write its url there: [store] url = "chdb:"'


def page_host(text: str) -> str:
    """A host of pages, or `*`. Raises SettingsError."""
    if text != "*" and not re.fullmatch(r"[\w.-]+(:\d{1,5})?", text, re.ASCII):
        raise SettingsError(f"{text!r} is no host; write shop.example or shop.example:8443, without https://")
    return text


def check(settings: Settings) -> None:
    """What the types cannot say. Raises SettingsError."""
    try:
        ZoneInfo(settings.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingsError(f"timezone: {settings.timezone!r} is no IANA time zone such as Europe/Berlin") from error
    collect, queue = settings.collect, settings.queue
    for product in settings.products:
        if not product.site and not product.path:
            raise SettingsError(f'products: {product.name!r} needs a site or a path, e.g. path = "/shop/"')
    for name, parse, text in (
        ("collect.max_body", size, collect.max_body),
        ("collect.queue_memory", size, collect.queue_memory),
        ("queue.quota", size, queue.quota),
        ("queue.reserve", size, queue.reserve),
        ("queue.file_size", size, queue.file_size),
        ("web.query_memory", size, settings.web.query_memory),
        ("work.linger", duration, settings.work.linger),
        ("store.keep", duration, settings.store.keep),
        ("alerts.every", pause, settings.alerts.every),
        ("alerts.timeout", pause, settings.alerts.timeout),
        ("web.listen", address, settings.web.listen),
        *(("web.frames", page_host, host) for host in settings.web.frames),
        *(("collect.listen", address, listen) for listen in collect.listen),
        *(("collect.trusted_proxies", network, text) for text in collect.trusted_proxies),
        *(("collect.pixel_paths", url_path, path) for path in collect.pixel_paths),
        *((f"topics.{name}.retention", duration, topic.retention) for name, topic in settings.topics.items()),
    ):
        try:
            parse(text)
        except SettingsError as error:
            raise SettingsError(f"{name}: {error}") from error
    if not collect.listen:
        raise SettingsError('collect.listen: needs at least one address, e.g. ["0.0.0.0:8080"]')
    for name, topic in settings.topics.items():
        for alias in topic.aliases:
            if alias in RESERVED_PATHS or alias in collect.pixel_paths or alias.startswith("/t/"):
                raise SettingsError(f"topics.{name}.aliases: {alias} is a path of eventmill's own; take another")


RESERVED_PATHS = frozenset({"/e", "/t", "/health", "/ready", "/eventmill.js"})
"""Paths of the door that no topic can have; beside them all under /t/ and the pixel paths."""


def _explain(error: msgspec.ValidationError, tree: Mapping[str, Any]) -> str:
    """`topics.order.extra: …` instead of the library's `… - at $.topics[...].extra`."""
    what, _, where = str(error).partition(" - at `")
    place = where.removesuffix("`").removeprefix("$").lstrip(".")
    if place.startswith("topics[...]"):
        place, what = _in_topics(tree["topics"]) or (place, what)
    unknown = re.fullmatch(r"Object contains unknown field `(.+)`", what)
    if unknown:
        place, what = f"{place}.{unknown[1]}".lstrip("."), "there is no such option"
        what += _meant(place)
    return f"{place}: {what[0].lower()}{what[1:]}"


def _in_topics(topics: Mapping[str, Any]) -> tuple[str, str] | None:
    """Which topic, or which field of it, is wrong: the library does not say the names of a dict's items."""
    for name, table in topics.items():
        fields = table.get("fields") if isinstance(table, dict) else None
        tables = [(f"topics.{name}.fields.{key}", value, Field) for key, value in (fields or {}).items()]
        for place, value, kind in (*tables, (f"topics.{name}", table, Topic)):
            try:
                msgspec.convert(value, kind, strict=True)
            except msgspec.ValidationError as error:
                what, _, where = str(error).partition(" - at `$")
                return place + where.removesuffix("`"), what
    return None


def _meant(option: str) -> str:
    known = {last: name for name in option_names() for last in (name, name.rpartition(".")[2])}
    close = get_close_matches(option, known, 1) or get_close_matches(option.rpartition(".")[2], known, 1)
    return f"; did you mean {known[close[0]]}?" if close else "; `eventmill init` lists all"


def option_names(struct: type[msgspec.Struct] = Settings, prefix: str = "") -> list[str]:
    """The paths of all options, e.g. `collect.max_body`; topics count as one, products are left out."""
    names: list[str] = []
    for field in msgspec.structs.fields(struct):
        kind = plain_type(field.type)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            names += option_names(kind, f"{prefix}{field.name}.")
        elif not is_tables(kind):
            names.append(prefix + field.name)
    return names


def plain_type(annotation: Any) -> Any:
    """The type without its `Annotated` description."""
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def is_tables(kind: Any) -> bool:
    """Whether the option is written as tables, `[[products]]`."""
    element = get_args(kind)[0] if get_origin(kind) is list else None
    return isinstance(element, type) and issubclass(element, msgspec.Struct)


def _from_environment(struct: type[msgspec.Struct], prefix: str, tree: dict[str, Any], env: Mapping[str, str]) -> None:
    """Fills `tree` from EVENTMILL_SECTION_OPTION; `EVENTMILL_QUEUE` is the queue's url."""
    for field in msgspec.structs.fields(struct):
        name = f"{prefix}_{field.name.upper()}"
        kind = plain_type(field.type)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            child = tree.setdefault(field.name, {})
            if not isinstance(child, dict):
                continue  # the conversion that follows says what is wrong with it
            if name in env and "url" in kind.__struct_fields__:
                child["url"] = env[name]
            _from_environment(kind, name, child, env)
        elif name in env and get_origin(kind) is not dict and not is_tables(kind):
            tree[field.name] = _parse_env(name, field.type, env[name])


def _parse_env(name: str, kind: Any, text: str) -> Any:
    if get_origin(plain_type(kind)) is list:
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        return msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError as error:
        what = str(error)
        raise SettingsError(f"{name}={text!r}: {what[0].lower()}{what[1:]}") from error


def _put(tree: dict[str, Any], option: str, value: Any) -> None:
    *sections, last = option.split(".")
    table: Any = tree
    for section in sections:
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            return  # the conversion that follows says what is wrong with it
    table[last] = value


def managed_topics(data: Path) -> dict[str, Topic]:
    """Topics that `eventmill topics add` keeps in the data directory. Raises SettingsError."""
    tables = _managed(data)
    try:
        return msgspec.convert(tables, dict[str, Topic], strict=True)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{data / MANAGED}: {_explain(error, {'topics': tables})}") from error


MANAGED = "topics.toml"
DOOR_KEYS = "door-keys.json"
"""In the data directory: hashes of the keys that may send, from the settings database to the collectors."""


def _managed(data: Path) -> dict[str, Any]:
    path = data / MANAGED
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("topics", {})
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error
    return tables if isinstance(tables, dict) else {}
