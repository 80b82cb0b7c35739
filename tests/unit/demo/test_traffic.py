"""The load client as a process."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from demo.kubectl import until
from demo.load import Load
from demo.traffic import Traffic, TrafficError


@pytest.fixture
def nobody() -> str:
    """An address at which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A file with one row."""
    file = tmp_path / "rows.jsonl"
    file.write_text('{"distance": 1}')
    return file


def test_its_counts_reach_the_parent_and_stopping_it_gives_the_final_ones(nobody: str, rows: Path) -> None:
    with Traffic(Load(nobody, "flights.localhost", 50), rows) as traffic:
        until(lambda: traffic.tally().finished > 5, what="requests are counted", seconds=20)
        tally = traffic.stop()
    assert tally.in_flight == 0
    assert tally.lost_total == tally.sent > 5


def test_a_client_that_ends_by_itself_is_an_error(nobody: str, tmp_path: Path) -> None:
    with Traffic(Load(nobody, "flights.localhost", 50), tmp_path / "absent") as traffic:
        with pytest.raises(TrafficError):
            traffic.stop()
        with pytest.raises(TrafficError):
            traffic.tally()
