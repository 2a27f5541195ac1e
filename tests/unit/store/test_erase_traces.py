"""What is left of a person who was forgotten: no file, no cache, no list of the store holds the name."""

import json
import time
from pathlib import Path

from eventmill.query import series, top
from eventmill.store import retention
from tests.stored_events import frame, row
from tests.unit.store.erased_site import DAY_MS, NOW_MS, OTHER, WHO, Opened, Site, event, reject_rows


def test_no_file_holds_the_name_after_merges(opened: Opened, data_dir: Path) -> None:
    site = Site(opened(), data_dir)
    site.store.command(
        "ALTER TABLE events MODIFY SETTING cleanup_delay_period = 1, cleanup_delay_period_random_add = 0, "
        "max_cleanup_delay_period = 1, old_parts_lifetime = 1"
    )
    site.store.command(
        "ALTER TABLE rejects MODIFY SETTING cleanup_delay_period = 1, cleanup_delay_period_random_add = 0, "
        "max_cleanup_delay_period = 1, old_parts_lifetime = 1"
    )
    for _ in range(3):
        site.send(event(WHO), event(OTHER), {**event(WHO), "_n": 3})
        site.work()
    site.writer.close()
    found = site.files_with(WHO)
    assert any("/store/" in path for path in found)
    assert any("/queue/" in path for path in found)
    assert site.forget(user=WHO).state == "done"
    site.store.command("OPTIMIZE TABLE events FINAL")
    deadline = time.monotonic() + 60
    while left := site.files_with(WHO):
        assert time.monotonic() < deadline, left
        time.sleep(0.5)
    assert site.files_with(OTHER)  # grep does find what is there


def test_caches_of_closed_days_are_counted_anew(site: Site) -> None:
    rows = [row(NOW_MS - 3 * DAY_MS, user=WHO if n % 2 else OTHER, url=f"/{n % 3}") for n in range(60)]
    site.store.insert("events", frame(rows))
    site.closed.worth = 1
    asked = {"from": "2026-11-15", "to": "2026-11-20", "dimension": "user"}

    def ranking() -> list[tuple[str, int]]:
        site.closed.work()
        found = top.top(site.store, top.parse(asked, "UTC"), "UTC", site.closed)
        return [(row.value, row.pv) for row in found.data]

    assert ranking() == ranking() == [(OTHER, 30), (WHO, 30)]
    assert site.store.query("SELECT count() FROM closed_values WHERE value = {w:String}", {"w": WHO}) != [(0,)]
    assert site.forget(user=WHO).events == 30
    assert site.store.query("SELECT count() FROM closed_values WHERE value = {w:String}", {"w": WHO}) == [(0,)]
    assert ranking() == [(OTHER, 30)]
    points = series.series(site.store, series.parse({"from": "2026-11-17", "to": "2026-11-17"}, "UTC"), "UTC")
    assert [(point.pv, point.uv) for point in points.data] == [(30, 1)]  # the projections follow


def test_raw_events_for_days_and_daily_rows_for_longer(site: Site) -> None:
    """What `[store] keep` promises, by query; and what an erasure can still do about days that have expired."""
    rows = [row(NOW_MS - day * DAY_MS, user=user) for day in range(30) for user in (WHO, OTHER)]
    site.store.insert("events", frame(rows))
    retention.expire(site.store, 10 * DAY_MS, NOW_MS, "UTC")
    oldest = site.store.query("SELECT toString(toDate(min(received))), count() FROM events")
    assert oldest == [("2026-11-10", 22)]
    asked = series.parse({"from": "2026-10-22", "to": "2026-11-20"}, "UTC")
    assert [(p.pv, p.uv) for p in series.series(site.store, asked, "UTC").data] == [(2, 2)] * 30
    assert site.forget(user=WHO).events == 11
    found = [(p.pv, p.uv) for p in series.series(site.store, asked, "UTC").data]
    assert found == [(2, 2)] * 19 + [(1, 1)] * 11  # expired days are counts and hashes: they stay
    assert site.store.query("SELECT count() FROM events WHERE user = {w:String}", {"w": WHO}) == [(0,)]


def test_the_store_keeps_no_name_in_its_list_of_mutations(site: Site) -> None:
    site.store.insert("events", frame([row(NOW_MS, user=WHO)]))
    site.store.insert("rejects", reject_rows(json.dumps({"user": WHO})))
    site.forget(user=WHO)
    commands = "".join(str(text) for (text,) in site.store.query("SELECT command FROM system.mutations"))
    assert "DELETE" in commands
    assert WHO not in commands
    assert WHO not in str(site.store.query("SELECT value FROM meta"))
