"""Every rule refuses its bad object with its sentence, and takes the good one beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from perennial.api import RESOURCES
from perennial.crdgen.crd import root_schema

Object = dict[str, Any]
Good = Callable[[str], Object]

RUN, VERSION, DEPLOYMENT = "TrainingRun", "ModelVersion", "ModelDeployment"
ENV_BOTH = [{"name": "A", "value": "1", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
FROM_BOTH = [
    {
        "name": "A",
        "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}, "configMapKeyRef": {"name": "c", "key": "k"}},
    }
]
SOURCE = "give exactly one of valueFrom.secretKeyRef and valueFrom.configMapKeyRef"
VALUE = "give an environment variable exactly one of value and valueFrom"
RESERVED = "names that begin with PERENNIAL_ are set by Perennial"
TRAINER = "give exactly one of trainer.estimator (scikit-learn by name) and trainer.command (your own)"
TARGET = "give exactly one of version (a number, which pins it) and follow: LatestApproved"
STRATEGY = "give exactly one of strategy.canary, strategy.blueGreen, strategy.shadow and strategy.recreate"
ADDRESS = "write an address as pvc://CLAIM/PATH"
IMAGE = "an image's name has no spaces"
RESOURCE = "a resource is cpu, memory, ephemeral-storage, hugepages-SIZE or DOMAIN/NAME"
REQUEST = "a request cannot be greater than the limit of the same resource"
TWICE = "name each environment variable once"
NO_COLUMN = "give the estimator at least one column to learn from"
OWN_TARGET = "the target cannot be among the columns that it is predicted from"
UNASKED = "a gate judges a metric that evaluation.metrics asks for"
A_TWICE = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "A", "value": "3"}]
RUN_NAME = "name a TrainingRun with at most 63 characters"
VERSION_NAME = "name a ModelVersion MODELNAME-VERSION, as its spec says (for example flights-1)"
KSERVES = {"name": "INFERENCE_SERVICE_NAME", "value": "x"}
SET = "HOME and INFERENCE_SERVICE_NAME are set by Perennial and KServe"
HOSTNAME = "hostname is one DNS name in lower case: no wildcard, address, port or path"
CHANCES = "the chance of a wrong decision must be below 0.5"
DEPLOYMENT_NAME = "name a ModelDeployment with at most 36 lower-case letters, digits and dashes"


def name(value: str) -> Object:
    return {"metadata": {"name": value}}


def spec(**fields: Any) -> Object:
    return {"spec": fields}


def steps(*weights: int) -> Object:
    return spec(strategy={"canary": {"steps": [{"weight": each} for each in weights]}})


def rollout(**fields: str) -> Object:
    return spec(rollout=fields)


def hostname(value: str) -> Object:
    return spec(router={"hostname": value})


def compared(*metrics: Object) -> Object:
    """A deployment that is compared on these."""
    return spec(analysis={"metrics": list(metrics)})


def lasting(cap: int, *seconds: int) -> Object:
    weights = [{"weight": 10 * (index + 1), "minSeconds": each} for index, each in enumerate(seconds)]
    return spec(analysis={"maxDurationSeconds": cap}, strategy={"canary": {"steps": weights}})


def trainer(**fields: Any) -> Object:
    return spec(trainer=fields)


def estimator(**fields: Any) -> Object:
    return trainer(estimator=fields)


def resources(**fields: Any) -> Object:
    return trainer(resources=fields)


def evaluation(**fields: Any) -> Object:
    return spec(evaluation=fields)


# kind, a JSON merge patch of the good object, the sentence
CREATED = [
    pytest.param(RUN, trainer(estimator=None), TRAINER, id="neither estimator nor command"),
    pytest.param(RUN, trainer(command=["train"]), TRAINER, id="estimator and command"),
    pytest.param(RUN, trainer(args=["-v"]), "trainer.args belongs to trainer.command", id="args without command"),
    pytest.param(RUN, trainer(env=[{"name": "A"}]), VALUE, id="variable without value"),
    pytest.param(RUN, trainer(env=ENV_BOTH), VALUE, id="variable with both"),
    pytest.param(RUN, trainer(env=FROM_BOTH), SOURCE, id="two sources"),
    pytest.param(RUN, trainer(env=[{"name": "PERENNIAL_SEED", "value": "1"}]), RESERVED, id="reserved variable"),
    pytest.param(
        RUN, spec(evaluation={"gates": [{"metric": "a"}]}), "give a gate exactly one of min and max", id="gate without"
    ),
    pytest.param(
        RUN,
        spec(evaluation={"gates": [{"metric": "a", "min": "0", "max": "1"}]}),
        "give a gate exactly one of min and max",
        id="gate with both",
    ),
    pytest.param(
        RUN,
        evaluation(metrics=["r2"], gates=[{"metric": "roc_auc", "min": "0"}]),
        UNASKED,
        id="gate on what is unasked",
    ),
    pytest.param(RUN, spec(data={"uri": "pvc://data/../secrets/x.csv"}), ADDRESS, id="data out of its folder"),
    pytest.param(RUN, spec(data={"uri": "pvc://data/.hidden"}), ADDRESS, id="data in a hidden file"),
    pytest.param(RUN, spec(data={"uri": "pvc://data/a%2e%2e/x"}), ADDRESS, id="data with an escape"),
    pytest.param(RUN, spec(data={"uri": "s3://data/x.csv"}), ADDRESS, id="data in a bucket"),
    pytest.param(RUN, spec(data={"uri": "pvc://data//x.csv"}), ADDRESS, id="data with an empty part"),
    pytest.param(RUN, spec(output={"storageUri": "pvc://models/.."}), ADDRESS, id="output out of its folder"),
    pytest.param(RUN, spec(output={"storageUri": "/mnt/models"}), ADDRESS, id="output without a claim"),
    pytest.param(RUN, trainer(image="trainer :1"), IMAGE, id="image with a space"),
    pytest.param(RUN, trainer(image="trainer:1\n"), IMAGE, id="image with a line break"),
    pytest.param(RUN, trainer(env=A_TWICE), TWICE, id="variable twice"),
    pytest.param(RUN, resources(limits={"memroy": "1Gi"}), RESOURCE, id="resource that is none"),
    pytest.param(RUN, resources(requests={"gpu": "1"}), RESOURCE, id="device without domain"),
    pytest.param(
        RUN, resources(requests={"memory": "2Gi"}, limits={"memory": "1Gi"}), REQUEST, id="request beyond its limit"
    ),
    pytest.param(RUN, estimator(numeric=[]), NO_COLUMN, id="estimator with an empty list"),
    pytest.param(RUN, estimator(numeric=None), NO_COLUMN, id="estimator without columns"),
    pytest.param(RUN, estimator(numeric=["hour", "late"]), OWN_TARGET, id="target among the numbers"),
    pytest.param(RUN, estimator(categorical=["late"]), OWN_TARGET, id="target among the categories"),
    pytest.param(RUN, name("a" * 64), RUN_NAME, id="run's long name"),
    pytest.param(VERSION, spec(artifact={"uri": "pvc://models/../x"}), ADDRESS, id="artifact out of its folder"),
    pytest.param(VERSION, spec(artifact={"uri": "https://x/y"}), ADDRESS, id="artifact on the web"),
    pytest.param(VERSION, name("flights"), VERSION_NAME, id="version's name without number"),
    pytest.param(VERSION, name("flights-01"), VERSION_NAME, id="version's name with a zero"),
    pytest.param(VERSION, name("flights-12"), VERSION_NAME, id="version's name with another number"),
    pytest.param(VERSION, name("trains-1"), VERSION_NAME, id="version's name of another model"),
    pytest.param(DEPLOYMENT, spec(version=None), TARGET, id="neither version nor follow"),
    pytest.param(DEPLOYMENT, spec(follow="LatestApproved"), TARGET, id="version and follow"),
    pytest.param(DEPLOYMENT, steps(10, 10), "the weights of the steps must rise", id="equal steps"),
    pytest.param(DEPLOYMENT, steps(5, 50, 25), "the weights of the steps must rise", id="falling steps"),
    pytest.param(DEPLOYMENT, spec(strategy={"canary": {}, "recreate": {}}), STRATEGY, id="two strategies"),
    pytest.param(DEPLOYMENT, spec(serving={"env": [{"name": "A"}]}), VALUE, id="served variable without value"),
    pytest.param(DEPLOYMENT, spec(serving={"env": FROM_BOTH}), SOURCE, id="served variable with two sources"),
    pytest.param(DEPLOYMENT, spec(serving={"env": A_TWICE}), TWICE, id="served variable twice"),
    pytest.param(DEPLOYMENT, spec(serving={"image": "a b"}), IMAGE, id="server's image with a space"),
    pytest.param(DEPLOYMENT, spec(serving={"resources": {"limits": {"cpus": "1"}}}), RESOURCE, id="served resource"),
    pytest.param(
        DEPLOYMENT,
        spec(serving={"resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "900m"}}}),
        REQUEST,
        id="served request beyond its limit",
    ),
    pytest.param(DEPLOYMENT, rollout(promote="a" * 64), "spec.rollout.promote: Too long", id="long revision"),
    pytest.param(DEPLOYMENT, rollout(promote="late-1"), "spec.rollout.promote in body should match", id="a name"),
    pytest.param(DEPLOYMENT, rollout(promote=""), "spec.rollout.promote in body should be at least", id="no revision"),
    pytest.param(DEPLOYMENT, rollout(reject="a" * 64), "spec.rollout.reject: Too long", id="long rejected revision"),
    pytest.param(DEPLOYMENT, rollout(reject="A"), "spec.rollout.reject in body should match", id="upper case"),
    pytest.param(DEPLOYMENT, rollout(retry="a" * 64), "spec.rollout.retry: Too long", id="long token"),
    pytest.param(DEPLOYMENT, rollout(retry=""), "spec.rollout.retry in body should be at least", id="empty token"),
    pytest.param(DEPLOYMENT, rollout(retry="a\nb"), "spec.rollout.retry in body should match", id="token of two lines"),
    pytest.param(DEPLOYMENT, rollout(retry=" a"), "spec.rollout.retry in body should match", id="token with a margin"),
    pytest.param(DEPLOYMENT, spec(paused="yes"), "must be of type boolean", id="paused is true or false"),
    pytest.param(DEPLOYMENT, spec(serving={"env": [{"name": "HOME", "value": "/"}]}), SET, id="HOME"),
    pytest.param(DEPLOYMENT, spec(serving={"env": [KSERVES]}), SET, id="KServe's variable"),
    pytest.param(DEPLOYMENT, spec(serving={"replicas": 0}), "should be greater than or equal to 1", id="no replicas"),
    pytest.param(DEPLOYMENT, hostname("*.example.com"), HOSTNAME, id="wildcard"),
    pytest.param(DEPLOYMENT, hostname("10.0.0.1"), HOSTNAME, id="address"),
    pytest.param(DEPLOYMENT, hostname("flights.example.com:8080"), HOSTNAME, id="host and port"),
    pytest.param(DEPLOYMENT, hostname("Flights.example.com"), HOSTNAME, id="capital letter"),
    pytest.param(DEPLOYMENT, hostname(f"{'a' * 64}.com"), HOSTNAME, id="long label"),
    pytest.param(
        DEPLOYMENT, lasting(60, 0, 60), "analysis.maxDurationSeconds must be longer", id="longer than the cap"
    ),
    pytest.param(DEPLOYMENT, spec(analysis={"falseRollback": "0.5"}), CHANCES, id="a coin to roll back"),
    pytest.param(DEPLOYMENT, spec(analysis={"miss": "900m"}), CHANCES, id="a coin to promote"),
    pytest.param(DEPLOYMENT, spec(analysis={"miss": "1.5"}), "should match", id="no chance"),
    pytest.param(
        DEPLOYMENT, compared({"name": "errors"}, {"name": "errors"}), "name each metric once", id="metric twice"
    ),
    pytest.param(
        DEPLOYMENT,
        compared({"name": "errors", "slowerThanMilliseconds": 50}),
        "slowerThanMilliseconds is of the metric latency",
        id="slower errors",
    ),
    pytest.param(
        DEPLOYMENT,
        compared({"name": "latency", "max": "0.1"}),
        "max of latency needs slowerThanMilliseconds",
        id="a learned bound alone",
    ),
    pytest.param(DEPLOYMENT, compared({"name": "Errors"}), "should match", id="a metric's name"),
    pytest.param(DEPLOYMENT, spec(analysis={"onInconclusive": "Guess"}), "Unsupported value", id="a guess"),
    pytest.param(DEPLOYMENT, name("a" * 37), DEPLOYMENT_NAME, id="long name"),
    pytest.param(DEPLOYMENT, name("a.b"), DEPLOYMENT_NAME, id="name with a dot"),
    pytest.param(DEPLOYMENT, name("1a"), DEPLOYMENT_NAME, id="name beginning with a digit"),
]
CHANGED = [
    pytest.param(RUN, spec(seed=7), "a TrainingRun cannot be changed", id="run's seed"),
    pytest.param(RUN, trainer(params={"c": "1"}), "a TrainingRun cannot be changed", id="run's params"),
    pytest.param(VERSION, spec(modelName="trains"), "modelName and version cannot be changed", id="version's model"),
    pytest.param(VERSION, spec(version=2), "modelName and version cannot be changed", id="version's number"),
    pytest.param(VERSION, spec(artifact={"sha256": "f" * 64}), "the artifact's bytes cannot be changed", id="digest"),
    pytest.param(VERSION, spec(lineage={"seed": 2}), "lineage cannot be changed", id="lineage"),
    pytest.param(VERSION, spec(lineage=None), "lineage cannot be changed", id="lineage removed"),
    pytest.param(VERSION, spec(metrics={"roc_auc": "0.9"}), "metrics cannot be changed", id="metrics"),
    pytest.param(VERSION, spec(trainingRunRef={"name": "b"}), "trainingRunRef cannot be changed", id="run"),
    pytest.param(VERSION, spec(trainingRunRef=None), "trainingRunRef cannot be changed", id="run removed"),
    pytest.param(DEPLOYMENT, spec(modelName="trains"), "modelName cannot be changed", id="deployment's model"),
]
TAKEN = [
    pytest.param(RUN, name("a" * 63), id="run's longest name"),
    pytest.param(RUN, trainer(estimator=None, command=["train"], args=["-v"]), id="command and args"),
    pytest.param(RUN, trainer(env=[{"name": "A", "value": ""}]), id="empty variable"),
    pytest.param(RUN, trainer(env=[{"name": "A", "valueFrom": ENV_BOTH[0]["valueFrom"]}]), id="variable of a secret"),
    pytest.param(RUN, spec(evaluation={"gates": [{"metric": "roc_auc", "min": "0.7"}]}), id="gate"),
    pytest.param(
        RUN, evaluation(metrics=["r2", "mae"], gates=[{"metric": "mae", "max": "2"}]), id="gate on what is asked"
    ),
    pytest.param(
        RUN, resources(requests={"memory": "1024Mi", "nvidia.com/gpu": "1"}, limits={"memory": "1Gi"}), id="resources"
    ),
    pytest.param(RUN, trainer(image="registry.example.com:5000/a/b@sha256:" + "0" * 64), id="image by digest"),
    pytest.param(RUN, trainer(env=[{"name": each, "value": "1"} for each in ("A", "B", "a")]), id="three variables"),
    pytest.param(VERSION, {**name("flights-12"), **spec(version=12)}, id="version of two digits"),
    pytest.param(VERSION, {**name("a-1-12"), **spec(modelName="a-1", version=12)}, id="model name with a number"),
    pytest.param(DEPLOYMENT, spec(version=None, follow="LatestApproved"), id="follow"),
    pytest.param(DEPLOYMENT, steps(1, 50, 99), id="rising steps"),
    pytest.param(DEPLOYMENT, lasting(60, 30, 29), id="steps within the time cap"),
    pytest.param(DEPLOYMENT, spec(analysis={"falseRollback": ".49", "miss": "499m"}), id="chances"),
    pytest.param(
        DEPLOYMENT,
        compared(
            {"name": "errors", "max": "0.05"},
            {"name": "latency", "slowerThanMilliseconds": 50, "max": "0.1", "tolerance": "0.02"},
            {"name": "refused"},
        ),
        id="three metrics",
    ),
    pytest.param(DEPLOYMENT, compared({"name": "latency"}), id="a learned bound beside stable"),
    pytest.param(DEPLOYMENT, hostname(f"{'a' * 63}.1.com"), id="longest label"),
    pytest.param(DEPLOYMENT, spec(serving={"env": [{"name": "HOMES", "value": "/"}]}), id="another variable"),
    pytest.param(DEPLOYMENT, name("a" * 36), id="longest name"),
    pytest.param(DEPLOYMENT, rollout(promote="a" * 63, reject="a" * 63, retry="a" * 63), id="longest by hand"),
    pytest.param(DEPLOYMENT, {"spec": {"paused": True, "rollout": {}}}, id="paused"),
]
CHANGES_TAKEN = [
    pytest.param(RUN, {"metadata": {"labels": {"a": "b"}}}, id="run's labels"),
    pytest.param(VERSION, spec(approval={"decision": "Approved", "by": "kim"}), id="approval"),
    pytest.param(VERSION, spec(artifact={"uri": "pvc://other/flights"}), id="the artifact moves"),
    pytest.param(DEPLOYMENT, spec(version=2), id="another version"),
    pytest.param(DEPLOYMENT, spec(version=None, follow="LatestApproved"), id="from pinned to follow"),
    pytest.param(DEPLOYMENT, rollout(retry="2026-01-01T00:00:00Z"), id="a date to try again"),
]


def merged(obj: Object, patch: Object) -> Object:
    """``obj`` with a JSON merge patch (RFC 7396) applied."""
    found = dict(obj)
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merged(found.get(key, {}), value) if isinstance(value, dict) else value
    return found


@pytest.fixture(scope="module")
def stored(kinds: Any) -> Callable[[Object], Object]:
    """Creates an object for real, once, where it is in nobody's way."""
    known: dict[str, Object] = {}

    def store(obj: Object) -> Object:
        if obj["kind"] not in known:
            known[obj["kind"]] = kinds.create(merged(obj, {"metadata": {"namespace": "kube-public"}}), dry_run=False)
        return known[obj["kind"]]

    return store


