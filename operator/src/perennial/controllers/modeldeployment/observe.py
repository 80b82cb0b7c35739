"""Live reads for one pass over a ModelDeployment. The only place here, beside `reconcile`, that reads the cluster."""

from __future__ import annotations

import asyncio

from perennial.api.modeldeployment import ModelDeploymentSpec
from perennial.controllers.labels import is_owned
from perennial.controllers.modeldeployment import budget as budgets
from perennial.controllers.modeldeployment import naming, revision
from perennial.controllers.modeldeployment.gateway import GatewayView
from perennial.controllers.modeldeployment.gateways import NOT_INSTALLED, Gateways
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.stored import status_of, versions_of
from perennial.core.analysis_types import Reading
from perennial.ports.kinds import (
    CONTROLLER_REVISION,
    HTTP_ROUTE,
    INFERENCE_SERVICE,
    JOB,
    MODEL_VERSION,
    POD,
    POD_DISRUPTION_BUDGET,
    SERVING_RUNTIME,
    Kind,
)
from perennial.ports.kube import Kube, NotInstalled, Object


async def observe(
    kube: Kube,
    gateways: Gateways,
    deployment: Object,
    default_image: str,
    reading: Reading | None,
    unmerged: bool = False,
) -> Observed:
    """Read everything that a pass over ``deployment`` decides on; ``unmerged`` is what the metrics say of its route.

    Seven reads, and one of its budget if it has more than one pod; those of its Gateway are shared with other passes.

    Raises KubeError, and pydantic's ValidationError for a spec that these types refuse.
    """
    spec = ModelDeploymentSpec.model_validate(deployment["spec"])
    namespace, name = deployment["metadata"]["namespace"], deployment["metadata"]["name"]
    labels = naming.selector(name)
    lists = asyncio.gather(
        kube.list(MODEL_VERSION, namespace),
        kube.list(CONTROLLER_REVISION, namespace, labels),
        _list_if_installed(kube, INFERENCE_SERVICE, namespace, labels),
        _list_if_installed(kube, SERVING_RUNTIME, namespace, labels),
        kube.list(JOB, namespace, labels),
        kube.list(POD, namespace, labels),
    )
    read, (routes_installed, route) = await asyncio.gather(lists, _route(kube, namespace, name))
    all_versions, revisions, services, runtimes, jobs, pods = read
    # After the route: a Gateway that has taken it was there before.
    gateway = await _gateway(gateways, spec, namespace, unmerged) if routes_installed else NOT_INSTALLED
    uid = deployment["metadata"]["uid"]
    own_services, own_revisions = _ours(services or [], uid), _ours(revisions, uid)
    versions, unreadable = versions_of(spec.model_name, all_versions)
    foreign = () if route is None or is_owned(route, uid) else (f"HTTPRoute {name}",)
    return Observed(
        deployment=deployment,
        spec=spec,
        status=status_of(deployment),
        default_image=default_image,
        versions=versions,
        unreadable=unreadable,
        records=tuple(revision.parse(each) for each in own_revisions.values()),
        revisions=own_revisions,
        services=own_services,
        runtimes=_ours(runtimes or [], uid),
        jobs=_ours(jobs, uid),
        pods=tuple(pods),
        route=None if foreign else route,
        budget=await _budget(kube, deployment, spec, own_services),
        gateway=gateway,
        kserve_installed=services is not None and runtimes is not None,
        foreign=foreign,
        strangers=_strangers([*revisions, *(services or []), *(runtimes or [])], uid),
        reading=reading,
    )


async def _gateway(gateways: Gateways, spec: ModelDeploymentSpec, namespace: str, unmerged: bool) -> GatewayView:
    wanted = spec.router.gateway_ref
    return await gateways.view(wanted.namespace or namespace, wanted.name, unmerged)


def _ours(objects: list[Object], uid: str) -> dict[str, Object]:
    return {
        each["metadata"]["name"]: each
        for each in objects
        if is_owned(each, uid) and "deletionTimestamp" not in each["metadata"]
    }


def _strangers(objects: list[Object], uid: str) -> frozenset[str]:
    """Names of objects with our labels and another owner: of a ModelDeployment of this name that was there before."""
    return frozenset(each["metadata"]["name"] for each in objects if not is_owned(each, uid))


async def _list_if_installed(kube: Kube, kind: Kind, namespace: str, labels: dict[str, str]) -> list[Object] | None:
    try:
        return await kube.list(kind, namespace, labels)
    except NotInstalled:
        return None


async def _route(kube: Kube, namespace: str, name: str) -> tuple[bool, Object | None]:
    """Whether routes are served at all, and ours."""
    try:
        return True, await kube.get(HTTP_ROUTE, namespace, name)
    except NotInstalled:
        return False, None


async def _budget(
    kube: Kube, deployment: Object, spec: ModelDeploymentSpec, services: dict[str, Object]
) -> Object | None:
    """Our PodDisruptionBudget; not looked for where there is at most one pod."""
    if not budgets.may_be_there(spec.serving.replicas, services):
        return None
    metadata = deployment["metadata"]
    found = await kube.get(POD_DISRUPTION_BUDGET, metadata["namespace"], metadata["name"])
    return found if found and is_owned(found, metadata["uid"]) else None
