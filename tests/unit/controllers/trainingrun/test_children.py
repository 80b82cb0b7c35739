"""The Job is the contract with every training image."""

from __future__ import annotations

import json
from typing import Any

import pytest

from perennial.api.trainingrun import TrainingRunSpec
from perennial.controllers.trainingrun.children import training_job

IMAGE = "localhost/perennial-trainer:1"


def job(make: Any, **spec: Any) -> dict[str, Any]:
    run = make.run(**spec)
    return training_job(run, TrainingRunSpec.model_validate(run["spec"]), IMAGE)


def pod(make: Any, **spec: Any) -> dict[str, Any]:
    return dict(job(make, **spec)["spec"]["template"]["spec"])


def container(make: Any, **spec: Any) -> dict[str, Any]:
    (only,) = pod(make, **spec)["containers"]
    return dict(only)


def environment(make: Any, **spec: Any) -> dict[str, Any]:
    entries = container(make, **spec)["env"]
    assert len({each["name"] for each in entries}) == len(entries)
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in entries}


def trainer(**more: Any) -> dict[str, Any]:
    return {"estimator": {"name": "LogisticRegression", "target": "late", "numeric": ["distance"]}, **more}


def test_identity(make: Any) -> None:
    metadata = job(make)["metadata"]
    assert (metadata["name"], metadata["namespace"]) == ("flights-january", "flights")
    assert metadata["labels"] == {
        "perennial.dev/controller": "TrainingRun",
        "perennial.dev/name": "flights-january",
        "perennial.dev/model": "flights",
    }
    assert job(make)["spec"]["template"]["metadata"]["labels"] == metadata["labels"]
    (owner,) = metadata["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("TrainingRun", "flights-january", make.run_uid)


def test_kubernetes_own_retries(make: Any) -> None:
    spec = job(make, backoffLimit=4, activeDeadlineSeconds=90)["spec"]
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"]) == (4, 90)
    assert "ttlSecondsAfterFinished" not in spec
    disrupted, explained = spec["podFailurePolicy"]["rules"]
    assert disrupted == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    container = spec["template"]["spec"]["containers"][0]["name"]
    exits = {"containerName": container, "operator": "In", "values": [65]}
    assert explained == {"action": "FailJob", "onExitCodes": exits}
    assert spec["template"]["spec"]["restartPolicy"] == "Never"


def test_the_contract(make: Any) -> None:
    values = environment(make, evaluation={"holdoutPercent": 25, "metrics": ["roc_auc"]}, trainer=trainer(threads=2))
    estimator = json.loads(values.pop("PERENNIAL_ESTIMATOR"))
    assert estimator == {
        "name": "LogisticRegression",
        "target": "late",
        "numeric": ["distance"],
        "categorical": [],
        "unknownCategories": "Ignore",
    }
    assert values == {
        "HOME": "/tmp",
        "OMP_NUM_THREADS": "2",
        "OPENBLAS_NUM_THREADS": "2",
        "MKL_NUM_THREADS": "2",
        "PERENNIAL_NAMESPACE": "flights",
        "PERENNIAL_RUN_NAME": "flights-january",
        "PERENNIAL_RUN_UID": make.run_uid,
        "PERENNIAL_MODEL_NAME": "flights",
        "PERENNIAL_DATA_URI": "pvc://flights-data/2013/january.csv",
        "PERENNIAL_DATA_PATH": "/mnt/data/2013/january.csv",
        "PERENNIAL_PARAMS": "{}",
        "PERENNIAL_SEED": "7",
        "PERENNIAL_THREADS": "2",
        "PERENNIAL_HOLDOUT_PERCENT": "25",
        "PERENNIAL_METRICS": '["roc_auc"]',
        "PERENNIAL_OUTPUT_PATH": "/mnt/output",
        "PERENNIAL_OUTPUT_URI": make.folder,
        "PERENNIAL_OUTCOME_PATH": "/dev/termination-log",
    }


def test_a_pinned_digest_reaches_the_container(make: Any) -> None:
    data = {"uri": "pvc://d/x.csv", "sha256": "ab" * 32}
    assert environment(make, data=data)["PERENNIAL_DATA_SHA256"] == "ab" * 32


def test_values_are_not_expanded_by_the_kubelet(make: Any) -> None:
    values = environment(make, trainer=trainer(params={"pattern": "$(HOME)$"}))
    assert values["PERENNIAL_PARAMS"] == '{"pattern": "$$(HOME)$$"}'


def test_people_may_set_the_libraries_variables_but_not_the_contract(make: Any) -> None:
    env = [{"name": "OMP_NUM_THREADS", "value": "8"}, {"name": "PERENNIAL_SEED", "value": "666"}]
    values = environment(make, trainer=trainer(env=env))
    assert (values["OMP_NUM_THREADS"], values["PERENNIAL_SEED"]) == ("8", "7")


def test_a_secret_stays_a_reference(make: Any) -> None:
    reference = {"secretKeyRef": {"name": "token", "key": "value"}}
    assert environment(make, trainer=trainer(env=[{"name": "TOKEN", "valueFrom": reference}]))["TOKEN"] == reference


def test_an_estimator_runs_in_our_image(make: Any) -> None:
    made = container(make)
    assert (made["image"], made["args"]) == (IMAGE, ["train"])
    assert "command" not in made


def test_a_command_of_ones_own(make: Any) -> None:
    own = {"image": "me/trainer:2", "command": ["python", "train.py"], "args": ["--fast"]}
    made = container(make, trainer=own)
    assert (made["image"], made["command"], made["args"]) == ("me/trainer:2", ["python", "train.py"], ["--fast"])
    assert "PERENNIAL_ESTIMATOR" not in environment(make, trainer=own)


def test_a_command_without_arguments(make: Any) -> None:
    assert "args" not in container(make, trainer={"command": ["./train"]})


def test_resources(make: Any) -> None:
    resources = {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}}
    assert container(make, trainer=trainer(resources=resources))["resources"] == resources
    assert "resources" not in container(make)


