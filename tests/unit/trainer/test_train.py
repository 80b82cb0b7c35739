"""Train on real data: the artifact it makes, and every way to fail."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from runs import Environment, environment

from perennial_trainer import __main__, estimators, train, verify
from perennial_trainer.artifact import store
from perennial_trainer.errors import WorkError
from perennial_trainer.serve.predictor import Predictor
from perennial_trainer.signature import RowError

MakeRun = Callable[..., Environment]


def test_round_trip(run_env: MakeRun, tmp_path: Path) -> None:
    env = run_env()
    outcome = train.main(env)
    artifact = outcome["artifact"]
    assert artifact["uri"] == f"pvc://models/root/clinic/cancer/5b0e/{artifact['sha256']}"
    assert json.loads((tmp_path / "outcome.json").read_bytes()) == outcome
    assert float(outcome["metrics"]["roc_auc"]) > 0.9
    assert outcome["lineage"]["dataRows"] == 569
    assert outcome["lineage"]["dataDigest"] == hashlib.sha256(Path(env["PERENNIAL_DATA_PATH"]).read_bytes()).hexdigest()
    folder = tmp_path / artifact["sha256"]
    checked = verify.main({"PERENNIAL_ARTIFACT_PATH": str(folder), "PERENNIAL_ARTIFACT_SHA256": artifact["sha256"]})
    assert checked["artifact"] == {"sha256": artifact["sha256"], "sizeBytes": artifact["sizeBytes"]}
    predictor = Predictor.load(store.verify(folder, artifact["sha256"]))
    golden = json.loads((folder / "golden.json").read_bytes())
    assert len(golden["instances"]) == 142  # a quarter of the rows
    assert predictor.predict(predictor.card.inputs.rows(golden["instances"])) == golden["predictions"]


def test_trained_twice_the_content_is_the_same(run_env: MakeRun) -> None:
    first, second = train.main(run_env()), train.main(run_env())
    assert first["artifact"]["contentDigest"] == second["artifact"]["contentDigest"]
    assert first["metrics"] == second["metrics"]
    other = train.main(run_env(PERENNIAL_SEED="2"))
    assert other["artifact"]["contentDigest"] != first["artifact"]["contentDigest"]


@pytest.mark.parametrize(
    "name", ["LogisticRegression", "RandomForestClassifier", "KNeighborsClassifier", "GaussianNB", "LinearSVC"]
)
def test_estimators_that_take_no_missing_values_get_none(run_env: MakeRun, name: str) -> None:
    metrics = train.main(run_env({"name": name}))["metrics"]
    assert float(metrics["accuracy"]) > 0.8


def test_regression_from_parquet(diabetes: Path, tmp_path: Path) -> None:
    columns = {"target": "target", "numeric": ["bmi", "bp", "s5"], "categorical": ["sex"]}
    env = environment(diabetes, tmp_path, {"name": "Ridge", **columns}, PERENNIAL_METRICS='["r2", "max_error"]')
    outcome = train.main(env)
    assert list(outcome["metrics"]) == ["r2", "max_error"]
    card = json.loads((tmp_path / outcome["artifact"]["sha256"] / "model.json").read_bytes())
    assert card["outputs"] == [{"name": "target", "type": "number"}]
    assert card["inputs"][-1] == {"name": "sex", "type": "string"}


def test_labels_of_text_are_answers_of_text(cancer: Path, tmp_path: Path) -> None:
    table = pd.read_csv(cancer)
    table["benign"] = table["benign"].map({0: "no", 1: "yes"})
    data = tmp_path / "text.csv"
    table.to_csv(data, index=False)
    outcome = train.main(environment(data, tmp_path))
    golden = json.loads((tmp_path / outcome["artifact"]["sha256"] / "golden.json").read_bytes())
    assert set(golden["predictions"]) == {"no", "yes"}


def test_na_is_a_category_and_missing_is_none(artifact: Path) -> None:
    golden = json.loads((artifact / "golden.json").read_bytes())["instances"]
    assert {row["clinic"] for row in golden} == {"north", "south", "NA"}
    assert {row["shift"] for row in golden} == {"early", "late", None}


def test_an_unseen_category_is_named(artifact: Path) -> None:
    predictor = Predictor.load(store.verify(artifact, artifact.name))
    rows = predictor.card.inputs.rows([[15, 20, 0.1, "north", "late"], [15, 20, 0.1, "west", "late"]])
    with pytest.raises(RowError, match=r"row 2, column 'clinic'.*'west'"):
        predictor.predict(rows)


CASES: list[tuple[str, dict[str, Any], dict[str, str], str]] = [
    ("DataNotFound", {}, {"PERENNIAL_DATA_PATH": "/nowhere/data.csv"}, "/nowhere/data.csv"),
    ("DataDigestMismatch", {}, {"PERENNIAL_DATA_SHA256": "0" * 64}, "the file changed"),
    ("ColumnMissing", {"numeric": ["radius"]}, {}, "'radius'"),
    ("ColumnInvalid", {"numeric": ["clinic"], "categorical": []}, {}, "is not a finite number"),
    ("EstimatorUnknown", {"name": "LogisticRegresion"}, {}, "LogisticRegresion"),
    ("EstimatorUnknown", {"name": "VotingClassifier"}, {}, "VotingClassifier"),
    ("ParameterInvalid", {}, {"PERENNIAL_PARAMS": '{"depth": "3"}'}, "max_depth"),
    ("ParameterInvalid", {}, {"PERENNIAL_PARAMS": '{"max_iter": "-1"}'}, "max_iter"),
    ("ParameterInvalid", {}, {"PERENNIAL_PARAMS": '{"random_state": "1"}'}, "spec.seed"),
    ("TargetInvalid", {"target": "mean area"}, {}, "continuous"),
    ("TargetInvalid", {"target": "shift", "categorical": ["clinic"]}, {}, "no value"),
    ("TargetInvalid", {"name": "Ridge", "target": "colour"}, {}, "finite numbers"),
    ("MetricUnknown", {}, {"PERENNIAL_METRICS": '["auc"]'}, "roc_auc"),
    ("MetricUnavailable", {"name": "LinearSVC"}, {"PERENNIAL_METRICS": '["brier_score"]'}, "brier_score"),
    ("FitFailed", {"name": "MultinomialNB", "numeric": ["benign2"]}, {}, "MultinomialNB"),
    ("EnvironmentInvalid", {}, {"PERENNIAL_SEED": "x"}, "PERENNIAL_SEED"),
    ("OutputUnwritable", {}, {"PERENNIAL_OUTPUT_PATH": "/proc/nowhere"}, "/proc/nowhere"),
]


@pytest.mark.parametrize(("reason", "estimator", "variables", "part"), CASES, ids=lambda value: str(value)[:30])
def test_every_failure_has_a_reason_and_a_sentence(
    run_env: MakeRun,
    cancer: Path,
    tmp_path: Path,
    reason: str,
    estimator: dict[str, Any],
    variables: dict[str, str],
    part: str,
) -> None:
    data = tmp_path / "cancer.csv"
    table = pd.read_csv(cancer, keep_default_na=False)
    table["benign2"] = -1
    table["colour"] = "red"
    table.to_csv(data, index=False)
    env = run_env(estimator, **{"PERENNIAL_DATA_PATH": str(data), **variables})
    code = 1 if reason in __main__.WORTH_ANOTHER_TRY else __main__.EXPLAINED
    assert __main__.finish(train.main, env) == code
    outcome = json.loads(Path(env["PERENNIAL_OUTCOME_PATH"]).read_bytes())
    assert (outcome["outcome"], outcome["reason"]) == ("Failed", reason)
    assert part in outcome["message"]


BAD_FILES: list[tuple[str, bytes, str, str]] = [
    ("empty.csv", b"", "DataUnreadable", "empty.csv"),
    ("header.csv", b"a,y\n", "TooFewRows", "no rows"),
    ("one.csv", b"a,y\n1,0\n", "TooFewRows", "1 rows"),
    ("latin.csv", "a,y\n\xe9,0\n".encode("latin-1"), "DataUnreadable", "UTF-8"),
    ("ragged.csv", b"a,y\n1,0\n1,2,3,4\n", "DataUnreadable", "ragged.csv"),
    ("inf.csv", b"a,y\n1,0\ninf,1\n", "ColumnInvalid", "row 2"),
    ("text.csv", b"a,y\n1,0\n2,1\nx,1\n", "ColumnInvalid", "row 3: 'x'"),
    ("null.csv", b"a,y\n,0\n,1\n", "ColumnInvalid", "no row has a value"),
    ("half.parquet", b"PAR1\x00\x00", "DataUnreadable", "half.parquet"),
    ("constant.csv", b"a,y\n" + b"1,0\n" * 20, "TargetInvalid", "one value only"),
]


@pytest.mark.parametrize(("name", "data", "reason", "part"), BAD_FILES, ids=lambda value: str(value)[:20])
def test_bad_files(tmp_path: Path, name: str, data: bytes, reason: str, part: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    columns = {"name": "LogisticRegression", "target": "y", "numeric": ["a"], "categorical": []}
    with pytest.raises(WorkError) as caught:
        train.main(environment(path, tmp_path, columns))
    assert caught.value.reason == reason
    assert part in caught.value.message


def test_what_may_be_the_machines_fault_is_tried_again(tmp_path: Path) -> None:
    def starved(_: object) -> dict[str, Any]:
        raise WorkError("OutOfMemory", "It ran out of memory.")

    assert __main__.finish(starved, {"PERENNIAL_OUTCOME_PATH": str(tmp_path / "outcome")}) == 1


def test_what_nobody_foresaw_is_reported_too(tmp_path: Path) -> None:
    def broken(_: object) -> dict[str, Any]:
        raise ZeroDivisionError("by zero")

    path = tmp_path / "outcome"
    assert __main__.finish(broken, {"PERENNIAL_OUTCOME_PATH": str(path)}) == 1
    assert json.loads(path.read_bytes())["reason"] == "Unexpected"


def test_every_known_estimator_can_be_made() -> None:
    known = estimators.known()
    assert {"LogisticRegression", "HistGradientBoostingClassifier", "Ridge"} <= set(known)
    for name in known:
        estimators.build(name, {}, seed=1, threads=1)
