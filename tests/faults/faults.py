"""Faults as small objects: the proxy asks each of them about every call, before and after it is forwarded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tests.faults.calls import Call, Object
from tests.faults.mirror import Mirror, Moment

BEFORE, AFTER = "before", "after"


@dataclass(frozen=True)
class Answer:
    """An answer of the proxy's own in the place of the apiserver's."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...] = ()

    def body(self) -> Object:
        """A Status, as the apiserver says it."""
        head = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}
        return {**head, "message": f"fault: {self.reason}", "reason": self.reason, "code": self.status}


class Drop:
    """The connection is cut without an answer."""


class Crash:
    """The operator dies: the connection is cut, and nothing it still sends is heard."""


class Hold:
    """The request is kept back until whoever asked has given up; then it is forgotten."""


Act = Answer | Drop | Crash | Hold
BUSY = Answer(429, "TooManyRequests", (("Retry-After", "1"),))
ERRORS = {
    "409": Answer(409, "Conflict"),
    "429": BUSY,
    "500": Answer(500, "InternalError"),
    "504": Answer(504, "Timeout"),
}


class Fault(Protocol):
    """`fired` counts how often it acted: a variant whose fault never did has proven nothing."""

    name: str
    fired: int

    def before(self, call: Call, mirror: Mirror) -> Act | None:
        """What to do instead of forwarding the call."""

    def after(self, call: Call, moment: Moment | None, mirror: Mirror) -> Act | None:
        """What to do instead of passing on the answer to a call that was forwarded."""

    def read(self, call: Call, answer: Object, mirror: Mirror) -> Object:
        """What a get or a list is answered."""


@dataclass
class Passive:
    """Does nothing; the others are made of it."""

    name: str = "no fault"
    fired: int = 0

    def before(self, call: Call, mirror: Mirror) -> Act | None:
        return None

    def after(self, call: Call, moment: Moment | None, mirror: Mirror) -> Act | None:
        return None

    def read(self, call: Call, answer: Object, mirror: Mirror) -> Object:
        return answer


@dataclass
class CrashAt(Passive):
    """The operator dies at one write: before it reaches the apiserver, or once it is committed but not answered."""

    signature: str = ""
    occurrence: int = 1
    when: str = AFTER

    def __post_init__(self) -> None:
        self.name = f"crash {self.when} {self.signature} #{self.occurrence}"

    def before(self, call: Call, mirror: Mirror) -> Act | None:
        if self.when != BEFORE or self.fired or not call.writes or mirror.signature(call) != self.signature:
            return None
        if mirror.counts[self.signature] != self.occurrence - 1:
            return None
        self.fired += 1
        return Crash()

    def after(self, call: Call, moment: Moment | None, mirror: Mirror) -> Act | None:
        if self.when != AFTER or self.fired or moment is None:
            return None
        if (moment.signature, moment.occurrence) != (self.signature, self.occurrence):
            return None
        self.fired += 1
        return Crash()


@dataclass
class FirstTry(Passive):
    """Every write (or every read) of the operator fails when it is first tried, in these ways in turn."""

    ways: Sequence[tuple[Act, str]] = ()
    chosen: Callable[[Call], bool] = lambda call: call.writes
    tried: dict[str, int] = field(default_factory=dict)

    def before(self, call: Call, mirror: Mirror) -> Act | None:
        return self._once(call, mirror, BEFORE)

    def after(self, call: Call, moment: Moment | None, mirror: Mirror) -> Act | None:
        return self._once(call, mirror, AFTER) if moment is not None else None

    def _once(self, call: Call, mirror: Mirror, when: str) -> Act | None:
        if call.kind is None or not self.chosen(call):
            return None
        count = mirror.counts[mirror.signature(call)] - (when == AFTER and call.writes)
        key = f"{mirror.signature(call)} {count}" if call.writes else repr(call)
        if when == BEFORE and key in self.tried:
            return None
        number = self.tried.setdefault(key, len(self.tried))
        act, own = self.ways[number % len(self.ways)]
        if own != when:
            return None
        self.fired += 1
        return act
