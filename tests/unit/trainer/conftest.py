"""Real data in small files, and runs over it."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perennial_trainer import train

sys.path.insert(0, str(Path(__file__).parent))  # pytest's importlib mode does not find the modules beside a test
from runs import Environment, environment
from served import Served, serve


@pytest.fixture(scope="session")
def cancer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """scikit-learn's breast cancer data with two categorical columns and some missing values, as CSV."""
    from sklearn.datasets import load_breast_cancer

    table = load_breast_cancer(as_frame=True).frame.rename(columns={"target": "benign"})
    rng = np.random.default_rng(7)
    table["clinic"] = rng.choice(["north", "south", "NA"], len(table))
    table["shift"] = np.where(table["mean area"] > 700, "late", "early")
    table.loc[rng.random(len(table)) < 0.05, "mean radius"] = np.nan
    table.loc[rng.random(len(table)) < 0.05, "shift"] = None
    path = tmp_path_factory.mktemp("data") / "cancer.csv"
    table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def diabetes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """scikit-learn's diabetes data as Parquet."""
    from sklearn.datasets import load_diabetes

    frame = load_diabetes(as_frame=True).frame
    frame["sex"] = np.where(frame["sex"] > 0, 1, 2)
    path = tmp_path_factory.mktemp("data") / "diabetes.parquet"
    frame.to_parquet(path)
    return path


@pytest.fixture
def run_env(cancer: Path, tmp_path: Path) -> Callable[..., Environment]:
    """Makes the environment of a run; estimator fields and variables can be changed."""

    def make(estimator: dict[str, Any] | None = None, **variables: str) -> Environment:
        return environment(cancer, tmp_path, estimator, **variables)

    return make


@pytest.fixture(scope="session")
def artifact(cancer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a trained artifact whose encoder refuses unseen categories; not to be written to."""
    output = tmp_path_factory.mktemp("output")
    outcome = train.main(
        environment(cancer, output, {"unknownCategories": "Error"}, PERENNIAL_PARAMS='{"max_iter":"20"}')
    )
    return output / str(outcome["artifact"]["sha256"])


@pytest.fixture(scope="session")
def server(artifact: Path) -> Iterator[Served]:
    """A server of that artifact, in a process of its own."""
    with serve(artifact) as served:
        yield served


@pytest.fixture(scope="session")
def golden(artifact: Path) -> dict[str, list[Any]]:
    """The artifact's golden rows."""
    rows: dict[str, list[Any]] = json.loads((artifact / "golden.json").read_bytes())
    return rows


@pytest.fixture
def frame(cancer: Path) -> pd.DataFrame:
    """The cancer data."""
    return pd.read_csv(cancer)
