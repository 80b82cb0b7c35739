"""What a load client counts. Pure: no clock, no network."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

# The gateway's own answers that mean that nobody answered the request.
_GATEWAY_LOST = (502, 503, 504)
# The name under which answers are counted that no model server signed.
GATEWAY = "gateway"


@dataclass(frozen=True)
class Answer:
    """What became of one request.

    Attributes:
        seconds: from the moment the request was due until it was answered or given up.
        status: the HTTP status; None when there was no answer.
        served_by: the InferenceService that signed the answer (header x-perennial-served-by); empty without one.
        error: why there was no answer.
    """

    seconds: float
    status: int | None = None
    served_by: str = ""
    error: str = ""


def lost(answer: Answer) -> str:
    """Why a request counts as lost: no answer, or a 502, 503 or 504; empty when it is not.

    >>> lost(Answer(0.01, 503)), lost(Answer(0.01, 400, "flights-abc"))
    ('503', '')
    """
    if answer.status is None:
        return answer.error or "no answer"
    return str(answer.status) if answer.status in _GATEWAY_LOST else ""


@dataclass
class Tally:
    """Counts of all requests so far.

    Attributes:
        sent: requests sent; those that are neither answered nor given up yet are `in_flight`.
        lost: lost requests by reason.
        answers: answered requests by who answered and by status; a lost one that has a status is here too.
        milliseconds: answered requests by whole milliseconds that they took.
    """

    sent: int = 0
    finished: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    answers: dict[str, Counter[int]] = field(default_factory=dict)
    milliseconds: Counter[int] = field(default_factory=Counter)

    @property
    def in_flight(self) -> int:
        """Requests that wait for their answer."""
        return self.sent - self.finished

    @property
    def lost_total(self) -> int:
        """All lost requests."""
        return sum(self.lost.values())

    def add(self, answer: Answer) -> None:
        """Count one request that is over."""
        self.finished += 1
        if reason := lost(answer):
            self.lost[reason] += 1
        if answer.status is not None:
            self.answers.setdefault(answer.served_by or GATEWAY, Counter())[answer.status] += 1
            self.milliseconds[round(answer.seconds * 1000)] += 1

    def served(self, name: str) -> int:
        """How many requests one InferenceService (or `GATEWAY`) answered."""
        return sum(self.answers.get(name, Counter()).values())

    def errors(self, name: str) -> int:
        """How many of them with 4xx or 5xx."""
        return sum(count for status, count in self.answers.get(name, Counter()).items() if status >= 400)

    def quantile(self, share: float) -> int | None:
        """Milliseconds within which this share of the answered requests was answered; None without any."""
        due = share * sum(self.milliseconds.values())
        seen = 0
        for value in sorted(self.milliseconds):
            seen += self.milliseconds[value]
            if seen >= due:
                return value
        return None

    def to_json(self) -> dict[str, Any]:
        """As JSON can say it."""
        return {
            "sent": self.sent,
            "finished": self.finished,
            "lost": dict(self.lost),
            "answers": {name: {str(k): v for k, v in counts.items()} for name, counts in self.answers.items()},
            "milliseconds": {str(k): v for k, v in self.milliseconds.items()},
        }

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Tally:
        """The reverse of `to_json`."""
        return cls(
            sent=raw["sent"],
            finished=raw["finished"],
            lost=Counter(raw["lost"]),
            answers={name: Counter({int(k): v for k, v in raw["answers"][name].items()}) for name in raw["answers"]},
            milliseconds=Counter({int(k): v for k, v in raw["milliseconds"].items()}),
        )
