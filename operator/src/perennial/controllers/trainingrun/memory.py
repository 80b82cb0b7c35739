"""How a run that has failed stays failed: its end is kept in a ControllerRevision, as a rollout's is.

A status can be lost (wiped by hand, or with the apiserver's storage), and the Job that it was read from goes after a
while. A version still names the run that made it; a failure would leave no trace, and the run would train again. The
record goes with the run. People may write such an object too, for runs of theirs: it says that a run has failed, and
proves nothing of any version.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from perennial.api.conditions import SUCCEEDED
from perennial.controllers.findings import MESSAGE_LIMIT, Finding, stored_finding
from perennial.controllers.jobs.said import Said
from perennial.controllers.jobs.text import clean
from perennial.controllers.labels import is_owned, made_by, owner_reference
from perennial.controllers.plan import Creation, Plan
from perennial.core.conditions import parse_time
from perennial.core.names import child_name, short_hash
from perennial.ports.kinds import CONTROLLER_REVISION, TRAINING_RUN
from perennial.ports.kube import Object


def _time(value: Any) -> datetime:
    # Only as we write it: a time of the year 9999 in another zone cannot be had in UTC.
    if not isinstance(value, str) or not re.fullmatch(r"2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value):
        raise ValueError("not a time as this operator writes it")
    return parse_time(value)


class Ended(Said):
    """How a run failed."""

    reason: str = Field(pattern=r"^[A-Z][A-Za-z0-9]{0,63}$")
    message: Annotated[str, AfterValidator(lambda text: clean(text, MESSAGE_LIMIT)), Field(min_length=1)]
    time: Annotated[datetime, BeforeValidator(_time)]


def remembered(run: Object, revisions: Iterable[Object]) -> Ended | None:
    """How the run has failed, as its own record says; None when there is none, or none that can be read."""
    for each in revisions:
        if is_owned(each, run["metadata"]["uid"]):
            try:
                return Ended.model_validate(each.get("data"))
            except ValidationError:
                continue
    return None


def keep(run: Object, ended: Ended | None, plan: Plan) -> Plan:
    """The plan, with a record of the failure when its status tells of one and there is no record yet."""
    succeeded = stored_finding(plan.status.get("conditions") or [], SUCCEEDED)
    time = plan.status.get("completionTime")
    if ended is not None or succeeded is None or succeeded.status != "False" or not time:
        return plan
    return replace(plan, record=Creation(CONTROLLER_REVISION, _record(run, succeeded, time)))


def _record(run: Object, succeeded: Finding, time: str) -> dict[str, Any]:
    metadata = run["metadata"]
    return {
        "metadata": {
            # The uid: the record of an earlier run of this name may not be gone yet.
            "name": child_name(metadata["name"], f"ended-{short_hash(metadata['uid'], 8)}"),
            "namespace": metadata["namespace"],
            "labels": made_by(TRAINING_RUN, metadata["name"]),
            "ownerReferences": [owner_reference(TRAINING_RUN, run)],
        },
        "revision": 1,
        "data": {"reason": succeeded.reason, "message": succeeded.message, "time": time},
    }
