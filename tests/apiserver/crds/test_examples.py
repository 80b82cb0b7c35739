"""Every example is an object that the apiserver takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

Kubectl = Callable[..., str]


def documents(folder: Path) -> list[dict[str, Any]]:
    """The objects in the YAML files under ``folder``, those of kustomize apart."""
    files = (path for path in sorted(folder.rglob("*.yaml")) if path.name != "kustomization.yaml")
    return [each for path in files for each in yaml.safe_load_all(path.read_text()) if each]


def test_every_example_applies(kubectl: Kubectl, repository: Path) -> None:
    examples = documents(repository / "examples")
    namespaces = {each["metadata"].get("namespace") for each in examples} - {None, "default"}
    for namespace in sorted(namespaces):
        given = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        kubectl("apply", "-f", "-", stdin=yaml.safe_dump(given))
    for example in examples:
        kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=yaml.safe_dump(example))
