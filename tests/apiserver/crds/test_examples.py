"""Every example is an object that the apiserver takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

Kubectl = Callable[..., str]


def documents(folder: Path) -> list[dict[str, Any]]:
    """The objects in the YAML files under ``folder``, namespaces first, those of kustomize apart."""
    files = (path for path in sorted(folder.rglob("*.yaml")) if path.name != "kustomization.yaml")
    found = [each for path in files for each in yaml.safe_load_all(path.read_text()) if each]
    return sorted(found, key=lambda each: each["kind"] != "Namespace")


def test_every_example_applies(kubectl: Kubectl, repository: Path) -> None:
    examples = documents(repository / "examples")
    assert {"TrainingRun", "ModelDeployment"} <= {each["kind"] for each in examples}
    for example in examples:
        # The others cannot even be tried in a namespace that is not there.
        dry = [] if example["kind"] == "Namespace" else ["--dry-run=server"]
        kubectl("apply", *dry, "--validate=strict", "-f", "-", stdin=yaml.safe_dump(example))
