"""Whether what `--wait` waits for has come, and how it ended. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from perennial.cli.decisions import Goal
from perennial.cli.deployment import PROVEN, Deployment

DONE, FAILED, USAGE, WENT_BACK, LATE = 0, 1, 2, 3, 4
"""Exit codes: done; refused or impossible; wrong arguments; rolled back or replaced; not within the time given."""


@dataclass(frozen=True)
class Ending:
    """An exit code and the sentence that goes with it."""

    code: int
    sentence: str


@dataclass(frozen=True)
class Wanted:
    """What is waited for since `before`, the deployment at the time of the write that made `generation`."""

    goal: Goal
    revision: str
    generation: int
    before: Deployment


def ending(wanted: Wanted, now: Deployment | None) -> Ending | None:
    """How it ended; None while it has not."""
    name = wanted.before.name
    if now is None:
        return Ending(FAILED, f"ModelDeployment {name} was deleted meanwhile.")
    if now.observed < wanted.generation:
        return None
    if wanted.goal is Goal.SEEN:
        return Ending(DONE, f"The operator has taken it up for {name}.")
    if wanted.goal is Goal.LEFT:
        return None if now.canary and now.canary.revision == wanted.revision else Ending(DONE, _left(wanted, now))
    return _serves(wanted, now)


def _serves(wanted: Wanted, now: Deployment) -> Ending | None:
    any_revision = wanted.goal is Goal.UP_TO_DATE
    done = now.is_true("UpToDate") if any_revision else now.stable and now.stable.revision == wanted.revision
    if done and now.stable:
        return Ending(DONE, f"Version {now.stable.version} of {now.name} serves.")
    fresh = [each for each in now.history if each not in wanted.before.history]
    over = next((each for each in fresh if any_revision or each.revision == wanted.revision), None)
    return Ending(WENT_BACK, over.message) if over and over.outcome not in PROVEN else None


def _left(wanted: Wanted, now: Deployment) -> str:
    if now.stable and now.stable.revision == wanted.revision:
        return f"It came too late: version {now.stable.version} of {now.name} serves."
    serves = f"version {now.stable.version} serves" if now.stable else "nothing serves"
    return f"It is no canary of {now.name} any more; {serves}."


def late(now: Deployment | None, seconds: float) -> Ending:
    """What is said when the time is over, with what is known to be in the way."""
    conditions = (now.condition(each) for each in ("Stalled", "Reconciling", "UpToDate")) if now else ()
    why = next((each.message for each in conditions if each and each.message), "")
    return Ending(LATE, f"Not within {seconds:.0f} s. {why}".strip())
