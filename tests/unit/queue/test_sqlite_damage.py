"""The embedded queue under damage: cut files, wrong bytes, deleted files, a failing disk."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from eventmill.queue.base import QueueFull, QueueUnavailable
from eventmill.queue.sqlite import files
from eventmill.queue.sqlite.reader import SqliteReader
from eventmill.queue.sqlite.writer import SqliteWriter
from tests.contract.queues import FailingCommit, draft

ALL = ["event"]


def entries(root: Path, positions: Path) -> tuple[list[int], int, list[str]]:
    """(seqs, events lost, reasons) of everything that a new group reads."""
    reader = SqliteReader(root, positions)
    seqs, lost, reasons = [], 0, []
    while (delivery := reader.read("g", ALL, 1000)) is not None:
        seqs += [e.seq for e in delivery.entries]
        lost += sum(item.events for item in delivery.lost)
        reasons += [item.reason for item in delivery.lost]
        reader.commit(delivery, 1)
    reader.close()
    return seqs, lost, reasons


def crashed_copy(root: Path, target: Path) -> Path:
    """The files as a crash leaves them: the log beside the file, no checkpoint, no shared memory."""
    shutil.copytree(root, target, ignore=shutil.ignore_patterns("*-shm"))
    return target


def test_every_truncation_of_the_log_keeps_a_prefix(tmp_path: Path) -> None:
    writer = SqliteWriter(tmp_path / "q", reserve=0)
    for _ in range(6):
        writer.append([draft(2)])
    (wal,) = (tmp_path / "q" / "shard-000").glob("*-wal")
    size = wal.stat().st_size
    longest = 0
    for cut in sorted({*range(0, size, 509), *range(size - 40, size + 1)}):
        copy = crashed_copy(tmp_path / "q", tmp_path / f"cut-{cut}")
        with (copy / "shard-000" / wal.name).open("r+b") as file:
            file.truncate(cut)
        seqs, lost, _ = entries(copy, copy / "positions.db")
        assert seqs == list(range(1, len(seqs) + 1))
        assert lost == 0
        assert len(seqs) >= longest, "a longer log never holds less"
        longest = len(seqs)
        again = SqliteWriter(copy, reserve=0)
        again.append([draft(1)])
        assert len(entries(copy, copy / "positions2.db")[0]) == len(seqs) + 1
        again.close()
        shutil.rmtree(copy)
    assert longest == 6
    writer.close()


def sealed_queue(tmp_path: Path) -> tuple[Path, list[Path]]:
    """A queue of several ended files whose totals are remembered."""
    root = tmp_path / "q"
    writer = SqliteWriter(root, file_size=4000, reserve=0)
    for _ in range(60):
        writer.append([draft(3)])
    writer.close()
    reader = SqliteReader(root, tmp_path / "positions.db")
    reader.retain({"g": ALL}, {"event": 1 << 50}, 1_790_000_000_000)
    reader.close()
    return root, [f.path for f in files.shard_files(root / "shard-000")]


def test_every_truncation_of_an_ended_file_is_counted(tmp_path: Path) -> None:
    root, known = sealed_queue(tmp_path)
    victim = known[1]
    for cut in range(0, victim.stat().st_size, 1021):
        copy = tmp_path / f"c{cut}"
        shutil.copytree(tmp_path / "q", copy)
        shutil.copy(tmp_path / "positions.db", copy / "p.db")
        with (copy / "shard-000" / victim.name).open("r+b") as file:
            file.truncate(cut)
        seqs, lost, _ = entries(copy, copy / "p.db")
        assert len(seqs) * 3 + lost == 180
        assert seqs == sorted(set(seqs))
        shutil.rmtree(copy)
    assert root.exists()


def test_a_wrong_byte_is_found_by_the_checksum(tmp_path: Path) -> None:
    root, known = sealed_queue(tmp_path)
    db = sqlite3.connect(known[1])
    db.execute("UPDATE entry SET body = CAST(replace(body, 'x', 'y') AS BLOB) WHERE seq = (SELECT min(seq) FROM entry)")
    db.commit()
    db.close()
    seqs, lost, reasons = entries(root, tmp_path / "positions.db")
    assert (len(seqs), lost, reasons) == (59, 3, ["damaged: checksum"])


def test_flipped_bytes_anywhere_never_stop_the_reader(tmp_path: Path) -> None:
    _, known = sealed_queue(tmp_path)
    victim = known[1]
    for at in range(100, victim.stat().st_size, 211):
        copy = tmp_path / f"f{at}"
        shutil.copytree(tmp_path / "q", copy)
        shutil.copy(tmp_path / "positions.db", copy / "p.db")
        path = copy / "shard-000" / victim.name
        data = bytearray(path.read_bytes())
        data[at : at + 64] = bytes(b ^ 0xFF for b in data[at : at + 64])
        path.write_bytes(data)
        seqs, lost, _ = entries(copy, copy / "p.db")
        # Also where they make a row invisible (its topic, the tree that it hangs in) instead of wrong.
        assert len(seqs) * 3 + lost == 180, at
        shutil.rmtree(copy)


def test_wrong_bytes_in_the_small_columns_are_found_too(tmp_path: Path) -> None:
    root, known = sealed_queue(tmp_path)
    db = sqlite3.connect(known[1])
    db.execute("UPDATE entry SET count = 1 << 40, received = -1 WHERE seq = (SELECT min(seq) FROM entry)")
    db.commit()
    db.close()
    seqs, lost, _ = entries(root, tmp_path / "positions.db")
    assert (len(seqs), lost) == (59, 3)


@pytest.mark.parametrize("place", [1, -1], ids=["ended", "newest"])
def test_damage_before_the_totals_were_remembered_still_balances(tmp_path: Path, place: int) -> None:
    writer = SqliteWriter(tmp_path / "q", file_size=4000, reserve=0)
    for _ in range(60):
        writer.append([draft(3)])
    writer.close()
    victim = files.shard_files(tmp_path / "q" / "shard-000")[place].path
    for at in range(0, victim.stat().st_size, 511):
        copy = tmp_path / f"u{at}"
        shutil.copytree(tmp_path / "q", copy)
        path = copy / "shard-000" / victim.name
        data = bytearray(path.read_bytes())
        data[at : at + 64] = bytes(b ^ 0xFF for b in data[at : at + 64])
        path.write_bytes(data)
        seqs, lost, _ = entries(copy, copy / "p.db")
        reader = SqliteReader(copy, copy / "p.db")
        for _ in range(2):
            received = sum(row.count for row in reader.received())
            # What nobody can see at the end of a file that its collector still writes is judged when it has ended;
            # until then the ledger does not balance, and says so.
            waits = place == -1 and received == 180 and lost == 0
            assert received == len(seqs) * 3 + lost or waits, at
            reader.retain({"g": ALL}, {"event": 1 << 50}, 1_790_000_000_000)
        reader.close()
        shutil.rmtree(copy)


def test_a_file_that_vanished_before_anybody_counted_it_is_noticed(tmp_path: Path) -> None:
    writer = SqliteWriter(tmp_path / "q", file_size=4000, reserve=0)
    for _ in range(60):
        writer.append([draft(3)])
    writer.close()
    files.shard_files(tmp_path / "q" / "shard-000")[1].path.unlink()
    seqs, lost, reasons = entries(tmp_path / "q", tmp_path / "p.db")
    assert reasons == ["file missing"]
    assert (0 < len(seqs) < 60, lost) == (True, 0)


def test_files_that_retention_deleted_are_not_missing(tmp_path: Path) -> None:
    writer = SqliteWriter(tmp_path / "q", file_size=4000, reserve=0)
    for _ in range(60):
        writer.append([draft(3)])
    reader = SqliteReader(tmp_path / "q", tmp_path / "p.db")
    while (delivery := reader.read("g", ALL, 1000)) is not None:
        reader.commit(delivery, 1)
    (_, middle, *_) = files.shard_files(tmp_path / "q" / "shard-000")
    reader._positions.mark_deleted(next(s for s in reader._positions.sealed() if s.first == middle.first))
    middle.path.unlink()
    reader.close()
    db = sqlite3.connect(tmp_path / "p.db")
    db.execute("UPDATE position SET seq = 0")
    db.commit()
    db.close()
    _, lost, reasons = entries(tmp_path / "q", tmp_path / "p.db")
    assert (lost, reasons) == (0, [])
    writer.close()


def test_each_group_is_told_of_the_loss_of_its_own_topics(tmp_path: Path) -> None:
    root = tmp_path / "q"
    writer = SqliteWriter(root, file_size=4000, reserve=0)
    for _ in range(60):
        writer.append([draft(3, "event"), draft(2, "log")])
    writer.close()
    reader = SqliteReader(root, tmp_path / "p.db")
    reader.retain({}, {"event": 1 << 50, "log": 1 << 50}, 1_790_000_000_000)
    files.shard_files(root / "shard-000")[1].path.unlink()
    for topic, count in (("event", 180), ("log", 120)):
        found = lost = 0
        while (delivery := reader.read(topic, [topic], 1000)) is not None:
            found += delivery.events
            lost += sum(item.events for item in delivery.lost)
        assert found + lost == count
        assert lost > 0
    reader.close()


def test_a_deleted_file_is_counted(tmp_path: Path) -> None:
    root, known = sealed_queue(tmp_path)
    held = sqlite3.connect(known[1]).execute("SELECT sum(count) FROM entry").fetchone()[0]
    known[1].unlink()
    seqs, lost, reasons = entries(root, tmp_path / "positions.db")
    assert (len(seqs) * 3, lost, reasons) == (180 - held, held, ["file deleted"])


def test_a_newer_format_is_refused_and_left_alone(tmp_path: Path) -> None:
    writer = SqliteWriter(tmp_path / "q", reserve=0)
    writer.append([draft(1)])
    writer.close()
    (path,) = (tmp_path / "q" / "shard-000").glob("*.db")
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    before = path.read_bytes()
    with pytest.raises(files.NewerFormat, match="upgrade eventmill"):
        SqliteWriter(tmp_path / "q", reserve=0)
    assert path.read_bytes() == before


def test_over_the_quota_nothing_is_written(tmp_path: Path) -> None:
    writer = SqliteWriter(tmp_path / "q", quota=10, reserve=0)
    writer.append([draft(50)])
    writer._space_checked = 0.0
    with pytest.raises(QueueFull, match=r"queue\.quota"):
        writer.append([draft(1)])
    assert writer.check() is not None
    assert len(entries(tmp_path / "q", tmp_path / "p.db")[0]) == 1
    writer.close()


def test_a_failed_fsync_poisons_the_file_and_the_refused_events_never_count(tmp_path: Path) -> None:
    writer = SqliteWriter(tmp_path / "q", reserve=0)
    writer.append([draft(1)])
    writer._db = FailingCommit(writer._db)
    with pytest.raises(QueueUnavailable):
        writer.append([draft(5), draft(5)])
    writer.append([draft(2)])
    known = files.shard_files(tmp_path / "q" / "shard-000")
    assert len(known) == 2
    seqs, lost, _ = entries(tmp_path / "q", tmp_path / "p.db")
    assert (seqs, lost) == ([1, 4], 0)
    reader = SqliteReader(tmp_path / "q", tmp_path / "p.db")
    assert sum(row.count for row in reader.received()) == 3
    reader.close()
    writer.close()


def test_void_seqs_are_skipped_even_where_the_old_file_holds_them(tmp_path: Path) -> None:
    writer = SqliteWriter(tmp_path / "q", reserve=0)
    writer.append([draft(1)])
    writer.append([draft(7)])
    writer._roll()
    writer._void = [2]
    writer.append([draft(2)])
    assert entries(tmp_path / "q", tmp_path / "p.db")[0] == [1, 3]
    reader = SqliteReader(tmp_path / "q", tmp_path / "p.db")
    assert sum(row.count for row in reader.received()) == 3
    writer.close()


def test_two_writers_take_two_slots(tmp_path: Path) -> None:
    one = SqliteWriter(tmp_path / "q", reserve=0)
    two = SqliteWriter(tmp_path / "q", reserve=0)
    assert {one.shard, two.shard} == {"shard-000", "shard-001"}
    one.close()
    two.close()


def test_a_shard_without_a_file_has_received_nothing(tmp_path: Path) -> None:
    writer = SqliteWriter(tmp_path / "q", reserve=0)
    reader = SqliteReader(tmp_path / "q", tmp_path / "p.db")
    assert reader.received() == []
    assert reader.lag({"g": ALL}) == []
    writer.close()


def test_relaxed_durability_only_where_asked_for(tmp_path: Path) -> None:
    for wanted, sync in (("fsync", 2), ("relaxed", 0)):
        writer = SqliteWriter(tmp_path / wanted, reserve=0, durability=wanted)
        writer.append([draft(1)])
        assert writer._db is not None
        assert writer._db.execute("PRAGMA synchronous").fetchone() == (sync,)
        writer.close()


def test_a_stop_between_the_note_and_the_deletion_is_mended(tmp_path: Path) -> None:
    root, known = sealed_queue(tmp_path)
    reader = SqliteReader(root, tmp_path / "positions.db")
    while (delivery := reader.read("g", ALL, 1000)) is not None:
        reader.commit(delivery, 1)
    reader._positions.mark_deleted(reader._positions.sealed()[0])
    reader.retain({"g": ALL}, {"event": 1 << 50}, 1_790_000_000_000)
    assert not known[0].exists()
    assert sum(row.count for row in reader.received()) == 180
    reader.close()
