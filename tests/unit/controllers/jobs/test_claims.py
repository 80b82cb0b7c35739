from __future__ import annotations

import pytest

from perennial.controllers.jobs.claims import ClaimPath, lies_under, parse_claim_path

FOLDER = ClaimPath("models", "registry/flights/flights/uid-1")


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("pvc://data", ClaimPath("data", "")),
        ("pvc://data/2013/january.csv", ClaimPath("data", "2013/january.csv")),
    ],
)
def test_an_address_there_and_back(uri: str, expected: ClaimPath) -> None:
    assert parse_claim_path(uri) == expected
    assert expected.uri == uri


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "data/january.csv",
        "s3://data/january.csv",
        "pvc://",
        "pvc:///etc/passwd",
        "pvc://data/../other",
        "pvc://data/..",
        "pvc://data/./x",
        "pvc://data/.hidden",
        "pvc://data//x",
        "pvc://data/x/",
        "pvc://data/x\n",
        "pvc://data/a b",
        "pvc://Data/x",
        "pvc://data/" + "x" * 600,
    ],
)
def test_what_is_no_address(uri: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  pydantic's own text
        parse_claim_path(uri)


@pytest.mark.parametrize(
    ("uri", "inside"),
    [
        ("pvc://models/registry/flights/flights/uid-1/abc", True),
        ("pvc://models/registry/flights/flights/uid-1/abc/def", True),
        ("pvc://models/registry/flights/flights/uid-1", False),
        ("pvc://models/registry/flights/flights/uid-10/abc", False),
        ("pvc://models/registry/flights/flights/uid-1/../uid-2/abc", False),
        ("pvc://models/abc", False),
        ("pvc://other/registry/flights/flights/uid-1/abc", False),
        ("/mnt/output/abc", False),
    ],
)
def test_what_lies_in_a_folder(uri: str, inside: bool) -> None:
    assert lies_under(uri, FOLDER) is inside


def test_a_folder_at_the_root_of_a_claim() -> None:
    assert (ClaimPath("models", "") / "flights" / "x").uri == "pvc://models/flights/x"
