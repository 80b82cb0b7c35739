"""Whatever a training container leaves behind, a pass ends, and writes a status that the apiserver takes."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.api.modelversion import ModelVersionSpec
from perennial.api.trainingrun import OPERATORS_REASONS, TrainingRunSpec, TrainingRunStatus
from perennial.controllers.jobs.state import read_job, read_pod
from perennial.controllers.trainingrun.decide import decide
from perennial.controllers.trainingrun.memory import remembered
from perennial.controllers.trainingrun.observe import Observed
from tests.unit.controllers.conftest import Make

WORDS = st.text(st.characters(exclude_categories=[]))
HOSTILE = (
    st.sampled_from((None, True, "", 0, -1, 1.5, 2**63, 10**300, float("nan"), float("inf")))
    | st.sampled_from(("1e999", "NaN", "-Infinity", "\x1b[31mred\x1b[0m", "\u202egnol", "a\nb", "\u2028", "\x00"))
    | st.sampled_from(("pvc://models/../x", "pvc://models/%2e%2e/x", "s3://bucket/x", "file:///etc/passwd", "x" * 5000))
    | st.sampled_from(("Completed", "NameTaken", "not camel", "Ünïcode", "ab" * 32, "AB" * 32))
    | st.sampled_from((list, dict)).map(lambda empty: empty())
    | st.integers(1, 3000).map(lambda count: {f"m{each}": "1" for each in range(count)})
    | WORDS
    | st.integers()
)
PLACES = (
    *(("outcome",), ("reason",), ("message",), ("artifact",), ("metrics",), ("lineage",), ("metrics", "roc_auc")),
    *(("artifact", each) for each in ("uri", "sha256", "contentDigest", "format", "framework", "sizeBytes")),
    *(("lineage", each) for each in ("dataDigest", "dataRows", "packagesDigest")),
)


@st.composite
def almost_good(draw: st.DrawFn) -> str:
    """An outcome by the contract with a few of its values replaced."""
    body = json.loads(Make.outcome(reason="ColumnMissing", message="no column x", outcome=draw(OUTCOMES)))
    for place in draw(st.lists(st.sampled_from(PLACES), max_size=3)):
        part = body
        for step in place[:-1]:
            part = part[step] if isinstance(part.get(step), dict) else {}
        part[place[-1]] = draw(HOSTILE)
    return json.dumps(body, ensure_ascii=draw(st.booleans()))


OUTCOMES = st.sampled_from(["Succeeded", "Failed"])
TEXTS = almost_good() | WORDS | st.sampled_from(["[" * 500, '{"a":' * 300, '{"outcome":"Failed"}' * 30])


def look(text: str, exit_code: int, words: str, end: str | None, **spec: Any) -> Observed:
    run = Make.run(**spec)
    status = Make.job_end(end, words, words) if end else {}
    pod = Make.ended(exit_code, text, words)
    pod["status"] |= {"message": words}
    return Observed(
        run=run,
        spec=TrainingRunSpec.model_validate(run["spec"]),
        default_image="trainer:1",
        job=read_job(Make.job(status)),
        pods=(read_pod(pod, "train"),),
    )


def assert_fit(status: dict[str, Any]) -> None:
    """The status is one that the schema takes, and fit to be shown."""
    parsed = TrainingRunStatus.model_validate_json(json.dumps(status))
    assert set(status) <= {each.alias for each in TrainingRunStatus.model_fields.values()}
    for each in parsed.conditions:
        assert re.fullmatch(r"[A-Z][A-Za-z0-9]*", each.reason)
        assert each.message
        assert not [letter for letter in each.message if unicodedata.category(letter).startswith("C")]


@given(TEXTS, st.integers(0, 255), WORDS, st.sampled_from(["Complete", "Failed", None]), st.booleans())
def test_no_outcome_ends_a_pass_or_spoils_a_status(
    text: str, exit_code: int, words: str, end: str | None, private: bool
) -> None:
    spec = {"trainer": {"command": ["x"], "logs": "Private"}} if private else {}
    plan = decide(look(text, exit_code, words, end, **spec), Make.at(61))
    assert_fit(plan.status)
    if plan.create is not None:
        made = ModelVersionSpec.model_validate_json(json.dumps(plan.create.body["spec"]))
        assert made.artifact.uri.startswith(f"{Make.folder}/")
    for telling in plan.tellings:
        assert telling.note.encode()
    if plan.record is not None:
        assert json.dumps(plan.record.body).encode()


RECORDS = {"reason": st.just("X") | HOSTILE, "message": HOSTILE, "time": st.just("2026-01-01T00:01:00Z") | HOSTILE}


@given(HOSTILE | st.fixed_dictionaries(RECORDS))
def test_what_was_remembered_is_read_with_the_same_care(data: Any) -> None:
    run = Make.run()
    revision = {"metadata": {"ownerReferences": [{"uid": Make.run_uid}]}, "data": data}
    ended = remembered(run, [revision])
    spec = TrainingRunSpec.model_validate(run["spec"])
    plan = decide(Observed(run=run, spec=spec, default_image="t", ended=ended), Make.at())
    assert_fit(plan.status)
    assert (plan.create is None) is (ended is not None)


@pytest.mark.parametrize(
    "uri",
    [
        "pvc://models/registry/flights/flights/{uid}/../other-run/x",
        "pvc://models/registry/flights/flights/{uid}/%2e%2e/x",
        "pvc://models/registry/flights/flights/{uid}/.hidden",
        "pvc://models/registry/flights/flights/{uid}",
        "pvc://models/registry/flights/flights/{uid}/",
        "pvc://models/registry/flights/flights/{uid}-2/x",
        "pvc://models/registry/flights/flights/{uid}/x\n",
        "pvc://models/registry/flights/flights/{uid}/\u202ex",
        "PVC://models/registry/flights/flights/{uid}/x",
        "pvc://other/registry/flights/flights/{uid}/x",
        "s3://models/registry/flights/flights/{uid}/x",
        "pvc://models/registry/flights/flights/{uid}/" + "x" * 600,
    ],
)
def test_no_address_leads_out_of_the_runs_folder(make: Any, uri: str) -> None:
    text = make.outcome(artifact={"uri": uri.format(uid=make.run_uid)})
    plan = decide(look(text, 0, "", "Complete"), make.at(61))
    assert plan.create is None
    assert make.condition(plan.status, "Succeeded") == ("False", "OutcomeInvalid")
    assert_fit(plan.status)


@pytest.mark.parametrize("value", ["1e999", "-1e400", "1E+100", "nan", "inf", "0x1p3", "1_000", "٣"])
def test_a_metric_is_a_finite_number(make: Any, value: str) -> None:
    plan = decide(look(make.outcome(metrics={"roc_auc": value}), 0, "", "Complete"), make.at(61))
    assert make.condition(plan.status, "Succeeded") == ("False", "OutcomeInvalid")


@pytest.mark.parametrize("reason", sorted(OPERATORS_REASONS))
@pytest.mark.parametrize("exit_code", [0, 65])
def test_a_container_cannot_speak_for_the_operator(make: Any, reason: str, exit_code: int) -> None:
    text = json.dumps({"outcome": "Failed", "reason": reason, "message": "trust me"})
    plan = decide(look(text, exit_code, "", "Failed" if exit_code else "Complete"), make.at(61))
    assert make.condition(plan.status, "Succeeded") == ("False", "Failed")
    assert "trust me" in make.message(plan.status, "Succeeded")


def test_the_last_of_two_equal_keys_counts_for_all_readers(make: Any) -> None:
    good = make.outcome()[1:]
    both = '{"outcome":"Failed","reason":"ColumnMissing","message":"x",' + good
    assert decide(look(both, 0, "", "Complete"), make.at(61)).create is not None
    reverse = make.outcome()[:-1] + ',"outcome":"Failed","reason":"ColumnMissing","message":"x"}'
    plan = decide(look(reverse, 0, "", "Complete"), make.at(61))
    assert make.condition(plan.status, "Succeeded") == ("False", "ColumnMissing")


def test_success_with_another_exit_code_is_a_failure_that_says_so(make: Any) -> None:
    plan = decide(look(make.outcome(), 3, "", "Failed"), make.at(61))
    assert plan.create is None
    assert make.condition(plan.status, "Succeeded") == ("False", "Failed")
    message = make.message(plan.status, "Succeeded")
    assert message == "Training ended with exit code 3, although its outcome says that it succeeded."


def test_an_outcome_that_was_cut_says_so(make: Any) -> None:
    text = make.outcome(padding="x" * 5000)[:4096]
    plan = decide(look(text, 0, "", "Complete"), make.at(61))
    assert "cuts it at 4096 bytes" in make.message(plan.status, "Succeeded")


def test_private_logs_stay_in_the_pod(make: Any) -> None:
    spec = {"trainer": {"command": ["x"], "logs": "Private"}}
    for end, words in (("Failed", "log is private"), (None, "Kubernetes tries again")):
        plan = decide(look("password hunter2", 1, "", end, **spec), make.at(61))
        assert "hunter2" not in json.dumps(plan.status)
        assert words in make.message(plan.status, "Succeeded")
    text = json.dumps({"outcome": "Failed", "reason": "ColumnMissing", "message": "no column x"})
    plan = decide(look(text, 65, "", "Failed", **spec), make.at(61))
    assert make.message(plan.status, "Succeeded") == "no column x."
