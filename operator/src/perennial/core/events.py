"""Events for people (`kubectl describe`), never data: emitted after the status write that they tell of."""

import logging
from typing import Literal

from perennial.core.clock import Clock
from perennial.core.names import short_hash
from perennial.ports.kinds import EVENT, Kind
from perennial.ports.kube import Kube, KubeError, Object

NOTE_BYTES = 1024
CONTROLLER = "perennial.dev/operator"

log = logging.getLogger(__name__)


class EventRecorder:
    """Writes events.k8s.io/v1; one that fails is logged and forgotten."""

    def __init__(self, kube: Kube, clock: Clock, instance: str) -> None:
        self._kube = kube
        self._clock = clock
        self._instance = instance
        self._count = 0

    async def emit(
        self,
        obj: Object,
        kind: Kind,
        *,
        type: Literal["Normal", "Warning"],  # noqa: A002  the field's name in Kubernetes
        reason: str,
        action: str,
        note: str,
    ) -> None:
        """Record that `action` was done to `obj` because of `reason`; `note` is cut at 1 KB."""
        metadata = obj["metadata"]
        event = {
            "metadata": {"namespace": metadata["namespace"], "name": self._name(metadata["name"], reason)},
            "eventTime": self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "type": type,
            "reason": reason[:128],
            "action": action[:128],
            "note": cut(note, NOTE_BYTES),
            "reportingController": CONTROLLER,
            "reportingInstance": self._instance[:128],
            "regarding": {
                "apiVersion": kind.api_version,
                "kind": kind.kind,
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
            },
        }
        try:
            await self._kube.create(EVENT, event)
        except KubeError as error:
            log.warning("an event was not recorded: %s", error, extra={"reason": reason})

    def _name(self, name: str, reason: str) -> str:
        # Kubernetes' own recorders append the time; the counter and the instance keep two of one moment apart.
        self._count += 1
        unique = short_hash([self._instance, self._clock.now().isoformat(), self._count, reason], 13)
        return f"{name[:200]}.{unique}"


def cut(text: str, limit: int) -> str:
    """The text in at most `limit` bytes of UTF-8, with an ellipsis where it was cut."""
    data = text.encode()
    if len(data) <= limit:
        return text
    return data[: limit - 3].decode(errors="ignore") + "\u2026"
