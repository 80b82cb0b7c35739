"""Each verb of the operator's role taken away: the operator says which one it misses, and never hangs in silence.

In the apiserver's words, which are in its log or in a condition: `User "..." cannot VERB resource "RESOURCE"`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import yaml

from perennial.core import controller
from perennial.core.clock import SystemClock
from perennial.core.controller import Controller
from perennial.core.leader import Leader, LeaseLost
from perennial.core.metrics import Metrics
from perennial.core.watches import WATCHES
from perennial.ports.kinds import Kind
from perennial.ports.kube import Credentials, KubeClient
from tests.apiserver import playing
from tests.apiserver.security import cluster, grants, mainjob
from tests.apiserver.security.grants import Grant
from tests.apiserver.support import Kubectl

GRANTS = grants.granted()
WATCHED = {(watch.kind.group, watch.kind.plural): watch for watch in WATCHES}
OF_WATCHES = [each for each in GRANTS if each.verb in ("list", "watch") and (each.group, each.resource) in WATCHED]
OF_ELECTION = [each for each in GRANTS if each.resource == "leases"]
OF_PASSES = [each for each in GRANTS if each not in {*OF_WATCHES, *OF_ELECTION}]
SERVED = ("serving.kserve.io", "gateway.networking.k8s.io", "apps", "policy")
SHORT = {"retry_seconds": 0.05, "renew_deadline_seconds": 0.3, "lease_seconds": 0.5}
ACCOUNTS = "without"


def account(missing: Grant) -> str:
    """The service account that has every grant but one."""
    return "without-" + re.sub(r"[^a-z]+", "-", str(missing))


@pytest.fixture(scope="module", autouse=True)
def accounts(secured: Kubectl) -> None:
    """One for each grant, each with a role and a namespace of its own."""
    secured("create", "namespace", ACCOUNTS)
    made = [obj for missing in GRANTS for obj in _account(missing)]
    secured("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(made))


def _account(missing: Grant) -> Iterator[dict[str, object]]:
    name, group = account(missing), "rbac.authorization.k8s.io"
    head = {"apiVersion": f"{group}/v1", "metadata": {"name": name}}
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": ACCOUNTS}}
    yield {**head, "kind": "ClusterRole", "rules": grants.rules([e for e in grants.granted() if e != missing])}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": ACCOUNTS}
    role = {"apiGroup": group, "kind": "ClusterRole", "name": name}
    yield {**head, "kind": "ClusterRoleBinding", "roleRef": role, "subjects": [subject]}


def words(missing: Grant) -> str:
    """How the apiserver, or the policy for approvals, refuses it to its account."""
    user = f"system:serviceaccount:{ACCOUNTS}:{account(missing)}"
    if missing.verb in grants.NOT_OF_THE_API:
        return f"{user} may not decide about ModelVersion flights-1: that needs the verb {missing.verb} on"
    return f'User "{user}" cannot {missing.verb} resource "{missing.resource}" in API group "{missing.group}"'


@contextlib.asynccontextmanager
async def lacking(missing: Grant, secured: Kubectl, path: Path) -> AsyncIterator[KubeClient]:
    """The client of the account that lacks `missing`, once its role has taken effect."""
    admin = await KubeClient.connect(kubeconfig=str(secured.kubeconfig))
    try:
        token = await cluster.token(admin, ACCOUNTS, account(missing))
    finally:
        await admin.close()
    client = await cluster.client(secured.kubeconfig, token, path / account(missing))
    other = next(each for each in OF_PASSES if each.group != missing.group)
    try:
        await cluster.until_allowed(client, other.verb, other.group, other.resource, "default")
        yield client
    finally:
        await client.close()


@pytest.mark.parametrize("missing", OF_PASSES, ids=str)
async def test_a_pass_without_it_says_so(
    missing: Grant, secured: Kubectl, admin: KubeClient, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    async def look(kind: Kind, namespace: str, name: str) -> None:
        status = str((await admin.get(kind, namespace, name) or {}).get("status"))
        if words(missing) in caplog.text or words(missing) in status:
            raise mainjob.PermissionNamedError

    with pytest.raises(mainjob.PermissionNamedError):  # noqa: PT012  the role must have taken effect before
        async with lacking(missing, secured, tmp_path) as operator:
            job = mainjob.MainJob(admin, operator, account(missing), look)
            deploying = missing.group in SERVED or missing.resource.startswith(("modeldeployments", "services"))
            for part in [job.deploy] if deploying else [job.train, job.verify, job.of_run, job.deploy]:
                await part()


@pytest.fixture(scope="module")
def said_by_watches(secured: Kubectl, accounts: None, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The log of an operator's watches for each account, all at the same time."""
    records: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: records.append(f"{record.name}: {record.getMessage()}")  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    original, controller.RETRY_SECONDS = controller.RETRY_SECONDS, (0.05,)  # fewer attempts, the same words
    try:
        asyncio.run(_watch_without_each(secured, tmp_path_factory.mktemp("watches")))
    finally:
        controller.RETRY_SECONDS = original
        logging.getLogger().removeHandler(handler)
    return "\n".join(line for line in records if line.startswith("perennial."))


async def _watch_without_each(secured: Kubectl, directory: Path) -> None:
    async with asyncio.TaskGroup() as group:
        for missing in OF_WATCHES:
            group.create_task(_watch_without(missing, secured, directory))


class Counting:
    """What the watches need of a client; tells when the served kinds are looked up again: the watches have ended."""

    def __init__(self, kube: KubeClient) -> None:
        self._kube, self._lookups = kube, 0
        self.again = asyncio.Event()

    async def served(self, group_version: Kind) -> frozenset[str]:
        self._lookups += 1
        if self._lookups == 2:
            self.again.set()
        return await self._kube.served(group_version)

    async def credentials(self) -> Credentials:
        return await self._kube.credentials()


async def _watch_without(missing: Grant, secured: Kubectl, directory: Path) -> None:
    settings = playing.SETTINGS.model_copy(update={"discovery_seconds": 60, "retry_seconds": 0.05})
    async with lacking(missing, secured, directory) as operator:
        kube, watches = Counting(operator), [WATCHED[missing.group, missing.resource]]
        running = asyncio.create_task(Controller(kube, settings, watches, lambda *_: None, Metrics()).run())
        try:
            await asyncio.wait_for(kube.again.wait(), 40)
        finally:
            running.cancel()
            await asyncio.wait({running}, timeout=10)


@pytest.mark.parametrize("missing", OF_WATCHES, ids=str)
def test_a_watch_without_it_says_so(missing: Grant, said_by_watches: str) -> None:
    assert words(missing) in said_by_watches


@pytest.mark.parametrize("missing", OF_ELECTION, ids=str)
async def test_an_election_without_it_says_so(
    missing: Grant, secured: Kubectl, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """A first candidate makes the lease, a second one takes it; each keeps it for a moment and gives it back."""
    secured("-n", cluster.SYSTEM, "delete", "lease", "--all")
    async with lacking(missing, secured, tmp_path) as operator:
        for name in ("first", "second"):
            leader = Leader(operator, SystemClock(), playing.SETTINGS.model_copy(update=SHORT), name)
            with contextlib.suppress(TimeoutError, LeaseLost):
                async with asyncio.timeout(1):
                    await leader.acquire()
                    await leader.hold()
            await leader.release()
    assert words(missing) in caplog.text
