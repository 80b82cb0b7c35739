"""What counts as lost, and how answers are counted."""

from __future__ import annotations

import pytest

from demo.tally import GATEWAY, Answer, Tally, lost


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(0.01, 200, "flights-a"), ""),
        (Answer(0.01, 400, "flights-a"), ""),
        (Answer(0.01, 500, "flights-a"), ""),
        (Answer(0.01, 404), ""),
        (Answer(0.01, 502), "502"),
        (Answer(0.01, 503), "503"),
        (Answer(0.01, 504), "504"),
        (Answer(30.0, error="TimeoutError"), "TimeoutError"),
        (Answer(30.0), "no answer"),
    ],
)
def test_lost_is_no_answer_or_the_gateways_word_for_it(answer: Answer, reason: str) -> None:
    assert lost(answer) == reason


def test_requests_are_counted_by_who_answered_and_by_status() -> None:
    tally = _tally(
        Answer(0.01, 200, "flights-a"),
        Answer(0.01, 200, "flights-a"),
        Answer(0.01, 400, "flights-b"),
        Answer(0.01, 404),
        Answer(30.0, error="ClientOSError"),
    )
    assert tally.served("flights-a") == 2
    assert tally.errors("flights-a") == 0
    assert tally.errors("flights-b") == 1
    assert tally.served(GATEWAY) == 1
    assert tally.lost == {"ClientOSError": 1}
    assert tally.served("unheard-of") == 0


def test_in_flight_is_what_was_sent_and_is_not_over() -> None:
    tally = _tally(Answer(0.01, 200, "flights-a"))
    tally.sent = 3
    assert tally.in_flight == 2


def test_quantiles_are_whole_milliseconds() -> None:
    tally = _tally(*(Answer(each / 1000, 200, "flights-a") for each in range(1, 101)))
    assert tally.quantile(0.5) == 50
    assert tally.quantile(0.99) == 99
    assert Tally().quantile(0.5) is None


def test_json_and_back_is_the_same() -> None:
    tally = _tally(Answer(0.01, 200, "flights-a"), Answer(0.02, 503), Answer(1.0, error="ClientOSError"))
    assert Tally.from_json(tally.to_json()) == tally


def _tally(*answers: Answer) -> Tally:
    tally = Tally(sent=len(answers))
    for answer in answers:
        tally.add(answer)
    return tally
