"""docs/rbac.md says what the roles grant, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from tests.apiserver.security import grants

PAGE = Path(__file__).parents[3] / "docs/rbac.md"
_ROW = re.compile(r"^\| `([\w/.-]+)` \| ([a-z, ]+) \|", re.MULTILINE)


def test_the_page_says_what_the_roles_grant() -> None:
    granted = {(str(each).partition(" ")[2], each.verb) for each in grants.granted()}
    told = {(resource, verb) for resource, verbs in _ROW.findall(PAGE.read_text()) for verb in verbs.split(", ")}
    assert told == granted


def test_the_operator_reads_no_secret() -> None:
    resources = {each.resource.partition("/")[0] for each in grants.granted()}
    assert not resources & {"secrets", "configmaps", "nodes", "serviceaccounts", "roles", "rolebindings", "*"}
    assert not [each for each in grants.granted() if each.resource in ("pods/log", "pods/exec") or each.verb == "*"]
