"""kstatus, by which Flux and others read conditions, makes of every recorded object what the table says."""

from __future__ import annotations

import json
import subprocess
from functools import cache

import pytest

from devcluster import go
from tests.unit.argocd.records import Record, records
from tests.unit.argocd.tables import meant, situations

TABLE = situations("conditions.md")


@cache
def computed() -> dict[str, str]:
    """The real kstatus on every record, by its name."""
    given = "\n".join(json.dumps(each.object) for each in records())
    done = subprocess.run([str(go.build("kstatus"))], input=given, capture_output=True, text=True, check=True)
    return dict(zip(map(str, records()), done.stdout.split(), strict=True))


@pytest.mark.parametrize("record", records(), ids=str)
def test_kstatus_is_what_the_table_says(record: Record) -> None:
    row = TABLE[record.kind, record.row]
    assert computed()[str(record)] == meant(row["kstatus"], "Stalled" in record.conditions)
