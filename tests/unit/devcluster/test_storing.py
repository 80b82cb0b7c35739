"""Hashes of what goes in, and folders that are there only when they are whole."""

import os
from pathlib import Path

import pytest

from devcluster.storing import digest, files_digest, make_folder, prune, write_if_changed


def test_where_a_text_ends_counts() -> None:
    assert digest(["ab", "c"]) != digest(["a", "bc"])
    assert digest(["a", b"b"]) == digest([b"a", "b"])


def test_paths_bytes_and_executable_bits_count_and_order_does_not(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("1")
    two.write_text("2")
    before = files_digest(tmp_path, [one, two])
    assert files_digest(tmp_path, [two, one, two]) == before
    os.utime(one, (0, 0))
    assert files_digest(tmp_path, [one, two]) == before
    one.chmod(0o755)
    executable = files_digest(tmp_path, [one, two])
    one.write_text("changed")
    assert len({before, executable, files_digest(tmp_path, [one, two]), files_digest(tmp_path, [one])}) == 4


def test_a_folder_is_filled_once(tmp_path: Path) -> None:
    calls = []

    def fill(folder: Path) -> None:
        calls.append(folder)
        (folder / "file").write_text("content")

    target = tmp_path / "cache" / "folder"
    assert make_folder(target, fill) == make_folder(target, fill) == target
    assert len(calls) == 1
    assert (target / "file").read_text() == "content"


def test_an_interrupted_fill_leaves_nothing(tmp_path: Path) -> None:
    def interrupted(folder: Path) -> None:
        (folder / "half").write_text("")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_folder(tmp_path / "folder", interrupted)
    assert list(tmp_path.iterdir()) == []


def test_when_someone_else_was_quicker_theirs_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "folder"

    def overtaken(folder: Path) -> None:
        (folder / "file").write_text("ours")
        target.mkdir()
        (target / "file").write_text("theirs")

    assert (make_folder(target, overtaken) / "file").read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [target]


def test_the_newest_are_kept(tmp_path: Path) -> None:
    for age, name in enumerate(["new.tar", "old.tar", "older.tar", "oldest.tar"]):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    (tmp_path / "other").mkdir()
    prune(tmp_path, "*.tar", keep=2)
    assert {path.name for path in tmp_path.iterdir()} == {"new.tar", "old.tar", "other"}


def test_a_file_that_says_the_same_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_if_changed(path, "one")
    os.utime(path, (0, 0))
    write_if_changed(path, "one")
    assert path.stat().st_mtime == 0
    write_if_changed(path, "two")
    assert path.read_text() == "two"
