"""What the running operator asks the apiserver for when nothing changes: eight reads a pass, and nothing else."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perennial.controllers.modeldeployment.gateways import SHARED_SECONDS
from tests.apiserver.modeldeployment.stage import Stage
from tests.apiserver.modeldeployment.test_main_job import canary, first
from tests.apiserver.support import OperatorProcess, eventually, until

RESYNC_SECONDS = 0.5
PASSES = 20
OF_A_PASS = {
    ("get", "modeldeployments"),
    ("get", "httproutes"),
    *(
        ("list", plural)
        for plural in (
            "modelversions", "controllerrevisions", "inferenceservices", "servingruntimes", "jobs", "pods"
        )
    ),
}  # fmt: skip
OF_A_VERSION = {"modelversions", "modeldeployments", "persistentvolumeclaims", "jobs"}
OF_THE_GATEWAY = {("get", "gateways"), ("list", "services")}


def passes(process: OperatorProcess) -> float:
    found = process.samples("perennial_reconciles_total")
    return sum(count for labels, count in found.items() if 'kind="ModelDeployment"' in labels)


def calls(process: OperatorProcess) -> Counter[tuple[str, str]]:
    """(verb, plural) -> how often, but for the Lease and the discovery of kinds."""
    counted: Counter[tuple[str, str]] = Counter()
    for labels, count in process.samples("perennial_api_calls_total").items():
        said = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if said["resource"] != "leases" and said["verb"] != "discover":
            counted[said["verb"], said["resource"]] += int(count)
    return counted


@contextmanager
def operator(account: Path, folder: Path, namespace: str) -> Iterator[OperatorProcess]:
    """The operator of one namespace, which it goes over again and again."""
    settings = {"resync_seconds": RESYNC_SECONDS, "namespaces": namespace}
    process = OperatorProcess(account, folder / "operator.log", "operator-0", settings)
    try:
        yield process
    finally:
        process.end()


async def test_a_resync_reads_eight_times_and_writes_nothing(
    stage: Stage, operator_kubeconfig: Path, tmp_path: Path
) -> None:
    await first(stage)
    await canary(stage)
    stage.analysis.forget(None)  # type: ignore[arg-type]  there is one
    await stage.settle()
    with operator(operator_kubeconfig, tmp_path, stage.namespace) as process:
        # Its first words are that it has no Prometheus.
        await eventually(lambda: said(stage, "MetricsUnavailable"), "the first poll", 60)
        begun, before, since = passes(process), calls(process), time.monotonic()
        until(lambda: passes(process) >= begun + PASSES, "some resyncs", 60)
        made = calls(process) - before
        took, passed = time.monotonic() - since, passes(process) - begun
    assert {verb for verb, _ in made} == {"get", "list"}
    # One pass may be under way at either end; the passes of ModelVersions read some of this too.
    counted = {call: made[call] for call in OF_A_PASS if call[1] not in OF_A_VERSION or call[0] == "get"}
    assert len(counted) == len(OF_A_PASS) - 2
    assert all(passed - 1 <= count <= passed + 1 for count in counted.values()), (passed, made)
    assert max(made[call] for call in OF_THE_GATEWAY) <= took / SHARED_SECONDS + 1
    assert {call for call in made if call[1] not in OF_A_VERSION} <= OF_A_PASS | OF_THE_GATEWAY


async def said(stage: Stage, reason: str) -> bool:
    return (await stage.conditions()).get("Reconciling") == ("True", reason)
