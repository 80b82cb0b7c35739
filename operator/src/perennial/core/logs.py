"""Structured logs: one JSON object a line, with the key of the object that is worked on.

Only messages and known fields are written, never objects or headers: a token cannot get into a log by accident.
"""

import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

from perennial.core.queue import Key

EXTRA_FIELDS = ("reason", "verdict", "revision", "version", "leader")

_key: ContextVar[Key | None] = ContextVar("key", default=None)
# What an error of a client library may quote from a request.
_SECRETS = re.compile(r"(?i)(bearer\s+|basic\s+|authorization\W+|token\W+|password\W+)[^\s\"',}]{8,}")
_USERS = re.compile(r"(\w://)[^\s/@]+@")  # of an address


@contextmanager
def key_context(key: Key) -> Iterator[None]:
    """Lines logged inside carry this key."""
    token = _key.set(key)
    try:
        yield
    finally:
        _key.reset(token)


class JsonFormatter(logging.Formatter):
    """time, level, logger, message; kind, namespace and name of the object; error with its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        key = _key.get()
        if key is not None:
            line |= {"kind": key.kind, "namespace": key.namespace, "name": key.name}
        line |= {name: redact(str(record.__dict__[name])) for name in EXTRA_FIELDS if name in record.__dict__}
        if record.exc_info:
            line["error"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def redact(text: str) -> str:
    """The text without what looks like a credential."""
    return without_user(_SECRETS.sub(r"\1[redacted]", text))


def without_user(text: str) -> str:
    """The text without the user and password of any address in it."""
    return _USERS.sub(r"\1[redacted]@", text)


def configure(level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Send everything as JSON lines to `stream` (standard error by default)."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("kopf").setLevel(max(level, logging.WARNING))
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
