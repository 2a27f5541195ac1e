"""Fills in what the request said, and adds what follows from it: site, campaign, origin, country, browser."""

from urllib.parse import unquote_plus

import polars as pl

from eventmill.work.agents import describe
from eventmill.work.batch import Batch
from eventmill.work.geo import Countries
from eventmill.work.origin import HOST, with_origin

_KEPT = ("label", "value", "session", "url", "referrer", "language", "screen", "props", "id")


class Enrich:
    """The step. The event's own fields win over the request's."""

    name = "enrich"

    def __init__(self, countries: Countries | None = None) -> None:
        self._countries = countries

    def __call__(self, batch: Batch) -> Batch:
        frame = batch.frame.with_columns(
            pl.coalesce("user_agent", "ua").fill_null("").alias("user_agent"),
            pl.coalesce("own_ip", "ip").fill_null("").alias("ip"),
            pl.coalesce("user", "_v").fill_null("").alias("user"),
            pl.coalesce("url", "page").alias("url"),
        )
        frame = frame.with_columns(
            _site(frame),
            *(_campaign(name, frame) for name in ("utm_source", "utm_medium", "utm_campaign")),
        )
        topic = pl.col("of_topic").cast(pl.String)
        frame = frame.with_columns(
            pl.when(pl.col("category").fill_null("") == "").then(topic).otherwise(pl.col("category")).alias("category"),
            pl.col("action").fill_null(""),
            *(pl.col(name).fill_null("") for name in _KEPT),
        )
        batch.frame = _with_countries(with_origin(_with_agents(frame)), self._countries)
        return batch


def _site(frame: pl.DataFrame) -> pl.Series:
    """The site as given, else the url's host. The store works the hosts out for its own columns."""
    site, url = frame["site"], frame["url"]
    if site.null_count() == 0 or url.null_count() == url.len():
        return site.fill_null("")
    hosts = url.unique().to_frame().with_columns(pl.col("url").str.extract(HOST).str.to_lowercase().alias("_host"))
    found = frame.select("site", "url").join(hosts, on="url", how="left", maintain_order="left")
    return found.select(pl.coalesce("site", "_host").fill_null("").alias("site"))["site"]


def _campaign(name: str, frame: pl.DataFrame) -> pl.Series:
    """A `utm_` parameter of the url, percent-decoded; only urls that carry one are looked at."""
    url = frame["url"]
    if url.null_count() == url.len():
        return pl.Series(name, [""], dtype=pl.String).new_from_index(0, url.len())
    has = url.str.contains(f"{name}=", literal=True).fill_null(False)
    if not has.any():
        return pl.Series(name, [""], dtype=pl.String).new_from_index(0, url.len())
    values = url.filter(has).str.extract(rf"[?&]{name}=([^&#]*)").fill_null("")
    distinct = values.unique()
    decoded = values.replace_strict(distinct, [_unquote(text) for text in distinct.to_list()], return_dtype=pl.String)
    column = [""] * url.len()
    for place, text in zip(has.arg_true().to_list(), decoded.to_list(), strict=True):
        column[place] = text
    return pl.Series(name, column, dtype=pl.String)


def _unquote(text: str) -> str:

    return unquote_plus(text)[:200]


def _with_agents(frame: pl.DataFrame) -> pl.DataFrame:
    distinct = frame["user_agent"].unique()
    described = [describe(text) for text in distinct.to_list()]
    agents = pl.DataFrame(
        {
            "user_agent": distinct,
            "browser": [row[0] for row in described],
            "os": [row[1] for row in described],
            "device": [row[2] for row in described],
            "bot": [row[3] for row in described],
        }
    )
    return frame.join(agents, on="user_agent", how="left", maintain_order="left")


def _with_countries(frame: pl.DataFrame, countries: Countries | None) -> pl.DataFrame:
    """Each distinct address is looked up once."""
    if countries is None or not (frame["ip"] != "").any():
        return frame.with_columns(pl.lit("").alias("country"))
    distinct = frame.select(pl.col("ip").unique())
    codes = [countries(address) if address else "" for address in distinct["ip"].to_list()]
    distinct = distinct.with_columns(pl.Series("country", codes, pl.String))
    return frame.join(distinct, on="ip", how="left", maintain_order="left")
