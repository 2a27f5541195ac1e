"""The metrics page is what Prometheus' own parser reads, with labels of every process."""

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
from prometheus_client.parser import text_string_to_metric_families

from eventmill.settings import Settings
from eventmill.web import metrics
from eventmill.work.progress import Progress
from tests.unit.web.conftest import Server


def test_the_page_reads_as_prometheus_does(server: Server, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    figures = {"events": 12, "requests_2xx": 10, "connections_open": 2, "pid": 7}
    (tmp_path / "run" / "collector-0.json").write_text(json.dumps(figures))
    progress = Progress("store")
    progress.done(12, 10, pl.DataFrame({"reason": ["invalid_time"], "len": [2]}), 1)
    with progress.time("decode"):
        pass
    services = replace(server.services, settings=Settings(data=str(tmp_path)), gauges=progress.metrics)
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(metrics.render(services))
        for sample in family.samples
    }
    assert samples["eventmill_collector_events_total", ("process", "collector-0")] == 12
    assert samples["eventmill_collector_connections_open", ("process", "collector-0")] == 2
    assert samples["eventmill_worker_stored_total", ("group", "store")] == 10
    assert samples["eventmill_worker_rejected_total", ("group", "store"), ("reason", "invalid_time")] == 2
    assert ("eventmill_worker_step_seconds_total", ("group", "store"), ("step", "decode")) in samples
