"""What every kind says when its pass cannot even begin: a stored spec that these types refuse, a right that is missing.

The apiserver refuses a bad spec, but a stored one may be older than its rules: written under an older definition, or
by a newer release. Such an object is told so, and the pass is tried again when it changes.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from perennial.api import RESOURCES
from perennial.api import conditions as types
from perennial.api.modeldeployment import PERMISSION_MISSING, SPEC_INVALID
from perennial.controllers.findings import Finding, Status, Telling, changed, merge, stored_finding
from perennial.controllers.jobs.text import clean, refusal
from perennial.controllers.plan import write_and_tell
from perennial.core.reconciling import Reconciler, Result
from perennial.core.services import Services
from perennial.ports.kinds import Kind
from perennial.ports.kube import Forbidden, Invalid, Object, Unavailable

log = logging.getLogger(__name__)

AGAIN_SECONDS = 30.0
UNWRITABLE_SECONDS = 300.0
SPECS = {each.kind: each.spec for each in RESOURCES}
SHORT_NAMES = {each.kind: each.short_names[0] for each in RESOURCES}
MAIN: dict[str, tuple[str, Status]] = {
    "ModelDeployment": (types.UP_TO_DATE, "False"),
    "ModelVersion": (types.READY, "False"),
    "TrainingRun": (types.SUCCEEDED, "Unknown"),
}
"""The condition that scripts wait for, and what it is while a spec cannot be read."""


@dataclass(frozen=True)
class _Told:
    status: dict[str, object]
    tellings: tuple[Telling, ...]


class Guarded:
    """A Reconciler whose objects say in Stalled why a pass over them cannot begin."""

    def __init__(self, inner: Reconciler, services: Services) -> None:
        self._inner = inner
        self._kube, self._clock, self._events = services.kube, services.clock, services.events
        self.kind: Kind = inner.kind
        self.manager: str = inner.manager

    async def reconcile(self, namespace: str, name: str) -> Result:
        """One pass. What is raised that has neither cause is raised on."""
        try:
            return await self._inner.reconcile(namespace, name)
        except ValidationError:
            obj = await self._kube.get(self.kind, namespace, name)
            why = spec_problem(self.kind.kind, obj or {})
            if obj is None or why is None:
                raise
            return await self._spec_invalid(obj, why)
        except Forbidden as error:
            obj = await self._kube.get(self.kind, namespace, name)
            if obj is None:
                return Result()
            words = refusal(str(error))
            why = f"The operator lacks a permission: {words} Give its role what manifests/ gives it."
            await self._tell(obj, Finding("True", PERMISSION_MISSING, why), main=False)
            return Result(AGAIN_SECONDS)

    async def _spec_invalid(self, obj: Object, why: str) -> Result:
        if _is_over(obj):
            return Result()
        try:
            await self._tell(obj, Finding("True", SPEC_INVALID, why), main=True)
        except (Invalid, Unavailable) as error:
            # Some specs are so far from the definition that the apiserver takes no status beside them.
            log.warning("no status can be written: %s", error)
            kind, reason = self.kind, SPEC_INVALID
            await self._events.emit(obj, kind, type="Warning", reason=reason, action="Reconcile", note=why)
            return Result(UNWRITABLE_SECONDS)
        return Result()

    async def _tell(self, obj: Object, finding: Finding, *, main: bool) -> None:
        stored = obj.get("status", {}).get("conditions", [])
        findings: dict[str, Finding | None] = {types.STALLED: finding, types.RECONCILING: None}
        if main:
            type_, value = MAIN[self.kind.kind]
            findings[type_] = Finding(value, finding.reason, finding.message)
        generation = obj["metadata"]["generation"]
        conditions = merge(stored, findings, generation, self._clock.now())
        status = {**obj.get("status", {}), "observedGeneration": generation, "conditions": conditions}
        tellings = _tellings(stored, finding)
        await write_and_tell(self._kube, self.kind, self.manager, self._events, obj, _Told(status, tellings))


def _tellings(stored: Sequence[Object], finding: Finding) -> tuple[Telling, ...]:
    if not changed(stored_finding(stored, types.STALLED), finding):
        return ()
    return (Telling(True, finding.reason, "Reconcile", finding.message),)


def _is_over(obj: Object) -> bool:
    """A run that has ended stays as it ended."""
    found = stored_finding(obj.get("status", {}).get("conditions", []), types.SUCCEEDED)
    return found is not None and found.status != "Unknown"


def spec_problem(kind: str, obj: Object) -> str | None:
    """Why the types refuse the object's spec, and what to do; None if they do not."""
    try:
        SPECS[kind].model_validate(obj.get("spec", {}))
    except ValidationError as error:
        # Never the value itself: it may be a secret in a wrong place.
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, ("spec", *first["loc"])))
        said = clean(first["msg"].removeprefix("Value error, "), 300)
        mend = f"mend it with `kubectl edit {SHORT_NAMES[kind]} {obj['metadata']['name']}`"
        if kind == "TrainingRun":
            mend = "a TrainingRun cannot be changed, so create another one"
        return f"The stored spec is not valid for this release of Perennial ({place}: {said}); {mend}."
    return None
