"""The state of a namespace without what differs from run to run: uids, times, resourceVersions, tokens, hashes."""

from __future__ import annotations

import difflib
import json
import re
from typing import Any

from perennial.ports.kinds import EVENT, HTTP_ROUTE
from tests.faults.mirror import Mirror, Moment, tally

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")
_DROPPED = ("uid", "resourceVersion", "creationTimestamp", "managedFields")
COUNTS = ("created", "deleted", "generation", "observedGeneration")
LINES = 120
Ending = dict[str, Any]


def ending(mirror: Mirror, moments: list[Moment]) -> Ending:
    """All objects as they are now, and what was created and deleted in these moments."""
    state = {" ".join(place): _stripped(obj) for place, obj in mirror.objects.items() if place[0] != EVENT.kind}
    logical: Ending = json.loads(_plain(mirror, json.dumps(state)))
    for place, obj in logical.items():
        if place.startswith(HTTP_ROUTE.kind):
            # Keeper rules stand in the order of the revisions' hashes.
            obj["spec"]["rules"].sort(key=lambda rule: rule["name"])
    return logical | {"created": tally(moments, "create"), "deleted": tally(moments, "delete")}


def _stripped(obj: dict[str, Any]) -> dict[str, Any]:
    return {**obj, "metadata": {key: value for key, value in obj["metadata"].items() if key not in _DROPPED}}


def _plain(mirror: Mirror, text: str) -> str:
    known = {**mirror.uids, **{token: f"token:{service}" for token, service in mirror.tokens.items()}}
    known |= {mirror.namespace: "NAMESPACE"}
    longest = sorted(known, key=len, reverse=True)
    text = re.sub("|".join(map(re.escape, longest)), lambda found: known[found[0]], text)
    return _TIME.sub("TIME", mirror.logical(text))


def uncounted(end: Any) -> Any:
    """The same without what counts writes: creations, deletions, generations."""
    if isinstance(end, dict):
        return {key: uncounted(value) for key, value in end.items() if key not in COUNTS}
    return [uncounted(each) for each in end] if isinstance(end, list) else end


def difference(expected: Ending, found: Ending) -> str:
    """A diff for people; empty when they are equal."""
    texts = [json.dumps(each, indent=1, sort_keys=True).splitlines() for each in (expected, found)]
    lines = [*difflib.unified_diff(*texts, "undisturbed", "with the fault", lineterm="", n=8)]
    return "\n".join(lines[:LINES])
