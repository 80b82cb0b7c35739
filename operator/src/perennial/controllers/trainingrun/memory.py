"""How a run that is over stays over: its end is kept on the run itself, where no loss of its status takes it away.

A status can be lost (restored from a backup, wiped by hand), and the Job that it was read from goes after a while. A
version would still name its run; a failure would leave no trace, and the run would train again. People may write the
annotation too, on runs of theirs: it can end a run, but it never names a version, so it proves nothing of one.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from perennial.api.conditions import SUCCEEDED
from perennial.controllers.findings import MESSAGE_LIMIT, stored_finding
from perennial.controllers.jobs.said import Said
from perennial.controllers.jobs.text import clean
from perennial.controllers.plan import Plan
from perennial.core.conditions import parse_time
from perennial.ports.kube import Object

ANNOTATION = "perennial.dev/outcome"


class Ended(Said):
    """How the run of this uid ended."""

    uid: str
    succeeded: Literal["True", "False"]
    reason: str = Field(pattern=r"^[A-Z][A-Za-z0-9]{0,63}$")
    message: Annotated[str, AfterValidator(lambda text: clean(text, MESSAGE_LIMIT))]
    completion_time: str = Field(max_length=64)

    @property
    def time(self) -> datetime:
        """When it ended. Raises ValueError."""
        return parse_time(self.completion_time)


_ENDED: TypeAdapter[Ended] = TypeAdapter(Ended)


def remembered(run: Object) -> Ended | None:
    """How the run ended, if it says so; the words of another run, copied along with its YAML, are not its own."""
    text = (run["metadata"].get("annotations") or {}).get(ANNOTATION)
    if text is None:
        return None
    try:
        ended = _ENDED.validate_json(text)
        valid = ended.uid == run["metadata"]["uid"] and ended.time is not None
    except (ValidationError, ValueError):
        return None
    return ended if valid else None


def keep(run: Object, plan: Plan) -> Plan:
    """The plan, with a record of the end when its status tells of one that the run does not remember yet."""
    succeeded = stored_finding(plan.status.get("conditions") or [], SUCCEEDED)
    if succeeded is None or succeeded.status == "Unknown" or not plan.status.get("completionTime"):
        return plan
    return plan if remembered(run) else replace(plan, record=_record(run, plan.status, succeeded))


def _record(run: Object, status: dict[str, Any], succeeded: Any) -> Object:
    metadata = run["metadata"]
    ended = {
        "uid": metadata["uid"],
        "succeeded": succeeded.status,
        "reason": succeeded.reason,
        "message": succeeded.message,
        "completionTime": status["completionTime"],
    }
    annotations = {ANNOTATION: json.dumps(ended, ensure_ascii=False)}
    # The uid: a run of the same name that was made meanwhile is another one.
    kept = {name: metadata[name] for name in ("namespace", "name", "uid")}
    return {"metadata": {**kept, "annotations": annotations}}
