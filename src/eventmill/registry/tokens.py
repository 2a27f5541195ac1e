"""Random secrets: made, hashed, compared.

A token is 32 bytes from the system's random source. Nobody can guess one or search through them, so one round of
SHA-256 protects it at rest as well as any slow hash would: slow hashes are for what people make up (`password.py`).
It must be fast, since every request with a key is checked by it.
"""

import hashlib
import hmac
import secrets
from typing import NamedTuple

_BYTES = 32
_SHOWN = 6
"""Characters of the random part that lists show: enough to tell keys apart, 36 of 256 bits."""


class Token(NamedTuple):
    """`text` is shown once and kept nowhere; `prefix` and `hash` are kept."""

    text: str
    prefix: str
    hash: str


def new_token(kind: str) -> Token:
    """A token whose text begins with `kind`, by which people and scanners of leaked secrets know it."""
    text = f"{kind}_{secrets.token_urlsafe(_BYTES)}"
    return Token(text, text[: len(kind) + 1 + _SHOWN], hash_of(text))


def hash_of(text: str) -> str:
    """64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two hashes are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())
