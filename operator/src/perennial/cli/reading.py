"""What the view reads, again and again: the object, and the operator's numbers beside it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Protocol

from perennial.cli.deployment import Deployment
from perennial.cli.live import Live
from perennial.cli.view.scene import Scene
from perennial.ports.kinds import MODEL_DEPLOYMENT, Kind
from perennial.ports.kube import Forbidden, KubeError, NotFound, NotInstalled, Object, Unavailable

SERVICE = "perennial-operator:metrics"
"""The operator's Service and its port, as the role perennial-watch names it."""
TRIES = 6
"""The Service answers by any of its pods; only the one that leads knows."""

DENIED = "No curves: ask for the role perennial-watch; shown is what the status says."
ABSENT = "No curves: no Service perennial-operator in namespace {}; shown is the status."
SILENT = "No curves: the operator does not answer now; shown is what the status says."
UNREAD = "No answer from the cluster: shown is what was read last; it is asked again."


class Reads(Protocol):
    """What is asked of the apiserver."""

    async def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """The object, or None."""

    async def through_service(self, namespace: str, service: str, path: str) -> Object:
        """A GET of the pods behind a Service."""


class Reader:
    """Reads one deployment; what was read last stays when the cluster does not answer."""

    def __init__(self, kube: Reads, namespace: str, name: str, operator_namespace: str) -> None:
        """Nothing is read before `read`."""
        self._kube, self._namespace, self._name = kube, namespace, name
        self._operator_namespace = operator_namespace
        self._seen: Deployment | None = None
        self._live: Live | None = None
        self._note = self._trouble = ""
        self._read = datetime.now(UTC)

    def scene(self) -> Scene:
        """What is known, now."""
        return Scene(self._seen, datetime.now(UTC), self._read, self._live, self._trouble, self._note)

    async def first(self) -> Deployment | None:
        """Read for the first time. Raises KubeError."""
        found = await self._kube.get(MODEL_DEPLOYMENT, self._namespace, self._name)
        self._took(found)
        await self._numbers()
        return self._seen

    async def read(self) -> None:
        """Read again. Raises Forbidden only: everything else may pass."""
        try:
            self._took(await self._kube.get(MODEL_DEPLOYMENT, self._namespace, self._name))
        except Forbidden:
            raise
        except KubeError:
            self._trouble = UNREAD
            return
        await self._numbers()

    def _took(self, found: Object | None) -> None:
        self._seen = Deployment.of(found) if found else None
        self._read, self._trouble = datetime.now(UTC), ""

    async def _numbers(self) -> None:
        """The operator's own numbers, while there is something to compare."""
        seen = self._seen
        if seen is None or not (seen.canary or (seen.previous and seen.previous.weight)):
            self._live, self._note = None, ""
            return
        self._live, self._note = await self._asked()

    async def _asked(self) -> tuple[Live | None, str]:
        for _ in range(TRIES):
            try:
                path = f"/rollouts/{self._namespace}/{self._name}"
                return Live.of(await self._kube.through_service(self._operator_namespace, SERVICE, path)), ""
            except Forbidden:
                return None, DENIED
            except NotFound:
                return None, ABSENT.format(self._operator_namespace)
            except NotInstalled:
                return None, ""  # the rollout is not followed yet, or no more
            except Unavailable:
                await asyncio.sleep(0)  # a replica that does not lead, perhaps: another one is asked
            except (KubeError, KeyError, TypeError, ValueError):
                break
        return self._live, SILENT
