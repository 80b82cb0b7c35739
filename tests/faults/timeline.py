"""The recorded moments as text, for the reader of a failure."""

from __future__ import annotations

from perennial.controllers.modeldeployment.route import read
from perennial.ports.kinds import HTTP_ROUTE, MODEL_DEPLOYMENT
from tests.faults.calls import Object
from tests.faults.faults import Fault
from tests.faults.mirror import Mirror, Moment

LINES = 40


def told(mirror: Mirror, fault: Fault | None = None, lines: int = LINES) -> str:
    """The last moments, the fault's own marked."""
    head = f"fault: {fault.name}, fired {fault.fired} times" if fault is not None else "no fault"
    shown = [line(mirror, each) for each in mirror.moments[-lines:]]
    return "\n".join([head, f"{len(mirror.moments)} moments, the last {len(shown)}:", *shown])


def line(mirror: Mirror, moment: Moment) -> str:
    """One moment."""
    found = mirror.marks.get(moment.index)
    mark = f"   <== {found}" if found else ""
    return f"{moment.index:4} {moment.call.who:8} {moment.write}{_detail(mirror, moment)}{mark}"


def _detail(mirror: Mirror, moment: Moment) -> str:
    if moment.after is None:
        return ""
    if moment.call.kind == HTTP_ROUTE:
        return mirror.logical(
            f" weights {dict(read(moment.after).weights)} keepers {sorted(read(moment.after).tokens)}"
        )
    if moment.call.kind == MODEL_DEPLOYMENT:
        return _status(moment.after.get("status", {}))
    return ""


def _status(status: Object) -> str:
    roles = {role: _role(status[role]) for role in ("stable", "canary", "previous") if role in status}
    said = {each["type"]: f"{each['status']} {each['reason']}" for each in status.get("conditions", [])}
    return f" {roles} {said}"


def _role(role: Object) -> str:
    return f"v{role['version']}" + (f" at {role['weight']} %" if "weight" in role else "")
