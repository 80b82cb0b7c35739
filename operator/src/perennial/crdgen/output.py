"""The generated files, as text, and their comparison with what is on disk."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from perennial.api.base import GROUP, Resource
from perennial.crdgen.crd import custom_resource_definition
from perennial.crdgen.reference import reference

FOLDER = "crds"
REFERENCE = "docs/reference.md"
_HEADER = "# Generated from operator/src/perennial/api by `make generate`. Do not edit.\n"


class _Dumper(yaml.SafeDumper):
    """Writes every value out: an alias would make two fields look like one."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def to_yaml(document: Mapping[str, Any]) -> str:
    """``document`` as YAML with a header that says where it comes from; equal input gives equal text."""
    text = yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)
    return _HEADER + text


def generated_files(resources: Iterable[Resource]) -> dict[str, str]:
    """Path under the repository -> text, for every file that is generated from ``resources``."""
    definitions = {}
    for each in sorted(resources, key=lambda resource: resource.plural):
        definitions[f"{GROUP}_{each.plural}.yaml"] = custom_resource_definition(each)
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": list(definitions),
    }
    files = {f"{FOLDER}/{name}": to_yaml(each) for name, each in definitions.items()}
    files[f"{FOLDER}/kustomization.yaml"] = to_yaml(kustomization)
    files[REFERENCE] = reference(definitions.values())
    return files


def leftovers(root: Path, files: Iterable[str]) -> list[str]:
    """Definitions under ``root`` that no kind has any more."""
    there = (f"{FOLDER}/{path.name}" for path in (root / FOLDER).glob(f"{GROUP}_*.yaml"))
    return sorted(set(there) - set(files))


def write(root: Path, files: Mapping[str, str]) -> list[str]:
    """Make the disk like ``files``; returns the paths that changed."""
    changed = [path for path, text in files.items() if _read(root / path) != text]
    for path in changed:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(files[path], encoding="utf-8")
    stale = leftovers(root, files)
    for path in stale:
        (root / path).unlink()
    return changed + stale


def differences(root: Path, files: Mapping[str, str]) -> list[str]:
    """The lines of a unified diff from the disk to ``files``; none when nothing differs."""
    lines: list[str] = []
    for path, text in [*files.items(), *((path, "") for path in leftovers(root, files))]:
        there = _read(root / path).splitlines()
        lines += difflib.unified_diff(there, text.splitlines(), path, f"{path} (generated)", lineterm="", n=1)
    return lines


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
