"""Everything that one picture shows, as it was read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from perennial.cli.deployment import Deployment
from perennial.cli.live import Live


@dataclass(frozen=True)
class Scene:
    """`seen` is None once the deployment is gone; `read` is when it was last read (UTC).

    `trouble` says why it cannot be read now, `note` why there are no live numbers; empty while all is well.
    """

    seen: Deployment | None
    now: datetime
    read: datetime
    live: Live | None = None
    trouble: str = ""
    note: str = ""
