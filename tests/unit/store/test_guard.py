"""What a read may not say."""

import time

import pytest

from eventmill.store.base import QueryRefused
from eventmill.store.guard import check

FUNCTIONS = frozenset({"url", "file", "s3", "remote", "postgresql", "executable", "numbers", "merge", "cluster"})


@pytest.mark.parametrize("sql", [
    "SELECT 1", "select count() from events;", "WITH 1 AS x SELECT x", "(SELECT 1) UNION ALL (SELECT 2)", "SHOW TABLES",
    "EXPLAIN SELECT 1", "DESCRIBE TABLE events", "SELECT * FROM numbers(3)", "SELECT url, file FROM events",
    "SELECT 'INTO OUTFILE', '; DROP TABLE events', 'file(''x'')' -- file(1)", "SELECT {name:String} /* url( */",
    "SELECT `url` FROM events WHERE url IN ('a')", "SELECT 1 AS \"file\"", "select\n1\n;\n  ",
])  # fmt: skip
def test_reads_pass(sql: str) -> None:
    assert ";" not in check(sql, FUNCTIONS).replace("'; DROP", "")


@pytest.mark.parametrize("sql", [
    "", ";", "DROP TABLE events", "INSERT INTO events VALUES (1)", "ALTER TABLE events DELETE WHERE 1",
    "SET readonly = 0", "SELECT 1; DROP TABLE events", "SELECT 1 INTO OUTFILE '/tmp/x'",
    "SELECT 1 into/**/outfile '/tmp/x'",
    "KILL QUERY WHERE 1", "SYSTEM STOP MERGES", "USE default", "CREATE TABLE x (a Int8) ENGINE = Memory",
    "TRUNCATE events",
    "SELECT file('/etc/passwd')", "SELECT FILE ('/etc/passwd')", "SELECT `file`('/etc/passwd')",
    "SELECT \"file\"('/etc/passwd')", "SELECT fi\u212ale('x'); SELECT 1", "SELECT file/* */('/etc/passwd')",
    "SELECT * FROM url('http://127.0.0.1/', CSV)", "SELECT * FROM s3 ('http://x')", "DESCRIBE TABLE url('http://x')",
    "SELECT * FROM remote('x', system.one)", "SELECT * FROM merge('a', 'b')", "SELECT sleep(3)",
    "SELECT 'unclosed", "SELECT `unclosed", "(DROP TABLE events)", "BACKUP TABLE events TO File('x')", "SELECT $$x$$",
])  # fmt: skip
def test_everything_else_is_refused(sql: str) -> None:
    with pytest.raises(QueryRefused):
        check(sql, FUNCTIONS)


def test_a_long_list_of_ids_costs_little() -> None:
    sql = f"SELECT 1 FROM events WHERE id_hash IN ({','.join(str(2**63 + n) for n in range(10_000))})"
    began = time.perf_counter()
    assert check(sql, FUNCTIONS) == sql
    assert time.perf_counter() - began < 0.1
