"""Fills in what the request said, and adds what follows from it: site, campaign, origin, country, browser."""

from urllib.parse import unquote_plus

import polars as pl

from eventmill.work.agents import describe
from eventmill.work.batch import Batch
from eventmill.work.geo import Countries
from eventmill.work.hosts import with_host
from eventmill.work.origin import with_origin

_CAMPAIGN = ("utm_source", "utm_medium", "utm_campaign")
_KEPT = ("label", "value", "session", "language", "screen", "props", "id")


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
            pl.coalesce("url", "page").fill_null("").alias("url"),
            pl.col("referrer").fill_null(""),
        )
        frame = with_host(with_host(frame, "url", "url_host"), "referrer", "referrer_host")
        frame = frame.with_columns(_campaign(name, frame["url"]) for name in _CAMPAIGN)
        topic = pl.col("of_topic").cast(pl.String)
        frame = frame.with_columns(
            pl.when(pl.col("category").fill_null("") == "").then(topic).otherwise(pl.col("category")).alias("category"),
            pl.col("action").fill_null(""),
            pl.coalesce("site", "url_host").alias("site"),
            *(pl.col(name).fill_null("") for name in _KEPT),
        )
        batch.frame = _with_countries(with_origin(_with_agents(frame)), self._countries)
        return batch


def _campaign(name: str, url: pl.Series) -> pl.Series | pl.Expr:
    """A `utm_` parameter of the url, percent-decoded; only urls that carry one are looked at."""
    has = url.str.contains(f"{name}=", literal=True)
    if not has.any():
        return pl.lit("").alias(name)
    values = url.filter(has).str.extract(rf"[?&]{name}=([^&#]*)").fill_null("")
    distinct = values.unique()
    decoded = values.replace_strict(distinct, [_unquote(text) for text in distinct.to_list()], return_dtype=pl.String)
    return pl.Series(name, [""], dtype=pl.String).new_from_index(0, url.len()).scatter(has.arg_true(), decoded)


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
