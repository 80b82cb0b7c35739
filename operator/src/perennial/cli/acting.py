"""Read, decide, apply; and wait, where that is asked for."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from collections.abc import Callable
from datetime import UTC, datetime

from perennial.cli import decisions
from perennial.cli.decisions import Decision, Goal
from perennial.cli.deployment import Deployment
from perennial.cli.ending import DONE, Ending, Wanted, ending, late
from perennial.cli.ownership import MANAGER, Refused, intent
from perennial.ports.kinds import MODEL_DEPLOYMENT, MODEL_VERSION
from perennial.ports.kube import Conflict, Kube, Object, Unavailable

Decide = Callable[[Deployment, datetime], Decision]
DECIDE: dict[str, Decide] = {
    "promote": decisions.promote,
    "advance": decisions.advance,
    "reject": decisions.reject,
    "retry": decisions.retry,
    "pause": decisions.pause,
    "resume": decisions.resume,
}
TRIES = 10
"""Of a write, because the operator writes the status of the same object meanwhile."""
POLL_SECONDS = 0.5
SEEN_SECONDS = 60.0
"""So long the operator may take to see that a word is gone."""


async def act(kube: Kube, options: Namespace) -> int:
    """Carry one command out; the exit code. Raises Refused and KubeError."""
    seen = await find(kube, options.namespace, options.name)
    decide = await _decide(kube, seen, options.command)
    decision = decide(seen, datetime.now(UTC))
    if decision.renew is not None:
        await _taken_away(kube, seen, decision)
        seen = await find(kube, options.namespace, options.name)
    before, written = await _write(kube, seen, decide)
    print(decision.told if written else decision.already, flush=True)
    if not options.wait:
        return DONE
    generation = int((written or before.obj)["metadata"]["generation"])
    end = await wait(kube, Wanted(decision.goal, decision.revision, generation, before), options.timeout)
    print(end.sentence, file=sys.stderr if end.code else sys.stdout)
    return end.code


async def find(kube: Kube, namespace: str, name: str) -> Deployment:
    """The ModelDeployment. Raises Refused where there is none."""
    found = await kube.get(MODEL_DEPLOYMENT, namespace, name)
    if found is None:
        raise Refused(
            f"There is no ModelDeployment {name} in namespace {namespace}: `kubectl get mdep -A` lists those there are."
        )
    return Deployment.of(found)


async def _decide(kube: Kube, seen: Deployment, command: str) -> Decide:
    if command != "undo":
        return DECIDE[command]
    # Asked for only where it matters: going back to what is kept ready needs no look at the registry.
    versions = [] if seen.previous else await kube.list(MODEL_VERSION, seen.namespace)
    kept = {
        str(each["metadata"]["uid"])
        for each in versions
        if each["spec"].get("approval", {}).get("decision") != "Rejected"
    }
    return lambda now_seen, now: decisions.undo(now_seen, now, kept)


async def _write(kube: Kube, seen: Deployment, decide: Decide) -> tuple[Deployment, Object | None]:
    """Apply it to the very object that it was decided on; what was decided on and what came of it, None for nothing.

    Raises Refused when the decision is about another revision than the first time.
    """
    now = datetime.now(UTC)
    first = decide(seen, now)
    for _ in range(TRIES):
        decision = decide(seen, now)
        if decision.revision != first.revision:
            raise Refused(f"The rollout of {seen.name} changed just now: look at it and try again.")
        spec = intent(seen.obj, decision.change)
        if spec is None:
            return seen, None
        try:
            return seen, await _apply(kube, seen, spec)
        except Conflict:
            seen = await find(kube, seen.namespace, seen.name)
    raise Refused(f"{seen.name} changes all the time: try again.")


async def _apply(kube: Kube, seen: Deployment, spec: Object) -> Object:
    kept = ("namespace", "name", "resourceVersion", "uid")
    metadata = {key: seen.obj["metadata"][key] for key in kept}
    return await kube.apply(MODEL_DEPLOYMENT, {"metadata": metadata, "spec": spec}, manager=MANAGER)


async def _taken_away(kube: Kube, seen: Deployment, decision: Decision) -> None:
    """Empty the field whose word was used up, and let the operator see that."""
    path = decision.renew
    assert path is not None

    def empty(_: Deployment, __: datetime) -> Decision:
        return Decision({path: None}, "", "", Goal.SEEN)

    before, written = await _write(kube, seen, empty)
    if written is not None:
        wanted = Wanted(Goal.SEEN, "", int(written["metadata"]["generation"]), before)
        end = await wait(kube, wanted, SEEN_SECONDS)
        if end.code:
            raise Refused(f"The operator does not answer: it has not looked at {seen.name} for {SEEN_SECONDS:.0f} s.")


async def wait(kube: Kube, wanted: Wanted, seconds: float) -> Ending:
    """Look until it has ended, through short absences of the apiserver."""
    last: Deployment | None = wanted.before
    namespace, name = wanted.before.namespace, wanted.before.name
    try:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    found = await kube.get(MODEL_DEPLOYMENT, namespace, name)
                    last = Deployment.of(found) if found else None
                    if end := ending(wanted, last):
                        return end
                except Unavailable:
                    pass  # asked again until the time is over
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        return late(last, seconds)
