"""Deterministic names: the same input gives the same child, in this process and in the next."""

import base64
import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> bytes:
    """One text per value: sorted keys, no spaces, UTF-8. Raises ValueError for NaN and infinity."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def short_hash(value: Any, length: int = 10) -> str:
    """The first `length` (at most 51) characters of the SHA-256 of the canonical JSON, in lower-case base32.

    Base32 packs 5 bits into a character that is valid in every Kubernetes name: 10 characters are 50 bits.
    """
    digest = hashlib.sha256(canonical_json(value)).digest()
    return base64.b32encode(digest).decode().lower().rstrip("=")[:length]


def child_name(parent: str, suffix: str, limit: int = 63) -> str:
    """`<parent>-<suffix>`, at most `limit` characters; a parent that is cut gets a hash, so that two stay two.

    Raises ValueError when the suffix leaves no room.
    """
    name = f"{parent}-{suffix}"
    if len(name) <= limit:
        return name
    mark = short_hash(parent, 5)
    room = limit - len(suffix) - len(mark) - 2
    if room < 1:
        raise ValueError(f"no room for a parent's name before {suffix!r} in {limit} characters")
    return f"{parent[:room].rstrip('-.')}-{mark}-{suffix}"
