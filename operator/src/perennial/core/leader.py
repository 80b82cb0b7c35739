"""Leader election by a Lease: at most one replica writes.

Times are measured by the local monotonic clock only: how long the same record has been seen here, how long ago our
own last renewal was sent. Clocks of two machines are never compared.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from typing import Protocol

from perennial.core.clock import Clock
from perennial.core.settings import Settings
from perennial.ports.kinds import LEASE, Kind
from perennial.ports.kube import AlreadyExists, Conflict, KubeError, NotFound, Object

LEASE_NAME = "perennial-leader"
FORMER = "perennial.dev/former-leaders"
"""The annotation of the Lease that names pods which led before, for the policy of manifests/base/fence.yaml."""
REMEMBERED = 20
SOON_SECONDS = 0.05

log = logging.getLogger(__name__)


class LeaseLost(Exception):  # noqa: N818  an outcome rather than a defect
    """This process leads no more and must end."""


class LeaseKube(Protocol):
    """What an election needs of the apiserver; its writes pass no gate."""

    async def get(self, kind: Kind, namespace: str, name: str) -> Object | None: ...

    async def create(self, kind: Kind, obj: Object) -> Object: ...

    async def update(self, kind: Kind, obj: Object) -> Object: ...


class Leader:
    """One candidate. `acquire`, then `hold` for as long as it leads, then `release`.

    It is also the gate of all other writes: `remaining` says for how long one may still be under way. That ends with
    the renew deadline, so there is a margin before another candidate may take the lease.
    """

    def __init__(
        self,
        kube: LeaseKube,
        clock: Clock,
        settings: Settings,
        identity: str,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._kube = kube
        self._clock = clock
        self._settings = settings
        self._identity = identity
        self._sleep = sleep
        self._lease: Object | None = None  # as last read or written by us
        self._seen: tuple[str, float] | None = None  # resourceVersion of someone's lease, since when it is seen here
        self._free_at = 0.0  # when someone's lease runs out, should it not be renewed
        self._answered: float | None = None  # when the apiserver last answered about the lease
        self._refused: float | None = None  # since when the apiserver refuses our writes as a former leader's
        self._fenced = False
        self._renewed: float | None = None  # when our last successful renewal was sent; None: we do not lead

    def remaining(self) -> float:
        """Seconds until the lease may no longer be counted on; 0 when this process does not lead."""
        if self._renewed is None:
            return 0.0
        return max(0.0, self._renewed + self._settings.renew_deadline_seconds - self._clock.monotonic())

    def told(self, *, leads: bool) -> None:
        """The apiserver took a write, or refused it as a former leader's; if it goes on refusing, another must lead.

        For a moment it may not know the new leader yet. For longer it is mistaken: see docs/adr/010.
        """
        now = self._clock.monotonic()
        if leads:
            self._refused = None
        elif self._refused is None:
            self._refused = now
        else:
            self._fenced = now - self._refused > self._settings.lease_seconds

    @property
    def reachable(self) -> bool:
        """Whether the apiserver answered within the last `lease_seconds`: whether this process leads or could."""
        if self._answered is None:
            return False
        return self._clock.monotonic() - self._answered <= self._settings.lease_seconds

    async def acquire(self) -> None:
        """Wait until this process leads."""
        waiting = False
        while not await self._try_acquire():
            if not waiting:
                log.info("another replica leads, or the apiserver does not answer; waiting")
                waiting = True
            await self._sleep(self._until_next_try())
        log.info("leading", extra={"leader": self._identity})

    async def hold(self) -> None:
        """Renew until the lease is lost. Always ends by LeaseLost, or by being cancelled."""
        while True:
            await self._sleep(self._settings.retry_seconds)
            if self.remaining() <= 0:
                self._lose("the lease was not renewed in time")
            if self._fenced:
                self._lose("the apiserver takes this pod for a former leader")
            await self._renew()

    async def release(self) -> None:
        """Give the lease up, so that the next replica need not wait; errors leave it to expire."""
        if self.remaining() <= 0 or self._lease is None:
            return
        self._renewed = None
        spec = self._lease["spec"] | {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": self._now()}
        former = _former(self._lease, self._identity)
        try:
            await self._kube.update(LEASE, _remembering(self._lease, former) | {"spec": spec})
        except KubeError as error:
            log.warning("the lease was not released and has to expire: %s", error)

    async def _try_acquire(self) -> bool:
        started = self._clock.monotonic()
        try:
            lease = await self._kube.get(LEASE, self._settings.namespace, LEASE_NAME)
            self._answered = self._clock.monotonic()
            if lease is None:
                self._lease = await self._kube.create(LEASE, self._fresh())
            elif self._is_free(lease):
                self._lease = await self._kube.update(LEASE, self._taken(lease))
            else:
                return False
        except (AlreadyExists, Conflict, NotFound):
            return False  # another candidate was faster
        except KubeError as error:
            log.warning("the lease cannot be asked for: %s", error)
            return False
        self._renewed = started
        return True

    def _until_next_try(self) -> float:
        """The usual pause, or less where someone's lease runs out before."""
        left = self._free_at - self._clock.monotonic()
        return min(self._settings.retry_seconds, max(left, SOON_SECONDS)) if left > 0 else self._settings.retry_seconds

    async def _renew(self) -> None:
        lease = self._lease
        assert lease is not None, "renew after acquire"
        started = self._clock.monotonic()
        spec = lease["spec"] | {"renewTime": self._now()}
        try:
            async with asyncio.timeout(min(self.remaining(), self._settings.renew_deadline_seconds / 2)):
                self._lease = await self._kube.update(LEASE, lease | {"spec": spec})
        except Conflict:
            await self._reread()
        except NotFound:
            self._lose("the lease was deleted")
        except (KubeError, TimeoutError) as error:
            log.warning("the lease was not renewed, %.1f s left: %s", self.remaining(), error or "no answer")
        else:
            self._renewed = self._answered = started

    async def _reread(self) -> None:
        """A renewal whose answer was lost, or someone's annotation, moves the resourceVersion; a new holder ends us."""
        try:
            lease = await self._kube.get(LEASE, self._settings.namespace, LEASE_NAME)
        except KubeError as error:
            log.warning("the lease cannot be read: %s", error)
            return
        if lease is None or lease.get("spec", {}).get("holderIdentity") != self._identity:
            self._lose("another replica holds the lease")
        self._lease, self._answered = lease, self._clock.monotonic()

    def _lose(self, why: str) -> None:
        self._renewed = None
        raise LeaseLost(why)

    def _is_free(self, lease: Object) -> bool:
        spec = lease.get("spec", {})
        if spec.get("holderIdentity") in (None, "", self._identity):
            return True
        version = lease["metadata"]["resourceVersion"]
        if self._seen is None or self._seen[0] != version:
            self._seen = (version, self._clock.monotonic())
        self._free_at = self._seen[1] + float(spec.get("leaseDurationSeconds") or 0)
        return self._clock.monotonic() >= self._free_at

    def _fresh(self) -> Object:
        metadata = {"namespace": self._settings.namespace, "name": LEASE_NAME}
        return {"metadata": metadata, "spec": self._held(transitions=0)}

    def _taken(self, lease: Object) -> Object:
        spec = lease.get("spec", {})
        transitions = int(spec.get("leaseTransitions") or 0) + 1
        former = [pod for pod in _former(lease, spec.get("holderIdentity") or "") if pod != _pod(self._identity)]
        return _remembering(lease, former) | {"spec": self._held(transitions)}

    def _held(self, transitions: int) -> Object:
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": math.ceil(self._settings.lease_seconds),
            "acquireTime": self._now(),
            "renewTime": self._now(),
            "leaseTransitions": transitions,
        }

    def _now(self) -> str:
        return self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _pod(identity: str) -> str:
    return identity.rpartition("_")[0] or identity


def _former(lease: Object, last: str) -> list[str]:
    """The pods that led before, the latest last; `last` is the identity that leads no more, if any."""
    said = (lease["metadata"].get("annotations") or {}).get(FORMER, "")
    return list(dict.fromkeys([*filter(None, said.split(",")), *filter(None, [_pod(last)])]))


def _remembering(lease: Object, former: list[str]) -> Object:
    metadata = lease["metadata"]
    annotations = {**(metadata.get("annotations") or {}), FORMER: ",".join(former[-REMEMBERED:])}
    return lease | {"metadata": metadata | {"annotations": annotations}}
