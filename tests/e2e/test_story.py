"""The demonstration's stories: a first version, a better one, one with a mistake."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request

from demo import checks, story
from tests.e2e.conftest import Told
from tests.e2e.envoy import tally_classes


def test_the_story_is_told(told: Told) -> None:
    steps = story.steps(told.stage)
    assert checks.missing(told.scenes[3], told.stage.record, told.tally, steps) == []


def test_the_first_version_that_is_approved_serves(told: Told) -> None:
    scene = told.scenes[1]
    assert scene.versions[1].spec.approval.decision == "Approved"
    assert scene.condition("Ready")[0] == "True"
    assert scene.condition("UpToDate")[0] == "True"
    assert story.outcome(scene, 1) == "Deployed"


def test_a_better_version_climbs_every_step_and_takes_over(told: Told) -> None:
    scene = told.scenes[2]
    assert float(scene.versions[2].spec.metrics["roc_auc"]) > float(scene.versions[1].spec.metrics["roc_auc"])
    assert story.outcome(scene, 2) == "Promoted"
    assert scene.condition("Ready")[0] == "True"
    assert told.stage.record.errors(2, told.tally) == 0


def test_a_version_with_a_mistake_is_rolled_back_and_says_why(told: Told) -> None:
    scene = told.scenes[3]
    assert scene.versions[3].spec.approval.decision == "Approved"  # its metric and its golden rows were fine
    assert scene.condition("Ready")[0] == "True"
    assert scene.condition("UpToDate")[0] == "False"
    status, reason, message = scene.condition("Stalled")
    assert (status, reason) == ("True", "RolledBack")
    assert "3" in message
    assert told.stage.record.errors(3, told.tally) < 0.02 * told.tally.sent


def test_no_request_is_lost_in_a_promotion_and_a_rollback(told: Told) -> None:
    assert told.tally.lost_total == 0
    assert told.tally.in_flight == 0


def test_the_gateway_counted_the_same_requests_for_each_version(told: Told) -> None:
    for version in (1, 2):
        name = next(name for name, behind in told.stage.record.services.items() if behind == version)
        # The gateway also counts what preflight sent to the version, which is a few requests and no more.
        extra = told.services[version].classes - tally_classes(told.tally, name)
        missing = tally_classes(told.tally, name) - told.services[version].classes
        assert missing == {}
        assert extra.total() <= 5, f"version {version}: the gateway counted {extra} more than the client"


def test_the_gateway_counted_no_request_that_the_client_did_not_see_answered(told: Told) -> None:
    # Two preflights ran meanwhile; each asks again until its route is there.
    extra = told.gateway.classes - tally_classes(told.tally)
    assert extra["5"] == 0
    assert extra.total() <= 20


def test_the_address_in_the_status_answers(told: Told) -> None:
    address = told.scenes[3].deployment.url
    assert address is not None
    parts = urllib.parse.urlsplit(address)
    assert parts.hostname == "flights.localhost"
    # Resolvers that do not know .localhost are helped: it is this machine.
    local = f"http://127.0.0.1:{parts.port}{parts.path}"
    request = urllib.request.Request(local, headers={"Host": parts.netloc})
    with urllib.request.urlopen(request, timeout=10) as response:
        assert json.load(response)["name"] == "flights"
