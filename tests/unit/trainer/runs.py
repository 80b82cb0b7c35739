"""The environment of a training run, as the operator makes it."""

import json
from pathlib import Path
from typing import Any

Environment = dict[str, str]
ESTIMATOR = {
    "name": "HistGradientBoostingClassifier",
    "target": "benign",
    "numeric": ["mean radius", "mean texture", "worst concave points"],
    "categorical": ["clinic", "shift"],
}


def environment(data: Path, output: Path, estimator: dict[str, Any] | None = None, **variables: str) -> Environment:
    """The environment of a run as the operator makes it."""
    return {
        "PERENNIAL_NAMESPACE": "clinic",
        "PERENNIAL_RUN_NAME": "run-1",
        "PERENNIAL_RUN_UID": "5b0e",
        "PERENNIAL_MODEL_NAME": "cancer",
        "PERENNIAL_DATA_URI": f"pvc://data/{data.name}",
        "PERENNIAL_DATA_PATH": str(data),
        "PERENNIAL_ESTIMATOR": json.dumps({**ESTIMATOR, **(estimator or {})}),
        "PERENNIAL_SEED": "1",
        "PERENNIAL_THREADS": "1",
        "PERENNIAL_HOLDOUT_PERCENT": "25",
        "PERENNIAL_METRICS": "[]",
        "PERENNIAL_PARAMS": "{}",
        "PERENNIAL_OUTPUT_PATH": str(output),
        "PERENNIAL_OUTPUT_URI": "pvc://models/root/clinic/cancer/5b0e",
        "PERENNIAL_OUTCOME_PATH": str(output / "termination-log"),
        **variables,
    }
