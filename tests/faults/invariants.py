"""What must hold at every recorded moment, whatever fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from perennial.controllers.modeldeployment.route import LiveRoute, read
from perennial.ports.kinds import (
    HTTP_ROUTE,
    INFERENCE_SERVICE,
    JOB,
    MODEL_DEPLOYMENT,
    MODEL_VERSION,
    POD,
    TRAINING_RUN,
)
from tests.faults.calls import Object
from tests.faults.cluster import taken
from tests.faults.mirror import Mirror, Moment

OWN = (TRAINING_RUN, MODEL_VERSION, MODEL_DEPLOYMENT)
Check = Callable[[Mirror, Moment], Iterator[str]]


class Watchman:
    """Looks at every moment and keeps what was wrong, with the moment that made it so."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self.found: list[str] = []

    def look(self, moment: Moment) -> None:
        for check in CHECKS:
            for wrong in check(self._mirror, moment):
                self.found.append(f"{wrong} (after moment {moment.index}: {self._mirror.logical(moment.write)})")


def _weights_sum_to_100(mirror: Mirror, _: Moment) -> Iterator[str]:
    for route in mirror.of(HTTP_ROUTE):
        weights = read(route).weights
        if weights and sum(weights.values()) != 100:
            yield f"weights sum to {sum(weights.values())}, not to 100: {mirror.logical(str(dict(weights)))}"


def _a_keeper_rule_for_every_backend(mirror: Mirror, _: Moment) -> Iterator[str]:
    for route in mirror.of(HTTP_ROUTE):
        live = read(route)
        for service in live.weights.keys() - live.tokens.keys():
            yield f"{mirror.logical(service)} is a backend without a keeper rule"


def _no_traffic_to_what_is_not_ready(mirror: Mirror, _: Moment) -> Iterator[str]:
    for service in _requested(mirror):
        if not any(_ready(pod) for pod in mirror.of(POD) if _serves(pod, service)):
            yield f"{mirror.logical(service)} gets requests and has no ready pod"


def _a_revision_is_named_once_it_is_ready(mirror: Mirror, moment: Moment) -> Iterator[str]:
    """A Service that KServe has not made yet makes the gateway refuse the whole route."""
    if moment.call.kind != HTTP_ROUTE or not moment.call.by_operator or moment.after is None:
        return
    old = read(moment.before).services if moment.before else frozenset()
    for service in read(moment.after).services - old:
        if not any(_ready(pod) for pod in mirror.of(POD) if _serves(pod, service)):
            yield f"{mirror.logical(service)} is named in the route before it is ready"


def _requests_go_to_revisions_of_the_status(mirror: Mirror, moment: Moment) -> Iterator[str]:
    """Status first when a revision is to get more, the route first when it is to get nothing: so it is never ahead."""
    for deployment in mirror.of(MODEL_DEPLOYMENT):
        status = deployment.get("status", {})
        if "stable" not in status:
            continue
        roles = {status[role]["inferenceService"] for role in ("stable", "canary", "previous") if role in status}
        for service in _requested(mirror):
            if service not in roles:
                yield f"{mirror.logical(service)} gets requests and has no role in the status"


def _no_weight_without_a_recorded_step(mirror: Mirror, moment: Moment) -> Iterator[str]:
    if moment.call.kind != HTTP_ROUTE or not moment.call.by_operator or moment.after is None:
        return
    old, new = _weights(moment.before), read(moment.after)
    status = _status(mirror)
    for service, weight in new.weights.items():
        if weight > old.get(service, 0) and weight > _allowed(status, service, new.rolled_back):
            yield f"{mirror.logical(service)} gets {weight} % before the status says so"


def _no_promotion_without_a_verdict(mirror: Mirror, moment: Moment) -> Iterator[str]:
    if moment.call.kind != MODEL_DEPLOYMENT or moment.before is None or moment.after is None:
        return
    old, new = moment.before.get("status", {}).get("stable"), moment.after.get("status", {}).get("stable")
    if old is None or new is None or old["revision"] == new["revision"]:
        return
    status = moment.after["status"]
    last = (status.get("history") or [{}])[0]
    if moment.before["status"].get("previous", {}).get("revision") == new["revision"]:
        if (last.get("revision"), last.get("outcome")) != (old["revision"], "RolledBack"):
            yield f"version {new['version']} serves again and the history does not say why"
        return
    if (last.get("revision"), last.get("outcome")) != (new["revision"], "Promoted"):
        yield f"version {new['version']} became stable and the history does not say so"
    by_hand = "by hand" in last.get("message", "")
    if not by_hand and (status.get("analysis") or {}).get("verdict") != "Promote":
        yield f"version {new['version']} became stable without a recorded verdict"


def _one_job_and_one_version_of_a_run(mirror: Mirror, _: Moment) -> Iterator[str]:
    runs = Counter(_owner(job) for job in mirror.of(JOB) if not job.get("status", {}).get("completionTime"))
    yield from (f"{number} active Jobs of {owner}" for owner, number in runs.items() if number > 1)
    made = Counter(each["metadata"]["labels"].get("perennial.dev/run-uid") for each in _registered(mirror))
    yield from (f"{number} versions of one run" for number in made.values() if number > 1)


