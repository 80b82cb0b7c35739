"""Events, logs and metrics: what people are told, and what never gets there."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from perennial.core import logs
from perennial.core.clock import FakeClock
from perennial.core.events import NOTE_BYTES, EventRecorder, cut
from perennial.core.metrics import Metrics
from perennial.core.queue import Key, WorkQueue
from perennial.ports.kinds import EVENT, MODEL_VERSION
from perennial.ports.kube import Forbidden
from perennial.ports.kube_fake import RecordingKube

OBJECT = {"metadata": {"namespace": "serve", "name": "m-1", "uid": "u-1"}}


async def emit(recorder: EventRecorder, note: str = "It serves.") -> None:
    await recorder.emit(OBJECT, MODEL_VERSION, type="Normal", reason="Served", action="Serve", note=note)


async def test_an_event_names_its_object() -> None:
    kube = RecordingKube()
    await emit(EventRecorder(kube, FakeClock(), "pod-1"))
    (event,) = await kube.list(EVENT, "serve")
    assert event["regarding"]["uid"] == "u-1"
    assert (event["type"], event["reason"], event["action"], event["note"]) == (
        "Normal",
        "Served",
        "Serve",
        "It serves.",
    )
    assert event["eventTime"] == "2026-01-01T00:00:00.000000Z"


async def test_two_events_of_one_moment_are_two() -> None:
    kube = RecordingKube()
    recorder = EventRecorder(kube, FakeClock(), "pod-1")
    await emit(recorder)
    await emit(recorder)
    assert len(await kube.list(EVENT, "serve")) == 2


async def test_a_note_is_cut() -> None:
    kube = RecordingKube()
    await emit(EventRecorder(kube, FakeClock(), "pod-1"), "é" * 2000)
    (event,) = await kube.list(EVENT, "serve")
    assert len(event["note"].encode()) <= NOTE_BYTES


async def test_an_event_that_fails_is_logged_only(caplog: pytest.LogCaptureFixture) -> None:
    kube = RecordingKube()
    kube.fail_next(Forbidden("no"))
    await emit(EventRecorder(kube, FakeClock(), "pod-1"))
    assert "was not recorded" in caplog.text


@pytest.mark.parametrize("text", ["", "short", "x" * 50, "é" * 50, "\U0001f600" * 20])
def test_cut_text_is_valid_and_fits(text: str) -> None:
    assert len(cut(text, 50).encode()) <= 50
    assert cut("short", 50) == "short"


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    logs.configure(stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(output: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


def test_a_line_has_the_key_of_its_object(output: io.StringIO) -> None:
    with logs.key_context(Key("ModelVersion", "serve", "m-1")):
        logging.getLogger("a").info("inside %d", 1, extra={"verdict": "Hold"})
    logging.getLogger("a").info("outside")
    inside, outside = lines(output)
    assert (inside["kind"], inside["namespace"], inside["name"]) == ("ModelVersion", "serve", "m-1")
    assert (inside["message"], inside["level"], inside["verdict"]) == ("inside 1", "info", "Hold")
    assert "kind" not in outside


def test_a_defect_has_its_traceback_in_the_same_line(output: io.StringIO) -> None:
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        logging.getLogger("a").exception("failed")
    (line,) = lines(output)
    assert "ValueError: first\nsecond" in line["error"]


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer eyJhbGciOi.planted.secret",
        "token=planted.secret.of.a.kind",
        '{"password": "planted!secret"}',
    ],
)
def test_what_looks_like_a_credential_is_not_written(output: io.StringIO, text: str) -> None:
    logging.getLogger("a").warning("refused: %s", text)
    assert "secret" not in output.getvalue()


def test_metrics_are_rendered() -> None:
    metrics, queue = Metrics(), WorkQueue(FakeClock())
    metrics.follow_queue(queue)
    queue.add(Key("ModelVersion", "serve", "m-1"))
    metrics.reconciled("ModelVersion", "success", 0.1)
    metrics.api_called("patch", "jobs", 200)
    metrics.decided("RollBack")
    metrics.leading(True)
    text = metrics.render().decode()
    for sample in (
        'perennial_reconciles_total{kind="ModelVersion",result="success"} 1.0',
        'perennial_api_calls_total{code="200",resource="jobs",verb="patch"} 1.0',
        'perennial_decisions_total{verdict="RollBack"} 1.0',
        "perennial_queue_depth 1.0",
        "perennial_leader 1.0",
    ):
        assert sample in text
