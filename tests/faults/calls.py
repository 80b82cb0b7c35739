"""Requests to the apiserver as the fault tests see them: who, what verb, on which object."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from perennial.ports import kinds
from perennial.ports.kinds import Kind

KINDS: Mapping[tuple[str, str], Kind] = {
    (each.prefix, each.plural): each for each in vars(kinds).values() if isinstance(each, Kind)
}
VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
OPERATOR, OTHERS = "operator", "others"
_PATH = re.compile(
    r"^(?P<prefix>/api/v1|/apis/[^/]+/[^/]+)(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+))?(?:/(?P<subresource>[a-z]+))?$"
)

Object = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One request. `kind` is None for what is no object of ours (discovery); `body` is None where there is none.

    `incarnation` counts the operator's processes: what a dead one still sends is refused.
    """

    who: str
    incarnation: int
    verb: str
    kind: Kind | None
    namespace: str | None
    name: str | None
    subresource: str
    query: Mapping[str, str]
    body: Object | None

    @property
    def writes(self) -> bool:
        return self.verb in VERBS.values()

    @property
    def by_operator(self) -> bool:
        return self.who == OPERATOR


def parse(who: str, incarnation: int, method: str, path: str, query: Mapping[str, str], data: bytes) -> Call:
    """The call that a request makes. An apply's body is JSON here, which is YAML too."""
    found = _PATH.match(path)
    parts: Mapping[str, Any] = found.groupdict() if found else {}
    kind = KINDS.get((parts.get("prefix", ""), parts.get("plural", "")))
    name = parts.get("name")
    body = json.loads(data) if data else None
    if name is None and method == "POST" and body is not None:
        name = body["metadata"].get("name")
    return Call(
        who=who,
        incarnation=incarnation,
        verb=VERBS.get(method) or _reading(parts, query),
        kind=kind,
        namespace=parts.get("namespace"),
        name=name,
        subresource=parts.get("subresource") or "",
        query=dict(query),
        body=body,
    )


def _reading(parts: Mapping[str, Any], query: Mapping[str, str]) -> str:
    if query.get("watch") in ("true", "1"):
        return "watch"
    return "get" if parts.get("name") else "list"
