"""An operator with nothing to do writes nothing but its Lease."""

import time
from collections.abc import Callable

import yaml

from tests.apiserver.support import Kubectl, OperatorProcess, until

RESYNC_SECONDS = 5
QUIET_SECONDS = 12
READING = ('verb="get"', 'verb="list"', 'verb="discover"', 'resource="leases"')


def objects(namespace: str) -> str:
    """50 objects: the versions of a model, and deployments of a version that is not there."""
    artifact = {"uri": "pvc://models/m", "sha256": "0" * 64}
    router = {"gatewayRef": {"name": "gw"}, "hostname": "m.example.test"}
    made = [
        _object("ModelVersion", namespace, f"m-{n}", {"modelName": "m", "version": n, "artifact": artifact})
        for n in range(1, 31)
    ] + [
        _object("ModelDeployment", namespace, f"d-{n}", {"modelName": "m", "version": 99, "router": router})
        for n in range(20)
    ]
    return yaml.safe_dump_all(made)


def _object(kind: str, namespace: str, name: str, spec: dict[str, object]) -> dict[str, object]:
    metadata = {"namespace": namespace, "name": name}
    return {"apiVersion": "perennial.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def writes(process: OperatorProcess) -> float:
    """How many writes it has made, but for those of its Lease."""
    calls = process.samples("perennial_api_calls_total")
    return sum(count for labels, count in calls.items() if not any(part in labels for part in READING))


def versions(kubectl: Kubectl, namespace: str) -> str:
    """Name and resourceVersion of every object of ours."""
    path = "{range .items[*]}{.kind}/{.metadata.name} {.metadata.resourceVersion}{'\\n'}{end}"
    kinds = "modelversions,modeldeployments,trainingruns,jobs,inferenceservices,servingruntimes,httproutes"
    return kubectl("-n", namespace, "get", kinds, "-o", f"jsonpath={path}")


def test_idle(start_operator: Callable[..., OperatorProcess], kubectl: Kubectl, namespace: str) -> None:
    kubectl("apply", "--server-side", "-f", "-", stdin=objects(namespace))
    # Other tests leave objects behind that never come to rest, because a part of theirs is refused.
    process = start_operator(resync_seconds=RESYNC_SECONDS, namespaces=namespace)
    until(process.leads, "it leads")
    until(lambda: sum(process.samples("perennial_watch_events_total").values()) >= 50, "all objects seen")

    last, since = -1.0, time.monotonic()

    def quiet() -> bool:
        nonlocal last, since
        if (now := writes(process)) != last:
            last, since = now, time.monotonic()
        return time.monotonic() - since > 5  # longer than a refused pass waits at first

    until(quiet, "the first passes are done", 60)
    before, started = versions(kubectl, namespace), time.monotonic()
    until(lambda: time.monotonic() - started > QUIET_SECONDS, "more than two resyncs", QUIET_SECONDS + 5)
    assert versions(kubectl, namespace) == before
    assert writes(process) == last
    leases = process.samples("perennial_api_calls_total")
    assert any('resource="leases"' in labels and 'verb="update"' in labels for labels in leases)
    ours = [line for line in process.log.splitlines() if '"logger": "perennial.' in line]
    assert not [line for line in ours if '"level": "error"' in line]
