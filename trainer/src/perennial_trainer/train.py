"""Train: read, split, fit, evaluate, write the artifact."""

import json
import os
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.utils._param_validation import InvalidParameterError
from threadpoolctl import threadpool_limits

from perennial_trainer import answers, data, estimators, evaluation, outcome, pipeline
from perennial_trainer.artifact import card, content, golden, persistence, store
from perennial_trainer.contract import Environment, Run, read_run
from perennial_trainer.errors import WorkError
from perennial_trainer.signature import Signature


@dataclass(frozen=True)
class Trained:
    """A fitted pipeline and what the hold-out says of it."""

    pipeline: Pipeline
    metrics: dict[str, str]
    holdout: pd.DataFrame


def main(env: Environment) -> dict[str, Any]:
    """Train one model and return the outcome; it is also written as outcome.json beside the artifact.

    Raises:
        WorkError: with the reason why there is no model.
    """
    run = read_run(env)
    data_digest = data.check_digest(run.data_path, run.data_sha256)
    table = data.read_table(run.data_path, run.estimator)
    _log(f"read {len(table)} rows of {run.data_path.name}")
    trained = fit(run, table)
    result = _register(run, trained, _lineage(run, data_digest, len(table)))
    (run.output_path / "outcome.json").write_bytes(outcome.encode(result))
    return result


def fit(run: Run, table: pd.DataFrame) -> Trained:
    """Fit on the rows to train on and measure on the hold-out.

    Raises:
        WorkError: for an estimator, parameter, target or metric that does not fit, or when the fit fails.
    """
    spec = run.estimator
    estimator = estimators.build(spec.name, run.params, seed=run.seed, threads=run.threads)
    task = evaluation.task_of(estimator)
    evaluation.check_metrics(run.metrics, task)
    evaluation.check_target(table[spec.target], task)
    train, holdout = evaluation.split(table, spec.target, run.holdout_percent, run.seed, task)
    model = pipeline.build(spec, estimator, table)
    columns = list(spec.columns)
    _fit(model, train[columns], train[spec.target].to_numpy(), run)
    metrics = evaluation.evaluate(model, holdout[columns], holdout[spec.target].to_numpy(), run.metrics, task)
    _log(f"measured {json.dumps(metrics)} on {len(holdout)} hold-out rows")
    return Trained(model, metrics, holdout[columns])


def _fit(model: Pipeline, inputs: pd.DataFrame, target: np.ndarray[Any, Any], run: Run) -> None:
    name = run.estimator.name
    start = time.monotonic()
    np.random.seed(run.seed)
    try:
        with threadpool_limits(limits=run.threads):
            model.fit(inputs, target)
    except InvalidParameterError as error:
        raise WorkError("ParameterInvalid", f"{name}: {error}") from error
    except MemoryError as error:
        raise WorkError("OutOfMemory", f"{name} ran out of memory on {len(inputs)} rows; raise its limit.") from error
    except Exception as error:
        raise WorkError("FitFailed", f"{name} failed on {len(inputs)} rows: {error}") from error
    _log(f"fitted {name} on {len(inputs)} rows in {time.monotonic() - start:.1f} s")


def _register(run: Run, trained: Trained, lineage: dict[str, Any]) -> dict[str, Any]:
    signature = Signature.of(run.estimator)
    model = persistence.dump(trained.pipeline)
    rows = golden_rows(persistence.load(model), signature, trained.holdout, run.seed)
    labels = trained.pipeline.predict(trained.holdout.iloc[:1])
    outputs = ({"name": run.estimator.target, "type": answers.output_type(labels)},)
    description = card.Card(
        run.model, signature, outputs, trained.metrics, lineage, persistence.FORMAT, card.framework()
    )
    written = store.write(
        run.output_path,
        {
            persistence.FILE_NAME: model,
            card.FILE_NAME: _json(description.to_json()),
            golden.FILE_NAME: _json(rows.to_json()),
        },
    )
    _log(f"wrote {written.folder}")
    artifact = {
        "uri": f"{run.output_uri}/{written.sha256}",
        "sha256": written.sha256,
        "contentDigest": content.content_digest(
            model, inputs=signature.to_json(), outputs=outputs, golden=rows.to_json()
        ),
        "format": persistence.FORMAT,
        "framework": card.framework(),
        "sizeBytes": written.size_bytes,
    }
    return outcome.succeeded(artifact=artifact, metrics=trained.metrics, lineage=_short(lineage))


def golden_rows(model: Pipeline, signature: Signature, holdout: pd.DataFrame, seed: int) -> golden.Golden:
    """Hold-out rows with the answers of the model as it was read back, by the way that serving takes."""
    instances = signature.instances(golden.choose(holdout, seed))
    predictions = model.predict(signature.frame(signature.rows(instances)))
    return golden.Golden(instances, answers.to_json(predictions))


def _lineage(run: Run, data_digest: str, rows: int) -> dict[str, Any]:
    return {
        "namespace": run.namespace,
        "run": run.name,
        "runUID": run.uid,
        "dataURI": run.data_uri,
        "dataDigest": data_digest,
        "dataRows": rows,
        "estimator": run.estimator.name,
        "params": dict(run.params),
        "seed": run.seed,
        "threads": run.threads,
        "holdoutPercent": run.holdout_percent,
        "packagesDigest": card.packages_digest(),
    }


def _short(lineage: dict[str, Any]) -> dict[str, Any]:
    return {key: lineage[key] for key in ("dataDigest", "dataRows", "seed", "threads", "packagesDigest")}


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _log(text: str) -> None:
    print(f"train[{os.getpid()}]: {text}", flush=True)
