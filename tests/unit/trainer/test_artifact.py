"""The artifact: identity, tampering, the digest of content, what may be loaded."""

import functools
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from perennial_trainer.artifact import content, golden, manifest, persistence, store
from perennial_trainer.canonical import digest_bytes
from perennial_trainer.errors import WorkError

names = st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8})?(\.[a-z]{1,4})?", fullmatch=True).filter(
    lambda name: name != manifest.FILE_NAME
)
digests = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
entries = st.lists(st.builds(manifest.Entry, names, digests, st.integers(0, 2**40)), unique_by=lambda e: e.path)


@given(entries)
def test_manifest_survives_a_round_trip_in_any_order(listed: list[manifest.Entry]) -> None:
    data = manifest.encode(listed)
    assert manifest.decode(data) == tuple(sorted(listed))
    assert manifest.encode(reversed(listed)) == data


@given(st.binary(max_size=200))
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(WorkError, match=r"manifest\.json"):
        manifest.decode(data)


@pytest.mark.parametrize("path", ["../model.skops", "/etc/passwd", "a/../../b", "", "manifest.json"])
def test_a_manifest_cannot_name_files_elsewhere(path: str) -> None:
    data = manifest.encode([manifest.Entry(path, "0" * 64, 1)])
    with pytest.raises(WorkError) as caught:
        manifest.decode(data)
    assert caught.value.reason == "ManifestInvalid"


@pytest.fixture
def copy(artifact: Path, tmp_path: Path) -> Path:
    """The artifact in a folder that may be damaged."""
    return Path(shutil.copytree(artifact, tmp_path / artifact.name))


def test_the_folder_is_named_by_its_manifest(artifact: Path) -> None:
    found = store.verify(artifact, artifact.name)
    assert digest_bytes((artifact / "manifest.json").read_bytes()) == artifact.name
    assert [entry.path for entry in found.entries] == ["golden.json", "model.json", "model.skops"]
    assert found.size_bytes == sum((artifact / e.path).stat().st_size for e in found.entries)


def test_everyone_can_read_it(artifact: Path) -> None:
    assert artifact.stat().st_mode & 0o777 == 0o755
    assert {path.stat().st_mode & 0o777 for path in artifact.iterdir()} == {0o644}


@pytest.mark.parametrize("name", ["golden.json", "model.json", "model.skops", "manifest.json"])
def test_one_changed_byte_is_refused(copy: Path, name: str) -> None:
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(WorkError, match=name) as caught:
        store.verify(copy, copy.name)
    assert caught.value.reason == "DigestMismatch"


def test_missing_extra_and_linked_files_are_refused(copy: Path, tmp_path: Path) -> None:
    (copy / "extra.py").write_text("")
    _refused(copy, "extra.py is not in the manifest")
    (copy / "extra.py").unlink()
    (copy / "model.json").rename(tmp_path / "model.json")
    _refused(copy, "model.json is missing")
    (copy / "model.json").symlink_to(tmp_path / "model.json")
    _refused(copy, "model.json is missing")


def test_a_file_that_changes_after_verification_is_not_read(copy: Path) -> None:
    found = store.verify(copy, copy.name)
    (copy / "model.skops").write_bytes(b"other")
    with pytest.raises(WorkError) as caught:
        found.read("model.skops")
    assert caught.value.reason == "DigestMismatch"


def test_no_artifact_is_a_reason_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(WorkError) as caught:
        store.verify(tmp_path, "0" * 64)
    assert caught.value.reason == "ArtifactNotFound"


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(WorkError) as caught:
        store.write(tmp_path, {"no/such/folder": b"x"})
    assert caught.value.reason == "OutputUnwritable"
    assert list(tmp_path.iterdir()) == []


def test_bytes_differ_and_content_does_not() -> None:
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    first, second = persistence.dump(model), persistence.dump(_again(model))
    assert content.model_digest(first) == content.model_digest(second)
    other = LogisticRegression().fit([[0.0], [1.1]], [0, 1])
    assert content.model_digest(persistence.dump(other)) != content.model_digest(first)
    parts: dict[str, Any] = {"inputs": [1]}
    assert content.content_digest(first, **parts) != content.content_digest(first)


def test_a_type_that_is_not_trusted_is_neither_saved_nor_loaded() -> None:
    import skops.io

    model = FunctionTransformer(functools.partial(print, "run"))
    with pytest.raises(WorkError) as caught:
        persistence.dump(model)
    assert caught.value.reason == "FormatUnsupported"
    with pytest.raises(WorkError, match="not trusted"):
        persistence.load(skops.io.dumps(model))


def test_a_broken_model_file_is_a_sentence() -> None:
    with pytest.raises(WorkError) as caught:
        persistence.load(b"not a model")
    assert caught.value.reason == "ModelUnreadable"


@pytest.mark.parametrize(
    ("want", "got", "equal"),
    [
        (1.0, 1.0 + 5e-7, True),
        (1.0, 1.0 + 5e-6, False),
        (1e9, 1e9 + 1, True),
        (1, 1.0, True),
        ("1", 1, False),
        (True, 1, False),
        (None, None, True),
        (0.0, None, False),
        ("yes", "no", False),
    ],
)
def test_answers_are_compared_labels_exactly_numbers_closely(want: Any, got: Any, equal: bool) -> None:
    assert golden.same(want, got) is equal


@pytest.mark.parametrize(
    ("answer", "part"),
    [({"error": "x"}, "no list"), ([1], "2 rows got 1"), ([1, 3], "golden row 2 must be answered 2")],
)
def test_the_first_difference_is_named(answer: Any, part: str) -> None:
    assert part in str(golden.first_difference([1, 2], answer))


def _refused(folder: Path, part: str) -> None:
    with pytest.raises(WorkError, match=part) as caught:
        store.verify(folder, folder.name)
    assert caught.value.reason == "DigestMismatch"


def _again(model: LogisticRegression) -> LogisticRegression:
    again: LogisticRegression = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    assert json.dumps(again.coef_.tolist()) == json.dumps(model.coef_.tolist())
    return again
