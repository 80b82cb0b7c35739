"""The route that a move asks for, and how a revision leaves it without losing a request. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from perennial.controllers.modeldeployment import recreate, route
from perennial.controllers.modeldeployment.move import Move
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.revision import ROLLED_BACK, Record
from perennial.core.names import short_hash


def wanted(seen: Observed, move: Move, records: list[Record], now: datetime, fresh_token: str) -> dict[str, Any] | None:
    """The HTTPRoute as it should be; None while there is nothing to name, or nothing that would take it."""
    if seen.foreign or not seen.gateway.installed:
        return None
    tokens = _tokens(seen, records, fresh_token)
    if not tokens:
        return None
    live = seen.live_route
    weights = _weights(seen, move, tokens)
    if weights:
        weights.update({service: 0 for service in tokens if service in live.weights and service not in weights})
    mirror = _mirror(move, tokens)
    changed = (_shares(live.weights), live.mirror) != (_shares(weights), mirror)
    since = now if changed or live.since is None else live.since
    return route.route(seen.deployment, seen.spec.router, weights, tokens, since, _rolled_back(seen, move), mirror)


def _weights(seen: Observed, move: Move, tokens: Mapping[str, str]) -> dict[str, int]:
    """The shares that the route can have now."""
    if recreate.down(seen, move.course):
        return {}
    # A backend that does not exist yet makes the gateway refuse the route; at weight 0 nobody misses it.
    weights = {service: weight for service, weight in move.weights.items() if weight or service in tokens}
    # One that is made anew gets its requests once it is there.
    there = tokens.keys() | seen.live_route.services
    return weights if any(weight and service in there for service, weight in weights.items()) else {}


def _mirror(move: Move, tokens: Mapping[str, str]) -> tuple[str, int] | None:
    """The InferenceService that gets copies of requests, and of how many percent."""
    canary = move.course.canary
    if canary is None or not canary.mirror or move.weights.get(canary.inference_service) is None:
        return None
    return (canary.inference_service, canary.mirror) if canary.inference_service in tokens else None


def useless(seen: Observed, move: Move, records: list[Record]) -> bool:
    """Whether the live route names only what is no longer wanted, and no user is sent anywhere by it."""
    tokens = _tokens(seen, records, "")
    return seen.route is not None and not tokens and not _weights(seen, move, tokens)


def _tokens(seen: Observed, records: list[Record], fresh_token: str) -> dict[str, str]:
    live = seen.live_route
    # A keeper rule names a Service: the gateway refuses the route as long as KServe has not made it.
    reachable = [each.service for each in records if each.service in live.services or seen.health(each).serves]
    fresh = {each: live.tokens.get(each) or short_hash([fresh_token, each], 26) for each in reachable}
    return {**_leaving(seen, records), **fresh}


def _leaving(seen: Observed, records: list[Record]) -> dict[str, str]:
    """Revisions that nobody wants but that stay in the route until the gateway has taken a weight of 0 for them.

    Weight and keeper rule taken away at once would end the gateway's cluster under requests that are on their way.
    """
    live, kept = seen.live_route, {record.service for record in records}
    busy = {service for service in live.tokens if live.weights.get(service, 0) > 0 or not seen.gateway_state.ready}
    return {service: live.tokens[service] for service in busy - kept if service in seen.services}


def _shares(weights: Mapping[str, int]) -> dict[str, int]:
    return {service: weight for service, weight in weights.items() if weight}


def _rolled_back(seen: Observed, move: Move) -> dict[str, str]:
    """Said on the route in the very write that ends the canary's share, so that a crash right after forgets nothing.

    It stays until it was seen on the revision's record.
    """
    ended = {revision: message for revision, (outcome, message) in move.outcomes.items() if outcome == ROLLED_BACK}
    recorded = {record.revision for record in seen.records if record.outcome == ROLLED_BACK}
    return {revision: message for revision, message in ended.items() if revision not in recorded}
