"""The sentence of each decision, with the numbers that a person would check."""

from __future__ import annotations

import math

from perennial.rollout.absolute import Ceiling
from perennial.rollout.evalue import Counts
from perennial.rollout.state import MetricState, State

PLAIN_LIMIT = 100_000
SHORT_HISTORY = (
    "stable was seen too shortly to tell bursts of bad requests from chance, so that the guarantee is weaker"
)


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


def named(state: State, metric: MetricState) -> str:
    """The same, with the metric's name where there are several."""
    return f"{metric.name}: {compared(metric)}" if len(state.metrics) > 1 else compared(metric)


def rolled_back(state: State) -> str:
    """Why it was rolled back."""
    alpha, metric = state.plan.false_rollback, state.cause
    said = (
        _above(metric, metric.ceiling)
        if metric.ceiling and metric.log_bounded > metric.log_compared
        else (
            f"The canary is worse than stable in {metric.name}: {share(metric.totals.canary)} of its requests were "
            f"bad, {share(metric.totals.stable)} of stable's at the same time."
        )
    )
    promise = f"a canary that is no worse ever gets there with probability {alpha:.3g} at most"
    return (
        f"{said} The evidence for that, {evidence(state.peak)}, reached {evidence(-math.log(alpha))}; {promise}"
        f"{'' if metric.known else f' ({SHORT_HISTORY})'}."
    )


def _above(metric: MetricState, ceiling: Ceiling) -> str:
    bound = f"{100 * (ceiling.bound or 0.0):.3g} %"
    return (
        f"The canary is above its bound of {bound} in {metric.name}: {share(ceiling.totals.canary)} of its requests "
        f"were bad{' as the bound counts them' if metric.name == 'errors' else ''}."
    )


def moved(state: State, step: int) -> str:
    """Why it goes on."""
    return (
        f"At {state.plan.weights[step]} % the canary is not worse by more than is tolerated "
        f"({named(state, state.slowest(step))}): evidence {evidence(state.log_advance(step))} reached "
        f"{evidence(-math.log(state.plan.miss))}."
    )


def insufficient(state: State, step: int) -> str:
    """What is still missing."""
    return (
        f"Not decided yet: evidence to go on {evidence(state.log_advance(step))} of "
        f"{evidence(-math.log(state.plan.miss))}, to go back {evidence(state.log_rollback)} of "
        f"{evidence(-math.log(state.plan.false_rollback))} ({named(state, state.slowest(step))})."
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
        f"({named(state, state.slowest(step))}): allow a larger tolerance, or go back by setting spec.version."
    )


def baking(state: State) -> str:
    """What the promoted version is still compared with."""
    plan, metric = state.plan, state.cause
    back = f"evidence to go back {evidence(state.log_rollback)} of {evidence(-math.log(plan.false_rollback))}"
    if plan.compared_in_bake:
        kept = 100 - plan.final_weight
        return f"Promoted and still compared: {kept} % of the requests stay on the old version; {back}."
    asked = {each.name for each in plan.metrics if each.maximum is not None}
    bounds = [
        f"{each.name} {100 * each.ceiling.bound:.3g} %{'' if each.name in asked else ' (derived)'}"
        for each in state.metrics
        if each.ceiling and each.ceiling.bound is not None
    ]
    if not bounds:
        return f"Promoted with all requests: no old version is left to compare {metric.name} with; {back}."
    return (
        f"Promoted with all requests and held to absolute bounds: {', '.join(bounds)}; {back}. A derived bound accuses "
        f"rightly only while the rate of all requests, whichever version answers, stays below it."
    )


def warming_up(seconds: float, needed: float, stable: Counts) -> str:
    """Stable must be known first."""
    return (
        f"Getting to know stable: {seconds:.0f} of {needed:.0f} s counted, {share(stable)} requests were bad; until "
        f"then nothing is judged, and with so short a history the guarantee is weaker."
    )
