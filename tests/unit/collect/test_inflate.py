"""Compressed bodies: every coding, and what small bodies can hide."""

import gzip
import tracemalloc
import zlib

import pytest
import zstandard

from eventmill.collect.inflate import inflate
from eventmill.collect.refusal import Malformed, Refused
from tests.unit.collect.harness import Running

TEXT = b'{"category":"h5"}\n' * 500
LIMIT = 1_000_000


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        (b"gzip", gzip.compress(TEXT)),
        (b"x-gzip", gzip.compress(TEXT)),
        (b"", gzip.compress(TEXT)),
        (b"gzip", gzip.compress(TEXT[:900]) + gzip.compress(TEXT[900:])),
        (b"deflate", zlib.compress(TEXT)),
        (b"deflate", raw_deflate(TEXT)),
        (b"zstd", zstandard.compress(TEXT)),
        (b"zstd", zstandard.compress(TEXT[:900]) + zstandard.compress(TEXT[900:])),
        (b"identity", TEXT),
    ],
    ids=range(9),
)
def test_codings(coding: bytes, body: bytes) -> None:
    assert inflate(body, coding, LIMIT) == TEXT


@pytest.mark.parametrize("coding", [b"br", b"gzip, gzip", b"compress", b"nonsense"])
def test_other_codings_are_415(coding: bytes) -> None:
    with pytest.raises(Refused) as caught:
        inflate(b"x", coding, LIMIT)
    assert caught.value.status == 415


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        (b"gzip", b""),
        (b"gzip", b"plain"),
        (b"gzip", gzip.compress(TEXT)[:-1]),
        (b"gzip", gzip.compress(TEXT)[:-8] + bytes(8)),
        (b"gzip", gzip.compress(TEXT) + b"tail"),
        (b"deflate", b"\xff\xff"),
        (b"deflate", zlib.compress(TEXT)[:-2]),
        (b"deflate", zlib.compress(TEXT) + b"tail"),
        (b"zstd", b"plain"),
        (b"zstd", zstandard.compress(TEXT)[:-3]),
        (b"zstd", zstandard.compress(TEXT) + b"tail"),
        (b"zstd", b""),
    ],
    ids=range(12),
)
def test_damaged(coding: bytes, body: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        inflate(body, coding, LIMIT)
    assert caught.value.kind == "malformed_encoding"


def bombs() -> dict[str, tuple[bytes, bytes]]:
    zeros = bytes(200_000_000)
    return {
        "gzip": (b"gzip", gzip.compress(zeros, 1)),
        "deflate": (b"deflate", zlib.compress(zeros, 1)),
        "zstd": (b"zstd", zstandard.compress(zeros)),
        "gzip members": (b"gzip", gzip.compress(bytes(LIMIT // 2)) * 10),
        "tiny members": (b"gzip", gzip.compress(b"") * 100_000),
        "empty zstd frames": (b"zstd", zstandard.compress(b"") * 100_000),
    }


BOMBS = bombs()


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_413_with_bounded_memory(name: str) -> None:
    coding, body = BOMBS[name]
    tracemalloc.start()
    with pytest.raises(Refused) as caught:
        inflate(body, coding, LIMIT)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.status == 413
    assert peak < 3 * LIMIT


def test_zstd_frame_that_asks_for_a_huge_window() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, compression_level=1)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    body = packer.compress(TEXT) + packer.flush()
    with pytest.raises(Malformed):
        inflate(body, b"zstd", LIMIT)


def test_through_the_door(door: Running) -> None:
    body = gzip.compress(TEXT)
    assert door.post("/e", body, b"Content-Encoding: gzip\r\n").json == {"accepted": 500}
    assert door.post("/e", body).json == {"accepted": 500}
    assert door.post("/e", b"{}", b"Content-Encoding: br\r\n").status == 415
    assert door.post("/e", b"{}", b"Content-Encoding: gzip\r\n").status == 400
    assert door.post("/e", BOMBS["gzip"][1], b"Content-Encoding: gzip\r\n").status == 413
    assert door.post("/e", BOMBS["tiny members"][1], b"Content-Encoding: gzip\r\n").status == 413
    assert door.get("/health").status == 200
