"""What the running operator hands to its controllers, and what it gets back."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from perennial.core.clock import Clock
from perennial.core.events import EventRecorder
from perennial.core.live import Answer
from perennial.core.metrics import Metrics
from perennial.core.queue import Key
from perennial.core.reconciling import Reconciler
from perennial.core.settings import Settings
from perennial.ports.kinds import Kind
from perennial.ports.kube import Kube


@dataclass(frozen=True)
class Services:
    """Everything a controller may be built from. `enqueue` has a key looked at soon; call it from the event loop.

    `waiting` is how many keys wait now.
    """

    kube: Kube
    clock: Clock
    settings: Settings
    events: EventRecorder
    metrics: Metrics
    enqueue: Callable[[Key], None]
    waiting: Callable[[], int] = lambda: 0


@dataclass(frozen=True)
class Program:
    """The reconcilers, one per kind, and the loops that run beside them in the leader (the metrics loop).

    `rollouts` is what the endpoint answers from while this replica leads.
    `told` is called with the kind of each object that a watch brings, before any pass that it leads to.
    """

    reconcilers: Sequence[Reconciler]
    loops: Sequence[Callable[[], Awaitable[None]]] = field(default=())
    rollouts: Answer | None = None
    told: Callable[[Kind], None] = lambda _: None


Builder = Callable[[Services], Program]
