"""What the apiserver wrote down: who wrote what, when, and whether it was accepted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from devcluster.apiserver import AUDIT_LOG

WRITES = ("create", "update", "patch", "delete", "deletecollection")
CREDENTIAL = "authentication.kubernetes.io/credential-id"


@dataclass(frozen=True)
class Entry:
    """A request that ended.

    Attributes:
        credential: the id of the token it came with: one for each process.
        begun, ended: when the apiserver received it, and when it had answered (Unix seconds).
    """

    credential: str
    verb: str
    what: str
    code: int
    begun: float
    ended: float

    @property
    def accepted(self) -> bool:
        """Whether it took effect."""
        return self.code < 300

    @property
    def lease(self) -> bool:
        """Whether it is about the election, not about the work."""
        return self.what.startswith("leases/")


class Audit:
    """The audit log of an apiserver in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / AUDIT_LOG
        self._entries: list[Entry] = []
        self._read = 0

    def writes(self, *credentials: str) -> list[Entry]:
        """All writes of these processes, in order of their end."""
        self._read_on()
        found = [each for each in self._entries if each.credential in credentials]
        return sorted(found, key=lambda each: each.ended)

    def work(self, *credentials: str) -> list[Entry]:
        """The accepted writes that are no election."""
        return [each for each in self.writes(*credentials) if each.accepted and not each.lease]

    def _read_on(self) -> None:
        with self._path.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        complete = new[: new.rfind(b"\n") + 1]  # the last line may be half written
        self._read += len(complete)
        self._entries += [entry for line in complete.splitlines() if (entry := _entry(json.loads(line)))]


def _entry(line: dict[str, Any]) -> Entry | None:
    if line["verb"] not in WRITES or line["stage"] != "ResponseComplete":
        return None
    reference = line.get("objectRef", {})
    parts = (reference.get("resource"), reference.get("namespace"), reference.get("name"), reference.get("subresource"))
    return Entry(
        credential=next(iter(line["user"].get("extra", {}).get(CREDENTIAL, [])), ""),
        verb=line["verb"],
        what="/".join(str(each) for each in parts if each),
        code=int(line.get("responseStatus", {}).get("code", 0)),
        begun=_time(line["requestReceivedTimestamp"]),
        ended=_time(line["stageTimestamp"]),
    )


def _time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
