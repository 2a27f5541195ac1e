"""What a read may say. ClickHouse's `readonly = 1` is not enough in the embedded engine.

Measured with chdb 26.9, `readonly = 1` set on the handle: the scalar function `file('/etc/passwd')` reads any
file, `INTO OUTFILE` writes any, `DESCRIBE TABLE url(…)` connects out, `KILL QUERY` and `SYSTEM STOP MERGES`
run. So every read also passes this check of its words, and `readonly` stays beneath as the second lock.
"""

import re
from functools import lru_cache

from eventmill.store.base import QueryRefused

STARTS = frozenset({"select", "with", "explain", "show", "describe", "desc", "exists"})

INNER_TABLE_FUNCTIONS = frozenset({
    "format", "generateseries", "generate_series", "null", "numbers", "numbers_mt", "primes", "values",
    "view", "zeros", "zeros_mt",
})  # fmt: skip
"""Table functions that touch nothing outside the query; all others that the engine knows are refused."""

REACHING_FUNCTIONS = frozenset({
    "file", "catboostevaluate", "getserverport", "getclienthttpheader", "sleep", "sleepeachrow", "joinget",
    "joingetornull", "reversednsquery", "reverse_dns_query", "dictgetor", "addresstoline", "addresstosymbol",
})  # fmt: skip
"""Scalar functions that read files, hosts or the process, or only burn time."""

_TOKEN = re.compile(
    r"""(?xs)
    (?P<comment> --[^\n]* | \#[!\ ][^\n]* | /\*.*?\*/ )
    |(?P<string> '(?:[^'\\]|\\.|'')*' )
    |(?P<quoted> `(?:[^`\\]|\\.|``)*` | "(?:[^"\\]|\\.|"")*" )
    |(?P<parameter> \{\s*\w+\s*:[^{}]*\} )
    |(?P<word> [^\W\d]\w* )
    |(?P<number> \d[\w.]* (?:\s*,\s*\d[\w.]*)* )  # a whole list of ids at once: they come by the thousand
    |(?P<space> \s+ )
    |(?P<mark> . )
    """
)


def tokens(sql: str) -> list[tuple[str, str]]:
    """(kind, text) of each token that means something: comments and spaces are left out, words in lower case,
    a quoted name as the bare word that it quotes."""
    found = []
    for match in _TOKEN.finditer(sql):
        kind, text = match.lastgroup or "", match[0]
        if kind in ("comment", "space"):
            continue
        if kind == "quoted":
            kind, text = "word", re.sub(r"\\(.)|``|\"\"", lambda m: m[1] or m[0][0], text[1:-1])
        found.append((kind, text.lower() if kind == "word" else text))
    return found


CACHED_LENGTH = 10_000
"""Longer statements carry lists of values, and are asked once."""


def check(sql: str, table_functions: frozenset[str] = frozenset()) -> str:
    """The statement without its last semicolon. Raises `QueryRefused` where it is anything but one read that
    stays inside the store. `table_functions` are all that the engine knows, in lower case.

    Cached: eventmill's own statements are few, their values are bound."""
    return (_cached if len(sql) <= CACHED_LENGTH else _check)(sql, table_functions)


def _check(sql: str, table_functions: frozenset[str]) -> str:
    found = tokens(sql)
    if found and found[-1] == ("mark", ";"):
        found.pop()
        sql = sql[: sql.rindex(";")]
    start = next((text for kind, text in found if (kind, text) != ("mark", "(")), "")
    if start not in STARTS:
        raise QueryRefused(f"only reading is possible: a query starts with SELECT or WITH, not {start.upper()!r}")
    refused = (table_functions - INNER_TABLE_FUNCTIONS) | REACHING_FUNCTIONS
    for (kind, text), following in zip(found, [*found[1:], ("", "")], strict=True):
        if kind == "mark" and text == ";":
            raise QueryRefused("one statement at a time")
        if kind == "mark" and text in "'\"`$#\0":
            raise QueryRefused(f"a quote is not closed, or {text!r} stands where none may")
        if kind == "word" and text == "into" and following == ("word", "outfile"):
            raise QueryRefused("a query cannot write a file; redirect the output of the command instead")
        if kind == "word" and text in refused and following == ("mark", "("):
            raise QueryRefused(f"the function {text} is not allowed: queries stay inside the store")
    return sql


_cached = lru_cache(maxsize=1024)(_check)
