"""Where a rollout is on the grid, where it begins, and what of it is stored. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple, TypeVar

from perennial.core.analysis_types import NOT_ROUTED, Counted, Watched
from perennial.core.counting.buckets import Buckets, edge_for, learned
from perennial.core.counting.family import Family
from perennial.core.counting.growth import GAP_SECONDS, Tails, Values
from perennial.core.polling import REPLAY_SECONDS, Grid
from perennial.core.warmth import COLD, Warmth
from perennial.rollout import checkpoint, engine
from perennial.rollout.plan import Plan

KeyT = TypeVar("KeyT")

REMEMBERED_CHANGES = 16
_BOUNDS, _CHANGES, _OPEN = "bounds", "changes", "open"
"""Keys of ours beside those of the engine's checkpoint."""


@dataclass(frozen=True)
class Question:
    """How the plan's metrics are counted; the first of `families` also tells whether there are samples at all."""

    metrics: tuple[Counted, ...]
    families: Mapping[str, Family]

    @cached_property
    def fingerprint(self) -> str:
        """Evidence of another way of counting is not used."""
        text = repr((self.metrics, sorted((name, repr(family)) for name, family in self.families.items())))
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    @property
    def first(self) -> str:
        """The metric whose samples tell whether both versions were scraped."""
        return next(iter(self.families))

    def open_bounds(self, bounds: Mapping[str, float]) -> list[Counted]:
        """Metrics that need a bound and have none yet."""
        found = [one for one in self.metrics if isinstance(self.families[one.name], Buckets)]
        return [one for one in found if one.name not in bounds]

    def bounds(self, known: Mapping[str, float], stable: Mapping[str, Values]) -> Mapping[str, float]:
        """With those that stable's histograms tell by now."""
        fresh = dict(known)
        for one in self.open_bounds(known):
            seen = stable.get(one.name, {})
            edge = learned(seen) if one.slower_than is None else edge_for(one.slower_than, seen)
            if edge is not None:
                fresh[one.name] = edge
        return fresh


@dataclass(frozen=True)
class Seen:
    """Each version's last scrape in an interval that was followed (Unix seconds)."""

    canary: float
    stable: float


class Change(NamedTuple):
    """Since `time` (Unix seconds) the weight is that of `step`, or one that a person set."""

    time: float
    step: int
    by_hand: bool = False


def change_of(watched: Watched[KeyT]) -> Change:
    """The last one that the controller saw."""
    return Change(watched.weight_since.timestamp(), watched.step, watched.by_hand)


@dataclass(frozen=True)
class Progress:
    """Where a rollout is: the grid has been followed up to `position` (Unix seconds).

    `state` is None while warming up; `ready` says that what was before `position` has been read. `changes` are the
    latest changes of weight. `tails` and `seen` are by metric; `bounds` are frozen once they are there.
    """

    position: float
    changes: tuple[Change, ...]
    state: engine.State | None = None
    warmth: Warmth = COLD
    ready: bool = False
    tails: Mapping[str, Tails] = field(default_factory=dict)
    bounds: Mapping[str, float] = field(default_factory=dict)
    seen: Mapping[str, Seen] = field(default_factory=dict)
    open_seconds: float = 0.0

    def weighted(self, end: float) -> Change:
        """What weight an interval had that ends at `end` and holds no change."""
        return next((change for change in reversed(self.changes) if change.time < end), self.changes[0])

    def last(self, name: str) -> Seen:
        """When both versions were last scraped; missing only after samples had time to arrive."""
        return self.seen[name]


def begin(watched: Watched[KeyT], grid: Grid, question: Question, complete: float) -> Progress:
    """Where to begin or go on with `watched` when samples are complete up to `complete`.

    A checkpoint of this rollout is resumed. It may be of the step before: then the last change of weight is the one
    known. Of an earlier one: the changes between are not known and everything before the last one is left out.
    """
    change = change_of(watched)
    oldest = grid.floor(complete - REPLAY_SECONDS)
    saved = checkpoint.decode(watched.checkpoint, identity(watched, question), plan_of(watched, grid))
    if watched.step == NOT_ROUTED:
        return _at(complete, change, question)
    if saved is None or saved.step > watched.step:
        return _at(max(grid.floor(change.time), oldest), change, question)
    position = saved.at if watched.step - saved.step <= 1 else max(saved.at, grid.floor(change.time))
    more = json.loads(watched.checkpoint)
    return replace(
        _at(max(position, oldest), change, question),
        state=saved.state,
        bounds={name: float(edge) for name, edge in more.get(_BOUNDS, {}).items()},
        changes=_with(tuple(Change(float(at), step, hand) for at, step, hand in more.get(_CHANGES, ())), change),
        open_seconds=float(more.get(_OPEN, 0.0)),
    )


def _at(position: float, change: Change, question: Question) -> Progress:
    # As if both versions had just been seen.
    return Progress(position, (change,), seen={name: Seen(position, position) for name in question.families})


def plan_of(watched: Watched[KeyT], grid: Grid) -> Plan:
    """The plan with the grid's poll: there is one grid for all rollouts."""
    return replace(watched.plan, poll_seconds=grid.poll_seconds)


def identity(watched: Watched[KeyT], question: Question) -> str:
    """What stored evidence must be of, besides the plan."""
    return f"{watched.revision}/{question.fingerprint}"


def changed(progress: Progress, change: Change) -> Progress:
    """The same after a change of weight."""
    return progress if change in progress.changes else replace(progress, changes=_with(progress.changes, change))


def _with(changes: tuple[Change, ...], change: Change) -> tuple[Change, ...]:
    others = (each for each in changes if each.time != change.time)
    return tuple(sorted((*others, change)))[-REMEMBERED_CHANGES:]


def stored(watched: Watched[KeyT], question: Question, progress: Progress) -> str:
    """What is to be kept in status; empty before the evidence begins."""
    if progress.state is None:
        return ""
    saved = checkpoint.Saved(identity(watched, question), watched.step, progress.position, progress.state)
    content = json.loads(checkpoint.encode(saved))
    content[_BOUNDS] = {name: repr(edge) for name, edge in progress.bounds.items()}
    content[_CHANGES] = [[repr(each.time), each.step, each.by_hand] for each in _recent(progress)]
    content[_OPEN] = repr(progress.open_seconds)
    return json.dumps(content, separators=(",", ":"))


def _recent(progress: Progress) -> tuple[Change, ...]:
    """Older ones reach into no increment that is still to come."""
    recent = [each for each in progress.changes if each.time > progress.position - 2 * GAP_SECONDS]
    return progress.changes[-max(len(recent) + 1, 1) :]
