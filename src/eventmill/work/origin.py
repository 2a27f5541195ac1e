"""Where a visitor came from: `source` and `channel` of an event, from its campaign and its referrer."""

from functools import lru_cache

import polars as pl

from eventmill.work import channels

_CLICK = rf"[?&](?:{'|'.join(channels.CLICK_IDS)})="
_SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "gov", "ne", "net", "or", "org"})
"""Second labels below which names are registered, where the ending is a country's: `co.uk`."""


def with_origin(frame: pl.DataFrame) -> pl.DataFrame:
    """Adds `source` (utm_source, else the host that the visitor came from, '' where it is the event's own) and
    `channel` (search, social, mail, ad, referral, direct). Worked out once for each distinct origin."""
    named = [name for name in ("utm_source", "utm_medium", "referrer_host") if (frame[name] != "").any()]
    clicks = frame["url"].str.contains(_CLICK)
    if not named and not clicks.any():
        return frame.with_columns(pl.lit("").alias("source"), pl.lit("direct").alias("channel"))
    own = pl.when(pl.col("url_host") == "").then("site").otherwise("url_host")
    seen = frame.select(
        *(name if name in named else pl.lit("").alias(name) for name in ("utm_source", "utm_medium", "referrer_host")),
        pl.when(pl.col("referrer_host") == "").then(pl.lit("")).otherwise(own).alias("_own"),
        clicks.alias("_click"),
    )
    distinct = seen.unique()
    found = [origin(*row) for row in distinct.iter_rows()]
    distinct = distinct.with_columns(
        pl.Series("source", [row[0] for row in found], pl.String),
        pl.Series("channel", [row[1] for row in found], pl.String),
    )
    joined = seen.join(distinct, on=seen.columns, how="left", maintain_order="left")
    return frame.with_columns(joined["source"], joined["channel"])


@lru_cache(maxsize=50_000)
def origin(utm_source: str, utm_medium: str, referrer_host: str, own_host: str, click: bool) -> tuple[str, str]:
    """(source, channel); hosts in lower case."""
    host = "" if referrer_host.removeprefix("www.") == own_host.removeprefix("www.") else referrer_host
    return utm_source or host, _channel(utm_source.lower(), utm_medium.lower(), host, click)


def _channel(source: str, medium: str, host: str, click: bool) -> str:
    if click or medium in channels.PAID_MEDIUMS:
        return "ad"
    known = channels.MEDIUMS.get(medium) or channels.NAMES.get(source) or of_host(source) or of_host(host)
    return known or ("referral" if source or medium or host else "direct")


def of_host(host: str) -> str:
    """The channel that a host belongs to, '' where it is not known."""
    if not host:
        return ""
    if host in channels.HOSTS:
        return channels.HOSTS[host]
    if host.startswith(channels.MAIL_LABELS):
        return "mail"
    labels = host.split(".")
    if len(labels) < 2:
        return ""
    country = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    name = labels[-3] if country else labels[-2]
    domain = ".".join(labels[-3:] if country else labels[-2:])
    return channels.DOMAINS.get(domain) or channels.NAMES.get(name, "")