def _a_run_trains_once(mirror: Mirror, moment: Moment) -> Iterator[str]:
    if moment.call.kind != JOB or moment.before is not None or moment.after is None:
        return
    owner = _owner(moment.after)
    if not owner.startswith(TRAINING_RUN.kind):
        return
    jobs = [each.after for each in mirror.moments if each.call.kind == JOB and each.before is None and each.after]
    if sum(_owner(job) == owner for job in jobs) > 1:
        yield f"a second Job of {owner}"


def _a_revision_leaves_in_order(mirror: Mirror, moment: Moment) -> Iterator[str]:
    """Weight 0 with its keeper rule; out of the route once the gateway took that; its servers only then."""
    if not moment.call.by_operator:
        return
    if moment.call.kind == HTTP_ROUTE and moment.before is not None:
        old, new = read(moment.before), read(moment.after) if moment.after else LiveRoute({}, {}, None)
        for service in (old.services - new.services) & _names(mirror):
            if old.weights.get(service, 0) > 0:
                yield f"{mirror.logical(service)} left the route with its weight"
            elif service in old.weights and not taken(moment.before):
                yield f"{mirror.logical(service)} left the route before the gateway took its weight of 0"
    if moment.call.kind == INFERENCE_SERVICE and moment.after is None:
        yield from _still_routed(mirror, moment.place[1])


def _still_routed(mirror: Mirror, service: str) -> Iterator[str]:
    for route in mirror.of(HTTP_ROUTE):
        if service in read(route).services:
            yield f"{mirror.logical(service)} was deleted while the route names it"
        elif not taken(route):
            yield f"{mirror.logical(service)} was deleted before the gateway let go of it"


def _the_operator_never_writes_a_spec(mirror: Mirror, moment: Moment) -> Iterator[str]:
    call = moment.call
    made = call.kind == MODEL_VERSION and call.verb == "create"
    if call.by_operator and call.kind in OWN and call.subresource != "status" and not made:
        yield f"the operator wrote {call.kind.kind} itself, not its status"  # type: ignore[union-attr]


def _nothing_of_others_is_changed(mirror: Mirror, moment: Moment) -> Iterator[str]:
    if not moment.call.by_operator or moment.before is None or moment.call.kind in OWN:
        return
    owners = {each["uid"] for each in moment.before["metadata"].get("ownerReferences", [])}
    ours = {each["metadata"]["uid"] for kind in OWN for each in mirror.of(kind)}
    if not owners & ours:
        yield f"the operator changed {mirror.logical(' '.join(moment.place))}, which is not ours"


CHECKS: tuple[Check, ...] = (
    _weights_sum_to_100,
    _a_keeper_rule_for_every_backend,
    _no_traffic_to_what_is_not_ready,
    _a_revision_is_named_once_it_is_ready,
    _requests_go_to_revisions_of_the_status,
    _no_weight_without_a_recorded_step,
    _no_promotion_without_a_verdict,
    _one_job_and_one_version_of_a_run,
    _a_run_trains_once,
    _a_revision_leaves_in_order,
    _the_operator_never_writes_a_spec,
    _nothing_of_others_is_changed,
)


def _weights(route: Object | None) -> dict[str, int]:
    return dict(read(route).weights)


def _requested(mirror: Mirror) -> list[str]:
    return [name for route in mirror.of(HTTP_ROUTE) for name, weight in read(route).weights.items() if weight]


def _names(mirror: Mirror) -> set[str]:
    return {each["metadata"]["name"] for each in mirror.of(INFERENCE_SERVICE)}


def _serves(pod: Object, service: str) -> bool:
    return bool(pod["metadata"]["name"] == f"{service}-pod")


def _ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)


def _status(mirror: Mirror) -> dict[str, Any]:
    return next((each.get("status", {}) for each in mirror.of(MODEL_DEPLOYMENT)), {})


def _allowed(status: dict[str, Any], service: str, rolled_back: Mapping[str, str]) -> int:
    """The share that the status gives a revision at most.

    All of it to stable, its step's weight to the canary, what was held back to the previous one; all of it to that,
    too, in the write that takes stable back.
    """
    if "stable" not in status or status["stable"]["inferenceService"] == service:
        return 100
    for role in ("canary", "previous"):
        found = status.get(role) or {}
        if found.get("inferenceService") == service:
            taken_back = role == "previous" and status["stable"]["revision"] in rolled_back
            return 100 if taken_back else int(found["weight"])
    return 0


def _owner(obj: Object) -> str:
    owners = obj["metadata"].get("ownerReferences") or [{}]
    return f"{owners[0].get('kind')} {owners[0].get('uid')}"


def _registered(mirror: Mirror) -> list[Object]:
    return [
        each for each in mirror.of(MODEL_VERSION) if each["metadata"].get("labels", {}).get("perennial.dev/run-uid")
    ]
