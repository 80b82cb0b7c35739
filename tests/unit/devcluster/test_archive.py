"""docker-archive tars: the same input gives the same bytes, and tools can read them."""

import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from devcluster.archive import EPOCH, Entry, write_archive, write_layer

SETTINGS = {"Entrypoint": ["/bin/tool"], "User": "65532:65532"}
ENTRIES = [Entry("/bin/tool", b"program"), Entry("/tmp", mode=0o1777), Entry("/var/lib/tool", owner=65532)]


def write(folder: Path, name: str = "image.tar", reference: str = "localhost/tool:1") -> Path:
    folder.mkdir(exist_ok=True)
    write_layer(folder / "layer.tar", ENTRIES)
    write_archive(folder / name, reference, [folder / "layer.tar"], SETTINGS)
    return folder / name


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    assert write(tmp_path / "one").read_bytes() == write(tmp_path / "two").read_bytes()


def test_a_file_gives_what_its_bytes_give(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"program")
    write_layer(tmp_path / "a.tar", [Entry("/bin/tool", b"program")])
    write_layer(tmp_path / "b.tar", [Entry("/bin/tool", source)])
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


def test_a_layer_has_parents_modes_and_owners_in_order(tmp_path: Path) -> None:
    write_layer(tmp_path / "layer.tar", ENTRIES)
    with tarfile.open(tmp_path / "layer.tar") as layer:
        found = [(each.name, oct(each.mode), each.uid, each.mtime) for each in layer]
    assert found == [
        ("bin", "0o755", 0, EPOCH),
        ("bin/tool", "0o755", 0, EPOCH),
        ("tmp", "0o1777", 0, EPOCH),
        ("var", "0o755", 0, EPOCH),
        ("var/lib", "0o755", 0, EPOCH),
        ("var/lib/tool", "0o755", 65532, EPOCH),
    ]


def test_the_manifest_names_config_layers_and_reference(tmp_path: Path) -> None:
    with tarfile.open(write(tmp_path / "image")) as archive:
        (manifest,) = json.load(archive.extractfile("manifest.json") or pytest.fail("no manifest"))
        config_bytes = (archive.extractfile(manifest["Config"]) or pytest.fail("no config")).read()
        layer = (archive.extractfile(manifest["Layers"][0]) or pytest.fail("no layer")).read()
    assert manifest["RepoTags"] == ["localhost/tool:1"]
    assert manifest["Config"] == f"{hashlib.sha256(config_bytes).hexdigest()}.json"
    config = json.loads(config_bytes)
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    assert config["config"] == SETTINGS


@pytest.mark.parametrize("reference", ["localhost/tool", "localhost/tool:latest", "localhost:5000/tool"])
def test_a_tag_is_required_and_is_not_latest(tmp_path: Path, reference: str) -> None:
    with pytest.raises(ValueError, match="needs a tag"):
        write(tmp_path / "image", reference=reference)


def test_a_failure_leaves_no_half_of_an_archive(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_archive(tmp_path / "image.tar", "localhost/tool:1", [tmp_path / "missing.tar"], SETTINGS)
    assert list(tmp_path.iterdir()) == []
