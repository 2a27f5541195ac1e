"""Compressed bodies, unpacked against a bound: a small body can hold a very large one."""

import zlib

import zstandard

from eventmill.collect.refusal import Malformed, Refused

MAX_MEMBERS = 1024
"""gzip members of one body (RFC 1952 allows any number, each costs the same however little it holds)."""
ZSTD_WINDOW = 1 << 23
"""RFC 8878 asks decoders to support 8 MB; more is memory that a stranger chooses."""
_SLICE = 16_384
_GZIP = 31
_ZLIB = 15
_RAW = -15


def inflate(body: bytes, coding: bytes, limit: int) -> bytes:
    """The body behind one content coding; a body that starts like gzip is gzip, whatever it is called.

    Raises Refused (415 unknown coding, 413 over `limit` bytes) or Malformed.
    """
    try:
        if coding in (b"gzip", b"x-gzip") or (coding in (b"", b"identity") and body[:2] == b"\x1f\x8b"):
            return _zlib(body, _GZIP, limit)
        if coding == b"deflate":
            # Named deflate, meant zlib (RFC 9110 8.4.1.2), and often sent without its header.
            wrapped = len(body) > 1 and body[0] & 15 == 8 and (body[0] << 8 | body[1]) % 31 == 0
            return _zlib(body, _ZLIB if wrapped else _RAW, limit)
        if coding == b"zstd":
            return _zstd(body, limit)
    except (zlib.error, zstandard.ZstdError, EOFError) as error:
        raise Malformed("malformed_encoding", f"the body is not {coding.decode() or 'gzip'}: {error}") from error
    if coding in (b"", b"identity"):
        return body
    known = b"Accept-Encoding: gzip, deflate, zstd\r\n"
    raise Refused(415, "Content-Encoding can be gzip, deflate or zstd", fields=known)


def _zlib(body: bytes, bits: int, limit: int) -> bytes:
    pieces: list[bytes] = []
    room = limit
    members = 1
    stream = zlib.decompressobj(bits)
    # In slices, because what a member leaves over is copied: 10^5 tiny members must not copy the body as often.
    for start in range(0, len(body), _SLICE):
        data = body[start : start + _SLICE]
        while data:
            if stream.eof:
                if bits != _GZIP:
                    raise zlib.error("data after the end")
                members += 1
                if members > MAX_MEMBERS:
                    raise Refused(413, f"more than {MAX_MEMBERS} gzip members")
                stream = zlib.decompressobj(bits)
            piece = stream.decompress(data, room + 1)
            room -= len(piece)
            if room < 0:
                raise Refused(413, f"the body unpacks to more than {limit} bytes")
            pieces.append(piece)
            data = stream.unconsumed_tail or stream.unused_data
    if not stream.eof:
        raise EOFError("it ends early")
    return b"".join(pieces)


def _zstd(body: bytes, limit: int) -> bytes:
    unpacker = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
    # Once only to measure: this reader is the one whose output is bounded, and it does not tell a cut body.
    reader = unpacker.stream_reader(body, read_across_frames=True)
    room = limit
    while size := len(reader.read(65_536)):
        room -= size
        if room < 0:
            raise Refused(413, f"the body unpacks to more than {limit} bytes")
    pieces: list[bytes] = []
    rest = body
    while rest or not pieces:
        frame = unpacker.decompressobj()
        pieces.append(frame.decompress(rest))
        if not frame.eof:
            raise EOFError("it ends early")
        if len(pieces) > MAX_MEMBERS:
            raise Refused(413, f"more than {MAX_MEMBERS} zstd frames")
        rest = frame.unused_data
    return b"".join(pieces)
