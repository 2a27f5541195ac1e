"""Deadlines: one look at every connection once a second instead of a timer for each request."""

from eventmill.collect.collector import Collector
from eventmill.collect.limits import LINGER_SECONDS, WRITE_SECONDS


def sweep(collector: Collector) -> None:
    """Ends what is late: heads, bodies, idle connections, replies not taken, lingering closes."""
    now = collector.now
    limits = collector.limits
    for door in list(collector.doors):
        age = now - door.since
        if door.stalled_since:
            if now - door.stalled_since > WRITE_SECONDS:
                door.abort()
        elif door.lingering:
            if age > LINGER_SECONDS:
                door.abort()
        elif door.pending:
            continue  # it waits for the disk, not we for it
        elif door.closing:
            if age > WRITE_SECONDS:
                door.abort()
        elif door.reading:
            if age > (limits.body_timeout if door.in_body else limits.header_timeout):
                door.late()
        elif age > (limits.idle_timeout if door.served else limits.header_timeout):
            door.expire()
    collector.counters.connections_open = len(collector.doors)
    collector.counters.held_bytes = collector.commit.held
