"""Writes small MMDB files (MaxMind DB format 2.0, IPv6 tree, records of 24 bits) for tests."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_SHORT, _WORD, _LONG = 5, 6, 9
"""Kinds of numbers: the reader insists on them in what it reads about the file."""
_MARK = b"\xab\xcd\xefMaxMind.com"


def write_mmdb(path: Path, networks: Mapping[str, Any]) -> None:
    """`networks` maps networks that do not overlap to their records."""
    data = b""
    tree: list[list[int | None]] = [[None, None]]
    places: list[tuple[int, int, int]] = []
    for network, record in networks.items():
        parsed = ipaddress.ip_network(network)
        version4 = parsed.version == 4
        bits, length = int(parsed.network_address), parsed.prefixlen + (96 if version4 else 0)
        node = 0
        for depth in range(length):
            side = bits >> (127 - depth) & 1
            if depth == length - 1:
                places.append((node, side, len(data)))
                break
            following = tree[node][side]
            if following is None:
                tree.append([None, None])
                following = tree[node][side] = len(tree) - 1
            node = following
        data += _value(record)
    count = len(tree)
    for node, side, offset in places:
        tree[node][side] = count + 16 + offset
    records = b"".join((count if side is None else side).to_bytes(3) for node in tree for side in node)
    about = {
        "binary_format_major_version": (2, _SHORT), "binary_format_minor_version": (0, _SHORT),
        "build_epoch": (1, _LONG), "database_type": "Test", "description": {"en": "made by a test"},
        "ip_version": (6, _SHORT), "languages": ["en"], "node_count": (count, _WORD), "record_size": (24, _SHORT),
    }  # fmt: skip
    path.write_bytes(records + bytes(16) + data + _MARK + _value(about))


def _value(value: Any) -> bytes:
    if isinstance(value, str):
        encoded = value.encode()
        return _head(2, len(encoded)) + encoded
    if isinstance(value, dict):
        return _head(7, len(value)) + b"".join(_value(key) + _value(inner) for key, inner in value.items())
    if isinstance(value, list):
        return _head(11, len(value)) + b"".join(map(_value, value))
    number, kind = value
    size = (number.bit_length() + 7) // 8
    return _head(kind, size) + number.to_bytes(size)


def _head(kind: int, size: int) -> bytes:
    """Of a value shorter than 29; kinds above 7 stand in a second byte."""
    assert size < 29
    return bytes([kind << 5 | size]) if kind <= 7 else bytes([size, kind - 7])
