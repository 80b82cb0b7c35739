"""The example in docs/contracts.md runs and keeps the contract."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from runs import environment

from perennial_trainer import __main__, outcome, verify

DOCUMENT = Path(__file__).parents[3] / "docs" / "contracts.md"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example as a file."""
    (code,) = re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)
    path = tmp_path_factory.mktemp("example") / "train.py"
    path.write_text(code)
    return path


def run(example: Path, cancer: Path, output: Path, target: str) -> tuple[int, bytes]:
    """Exit code and outcome of the example."""
    env = environment(cancer, output, PERENNIAL_PARAMS=json.dumps({"target": target}))
    result = subprocess.run([sys.executable, str(example)], env=env, check=False, timeout=30)
    return result.returncode, Path(env["PERENNIAL_OUTCOME_PATH"]).read_bytes()


def test_the_example_makes_an_artifact(example: Path, cancer: Path, tmp_path: Path) -> None:
    code, data = run(example, cancer, tmp_path, "benign")
    assert code == 0
    assert len(data) <= outcome.LIMIT_BYTES
    artifact = json.loads(data)["artifact"]
    assert artifact["uri"] == f"pvc://models/root/clinic/cancer/5b0e/{artifact['sha256']}"
    folder = tmp_path / artifact["sha256"]
    checked = verify.main({"PERENNIAL_ARTIFACT_PATH": str(folder), "PERENNIAL_ARTIFACT_SHA256": artifact["sha256"]})
    assert checked["artifact"]["sizeBytes"] == artifact["sizeBytes"]


def test_the_example_fails_with_a_sentence(example: Path, cancer: Path, tmp_path: Path) -> None:
    code, data = run(example, cancer, tmp_path, "weather")
    assert code == __main__.EXPLAINED
    assert json.loads(data) == {
        "outcome": "Failed",
        "reason": "ColumnMissing",
        "message": "The data has no column 'weather'.",
    }
