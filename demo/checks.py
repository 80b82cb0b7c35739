"""Whether the story happened. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from demo.scene import Scene
from demo.tally import GATEWAY, Tally


@dataclass
class Record:
    """What was seen while the story was told.

    Attributes:
        services: the version behind each InferenceService that was ever live.
        weights: the canary weights each version was seen at, in order, without repeats.
    """

    services: dict[str, int] = field(default_factory=dict)
    weights: dict[int, list[int]] = field(default_factory=dict)

    def note(self, scene: Scene) -> None:
        """Remember what the scene shows."""
        self.services.update(scene.services())
        if canary := scene.deployment.canary:
            seen = self.weights.setdefault(canary.version, [])
            if not seen or seen[-1] != canary.weight:
                seen.append(canary.weight)

    def errors(self, version: int, tally: Tally) -> int:
        """Requests that a version answered with an error."""
        return sum(tally.errors(name) for name, behind in self.services.items() if behind == version)

    def served(self, version: int, tally: Tally) -> int:
        """Requests that a version answered."""
        return sum(tally.served(name) for name, behind in self.services.items() if behind == version)


def missing(scene: Scene, record: Record, tally: Tally, steps: list[int]) -> list[str]:
    """What of the story did not happen, as sentences; an empty list when all of it did.

    Args:
        scene: the objects at the end.
        record: what was seen on the way.
        tally: the load client's final counts.
        steps: the canary weights of the deployment.
    """
    outcomes = {each.version: each.outcome for each in reversed(scene.deployment.history)}
    stable = scene.deployment.stable
    facts = [
        (outcomes.get(1) == "Deployed", f"v1 was to be deployed, but its outcome is {outcomes.get(1)}"),
        (outcomes.get(2) == "Promoted", f"v2 was to be promoted, but its outcome is {outcomes.get(2)}"),
        (outcomes.get(3) == "RolledBack", f"v3 was to be rolled back, but its outcome is {outcomes.get(3)}"),
        (stable is not None and stable.version == 2, f"v2 was to serve at the end, but {stable} does"),
        (_climbed(record.weights.get(2, []), steps), f"v2 was to climb {steps}, but was seen at {record.weights}"),
        (record.errors(3, tally) > 0, "v3 was to answer some users with errors, but did not"),
        *_traffic(tally, record),
    ]
    return [text for happened, text in facts if not happened]


def _climbed(seen: list[int], steps: list[int]) -> bool:
    rising = all(low < high for low, high in pairwise(seen))
    return rising and set(steps) <= set(seen)


def _traffic(tally: Tally, record: Record) -> list[tuple[bool, str]]:
    return [
        (tally.lost_total == 0, f"requests were lost: {dict(tally.lost)}"),
        (tally.in_flight == 0, f"{tally.in_flight} requests have no answer"),
        (
            tally.served(GATEWAY) == 0,
            f"the gateway itself answered requests: {dict(tally.answers.get(GATEWAY, {}))}",
        ),
        (
            sum(record.served(version, tally) for version in (1, 2, 3)) == tally.finished,
            f"some answers came from a server that is none of v1, v2 and v3: {sorted(tally.answers)}",
        ),
    ]
