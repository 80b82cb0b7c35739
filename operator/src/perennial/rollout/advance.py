"""Evidence that the canary is good enough for a move: one process per move.

Process k tests `p_c >= p_s + delta_k` with the alternative `theta_c = theta_s` (Wald's likelihood ratio). Its wealth is
capped at e/beta: throwing wealth away keeps it a nonnegative supermartingale, and makes old evidence fade, so that a
canary which breaks just before a move is not promoted on what it was.
"""

from __future__ import annotations

import math

from perennial.rollout.evalue import Comparison, Line, Null, log_evidence, tempered


def cap(miss: float) -> float:
    """log(e/beta): the most wealth that is kept."""
    return math.log(1 / miss) + 1


def update(
    logs: tuple[float, ...], batch: Comparison, deltas: tuple[float, ...], theta_s: float, phi: float, miss: float
) -> tuple[float, ...]:
    """Wealth (natural logarithms) of the moves with margins `deltas` after `batch`."""
    limit = cap(miss)
    gains: dict[float, float] = {}
    for delta in deltas:
        if delta not in gains:
            line = Line(delta, Null.AT_LEAST)
            gains[delta] = tempered(log_evidence(line, batch, theta_s, theta_s, phi), phi)
    return tuple(min(log + gains[delta], limit) for log, delta in zip(logs, deltas, strict=True))
