"""What this server is and has seen: what the dashboard asks first."""

from typing import Any

import msgspec

from eventmill import __version__, runtime
from eventmill.query.days import rfc3339_ms
from eventmill.query.pipeline import ends, sites
from eventmill.settings import SettingsError, managed_topics
from eventmill.topics import Topic
from eventmill.web.services import Services


class NamedTopic(msgspec.Struct):
    """A topic as declared: the checks of its fields by name, and whether it came from `eventmill topics`."""

    name: str
    aliases: list[str]
    fields: dict[str, dict[str, Any]]
    field_count: int | None
    extra: str
    retention: str
    group: str
    managed: bool


class About(msgspec.Struct):
    """`collect` are addresses that take events, `first` and `last` when raw events were received (RFC 3339)."""

    version: str
    timezone: str
    collect: list[str]
    sites: list[str]
    topics: list[NamedTopic]
    products: list[str]
    geo: bool
    first: str | None
    last: str | None


def about(services: Services) -> About:
    """What the dashboard asks first."""
    settings = services.settings
    running = runtime.find(settings.data_dir)
    moments = ends(services.sources.store)
    products = getattr(settings, "products", None) or []
    return About(
        version=__version__,
        timezone=settings.timezone,
        collect=running.collect if running and running.collect else settings.collect.listen,
        sites=sites(services.sources.store),
        topics=_topics(services),
        products=sorted({str(product.name) for product in products}),
        geo=bool(getattr(getattr(settings, "geo", None), "database", "")),
        first=rfc3339_ms(moments[0]) if moments else None,
        last=rfc3339_ms(moments[1]) if moments else None,
    )


def _topics(services: Services) -> list[NamedTopic]:
    settings = services.settings
    try:
        managed = managed_topics(settings.data_dir)
    except SettingsError:  # the file is wrong: the log says so
        managed = {}
    names = {name for names in services.sources.groups().values() for name in names}
    declared = {**managed, **settings.topics}
    found = []
    for name in sorted(names | declared.keys()):
        topic = declared.get(name, Topic())
        fields = {field: _given(check) for field, check in topic.fields.items()}
        found.append(
            NamedTopic(
                name, topic.aliases, fields, topic.field_count, topic.extra, topic.retention, topic.group,
                managed.get(name) == topic,
            )
        )  # fmt: skip
    return found


def _given(check: msgspec.Struct) -> dict[str, Any]:
    """Only the rules that are set."""
    plain: dict[str, Any] = msgspec.to_builtins(check)
    return {name: value for name, value in plain.items() if value is not None and value is not False}
