"""Whether a model is good enough: its metrics beside the bounds of the spec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from perennial.api.base import number
from perennial.api.trainingrun import ALL_PASSED, GATE_FAILED, NO_GATES, Gate, GateResult
from perennial.controllers.findings import Finding


def evaluate(gates: Sequence[Gate], metrics: Mapping[str, str]) -> tuple[GateResult, ...]:
    """The result of each gate; a metric that was not computed fails its gate."""
    return tuple(_evaluate(gate, metrics.get(gate.metric)) for gate in gates)


def gates_finding(results: Sequence[GateResult]) -> Finding:
    """The condition GatesPassed."""
    failed = [each for each in results if not each.passed]
    if failed:
        return Finding("False", GATE_FAILED, f"{' '.join(each.message for each in failed)}"[:1024])
    if not results:
        return Finding("True", NO_GATES, "The run asks for no gates.")
    return Finding("True", ALL_PASSED, f"{' '.join(each.message for each in results)}"[:1024])


def _evaluate(gate: Gate, value: str | None) -> GateResult:
    if value is None:
        message = f"{gate.metric} was not computed; ask for it in evaluation.metrics."
        return GateResult(metric=gate.metric, passed=False, message=message)
    if gate.min is not None:
        passed = number(value) >= number(gate.min)
        relation = "is at least" if passed else "is below"
        bound = f"the minimum of {gate.min}" if not passed else gate.min
    else:
        limit = gate.max or "0"
        passed = number(value) <= number(limit)
        relation = "is at most" if passed else "is above"
        bound = f"the maximum of {limit}" if not passed else limit
    return GateResult(metric=gate.metric, passed=passed, message=f"{gate.metric} of {value} {relation} {bound}.")
