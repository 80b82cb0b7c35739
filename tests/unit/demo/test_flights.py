"""The files of the example: what the data program writes, and that the story's files agree with each other."""

from __future__ import annotations

import csv
import importlib.util
import json
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from demo.stage import EXAMPLES


@pytest.fixture(scope="module")
def prepare() -> ModuleType:
    """The data program, which is a file in an image and no module of a package."""
    spec = importlib.util.spec_from_file_location("prepare", EXAMPLES / "data" / "prepare.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def flights(tmp_path: Path) -> Path:
    """A table like the package's: 300 flights in January, 100 each in February, May and June; one was cancelled."""
    file = tmp_path / "flights.csv.zip"
    columns = "month,day,minute,dep_delay,arr_delay,distance,hour,carrier,origin,dest"
    lines = [columns, "1,1,5,NA,NA,100,6,UA,EWR,IAH"]
    for month, count in ((1, 300), (2, 100), (5, 100), (6, 100)):
        lines += [f"{month},1,5,{each},{each + 6},100,6,UA,EWR,IAH" for each in range(count)]
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("flights.csv", "\n".join(lines))
    return file


def test_the_data_program_writes_the_training_files_and_prints_later_flights(
    prepare: ModuleType, flights: Path, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.setattr(prepare, "package_file", lambda: flights)
    prepare.main(tmp_path)
    assert _count(tmp_path / "january.csv") == 300
    assert _count(tmp_path / "january-to-march.csv") == 400
    assert _count(tmp_path / "january-sample.csv") == 3
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(printed) == 8
    assert set(printed[0]) == {"dep_delay", "distance", "hour", "carrier", "origin", "dest"}


def test_late_is_more_than_15_minutes(prepare: ModuleType, flights: Path) -> None:
    read = list(prepare.read(flights))
    assert [each["late"] for each in read[:11]] == [0] * 10 + [1]


@pytest.mark.parametrize("name", ["v1.yaml", "v2.yaml", "v3.yaml"])
def test_a_run_reads_what_the_data_program_writes_and_asks_for_what_the_replay_has(
    name: str, prepare: ModuleType
) -> None:
    spec = yaml.safe_load((EXAMPLES / name).read_text())["spec"]
    file = spec["data"]["uri"].removeprefix("pvc://flights-data/")
    assert f'"{file}"' in (EXAMPLES / "data" / "prepare.py").read_text()
    estimator = spec["trainer"]["estimator"]
    assert tuple(estimator["numeric"]) == prepare.NUMBERS
    assert tuple(estimator["categorical"]) == prepare.CATEGORIES


def test_v3_is_v2_but_for_its_data_and_its_encoder() -> None:
    v2, v3 = (yaml.safe_load((EXAMPLES / name).read_text())["spec"] for name in ("v2.yaml", "v3.yaml"))
    assert v3["trainer"]["estimator"].pop("unknownCategories") == "Error"
    assert v3.pop("data") != v2.pop("data")
    assert v3 == v2


def _count(file: Path) -> int:
    with file.open() as lines:
        return sum(1 for _ in csv.DictReader(lines))
