"""Every situation of docs/conditions.md happens as it was recorded for the tests of health and kstatus.

With PERENNIAL_RECORD=1 (`make records`) the records are written instead.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Awaitable, Callable
from itertools import count

import pytest

from perennial.ports.kube import KubeClient, Object
from tests.apiserver.gitops import guarded
from tests.apiserver.gitops.place import Place, Situation
from tests.apiserver.support import Kubectl
from tests.unit.argocd.records import Record, read, records

SITUATIONS = [situation for case in guarded.CASES for situation in case[1].all]
INSTALLED = [each for each in SITUATIONS if not each.bare]
BARE = [each for each in SITUATIONS if each.bare]
RECORDING = bool(os.environ.get("PERENNIAL_RECORD"))
_UUID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_TIME = re.compile(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_numbers = count(1)


def named(situation: Situation) -> str:
    return f"{situation.kind}-{situation.name}"


@pytest.mark.parametrize("situation", INSTALLED, ids=named)
async def test_it_happens_as_recorded(situation: Situation, place: Place) -> None:
    check(situation, await situation.make(place), place.namespace)


@pytest.mark.parametrize("situation", BARE, ids=named)
async def test_without_what_we_build_upon_it_happens_as_recorded(
    situation: Situation, bare: Kubectl, connect: Callable[[Kubectl], Awaitable[KubeClient]]
) -> None:
    namespace = f"bare-{next(_numbers)}"
    bare("create", "namespace", namespace)
    client = await connect(bare)
    check(situation, await situation.make(Place(namespace, client, client, bare)), namespace)


def test_no_record_is_of_a_situation_that_is_gone() -> None:
    assert {str(each) for each in records()} == {f"{each.kind}/{each.name}" for each in SITUATIONS}


def check(situation: Situation, obj: Object, namespace: str) -> None:
    """The conditions, and whose spec they speak of, are as recorded; or they are recorded now."""
    now = Record(situation.kind, situation.name, situation.row, lasting(obj, namespace))
    if RECORDING:
        now.write()
        return
    assert now.path.exists(), "not recorded: `make records`"
    then = read(now.path)
    assert (now.row, now.conditions, _seen(now)) == (then.row, then.conditions, _seen(then)), "stale: `make records`"


def _seen(record: Record) -> bool:
    """Whether the status speaks of the spec as it is."""
    return bool(record.object.get("status", {}).get("observedGeneration") == record.object["metadata"]["generation"])


def lasting(obj: Object, namespace: str) -> Object:
    """The object without what is another in every run: uids, times, hashes and the namespace."""
    kept = {key: value for key, value in obj["metadata"].items() if key not in ("managedFields", "resourceVersion")}
    text = json.dumps({**obj, "metadata": kept}).replace(namespace, "flights")
    for hashed in dict.fromkeys(re.findall(r'"revision": "(\w+)"', text)):
        text = text.replace(hashed, f"revision{text.index(hashed)}")
    uids = {uid: number for number, uid in enumerate(dict.fromkeys(each.group() for each in _UUID.finditer(text)), 1)}
    text = _UUID.sub(lambda found: f"00000000-0000-4000-8000-{uids[found.group()]:012d}", text)
    lasting: Object = json.loads(_TIME.sub("2026-01-01T00:00:00Z", text))
    return lasting
