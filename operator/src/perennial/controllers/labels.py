"""The labels on everything that the operator makes, and whose an object is."""

from __future__ import annotations

from collections.abc import Mapping

from perennial.ports.kinds import Kind
from perennial.ports.kube import Object

CONTROLLER = "perennial.dev/controller"
NAME = "perennial.dev/name"
MODEL = "perennial.dev/model"
VERSION = "perennial.dev/version"
RUN_UID = "perennial.dev/run-uid"


def made_by(kind: Kind, name: str) -> dict[str, str]:
    """The labels that lead from a child's event back to the object of `kind` that it was made for."""
    return {CONTROLLER: kind.kind, NAME: name}


def owner_reference(kind: Kind, owner: Object) -> Object:
    """An ownerReference by which the garbage collector removes a child with its owner."""
    metadata = owner["metadata"]
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
    }


def is_owned(child: Object, uid: str) -> bool:
    """Whether an owner of this uid is among the child's. A name says nothing: it may have been used before."""
    return any(each.get("uid") == uid for each in child["metadata"].get("ownerReferences") or [])


def label(obj: Object, name: str) -> str | None:
    """The value of one label."""
    labels: Mapping[str, str] = obj["metadata"].get("labels") or {}
    return labels.get(name)
