"""Bytes and digests that are equal whenever the content is equal."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_CHUNK = 1 << 20


def canonical_json(value: Any) -> bytes:
    """UTF-8 JSON with sorted keys and no spaces; NaN and infinities raise ValueError."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def digest_bytes(data: bytes) -> str:
    """SHA-256 of bytes as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def digest_json(value: Any) -> str:
    """SHA-256 of a value's canonical JSON as 64 hexadecimal digits."""
    return digest_bytes(canonical_json(value))


def digest_file(path: Path) -> str:
    """SHA-256 of a file, read in pieces of 1 MiB, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return digest_stream(iter(lambda: file.read(_CHUNK), b""))


def digest_stream(pieces: Iterable[bytes]) -> str:
    """SHA-256 of pieces of bytes, in order, as 64 hexadecimal digits."""
    state = hashlib.sha256()
    for piece in pieces:
        state.update(piece)
    return state.hexdigest()
