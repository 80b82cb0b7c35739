"""The situations of every kind in which a pass cannot even begin."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from perennial.api.base import GROUP
from perennial.controllers.registry import build
from perennial.core.metrics import Metrics
from perennial.core.services import Services
from perennial.ports.kinds import MODEL_DEPLOYMENT, MODEL_VERSION, TRAINING_RUN, Kind
from perennial.ports.kube import Invalid, KubeClient, Object
from tests.apiserver import playing
from tests.apiserver.gitops import serving_stuck, training, versions
from tests.apiserver.gitops.place import Making, Place
from tests.apiserver.support import eventually

ROUTER = {"gatewayRef": {"name": "gw"}, "hostname": "late.localhost"}
CASES: tuple[tuple[Kind, Any, str, str, Object, Object], ...] = (
    (MODEL_DEPLOYMENT, serving_stuck.situation, serving_stuck.CANNOT, "late",
     {"modelName": "late", "version": 1, "router": ROUTER}, {"scaleDownSeconds": "soon"}),
    (TRAINING_RUN, training.situation, training.CANNOT, training.NAME,
     {"modelName": "flights", "data": {"uri": "pvc://data/x.csv"}, "trainer": {"command": ["./train"]},
      "output": {"storageUri": "pvc://models"}}, {"seed": "any"}),
    (MODEL_VERSION, versions.situation, versions.CANNOT, versions.NAME,
     {"modelName": "flights", "version": 1, "artifact": {"uri": "pvc://models/imported", "sha256": playing.SHA}},
     {"metrics": {"roc_auc": "good"}}),
)  # fmt: skip


async def one_pass(place: Place, kube: KubeClient, kind: Kind, name: str) -> Object:
    """A pass as the program makes it."""
    clock = playing.clock()
    services = Services(kube, clock, playing.SETTINGS, playing.recorder(kube, clock), Metrics(), lambda key: None)
    (reconciler,) = [each for each in build(services).reconcilers if each.kind is kind]
    await playing.one_pass(reconciler, place.namespace, name)
    return await place.read(kind, name)


def older_spec(kind: Kind, name: str, spec: Object) -> Making:
    """An object that was stored under rules that took everything."""

    async def make(place: Place) -> Object:
        anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        schema = "/spec/versions/0/schema/openAPIV3Schema"
        replace = {"op": "replace", "path": f"{schema}/properties/spec", "value": anything}
        remove = {"op": "remove", "path": f"{schema}/x-kubernetes-validations"}
        patch = json.dumps([replace, remove])
        place.kubectl("patch", "crd", f"{kind.plural}.{GROUP}", "--type=json", "-p", patch)
        body = {"metadata": {"namespace": place.namespace, "name": name}, "spec": spec}

        async def stored() -> Object | None:
            try:
                return await place.admin.create(kind, body)
            except Invalid:
                return None

        await eventually(stored, "the rules are gone")
        return await one_pass(place, place.admin, kind, name)

    return make


def without_rights(kind: Kind, name: str, spec: Object) -> Making:
    """An operator that may read the object and say what is wrong, and nothing else."""

    async def make(place: Place) -> Object:
        await place.admin.create(kind, {"metadata": {"namespace": place.namespace, "name": name}, "spec": spec})
        async with hardly_any_rights(place, kind) as kube:
            return await one_pass(place, kube, kind, name)

    return make


@asynccontextmanager
async def hardly_any_rights(place: Place, kind: Kind) -> AsyncIterator[KubeClient]:
    """A client of an account with these rights in the namespace."""
    say = ("-n", place.namespace, "create")
    resources = f"{kind.plural}.{GROUP}"
    place.kubectl(*say, "serviceaccount", "hardly")
    place.kubectl(*say, "role", "reads", "--verb=get", f"--resource={resources}")
    place.kubectl(*say, "role", "says", "--verb=patch", f"--resource={resources}/status")
    place.kubectl(*say, "role", "tells", "--verb=create", "--resource=events.events.k8s.io")
    for role in ("reads", "says", "tells"):
        place.kubectl(*say, "rolebinding", role, f"--role={role}", f"--serviceaccount={place.namespace}:hardly")
    with TemporaryDirectory() as folder:
        kubeconfig = place.kubectl.kubeconfig_of(place.namespace, "hardly", Path(folder))
        client = await KubeClient.connect(kubeconfig=str(kubeconfig))
    try:
        yield client
    finally:
        await client.close()


for _kind, _situation, _row, _name, _spec, _wrong in CASES:
    _prefix = _kind.kind.lower()
    _situation.add(_row, f"{_prefix}-spec-invalid", older_spec(_kind, _name, {**_spec, **_wrong}), bare=True)
    _situation.add(_row, f"{_prefix}-permission-missing", without_rights(_kind, _name, _spec))
