"""What the operator's roles grant, read from manifests/base."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

BASE = Path(__file__).parents[3] / "manifests/base"
NOT_OF_THE_API = {"register"}
"""Verbs that no request has: a policy asks for them."""


@dataclass(frozen=True, order=True)
class Grant:
    """One verb on one resource; `name` limits it to one object."""

    group: str
    resource: str
    verb: str
    name: str = ""

    def __str__(self) -> str:
        """As in `kubectl auth can-i`."""
        return f"{self.verb} {self.resource}" + (f".{self.group}" if self.group else "")


def granted() -> list[Grant]:
    """Every grant of the cluster-wide role and of the one in the operator's namespace; a double one fails."""
    found = [grant for file in ("clusterrole.yaml", "role.yaml") for role in roles(file) for grant in of(role)]
    assert len(found) == len(set(found)), sorted(each for each in found if found.count(each) > 1)
    return sorted(found)


def roles(file: str) -> list[dict[str, Any]]:
    """The Roles and ClusterRoles in a file of manifests/base."""
    return [each for each in yaml.safe_load_all((BASE / file).read_text()) if "rules" in each]


def of(role: dict[str, Any]) -> list[Grant]:
    """The grants of one role."""
    return [
        Grant(group, resource, verb, name)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    ]


def rules(grants: list[Grant]) -> list[dict[str, Any]]:
    """Rules that grant just these."""
    return [
        {"apiGroups": [each.group], "resources": [each.resource], "verbs": [each.verb]}
        | ({"resourceNames": [each.name]} if each.name else {})
        for each in grants
    ]


def used(events: list[dict[str, Any]], names: dict[tuple[str, str], str]) -> set[Grant]:
    """What requests in an audit log needed; `names` are those that a grant of (group, resource) is limited to."""
    found = set()
    for event in events:
        what = event["objectRef"]
        resource = "/".join(filter(None, (what["resource"], what.get("subresource", ""))))
        group, verb = what.get("apiGroup", ""), event["verb"]
        # A create cannot be limited to a name.
        limit = names.get((group, resource), "") if verb != "create" else ""
        assert not limit or what["name"] == limit, event
        # Server-side apply of what is not there is a patch that needs create as well.
        made = verb == "patch" and event["responseStatus"]["code"] == 201
        found |= {Grant(group, resource, each, limit) for each in ([verb, "create"] if made else [verb])}
    return found
