"""No tenant can aim the operator at an address: no spec has a field for one, and HTTP clients are made of settings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
CRDS = sorted((ROOT / "crds").glob("perennial.dev_*.yaml"))
SOURCE = ROOT / "operator/src/perennial"
ADDRESSES = (
    "http://10.0.0.1/",
    "https://evil.example/x",
    "10.0.0.1:80",
    "evil.example:443",
    "//evil.example",
    "file:///x",
)
# Texts of any form, and what becomes of them: a new one is entered here by somebody who has looked.
FREE = {
    "image": "the kubelet pulls it, for a pod of the same namespace",
    "env[].value": "given to a container",
    "command[]": "given to a container",
    "args[]": "given to a container",
    "params.*": "given to a container; copied to the version's lineage",
    "secretKeyRef.key": "read by the kubelet",
    "configMapKeyRef.key": "read by the kubelet",
    "estimator.target": "given to a container: a column of the data",
    "estimator.numeric[]": "given to a container: columns of the data",
    "estimator.categorical[]": "given to a container: columns of the data",
    "artifact.framework": "for people",
    "lineage.dataUri": "for people",
    "trainingRunRef.uid": "compared",
    "approval.by": "for people, and the policy for approvals",
    "approval.reason": "for people",
    "rollout.retry": "compared",
}
CLIENTS = {"aiohttp", "requests", "urllib", "urllib3", "http", "httpx", "socket", "kubernetes", "prometheus_api_client"}
MAY_CONNECT = {"ports/kube.py", "ports/prometheus.py"}
# Which import a part of such a package and connect to nothing by themselves.
OTHERWISE = {
    "core/server.py": "our own endpoint",
    "__main__.py": "the host's name",
    "ports/last_moment.py": "a part of the apiserver's client",
    "ports/kubeconfig.py": "reads a file of the person's who runs the command",
}
# What people run connects as they do.
COMMANDS = {("cli/__main__.py", "connect"), ("cli/completion.py", "connect")}


def texts(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """(path, pattern) of every text in a schema that is not one of a few words."""
    match schema.get("type"):
        case "object":
            for name, each in schema.get("properties", {}).items():
                yield from texts(each, f"{path}.{name}")
            if isinstance(schema.get("additionalProperties"), dict):
                yield from texts(schema["additionalProperties"], f"{path}.*")
        case "array":
            yield from texts(schema["items"], f"{path}[]")
        case "string":
            if "enum" not in schema:
                yield path, schema.get("pattern", "")
        case "integer" | "boolean":
            return
        case None if schema.get("x-kubernetes-int-or-string"):
            yield path, schema.get("pattern", "")
        case other:
            raise AssertionError(f"{path} has no type that can be looked at: {other}")


@pytest.mark.parametrize("crd", CRDS, ids=lambda path: path.stem)
def test_no_field_of_a_spec_holds_an_address(crd: Path) -> None:
    versions = yaml.safe_load(crd.read_text())["spec"]["versions"]
    found = [each for version in versions for each in texts(version["schema"]["openAPIV3Schema"]["properties"]["spec"])]
    assert len(found) > 10
    for path, pattern in found:
        if any(path.endswith(f".{known}") for known in FREE):
            continue
        assert pattern, f"{path} takes any text: say in FREE what becomes of it"
        taken = [address for address in ADDRESSES if re.search(pattern, address)]
        assert not taken, f"{path} takes {taken}"


def test_clients_are_made_where_settings_are_and_nowhere_else() -> None:
    modules = {str(path.relative_to(SOURCE)): ast.parse(path.read_text()) for path in SOURCE.rglob("*.py")}
    importing = {name for name, tree in modules.items() if CLIENTS & set(_imports(tree))}
    assert importing <= {*MAY_CONNECT, *OTHERWISE}
    made = {
        (name, call) for name, tree in modules.items() for call in _calls(tree) if call in ("HttpPrometheus", "connect")
    }
    assert made - COMMANDS == {("core/connecting.py", "HttpPrometheus"), ("core/run.py", "connect")}


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name.partition(".")[0] for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def _calls(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            yield function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
