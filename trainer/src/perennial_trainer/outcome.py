"""The outcome: the small JSON that tells the operator how a piece of work ended.

Kubernetes keeps at most 4096 bytes of a container's termination message, so an outcome never exceeds them.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perennial_trainer.errors import WorkError

LIMIT_BYTES = 4096
MAX_METRICS = 20
_MAX_MESSAGE = 2000


def succeeded(**parts: Any) -> dict[str, Any]:
    """The outcome of work that was done; ``metrics`` is cut to its first 20 entries."""
    outcome = {"outcome": "Succeeded", **parts}
    metrics = outcome.get("metrics")
    if isinstance(metrics, Mapping):
        outcome["metrics"] = dict(list(metrics.items())[:MAX_METRICS])
    return outcome


def failed(error: WorkError) -> dict[str, Any]:
    """The outcome of work that could not be done."""
    return {"outcome": "Failed", "reason": error.reason, "message": _one_line(error.message, _MAX_MESSAGE)}


def encode(outcome: Mapping[str, Any]) -> bytes:
    """The outcome as JSON of at most 4096 bytes: a long message is cut, then metrics are dropped from the end.

    Raises:
        ValueError: what is left without message and metrics is still too long.
    """
    small = dict(outcome)
    data = _dump(small)
    while len(data) > LIMIT_BYTES:
        if len(small.get("message", "")) > 1:
            small["message"] = _one_line(small["message"], len(small["message"]) // 2)
        elif small.get("metrics"):
            small["metrics"] = dict(list(small["metrics"].items())[:-1])
        else:
            raise ValueError(f"an outcome of {len(data)} bytes is longer than {LIMIT_BYTES}")
        data = _dump(small)
    return data


def write(outcome: Mapping[str, Any], path: Path | None) -> None:
    """Write the outcome to the termination message (a file that exists already, so it is written in place)."""
    data = encode(outcome)
    print(data.decode(), flush=True)  # the log has it too, for people who run the image by hand
    if path is not None:
        path.write_bytes(data)


def _dump(outcome: Mapping[str, Any]) -> bytes:
    text = json.dumps(outcome, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", errors="replace")


def _one_line(text: str, limit: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: max(limit - 1, 0)] + "…"
