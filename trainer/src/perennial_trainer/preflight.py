"""Preflight: send the golden rows through the gateway and compare the answers."""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from perennial_trainer import outcome
from perennial_trainer.artifact import golden
from perennial_trainer.contract import Environment, Preflight, read_preflight
from perennial_trainer.errors import WorkError

_PAUSE_SECONDS = 0.5
_REQUEST_SECONDS = 10.0
# Straight to the gateway: a proxy of the environment must not stand in between.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


# What a gateway answers while it has no pod to send the rows to.
_GATEWAYS_OWN = (404, 502, 503, 504)


class _NotYetError(Exception):
    """No answer that can be used; a route may take a moment. ``reason`` says whose it is if it stays so."""

    def __init__(self, words: str, reason: str = "NoAnswer") -> None:
        super().__init__(words)
        self.reason = reason


def main(env: Environment) -> dict[str, Any]:
    """Compare the served answers with the golden ones and return the outcome.

    Raises:
        WorkError: ``NoGoldenRows``, ``NoAnswer`` (not until the deadline), ``ServerError`` or ``GoldenRowsDiffer``.
    """
    preflight = read_preflight(env)
    expected = _golden(preflight)
    predictions = ask(preflight, {"instances": expected.instances}, time.monotonic, time.sleep)
    difference = golden.first_difference(expected.predictions, predictions)
    if difference:
        raise WorkError("GoldenRowsDiffer", f"The served model is not the one that was trained: {difference}.")
    return outcome.succeeded(rows=len(expected.instances))


def ask(preflight: Preflight, body: dict[str, Any], clock: Callable[[], float], pause: Callable[[float], None]) -> Any:
    """The ``predictions`` of the answer; connection errors, 404 and 5xx are tried again until the deadline.

    Raises:
        WorkError: ``NoAnswer``, ``ServerError`` when the last was an error of the server's own (500), or
            ``GoldenRowsDiffer`` when it refuses the rows (another 4xx).
    """
    end = clock() + preflight.deadline_seconds
    while True:
        left = end - clock()
        try:
            return _post(preflight, json.dumps(body).encode(), min(_REQUEST_SECONDS, max(left, 1.0)))
        except _NotYetError as error:
            if end - clock() <= _PAUSE_SECONDS:
                raise WorkError(
                    error.reason, f"No answer from {preflight.url} within {preflight.deadline_seconds:.0f} s: {error}."
                ) from error
        pause(_PAUSE_SECONDS)


def _post(preflight: Preflight, body: bytes, timeout: float) -> Any:
    headers = {"Content-Type": "application/json", **preflight.headers}
    request = urllib.request.Request(preflight.url, data=body, headers=headers)  # noqa: S310 - ours, from the operator
    try:
        with _OPENER.open(request, timeout=timeout) as response:
            return _predictions(response.read())
    except urllib.error.HTTPError as error:
        text = error.read(500).decode("utf-8", errors="replace")
        if error.code == 404 or error.code >= 500:
            reason = "NoAnswer" if error.code in _GATEWAYS_OWN else "ServerError"
            raise _NotYetError(f"status {error.code}: {text}", reason) from error
        raise WorkError("GoldenRowsDiffer", f"The server refused the golden rows with {error.code}: {text}") from error
    except (OSError, http.client.HTTPException) as error:
        raise _NotYetError(str(error) or type(error).__name__) from error


def _predictions(body: bytes) -> Any:
    try:
        answer = json.loads(body)
    except ValueError:
        answer = body.decode("utf-8", errors="replace")
    return answer["predictions"] if isinstance(answer, dict) and "predictions" in answer else answer


def _golden(preflight: Preflight) -> golden.Golden:
    path = preflight.artifact_path / golden.FILE_NAME
    try:
        raw = json.loads(path.read_bytes())
        rows = golden.Golden(list(raw["instances"]), list(raw["predictions"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WorkError("NoGoldenRows", f"{path} has no golden rows: {error!r}.") from error
    if not rows.instances or len(rows.instances) != len(rows.predictions):
        raise WorkError("NoGoldenRows", f"{path} has {len(rows.instances)} rows, {len(rows.predictions)} answers.")
    return rows
