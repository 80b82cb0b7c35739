"""What happens between the operator's reading and its writing: short stories, each of one danger."""

from __future__ import annotations

from collections.abc import Iterable

from perennial.ports.kinds import HTTP_ROUTE, JOB, MODEL_DEPLOYMENT, MODEL_VERSION, TRAINING_RUN, Kind
from tests.faults.calls import Object
from tests.faults.faults import AFTER, BEFORE, CrashAt
from tests.faults.lane import Lane
from tests.faults.stale import Frozen
from tests.faults.story import ACTS, NAME, routed
from tests.faults.timeline import told


async def acts(lane: Lane, names: Iterable[str]) -> None:
    for act in ACTS:
        if act.name in names:
            await act.play(lane)


async def serving(lane: Lane) -> None:
    await acts(lane, ("a run becomes a version", "the first version serves"))


def theirs(lane: Lane, name: str, spec: Object) -> Object:
    return {"metadata": {"namespace": lane.mirror.namespace, "name": name}, "spec": spec}


def writes_to(lane: Lane, kind: Kind, since: int) -> list[str]:
    return [each.write for each in lane.mirror.since(since) if each.call.by_operator and each.call.kind == kind]


async def until_finished(lane: Lane) -> Object:
    """The first run is over and its Job still there."""
    await ACTS[0].begin(lane)
    await lane.run_until(
        lambda mirror: bool((mirror.get(TRAINING_RUN, "january") or {}).get("status", {}).get("completionTime")),
        "the run is over",
        settle=False,
    )
    job = lane.mirror.get(JOB, "january")
    assert job is not None
    return job


async def test_a_delete_never_hits_another_object_of_the_name(lane: Lane) -> None:
    """The operator has read its own Job; by the time it deletes that, a person's Job has the name."""
    job = await until_finished(lane)
    frozen = Frozen.now(lane.mirror, JOB)
    await lane.kube.delete(JOB, job)
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "theirs", "image": "theirs"}]}}
    made = await lane.kube.create(JOB, theirs(lane, "january", {"suspend": True, "template": template}))
    lane.disturb(frozen)
    lane.clock.advance(60)
    await lane.run_until(lambda mirror: frozen.fired > 3, "the operator has deleted what it knew", settle=False)
    left = lane.mirror.get(JOB, "january")
    assert left is not None, told(lane.mirror, frozen)
    assert left["metadata"]["uid"] == made["metadata"]["uid"]


async def test_what_has_our_name_and_is_not_ours_is_left_alone(lane: Lane) -> None:
    """Never adopted, never changed; once it is gone the deployment goes on by itself."""
    await acts(lane, ("a run becomes a version",))
    backend = {"name": "theirs", "port": 80}
    spec = {"hostnames": ["theirs.localhost"], "parentRefs": [{"name": "gw"}], "rules": [{"backendRefs": [backend]}]}
    made = await lane.kube.create(HTTP_ROUTE, theirs(lane, NAME, spec))
    began = len(lane.mirror.moments)
    await ACTS[1].begin(lane)
    await lane.run_until(lambda mirror: _says(mirror.get(MODEL_DEPLOYMENT, NAME), "NameTaken"), "NameTaken is said")
    assert not writes_to(lane, HTTP_ROUTE, began), told(lane.mirror)
    await lane.kube.delete(HTTP_ROUTE, made)
    await lane.run_until(ACTS[1].goal, "it serves")
    assert routed(lane.mirror) == {f"{NAME}-v1": 100}


def _says(obj: Object | None, reason: str) -> bool:
    conditions = (obj or {}).get("status", {}).get("conditions", [])
    return any((each["type"], each["reason"]) == ("Stalled", reason) for each in conditions)


async def test_a_status_decided_on_an_old_reading_is_not_written(lane: Lane) -> None:
    """The version was approved and verified meanwhile; the operator reads it as it was before."""
    await ACTS[0].begin(lane)
    await lane.run_until(lambda mirror: bool(mirror.get(MODEL_VERSION, f"{NAME}-1")), "a version", settle=False)
    frozen = Frozen.now(lane.mirror, MODEL_VERSION)
    await lane.run_until(ACTS[0].goal, "it is verified")
    status = lane.mirror.objects["ModelVersion", f"{NAME}-1"]["status"]
    lane.disturb(frozen)
    lane.resync()
    lane.clock.advance(30)
    await lane.run_until(lambda mirror: frozen.fired > 2, "old readings", settle=False)
    assert lane.mirror.objects["ModelVersion", f"{NAME}-1"]["status"] == status, told(lane.mirror, frozen)


async def test_a_crash_after_the_version_is_made_makes_no_second(lane: Lane) -> None:
    lane.disturb(CrashAt(signature=f"create ModelVersion {NAME}-1", when=AFTER))
    await acts(lane, ("a run becomes a version",))
    assert lane.crashes == 1
    assert len(lane.mirror.of(MODEL_VERSION)) == 1, told(lane.mirror, lane.fault)


async def test_a_crash_before_the_status_knows_its_job_makes_no_second(lane: Lane) -> None:
    lane.disturb(CrashAt(signature="patch TrainingRun/status january", when=BEFORE))
    await acts(lane, ("a run becomes a version",))
    assert lane.crashes == 1
    made = [each for each in lane.mirror.moments if each.call.kind == JOB and each.call.verb == "create"]
    assert len(made) == 1, told(lane.mirror, lane.fault)


async def test_a_rollback_is_remembered_by_who_comes_after_the_crash(lane: Lane) -> None:
    """The route has ended the canary's share; the operator dies before it could record why."""
    names = [each.name for each in ACTS]
    await acts(lane, names[: names.index("rolled back")])
    lane.mirror.begin()
    lane.disturb(CrashAt(signature=f"patch HTTPRoute {NAME}", when=AFTER))
    began = len(lane.mirror.moments)
    await acts(lane, ("rolled back",))
    assert lane.crashes == 1
    shares = [each for each in lane.mirror.since(began) if each.signature == f"patch HTTPRoute {NAME}"]
    assert len(shares) == 3, told(lane.mirror, lane.fault)
    assert routed(lane.mirror) == {f"{NAME}-v2": 100}
