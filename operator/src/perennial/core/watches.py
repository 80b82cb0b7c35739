"""Which kinds are watched, and which keys an event of each adds to the queue."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from perennial.core.known import Known
from perennial.core.queue import Key
from perennial.ports.kinds import (
    GATEWAY,
    HTTP_ROUTE,
    INFERENCE_SERVICE,
    JOB,
    MODEL_DEPLOYMENT,
    MODEL_VERSION,
    POD,
    TRAINING_RUN,
    Kind,
)
from perennial.ports.kube import Object

CONTROLLER_LABEL = "perennial.dev/controller"
NAME_LABEL = "perennial.dev/name"

Route = Callable[[Object, Known], Iterator[Key]]


@dataclass(frozen=True)
class Watch:
    """One watched kind. `own` kinds are indexed; `selector` is applied by the apiserver."""

    kind: Kind
    route: Route
    own: bool = False
    selector: str | None = None


def key_of(kind: Kind, obj: Object) -> Key:
    """The key of an object of ours."""
    return Key(kind.kind, obj["metadata"]["namespace"], obj["metadata"]["name"])


def _training_run(obj: Object, _: Known) -> Iterator[Key]:
    yield key_of(TRAINING_RUN, obj)


def _model_version(obj: Object, known: Known) -> Iterator[Key]:
    key, spec = key_of(MODEL_VERSION, obj), obj.get("spec") or {}
    yield key
    yield from known.of_model(MODEL_DEPLOYMENT.kind, key.namespace, str(spec.get("modelName")))
    run = (spec.get("trainingRunRef") or {}).get("name")
    if run:
        yield Key(TRAINING_RUN.kind, key.namespace, run)


def _model_deployment(obj: Object, known: Known) -> Iterator[Key]:
    key, spec = key_of(MODEL_DEPLOYMENT, obj), obj.get("spec") or {}
    yield key
    yield from known.of_model(MODEL_VERSION.kind, key.namespace, str(spec.get("modelName")))


def _owned(obj: Object, _: Known) -> Iterator[Key]:
    metadata = obj["metadata"]
    labels = metadata.get("labels") or {}
    kind, name = labels.get(CONTROLLER_LABEL), labels.get(NAME_LABEL)
    if kind and name:
        yield Key(kind, metadata["namespace"], name)


def _gateway(_: Object, known: Known) -> Iterator[Key]:
    yield from known.of_kind(MODEL_DEPLOYMENT.kind)


WATCHES: tuple[Watch, ...] = (
    Watch(TRAINING_RUN, _training_run, own=True),
    Watch(MODEL_VERSION, _model_version, own=True),
    Watch(MODEL_DEPLOYMENT, _model_deployment, own=True),
    Watch(JOB, _owned, selector=CONTROLLER_LABEL),
    Watch(POD, _owned, selector=CONTROLLER_LABEL),
    Watch(INFERENCE_SERVICE, _owned, selector=CONTROLLER_LABEL),
    Watch(HTTP_ROUTE, _owned, selector=CONTROLLER_LABEL),
    Watch(GATEWAY, _gateway),
)