@pytest.mark.parametrize(("kind", "patch", "sentence"), CREATED)
def test_refused_when_created(kinds: Any, good: Good, kind: str, patch: Object, sentence: str) -> None:
    with pytest.raises(ApiException) as error:
        kinds.create(merged(good(kind), patch))
    assert error.value.status == 422
    assert sentence in str(error.value.body)


@pytest.mark.parametrize(("kind", "patch", "sentence"), CHANGED)
def test_refused_when_changed(
    kinds: Any, good: Good, stored: Callable[[Object], Object], kind: str, patch: Object, sentence: str
) -> None:
    with pytest.raises(ApiException) as error:
        kinds.change(stored(good(kind)), patch)
    assert error.value.status == 422
    assert sentence in str(error.value.body)


@pytest.mark.parametrize(("kind", "patch"), TAKEN)
def test_taken_when_created(kinds: Any, good: Good, kind: str, patch: Object) -> None:
    kinds.create(merged(good(kind), patch))


@pytest.mark.parametrize(("kind", "patch"), CHANGES_TAKEN)
def test_taken_when_changed(
    kinds: Any, good: Good, stored: Callable[[Object], Object], kind: str, patch: Object
) -> None:
    kinds.change(stored(good(kind)), patch)


def sentences(schema: Object) -> Iterator[str]:
    yield from (rule["message"] for rule in schema.get("x-kubernetes-validations", []))
    for below in (*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")):
        if below:
            yield from sentences(below)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda each: each.kind)
def test_every_rule_has_a_case(resource: Any) -> None:
    tried = [case.values[2] for case in (*CREATED, *CHANGED)]
    for sentence in sentences(root_schema(resource)):
        assert any(sentence.startswith(str(each)) for each in tried), f"no case for: {sentence}"
