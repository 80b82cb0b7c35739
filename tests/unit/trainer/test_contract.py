"""The environment in, the outcome out."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial_trainer import contract, outcome
from perennial_trainer.errors import WorkError

BASE = {
    "PERENNIAL_MODEL_NAME": "m",
    "PERENNIAL_DATA_PATH": "/data.csv",
    "PERENNIAL_OUTPUT_PATH": "/out",
    "PERENNIAL_OUTPUT_URI": "pvc://models/out/",
    "PERENNIAL_ESTIMATOR": '{"name": "Ridge", "target": "y", "numeric": ["a"]}',
}
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)


@given(scalars)
def test_json_scalars_are_read_as_themselves(value: object) -> None:
    assert contract.scalar(json.dumps(value)) == value


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    value = contract.scalar(text)
    assert value is None or isinstance(value, str | int | float)


@pytest.mark.parametrize(
    ("text", "value"), [("0.1", 0.1), ("7", 7), ("true", True), ("null", None), ("sqrt", "sqrt"), ("[1]", "[1]")]
)
def test_scalar(text: str, value: object) -> None:
    assert contract.scalar(text) == value


def test_defaults() -> None:
    run = contract.read_run(BASE)
    assert (run.seed, run.threads, run.holdout_percent, run.metrics, run.data_sha256) == (0, 1, 20, (), None)
    assert run.output_uri == "pvc://models/out"
    assert run.estimator == contract.Estimator("Ridge", "y", ("a",), (), "Ignore")


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("PERENNIAL_MODEL_NAME", "", "is not set"),
        ("PERENNIAL_SEED", "one", "not an integer"),
        ("PERENNIAL_SEED", "-1", "between 0 and"),
        ("PERENNIAL_HOLDOUT_PERCENT", "100", "between 1 and 90"),
        ("PERENNIAL_METRICS", '"r2"', "JSON list of names"),
        ("PERENNIAL_PARAMS", "[]", "not a JSON object"),
        ("PERENNIAL_PARAMS", "{", "is not JSON"),
        ("PERENNIAL_ESTIMATOR", "[]", "not a JSON object"),
        ("PERENNIAL_ESTIMATOR", '{"target": "y"}', "has no name"),
        ("PERENNIAL_ESTIMATOR", '{"name": "Ridge", "target": "y"}', "names no numeric"),
        ("PERENNIAL_ESTIMATOR", '{"name": "Ridge", "target": "a", "numeric": ["a"]}', "among the inputs"),
        ("PERENNIAL_ESTIMATOR", '{"name": "R", "target": "y", "numeric": ["a"], "categorical": ["a"]}', "twice"),
        (
            "PERENNIAL_ESTIMATOR",
            '{"name": "R", "target": "y", "numeric": ["a"], "unknownCategories": "Skip"}',
            "Ignore or Error",
        ),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str, part: str) -> None:
    with pytest.raises(WorkError) as caught:
        contract.read_run({**BASE, name: value})
    assert caught.value.reason == "EnvironmentInvalid"
    assert name in caught.value.message
    assert part in caught.value.message


def test_preflight_sends_the_headers_it_is_given() -> None:
    env = {
        "PERENNIAL_PREFLIGHT_URL": "http://gw/v1/models/m:predict",
        "PERENNIAL_ARTIFACT_PATH": "/a",
        "PERENNIAL_PREFLIGHT_HOST": "flights.localhost",
        "PERENNIAL_PREFLIGHT_TOKEN": "t",
    }
    assert contract.read_preflight(env).headers == {"Host": "flights.localhost", "x-perennial-revision": "t"}


@given(st.text(), st.text())
def test_an_outcome_always_fits(reason: str, message: str) -> None:
    data = outcome.encode(outcome.failed(WorkError(reason[:60], message * 50)))
    assert len(data) <= outcome.LIMIT_BYTES
    assert json.loads(data)["outcome"] == "Failed"


@given(st.dictionaries(st.text(max_size=200), st.text(max_size=60), max_size=60))
def test_metrics_are_dropped_before_an_outcome_is_too_long(metrics: dict[str, str]) -> None:
    raw = json.loads(outcome.encode(outcome.succeeded(artifact={"sha256": "0" * 64}, metrics=metrics)))
    assert len(raw["metrics"]) <= outcome.MAX_METRICS
    assert raw["artifact"] == {"sha256": "0" * 64}


def test_a_message_is_one_line() -> None:
    assert outcome.failed(WorkError("R", "first\n  second"))["message"] == "first second"


def test_an_outcome_that_cannot_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than"):
        outcome.encode({"artifact": "x" * 5000})


def test_not_a_number_is_no_outcome() -> None:
    with pytest.raises(ValueError, match="JSON"):
        outcome.encode({"value": math.nan})
