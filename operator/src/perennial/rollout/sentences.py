"""The sentence of each decision, with the numbers that a person would check."""

from __future__ import annotations

import math

from perennial.rollout.evalue import Counts
from perennial.rollout.state import MetricState, State

PLAIN_LIMIT = 100_000


def evidence(log: float) -> str:
    """exp(log) for reading: three digits, an exponent only where it is needed."""
    value = math.exp(min(log, 700.0))
    if 100 <= value < PLAIN_LIMIT:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def share(counts: Counts) -> str:
    """Bad requests of all, as in `12 of 1,234 (0.97 %)`."""
    percent = 100 * counts.bad / counts.n if counts.n else 0.0
    return f"{counts.bad:,} of {counts.n:,} ({percent:.3g} %)"


def compared(metric: MetricState) -> str:
    """Both versions' bad requests so far."""
    return f"bad requests: canary {share(metric.totals.canary)}, stable {share(metric.totals.stable)}"


def rolled_back(state: State) -> str:
    """Why it was rolled back."""
    alpha, totals = state.plan.false_rollback, state.cause.totals
    return (
        f"The canary is worse than stable in {state.cause.name}: {share(totals.canary)} of its requests were bad, "
        f"{share(totals.stable)} of stable's at the same time. The evidence for that, {evidence(state.peak)}, reached "
        f"{evidence(-math.log(alpha))}; a canary that is no worse ever gets there with probability {alpha:.3g} at most."
    )


def moved(state: State, step: int) -> str:
    """Why it goes on."""
    return (
        f"At {state.plan.weights[step]} % the canary is not worse by more than is tolerated ({compared(state.cause)}): "
        f"evidence {evidence(state.log_advance(step))} reached {evidence(-math.log(state.plan.miss))}."
    )


def insufficient(state: State, step: int) -> str:
    """What is still missing."""
    return (
        f"Not decided yet: evidence to go on {evidence(state.log_advance(step))} of "
        f"{evidence(-math.log(state.plan.miss))}, to go back {evidence(state.log_rollback)} of "
        f"{evidence(-math.log(state.plan.false_rollback))} ({compared(state.cause)})."
    )


def minimum_time(state: State, step: int, seconds: float) -> str:
    """The evidence is there, the time is not."""
    least = state.plan.minimum_seconds(step)
    return (
        f"The canary looks good at {state.plan.weights[step]} %, but this step lasts at least {least:.0f} s so that "
        f"slow failures are seen, and {max(seconds, 0):.0f} s have passed."
    )


def no_traffic(state: State) -> str:
    """Nothing can be learned without requests."""
    totals = state.cause.totals
    return (
        f"For {state.idle_seconds:.0f} s of counting not both versions had requests (so far canary "
        f"{totals.canary.n:,}, stable {totals.stable.n:,}): send traffic to the model to go on."
    )


def time_cap(state: State, step: int) -> str:
    """Undecided for too long."""
    return (
        f"Undecided after {state.plan.time_cap_seconds / 3600:.3g} h of counting at {state.plan.weights[step]} % "
        f"({compared(state.cause)}): allow a larger tolerance, or go back by setting spec.version."
    )


def warming_up(seconds: float, needed: float, stable: Counts) -> str:
    """Stable must be known first."""
    return (
        f"Getting to know stable: {seconds:.0f} of {needed:.0f} s counted, {share(stable)} requests were bad; until "
        f"then nothing is judged."
    )
