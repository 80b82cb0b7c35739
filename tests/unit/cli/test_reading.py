"""What the view does when something does not answer, or may not be asked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from perennial.cli.reading import ABSENT, DENIED, SERVICE, SILENT, TRIES, UNREAD, Reader
from perennial.ports.kinds import Kind
from perennial.ports.kube import Forbidden, NotFound, NotInstalled, Object, Unavailable
from tests.unit.cli.objects import rolling, steady

ANSWER = {"trace": [], "reading": {"message": "Live."}}


class Cluster:
    """Answers from lists, the last one again and again; an exception is raised."""

    def __init__(self, *objects: Any, numbers: tuple[Any, ...] = (ANSWER,)) -> None:
        self.objects, self.numbers, self.asked = list(objects), list(numbers), 0

    async def get(self, _: Kind, __: str, ___: str) -> Object | None:
        found: Object | None = _next(self.objects)
        return found

    async def through_service(self, namespace: str, service: str, path: str) -> Object:
        assert (namespace, service, path) == ("system", SERVICE, "/rollouts/flights/late")
        self.asked += 1
        found: Object = _next(self.numbers)
        return found


def _next(left: list[Any]) -> Any:
    found = left.pop(0) if len(left) > 1 else left[0]
    if isinstance(found, Exception):
        raise found
    return found


def reader(cluster: Cluster) -> Reader:
    return Reader(cluster, "flights", "late", "system")


ROLLING, STEADY = dict(rolling().obj), dict(steady().obj)
BUSY = Unavailable("this replica does not lead")


@pytest.mark.parametrize(
    ("numbers", "note", "asked"),
    [
        ((ANSWER,), "", 1),
        ((BUSY, BUSY, ANSWER), "", 3),
        ((BUSY,), SILENT, TRIES),
        ((Forbidden("no"),), DENIED, 1),
        ((NotFound("no"),), ABSENT.format("system"), 1),
        ((NotInstalled("not followed"),), "", 1),
        (({"trace": [{"other": 1}]},), SILENT, 1),
        (({"unknown": 1},), SILENT, 1),
    ],
)
async def test_the_operators_numbers(numbers: tuple[Any, ...], note: str, asked: int) -> None:
    cluster = Cluster(ROLLING, numbers=numbers)
    looking = reader(cluster)
    await looking.first()
    scene = looking.scene()
    assert (scene.note, cluster.asked) == (note, asked)
    assert (scene.live is not None) == (numbers[-1] is ANSWER)
    assert scene.seen is not None


async def test_nobody_is_asked_while_nothing_is_compared() -> None:
    cluster = Cluster(STEADY, numbers=(AssertionError(),))
    await reader(cluster).first()
    assert cluster.asked == 0


async def test_what_was_read_stays_while_the_cluster_is_away_and_its_age_grows() -> None:
    cluster = Cluster(ROLLING, Unavailable("gone"), Unavailable("gone"), STEADY)
    looking = reader(cluster)
    await looking.first()
    before = looking.scene()
    await looking.read()
    await looking.read()
    away = looking.scene()
    assert (away.seen, away.live, away.read) == (before.seen, before.live, before.read)
    assert away.trouble == UNREAD
    assert away.now - away.read >= timedelta(0)
    await looking.read()
    back = looking.scene()
    assert back.trouble == ""
    assert back.seen is not None
    assert back.seen.canary is None
    assert back.read >= before.read


async def test_numbers_of_before_stay_while_the_operator_changes_hands() -> None:
    looking = reader(Cluster(ROLLING, numbers=(ANSWER, *[BUSY] * TRIES, ANSWER)))
    await looking.first()
    await looking.read()
    assert (looking.scene().note, looking.scene().live is not None) == (SILENT, True)
    await looking.read()
    assert looking.scene().note == ""


async def test_a_right_that_was_taken_away_ends_it() -> None:
    looking = reader(Cluster(ROLLING, Forbidden("no")))
    await looking.first()
    with pytest.raises(Forbidden):
        await looking.read()


async def test_one_that_is_deleted_is_shown_as_gone() -> None:
    looking = reader(Cluster(ROLLING, None))
    await looking.first()
    await looking.read()
    assert looking.scene().seen is None
