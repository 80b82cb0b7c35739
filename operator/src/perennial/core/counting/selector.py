"""Selectors of Prometheus as an operator's owner writes them, with placeholders for whose samples are meant.

`requests_total{service="{service}",namespace="{namespace}",code=~"5.."}` names the Service of an InferenceService's
predictor (`{inferenceService}`: its own name) and its namespace. No functions: raw samples are needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from perennial.core.counting.family import Owner

SUFFIX = "-predictor"
"""What KServe adds to an InferenceService's name for its Service."""
_SELECTOR = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{(.*)\})?\s*", re.DOTALL)
_MATCHER = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(,|$)')
_PLACE = re.compile(r"\{(namespace|service|inferenceService)\}")
_NAME = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_MIRRORED = r"(?:\.mirror)?"
"""What the scrape configuration adds to an InferenceService's name for requests that are mirrored to it."""


@dataclass(frozen=True)
class Matcher:
    """`label operator "value"`; the value may hold placeholders if the operator is `=`."""

    label: str
    operator: str
    value: str

    @property
    def of_owner(self) -> bool:
        """Whether it says whose samples are meant."""
        return _PLACE.search(self.value) is not None

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What values match, as a whole; placeholders are groups."""
        if self.of_owner:
            return re.compile(_filled(self.value, {place: f"(?P<{place}>{_NAMES[place]})" for place in _PLACES}))
        return re.compile(self.value if "~" in self.operator else re.escape(self.value))

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether a series with these labels is selected."""
        found = self.pattern.fullmatch(labels.get(self.label, "")) is not None
        return found != self.operator.startswith("!")

    def written(self, owners: tuple[Owner, ...]) -> str:
        """As in a query for the samples of `owners` (empty: of everybody)."""
        if not self.of_owner:
            return f'{self.label}{self.operator}"{_quoted(self.value)}"'
        filled = sorted({_filled(self.value, _places(owner)) for owner in owners}) or [
            _filled(self.value, dict.fromkeys(_PLACES, ".+"))
        ]
        return f'{self.label}=~"{_quoted("|".join(filled))}"'


_PLACES = ("namespace", "service", "inferenceService")
_NAMES = {**dict.fromkeys(_PLACES, _NAME), "inferenceService": _NAME + _MIRRORED}


def _places(owner: Owner) -> dict[str, str]:
    namespace, name = owner
    return {"namespace": namespace, "service": name + SUFFIX, "inferenceService": name}


def _filled(template: str, places: Mapping[str, str]) -> str:
    """A regular expression: what stands between the placeholders is meant literally."""
    parts = _PLACE.split(template)
    return "".join(places[part] if index % 2 else re.escape(part) for index, part in enumerate(parts))


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), value)


@dataclass(frozen=True)
class Selector:
    """A metric's name and what its labels must be."""

    metric: str
    matchers: tuple[Matcher, ...]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether a series with these labels is selected."""
        return labels["__name__"] == self.metric and all(each.matches(labels) for each in self.matchers)

    def owner(self, labels: Mapping[str, str]) -> Owner | None:
        """Whose samples a series has; None if nobody's."""
        found: dict[str, str] = {}
        for each in self.matchers:
            if each.of_owner:
                match = each.pattern.fullmatch(labels.get(each.label, ""))
                if match is None:
                    return None
                found.update(match.groupdict())
        service = found.get("service", "")
        name = found.get("inferenceService", service.removesuffix(SUFFIX))
        if found.get("service", name + SUFFIX) != name + SUFFIX:
            return None
        return found["namespace"], name


def parse(text: str) -> Selector:
    """Read a selector. Raises ValueError with a sentence for anything else, and for one that names nobody."""
    found = _SELECTOR.fullmatch(text)
    if found is None:
        raise ValueError(f'{text!r} is no selector: write METRIC{{label="value"}}, without functions or a range')
    matchers, rest = [], found[2] or ""
    while rest.strip():
        one = _MATCHER.match(rest)
        if one is None:
            raise ValueError(f"{text!r} is no selector from {rest.strip()!r} on")
        matchers.append(Matcher(one[1], one[2], _unquoted(one[3])))
        rest = rest[one.end() :]
    _check(text, matchers)
    return Selector(found[1], tuple(matchers))


def _check(text: str, matchers: Iterable[Matcher]) -> None:
    places: set[str] = set()
    for each in matchers:
        places.update(_PLACE.findall(each.value))
        if each.of_owner and each.operator != "=":
            raise ValueError(f"{text!r} has a placeholder beside {each.operator}: placeholders go with = only")
        try:
            _ = each.pattern
        except re.error as error:
            raise ValueError(f"{text!r} has a regular expression that cannot be read: {error}") from None
    if "namespace" not in places or not places & {"service", "inferenceService"}:
        raise ValueError(f"{text!r} must name whose samples it means: {{namespace}} and {{service}}")


def written(selectors: Iterable[Selector], owners: tuple[Owner, ...], more: str = "") -> str:
    """One selector that selects at least all of `selectors`: their names, and the matchers that all of them have."""
    each = list(selectors)
    common = [matcher for matcher in each[0].matchers if all(matcher in other.matchers for other in each)]
    names = "|".join(sorted({selector.metric for selector in each}))
    parts = [f'__name__=~"{names}"', *(matcher.written(owners) for matcher in common)]
    return f"{{{','.join(parts)}{more}}}"
