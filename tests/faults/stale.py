"""Reads that lag: a get or a list answers with what was there before the last write."""

from __future__ import annotations

from dataclasses import dataclass, field

from perennial.ports.kinds import Kind
from tests.faults.calls import Call, Object
from tests.faults.faults import Passive
from tests.faults.mirror import Mirror, Moment


@dataclass
class Stale(Passive):
    """After every write to an object of `kinds`, the operator's next get and next list of it are one write behind."""

    kinds: tuple[Kind, ...] = ()
    served: dict[str, int] = field(default_factory=dict)
    fooled: set[Kind] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.name = f"stale reads of {', '.join(kind.plural for kind in self.kinds)}"

    def read(self, call: Call, answer: Object, mirror: Mirror) -> Object:
        """The answer as it was before the newest write to this kind, once for each write."""
        if call.kind not in self.kinds or call.namespace != mirror.namespace:
            return answer
        newest = _newest(mirror, call)
        reader = f"{call.verb} {call.kind} {call.name} {sorted(call.query.items())}"
        if newest is None or self.served.get(reader, -1) >= newest.index:
            return answer
        self.served[reader] = newest.index
        self.fired += 1
        self.fooled.add(call.kind)
        mirror.mark(newest.index, f"{call.verb} is answered as before this")
        return _one(call, newest) if call.verb == "get" else _many(call, answer, newest)


def _newest(mirror: Mirror, call: Call) -> Moment | None:
    assert call.kind is not None
    wanted = (call.kind.kind, call.name)
    found = (each for each in reversed(mirror.moments) if each.place[0] == wanted[0])
    return next((each for each in found if wanted[1] in (None, each.place[1])), None)


def _one(call: Call, moment: Moment) -> Object:
    if moment.before is not None:
        return moment.before
    assert call.kind is not None
    head = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
    return {**head, "message": "stale", "details": {"name": call.name, "kind": call.kind.plural}}


def _many(call: Call, answer: Object, moment: Moment) -> Object:
    rest = [each for each in answer["items"] if each["metadata"]["name"] != moment.place[1]]
    old = [moment.before] if moment.before is not None and _selected(call, moment.before) else []
    return {**answer, "items": [*rest, *old]}


def _selected(call: Call, obj: Object) -> bool:
    labels = obj["metadata"].get("labels") or {}
    wanted = [part.split("=", 1) for part in call.query.get("labelSelector", "").split(",") if part]
    return all(labels.get(pair[0]) == pair[-1] for pair in wanted)


@dataclass
class Frozen(Passive):
    """Gets and lists of `kind` are answered with the objects of one moment, until told to thaw."""

    kind: Kind | None = None
    objects: dict[str, Object] = field(default_factory=dict)
    thawed: bool = False

    @classmethod
    def now(cls, mirror: Mirror, kind: Kind) -> Frozen:
        """As they are at this moment."""
        found = {each["metadata"]["name"]: each for each in mirror.of(kind)}
        return cls(name=f"{kind.plural} as they were once", kind=kind, objects=found)

    def read(self, call: Call, answer: Object, mirror: Mirror) -> Object:
        """The answer of that moment."""
        if self.thawed or call.kind != self.kind or call.namespace != mirror.namespace:
            return answer
        self.fired += 1
        if call.verb == "get":
            return self.objects.get(call.name or "", answer)
        return {**answer, "items": [each for each in self.objects.values() if _selected(call, each)]}
