"""Claims get a folder each, and it goes with them."""

import stat
from pathlib import Path
from typing import Any

from devcluster import volumes


class FakeApi(volumes.Api):
    """Lists what it is given and records what is written."""

    def __init__(self, claims: list[dict[str, Any]], made: list[dict[str, Any]]) -> None:
        self.lists = {"/api/v1/persistentvolumeclaims": claims, "/api/v1/persistentvolumes": made}
        self.writes: list[tuple[str, str, Any]] = []

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        if method == "GET":
            return {"items": self.lists[path]}
        self.writes.append((method, path, body))
        return {}


def claim(phase: str = "Pending", storage_class: str = volumes.CLASS) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "flights", "name": "models", "uid": "u-1"},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": storage_class,
        },
        "status": {"phase": phase},
    }


def test_a_waiting_claim_gets_a_folder_that_everyone_can_write(tmp_path: Path) -> None:
    api = FakeApi([claim()], [])
    volumes.tick(api, tmp_path)
    folder = tmp_path / "pvc-u-1"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o777
    ((method, path, volume),) = api.writes
    assert (method, path) == ("POST", "/api/v1/persistentvolumes")
    assert volume["spec"]["claimRef"] == {"namespace": "flights", "name": "models", "uid": "u-1"}
    assert volume["spec"]["hostPath"]["path"] == str(folder)
    assert volume["spec"]["accessModes"] == ["ReadWriteMany"]


def test_bound_claims_and_those_of_other_classes_are_left_alone(tmp_path: Path) -> None:
    api = FakeApi([claim("Bound"), claim(storage_class="theirs")], [])
    volumes.tick(api, tmp_path)
    assert api.writes == []
    assert list(tmp_path.iterdir()) == []


def test_a_released_volume_goes_with_its_folder(tmp_path: Path) -> None:
    released = volumes.volume(claim(), tmp_path) | {"status": {"phase": "Released"}}
    (tmp_path / "pvc-u-1").mkdir()
    (tmp_path / "pvc-u-1" / "model").write_text("")
    api = FakeApi([], [released])
    volumes.tick(api, tmp_path)
    assert api.writes == [("DELETE", "/api/v1/persistentvolumes/pvc-u-1", None)]
    assert list(tmp_path.iterdir()) == []


def test_a_volume_in_use_stays(tmp_path: Path) -> None:
    bound = volumes.volume(claim(), tmp_path) | {"status": {"phase": "Bound"}}
    (tmp_path / "pvc-u-1").mkdir()
    api = FakeApi([], [bound])
    volumes.tick(api, tmp_path)
    assert api.writes == []
    assert (tmp_path / "pvc-u-1").exists()
