"""What waits in the tubes, counted in events.

beanstalkd counts jobs, by tube. How many events a job holds stands in its time to run (`job.py`), which `stats-job`
tells without the body; it is asked once for each job, and again while the tube has fewer jobs than are known.
"""

from collections.abc import Iterable, Mapping

from eventmill.queue.beanstalk.job import decode, events_of, shard_of, tube_of
from eventmill.queue.beanstalk.wire import Wire, told

_AT_ONCE = 1000
_GAP = 300_000
"""So many ids in a row of jobs that are gone, and no older one is looked for."""
_CLIMB = 10_000
_STATES = ("ready", "reserved", "delayed")
"""Buried jobs wait for a hand; those that were refused for want of space stay known as `invalid`."""


def newest(wire: Wire, prefix: str) -> int | None:
    """The greatest id of all jobs, which is that of a new one; None where none is taken (full, or draining)."""
    use, put = b"use %b\r\n" % prefix.encode(), b"put 0 0 1 0\r\n\r\n"
    _, made = wire.ask([use, put])
    _, left = wire.ask([b"delete %d\r\n" % made.number, b"peek-ready\r\n"])
    if left.word == b"FOUND":  # of somebody who was killed between the two
        wire.ask([b"delete %d\r\n" % left.number])
    return made.number if made.word == b"INSERTED" else None


class Waiting:
    """Jobs that wait, by shard: ids and their events."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._server = ""
        self._total = -1
        self._seen = 0
        self._known: dict[str, dict[int, int]] = {}
        self._times: dict[int, int] = {}

    def look(self, wire: Wire) -> Mapping[str, Mapping[int, int]]:
        """As it is now. Of what was put while it looked some may be missing. Raises OSError."""
        said = wire.stats()
        if said.get("id") != self._server:  # started anew: ids may be given again
            self._server, self._total, self._seen = said.get("id", ""), -1, 0
            self._known.clear()
            self._times.clear()
        first = not self._seen
        total = int(said["total-jobs"])
        counts = self._counts(wire)
        if total != self._total:
            last = self.last(wire)
            self._scan(wire, last, counts if first else None)
            self._seen, self._total = last, total + 1
            counts = self._counts(wire)
        for shard, jobs in self._known.items():
            self._forget_gone(wire, jobs, counts.get(shard, 0))
        return self._known

    def last(self, wire: Wire) -> int:
        """The greatest id, or nearly: where no new job is taken, behind which many ids are nobody's."""
        last = newest(wire, self._prefix)
        if last is not None:
            return last
        last = at = max(self._seen, *(self._first_ready(wire, shard) for shard in self._counts(wire)), 0)
        while at - last < _CLIMB:
            replies = wire.ask([b"stats-job %d\r\n" % job for job in range(at + 1, at + 1 + _AT_ONCE)])
            at += _AT_ONCE
            last = max([last, *(int(told(reply)["id"]) for reply in replies if reply.word == b"OK")])
        return last

    def _first_ready(self, wire: Wire, shard: str) -> int:
        topic, _, partition = shard.rpartition("/")
        use = b"use %b\r\n" % tube_of(self._prefix, topic, int(partition)).encode()
        return wire.ask([use, b"peek-ready\r\n"])[1].number

    def oldest(self, wire: Wire, jobs: Iterable[int]) -> int | None:
        """When the first of these jobs was received; None where it is gone."""
        job = min(jobs)
        if job not in self._times:
            (found,) = wire.ask([b"peek %d\r\n" % job])
            entry = decode(self._prefix, job, found.body) if found.word == b"FOUND" else None
            if entry is None:
                return None
            self._times = {one: at for one, at in self._times.items() if one >= job} | {job: entry.received}
        return self._times[job]

    def _counts(self, wire: Wire) -> dict[str, int]:
        """Jobs by shard, without those that are buried."""
        (tubes,) = wire.ask([b"list-tubes\r\n"])
        names = [line[2:] for line in tubes.body.decode().splitlines() if line.startswith("- ")]
        shards = {name: shard for name in names if (shard := shard_of(self._prefix, name)) is not None}
        replies = wire.ask([b"stats-tube %b\r\n" % name.encode() for name in shards])
        return {
            shard: sum(int(said.get(f"current-jobs-{state}", 0)) for state in _STATES)
            for shard, said in zip(shards.values(), map(told, replies), strict=True)
        }

    def _scan(self, wire: Wire, last: int, wanted: Mapping[str, int] | None) -> None:
        """Takes up jobs, from the newest to those that are known; at first until there are as many as are `wanted`."""
        found: dict[str, list[tuple[int, int]]] = {}
        gap, high = 0, last
        while high > self._seen and gap < _GAP:
            ids = range(high, max(self._seen, high - _AT_ONCE), -1)
            high, gap = ids[-1] - 1, gap + len(ids)
            for said in map(told, wire.ask([b"stats-job %d\r\n" % job for job in ids])):
                shard = shard_of(self._prefix, said.get("tube", ""))
                if shard is not None and said["state"] in _STATES:
                    found.setdefault(shard, []).append((int(said["id"]), events_of(int(said["ttr"]))))
                    gap = 0
            if wanted is not None and all(len(found.get(shard, ())) >= count for shard, count in wanted.items()):
                break
        for shard, jobs in found.items():
            self._known.setdefault(shard, {}).update(reversed(jobs))

    def _forget_gone(self, wire: Wire, jobs: dict[int, int], count: int) -> None:
        """Takes out jobs that are no more, while more are known than there are; the oldest go first."""
        if not count:
            jobs.clear()
        ids = list(jobs)
        for at in range(0, len(ids), _AT_ONCE):
            if len(jobs) <= count:
                return
            some = ids[at : at + _AT_ONCE]
            for job, reply in zip(some, wire.ask([b"stats-job %d\r\n" % job for job in some]), strict=True):
                if told(reply).get("state") not in _STATES:
                    del jobs[job]
