"""The state of one namespace at every recorded moment, told by the answers to everybody's writes.

There are no controllers beside this apiserver, so nothing changes but by a write that passes the proxy: the mirror is
the state itself, without a read.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from perennial.controllers.modeldeployment.route import read
from perennial.ports.kinds import CONTROLLER_REVISION, EVENT, HTTP_ROUTE, Kind
from tests.faults.calls import Call, Object

Place = tuple[str, str]  # kind, name
REVISION = "perennial.dev/revision"
_MARK = re.compile(r"-verify-[0-9a-z]+")


@dataclass(frozen=True)
class Moment:
    """One effective write: it created, changed or deleted `place`. `before` and `after` are the object around it.

    `signature` names the write alike in every run: verb, kind, and a name without what differs from run to run;
    `occurrence` counts the operator's effective writes of that signature from 1.
    """

    index: int
    call: Call
    place: Place
    before: Object | None
    after: Object | None
    signature: str
    occurrence: int

    @property
    def write(self) -> str:
        """How a variant names this write."""
        return f"{self.signature} #{self.occurrence}"


Listener = Callable[[Moment], None]


@dataclass
class Mirror:
    """All objects of a namespace by kind and name, and how they came to be so."""

    namespace: str
    objects: dict[Place, Object] = field(default_factory=dict)
    moments: list[Moment] = field(default_factory=list)
    listeners: list[Listener] = field(default_factory=list)
    revisions: dict[str, str] = field(default_factory=dict)
    uids: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    ineffective: list[str] = field(default_factory=list)
    past: dict[Place, Object | None] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    marks: dict[int, str] = field(default_factory=dict)

    def get(self, kind: Kind, name: str) -> Object | None:
        """One object as it is now."""
        return self.objects.get((kind.kind, name))

    def of(self, kind: Kind) -> list[Object]:
        """All objects of a kind, by name."""
        return [obj for (its, _), obj in sorted(self.objects.items()) if its == kind.kind]

    def signature(self, call: Call) -> str:
        """See `Moment`."""
        assert call.kind is not None
        body = call.body or {}
        if call.kind == CONTROLLER_REVISION and body.get("data"):
            self._name(body)
        if call.kind == EVENT:
            regarding = body["regarding"]
            subject = f"{regarding['kind']} {self.logical(regarding['name'])} {body['reason']}"
        else:
            subject = self.logical(call.name or "")
        part = f"/{call.subresource}" if call.subresource else ""
        return f"{call.verb} {call.kind.kind}{part} {subject}"

    def logical(self, name: str) -> str:
        """The name with versions in the place of hashes."""
        for revision, version in self.revisions.items():
            name = name.replace(revision, version)
        return _MARK.sub("-verify", name)

    def record(self, call: Call, answer: Object) -> Moment | None:
        """A write was committed and answered so; the moment, or None if nothing changed by it."""
        assert call.kind is not None
        place = (call.kind.kind, call.name or answer["metadata"]["name"])
        before = self.objects.get(place)
        if call.verb != "delete" and before is not None and _version(before) == _version(answer):
            if call.by_operator:
                self.ineffective.append(self.signature(call))
            return None
        after = None if call.verb == "delete" else answer
        self._learn(call.kind, after)
        signature = self.signature(call)
        if call.by_operator:
            self.counts[signature] += 1
        index = len(self.moments)
        moment = Moment(index, call, place, before, after, signature, self.counts[signature])
        self._keep(moment)
        for listener in self.listeners:
            listener(moment)
        return moment

    def _keep(self, moment: Moment) -> None:
        self.moments.append(moment)
        self.past[moment.place] = moment.before
        if moment.after is None:
            self.objects.pop(moment.place, None)
        else:
            self.objects[moment.place] = moment.after

    def _learn(self, kind: Kind, obj: Object | None) -> None:
        if obj is None:
            return
        if kind == CONTROLLER_REVISION:
            self._name(obj)
        if kind == HTTP_ROUTE:
            self.tokens.update({token: service for service, token in read(obj).tokens.items()})
        self.uids[obj["metadata"]["uid"]] = f"{kind.kind}:{obj['metadata']['name']}"

    def _name(self, revision: Object) -> None:
        labels = revision["metadata"].get("labels") or {}
        if REVISION in labels and "version" in revision["data"]:
            self.revisions[labels[REVISION]] = f"v{revision['data']['version']}"

    def begin(self) -> int:
        """A part of the story begins: occurrences are counted from here. The index of the next moment."""
        self.counts.clear()
        return len(self.moments)

    def mark(self, index: int, what: str) -> None:
        """Remember that a fault acted at this moment, or just before it."""
        self.marks[index] = f"{self.marks[index]}, {what}" if index in self.marks else what

    def since(self, index: int) -> list[Moment]:
        """The moments from this index on."""
        return self.moments[index:]


def tally(moments: list[Moment], verb: str) -> Mapping[str, int]:
    """How often each object was created or deleted by anyone; events are told elsewhere."""
    counted: defaultdict[str, int] = defaultdict(int)
    for moment in _objects(moments):
        created = moment.before is None and moment.after is not None
        if (verb == "create" and created) or (verb == "delete" and moment.after is None):
            counted[moment.signature.partition(" ")[2].replace("/status", "")] += 1
    return dict(counted)


def _objects(moments: list[Moment]) -> Iterator[Moment]:
    return (moment for moment in moments if moment.place[0] != EVENT.kind)


def _version(obj: Object) -> str:
    return str(obj["metadata"]["resourceVersion"])
