"""Live reads for one pass over a ModelDeployment. The only place here, beside `reconcile`, that reads the cluster."""

from __future__ import annotations

import asyncio
from typing import Any

from perennial.api.conditions import VERIFIED
from perennial.api.modeldeployment import ModelDeploymentSpec, ModelDeploymentStatus, Router
from perennial.api.modelversion import ModelVersionSpec
from perennial.controllers.labels import is_owned
from perennial.controllers.modeldeployment import naming, revision
from perennial.controllers.modeldeployment.gateway import GatewayView
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.revision import Version
from perennial.core.analysis_types import Reading
from perennial.core.conditions import find_condition
from perennial.ports.kinds import (
    CONTROLLER_REVISION,
    GATEWAY,
    HTTP_ROUTE,
    INFERENCE_SERVICE,
    JOB,
    MODEL_VERSION,
    POD,
    SERVICE,
    SERVING_RUNTIME,
    Kind,
)
from perennial.ports.kube import Kube, NotInstalled, Object

OWNING_GATEWAY = "gateway.envoyproxy.io/owning-gateway-name"
OWNING_GATEWAY_NAMESPACE = "gateway.envoyproxy.io/owning-gateway-namespace"


async def observe(kube: Kube, deployment: Object, default_image: str, reading: Reading | None) -> Observed:
    """Read everything that a pass over ``deployment`` decides on. Raises KubeError."""
    spec = ModelDeploymentSpec.model_validate(deployment["spec"])
    namespace, name = deployment["metadata"]["namespace"], deployment["metadata"]["name"]
    labels = naming.selector(name)
    versions, revisions, services, runtimes, jobs, pods = await asyncio.gather(
        kube.list(MODEL_VERSION, namespace),
        kube.list(CONTROLLER_REVISION, namespace, labels),
        _list_if_installed(kube, INFERENCE_SERVICE, namespace, labels),
        _list_if_installed(kube, SERVING_RUNTIME, namespace, labels),
        kube.list(JOB, namespace, labels),
        kube.list(POD, namespace, labels),
    )
    route, gateway = await asyncio.gather(
        _get_if_installed(kube, HTTP_ROUTE, namespace, name), _gateway(kube, spec.router, namespace)
    )
    uid = deployment["metadata"]["uid"]
    foreign = () if route is None or is_owned(route, uid) else (f"HTTPRoute {name}",)
    own_revisions = _ours(revisions, uid)
    return Observed(
        deployment=deployment,
        spec=spec,
        status=ModelDeploymentStatus.model_validate(deployment.get("status", {})),
        default_image=default_image,
        versions=tuple(_version(each) for each in versions if each["spec"]["modelName"] == spec.model_name),
        records=tuple(revision.parse(each) for each in own_revisions.values()),
        revisions=own_revisions,
        services=_ours(services or [], uid),
        runtimes=_ours(runtimes or [], uid),
        jobs=_ours(jobs, uid),
        pods=tuple(pods),
        route=None if foreign else route,
        gateway=gateway,
        kserve_installed=services is not None and runtimes is not None,
        foreign=foreign,
        reading=reading,
    )


def _ours(objects: list[Object], uid: str) -> dict[str, Object]:
    return {
        each["metadata"]["name"]: each
        for each in objects
        if is_owned(each, uid) and "deletionTimestamp" not in each["metadata"]
    }


def _version(obj: Object) -> Version:
    verified = find_condition(obj.get("status", {}).get("conditions", []), VERIFIED)
    return Version(
        name=obj["metadata"]["name"],
        uid=obj["metadata"]["uid"],
        spec=ModelVersionSpec.model_validate(obj["spec"]),
        verified=verified is not None and verified["status"] == "True",
    )


async def _list_if_installed(kube: Kube, kind: Kind, namespace: str, labels: dict[str, str]) -> list[Object] | None:
    try:
        return await kube.list(kind, namespace, labels)
    except NotInstalled:
        return None


async def _get_if_installed(kube: Kube, kind: Kind, namespace: str, name: str) -> Object | None:
    try:
        return await kube.get(kind, namespace, name)
    except NotInstalled:
        return None


async def _gateway(kube: Kube, router: Router, namespace: str) -> GatewayView:
    place = router.gateway_ref.namespace or namespace
    try:
        gateway = await kube.get(GATEWAY, place, router.gateway_ref.name)
    except NotInstalled:
        return GatewayView(installed=False, gateway=None, service=None)
    if gateway is None:
        return GatewayView(installed=True, gateway=None, service=None)
    labels: dict[str, Any] = {OWNING_GATEWAY: router.gateway_ref.name, OWNING_GATEWAY_NAMESPACE: place}
    services = await kube.list(SERVICE, place, labels)
    return GatewayView(installed=True, gateway=gateway, service=services[0] if services else None)
