"""The health that Argo CD shows of every recorded object is that of the table in docs/gitops.md."""

from __future__ import annotations

import copy

import pytest

from tests.unit.argocd.argo import health
from tests.unit.argocd.records import Record, records
from tests.unit.argocd.tables import KINDS, meant, reasons, situations

TABLE = situations("gitops.md")


@pytest.mark.parametrize("record", records(), ids=str)
def test_health_is_what_the_table_says(record: Record) -> None:
    row = TABLE[record.kind, record.row]
    assert health(record.object) == meant(row["Argo CD"], "Stalled" in record.conditions)


@pytest.mark.parametrize("record", records(), ids=str)
def test_a_change_that_nobody_has_looked_at_is_progressing(record: Record) -> None:
    changed = copy.deepcopy(record.object)
    changed["metadata"]["generation"] += 1
    assert health(changed) == "Progressing"


def test_what_nobody_has_ever_looked_at_is_progressing() -> None:
    new = {"metadata": {"generation": 1}, "spec": {}}
    assert health(new) == "Progressing"
    assert health(new | {"status": {"observedGeneration": 1, "conditions": []}}) == "Progressing"


def test_the_two_pages_have_the_same_rows_and_the_same_kstatus() -> None:
    told = {key: row["kstatus"] for key, row in situations("conditions.md").items()}
    assert {key: row["kstatus"] for key, row in TABLE.items()} == told


def test_every_situation_is_recorded() -> None:
    assert {(each.kind, each.row) for each in records()} == set(situations("conditions.md"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_reason_is_recorded(kind: str) -> None:
    found = {reason for each in records() if each.kind == kind for _, reason in each.conditions.values()}
    assert reasons(kind) - found == set()
