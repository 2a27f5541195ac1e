"""Servers that tests of one file share: a start costs four seconds."""

from collections.abc import Iterator

import pytest

from tests.acceptance.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the defaults that believes X-Forwarded-For, so that requests can come from many visitors."""
    config = '[collect]\ntrusted_proxies = ["127.0.0.0/8"]\n'
    with Server(tmp_path_factory.mktemp("served") / "data", config, collectors=2) as running:
        yield running
