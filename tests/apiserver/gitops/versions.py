"""The situations of a ModelVersion, each by what was found of its bytes and by what people decided."""

from __future__ import annotations

import json
from typing import Any

from perennial.controllers.modelversion import ModelVersionReconciler
from perennial.controllers.modelversion.children import verify_job_name
from perennial.ports.kinds import JOB, MODEL_VERSION
from perennial.ports.kube import Object
from tests.apiserver import playing
from tests.apiserver.gitops import training
from tests.apiserver.gitops.place import Place, Situations

situation = Situations("ModelVersion")

NAME = "flights-1"
USABLE, PERSON = "may be served", "waits for a person"
VERIFYING, WRONG = "being verified", "its bytes are not what they should be"
CANNOT = "cannot go on"


class Version:
    """An import; `turn` is one pass."""

    def __init__(self, place: Place) -> None:
        self.place, clock = place, playing.clock()
        events = playing.recorder(place.operator, clock)
        self._reconciler = ModelVersionReconciler(place.operator, clock, playing.SETTINGS, events)

    async def apply(self, decision: str = "Approved", claims: tuple[str, ...] = ("models",)) -> Object:
        for claim in claims:
            await playing.make_claim(self.place.admin, self.place.namespace, claim)
        artifact = {"uri": "pvc://models/imported", "sha256": playing.SHA}
        approval = {"decision": decision}
        spec: Object = {"modelName": "flights", "version": 1, "artifact": artifact, "approval": approval}
        head = {"namespace": self.place.namespace, "name": NAME}
        return await self.place.admin.create(MODEL_VERSION, {"metadata": head, "spec": spec})

    async def turn(self) -> Object:
        await playing.one_pass(self._reconciler, self.place.namespace, NAME)
        return await self.place.read(MODEL_VERSION, NAME)

    async def verifier(self, exit_code: int, text: str) -> Object:
        """The Job that reads the bytes ends so, and a pass sees it."""
        await self.turn()
        (job,) = await self.place.admin.list(JOB, self.place.namespace)
        await playing.make_pod(self.place.admin, job, playing.ended("verify", exit_code, text))
        await playing.end_job(self.place.admin, job, "Failed" if exit_code else "Complete")
        return await self.turn()


def found(digest: str) -> str:
    return json.dumps({"outcome": "Succeeded", "artifact": {"sha256": digest, "sizeBytes": 1}})


async def imported(place: Place, decision: str, exit_code: int, text: str) -> Object:
    version = Version(place)
    await version.apply(decision)
    return await version.verifier(exit_code, text)


@situation(USABLE)
async def usable_import(place: Place) -> Object:
    return await imported(place, "Approved", 0, found(playing.SHA))


@situation(USABLE)
async def usable(place: Place) -> Object:
    return await registered(place, approval="Automatic")


@situation(USABLE)
async def usable_gates_passed(place: Place) -> Object:
    gates = [{"metric": "roc_auc", "min": "0.9"}]
    return await registered(place, approval="Automatic", evaluation={"gates": gates})


async def registered(place: Place, **spec: Any) -> Object:
    await (await training.trained(place, **spec)).turn()
    return await Version(place).turn()


@situation(PERSON)
async def not_approved(place: Place) -> Object:
    return await registered(place, approval="Manual")


@situation(PERSON)
async def rejected_by_a_gate(place: Place) -> Object:
    gates = [{"metric": "roc_auc", "min": "0.95"}]
    return await registered(place, approval="Automatic", evaluation={"gates": gates})


@situation(PERSON)
async def rejected_import(place: Place) -> Object:
    return await imported(place, "Rejected", 0, found(playing.SHA))


@situation(VERIFYING)
async def version_not_looked_at(place: Place) -> Object:
    return await Version(place).apply()


@situation(VERIFYING)
async def verifying(place: Place) -> Object:
    version = Version(place)
    await version.apply()
    return await version.turn()


@situation(VERIFYING)
async def verifying_not_approved(place: Place) -> Object:
    version = Version(place)
    await version.apply("Pending")
    return await version.turn()


@situation(VERIFYING)
async def no_claim(place: Place) -> Object:
    version = Version(place)
    await version.apply(claims=())
    return await version.turn()


@situation(WRONG)
async def digest_mismatch(place: Place) -> Object:
    return await imported(place, "Approved", 0, found("00" * 32))


@situation(WRONG)
async def artifact_not_found(place: Place) -> Object:
    said = '{"outcome":"Failed","reason":"ArtifactNotFound","message":"nothing there"}'
    return await imported(place, "Pending", 1, said)


@situation(WRONG)
async def verification_failed(place: Place) -> Object:
    return await imported(place, "Approved", 1, "Traceback")


@situation(WRONG)
async def verify_job_name_taken(place: Place) -> Object:
    version = Version(place)
    made = await version.apply()
    pod = {"restartPolicy": "Never", "containers": [{"name": "other", "image": "other"}]}
    head = {"namespace": place.namespace, "name": verify_job_name(made)}
    await place.admin.create(JOB, {"metadata": head, "spec": {"template": {"spec": pod}}})
    return await version.turn()


@situation(WRONG)
async def verify_job_refused(place: Place) -> Object:
    place.none_of("jobs.batch")
    version = Version(place)
    await version.apply()
    return await training.refused(version.turn)
