"""`python -m eventmill.work.probe SETTINGS < pickled entries`: exit 0 where they go through the pure steps."""

import pickle
import sys
from pathlib import Path

import msgspec

from eventmill.queue.base import Delivery
from eventmill.settings import Settings
from eventmill.work.batch import decode
from eventmill.work.geo import open_countries
from eventmill.work.pipeline import pure_steps


def main() -> int:
    settings = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Settings)
    entries = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by our own parent
    _, steps = pure_steps(settings.topics, settings.zone, open_countries(settings.geo.database))
    batch = decode(Delivery("probe", entries, {}))
    for step in steps:
        batch = step(batch)
    return 0


if __name__ == "__main__":
    sys.exit(main())