def test_only_the_runs_own_folder_can_be_written(make: Any) -> None:
    mounts = {each["mountPath"]: each for each in container(make)["volumeMounts"]}
    assert mounts["/mnt/data"]["readOnly"] is True
    assert "subPath" not in mounts["/mnt/data"]
    assert mounts["/mnt/output"]["readOnly"] is False
    assert mounts["/mnt/output"]["subPath"] == f"registry/flights/flights/{make.run_uid}"
    assert set(mounts) == {"/mnt/data", "/mnt/output", "/tmp"}
    claims = {each["name"]: each.get("persistentVolumeClaim") for each in pod(make)["volumes"]}
    assert claims[mounts["/mnt/data"]["name"]] == {"claimName": "flights-data"}
    assert claims[mounts["/mnt/output"]["name"]] == {"claimName": "models"}


def test_data_and_output_on_the_same_claim(make: Any) -> None:
    made = pod(make, output={"storageUri": "pvc://flights-data"})
    claims = [each for each in made["volumes"] if "persistentVolumeClaim" in each]
    assert len(claims) == 1
    mounts = {each["mountPath"]: each for each in made["containers"][0]["volumeMounts"]}
    assert mounts["/mnt/data"]["name"] == mounts["/mnt/output"]["name"]
    assert mounts["/mnt/data"]["readOnly"] is True
    assert mounts["/mnt/output"]["subPath"] == f"flights/flights/{make.run_uid}"


def test_restricted_pod_security(make: Any) -> None:
    made = pod(make)
    security = made["containers"][0]["securityContext"]
    assert made["securityContext"]["runAsNonRoot"] is True
    assert made["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert "runAsUser" not in made["securityContext"]
    assert security == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert made["automountServiceAccountToken"] is False


def test_the_end_of_the_log_is_kept_when_nothing_was_said(make: Any) -> None:
    assert container(make)["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_a_private_log_is_no_termination_message(make: Any) -> None:
    assert container(make, trainer=trainer(logs="Private"))["terminationMessagePolicy"] == "File"
    assert container(make)["terminationMessagePath"] == "/dev/termination-log"


@pytest.mark.parametrize("name", ["a" * 253, "dots.in.a.name"])
def test_any_claim_name_makes_a_valid_volume_name(make: Any, name: str) -> None:
    volumes = pod(make, data={"uri": f"pvc://{name}/x.csv"})["volumes"]
    assert all(len(each["name"]) <= 63 and "." not in each["name"] for each in volumes)
