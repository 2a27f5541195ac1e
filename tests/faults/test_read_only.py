"""Fault 13: the disk of the queue turns read-only. 503, /ready red, and on again when it can be written."""

import os
from pathlib import Path

import pytest

from tests.acceptance.server import Server, until
from tests.faults.load import Client, check
from tests.faults.mounts import device, ext4, mount_again


def test_it_refuses_until_the_disk_can_be_written_again(tmp_path: Path) -> None:
    with ext4(tmp_path / "disk", "100000000") as disk:
        config = f'[queue]\nurl = "sqlite:{disk}/queue"\nreserve = "0"\n'
        trigger = Path(f"/sys/fs/ext4/{device(disk)}/trigger_fs_error")
        if not os.access(trigger, os.W_OK):
            pytest.skip("this kernel cannot make ext4 fail on demand")
        with Server(tmp_path / "data", config) as server:
            client = Client(server, "ro")
            assert client.send(10) == 200
            trigger.write_text("1")
            assert client.send(10) == 503
            until(lambda: server.ready().status == 503, "/ready that says no")
            for _ in range(10):
                client.send(10)
            assert len(client.acked) == 10
            assert {status for status, _ in client.refused} == {503}
            mount_again(disk)
            until(lambda: client.send(10) == 200, "a write that is taken again", why=server.said)
            until(lambda: server.ready().status == 200, "/ready that says yes")
            check(server, client)
