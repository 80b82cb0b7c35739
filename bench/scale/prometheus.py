"""A Prometheus stand-in: it keeps the samples that are played and answers the query forms that the operator sends.

It knows one form, an instant query of raw samples, `{matchers}[Ns]`, and refuses all others. A test puts each query of
the operator to the real Prometheus too, with the same samples, and compares.
"""

from __future__ import annotations

import json
import re
import time
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

_SELECTOR = re.compile(r"\{(?P<matchers>.*)\}\[(?P<seconds>\d+)s\]", re.DOTALL)
_MATCHER = re.compile(r'\s*(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(,|$)')


class UnknownFormError(ValueError):
    """A query that it cannot answer as the real one would."""


@dataclass
class Series:
    """`texts[i]` is the sample of scrape `first + i`, as it stands in an answer."""

    labels: Mapping[str, str]
    first: int
    texts: list[str] = field(default_factory=list)
    value: float = 0.0

    def __post_init__(self) -> None:
        """The labels are written many times, and never change."""
        self.head = f'{{"metric":{json.dumps(dict(self.labels))},"values":['


@dataclass(frozen=True)
class Asked:
    """A query: when it arrived and when its answer was ready (monotonic seconds), and the time it asked for."""

    arrived: float
    answered: float
    promql: str
    at: float


class StandIn:
    """Samples by series; `scrape` takes one of every series. `asked` has every query since the start."""

    def __init__(self) -> None:
        """No series yet."""
        self._series: list[Series] = []
        self._times: list[float] = []
        self._found: dict[str, tuple[int, list[Series]]] = {}
        self.asked: list[Asked] = []

    def add(self, labels: Mapping[str, str]) -> Series:
        """A new series, from 0, in the scrapes from now on."""
        series = Series(labels, len(self._times))
        self._series.append(series)
        return series

    def scrape(self, now: float) -> None:
        """A sample of every series at `now` (Unix seconds)."""
        at = f"{now:.3f}"
        for series in self._series:
            series.texts.append(f'[{at},"{series.value:.15g}"]')
        self._times.append(now)

    def exposition(self) -> str:
        """The latest sample of every series in the text format, with its time."""
        at = round(self._times[-1] * 1000)
        lines = []
        for series in self._series:
            labels = ",".join(f'{name}="{value}"' for name, value in series.labels.items() if name != "__name__")
            lines.append(f"{series.labels['__name__']}{{{labels}}} {series.value:.15g} {at}\n")
        return "".join(lines)

    def answer(self, promql: str, at: float) -> str:
        """The body of the answer. Raises UnknownFormError."""
        form = _SELECTOR.fullmatch(promql.strip())
        if form is None:
            raise UnknownFormError(f"not raw samples of a selector: {promql}")
        # A range is open at its start since Prometheus 3.
        first = bisect_right(self._times, at - float(form["seconds"]))
        last = bisect_right(self._times, at)
        parts = []
        for series in self._matching(form["matchers"]):
            texts = series.texts[max(first - series.first, 0) : max(last - series.first, 0)]
            if texts:
                parts.append(series.head + ",".join(texts) + "]}")
        return '{"status":"success","data":{"resultType":"matrix","result":[' + ",".join(parts) + "]}}"

    def _matching(self, matchers: str) -> list[Series]:
        known, found = self._found.get(matchers, (-1, []))
        if known != len(self._series):
            wanted = parse(matchers)
            found = [series for series in self._series if matches(series.labels, wanted)]
            self._found[matchers] = len(self._series), found
        return found

    async def handle(self, request: web.Request) -> web.Response:
        """GET or POST /api/v1/query."""
        arrived = time.monotonic()
        given = {**request.query, **(await request.post() if request.method == "POST" else {})}
        try:
            body = self.answer(str(given["query"]), float(str(given["time"])))
        except (UnknownFormError, KeyError) as error:
            refusal = {"status": "error", "errorType": "bad_data", "error": str(error)}
            return web.json_response(refusal, status=400)
        self.asked.append(Asked(arrived, time.monotonic(), str(given["query"]), float(str(given["time"]))))
        return web.Response(text=body, content_type="application/json")

    async def start(self) -> tuple[web.AppRunner, str]:
        """Serve on a free port of 127.0.0.1; clean the runner up afterwards."""
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/api/v1/query", self.handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


Matcher = tuple[str, str, str]


def parse(matchers: str) -> list[Matcher]:
    """(label, operator, value) of each matcher. Raises UnknownFormError."""
    found, position = [], 0
    while position < len(matchers):
        match = _MATCHER.match(matchers, position)
        if match is None:
            raise UnknownFormError(f"not a matcher: {matchers[position:]}")
        found.append((match[1], match[2], json.loads(f'"{match[3]}"')))
        position = match.end()
    return found


def matches(labels: Mapping[str, str], wanted: Iterable[Matcher]) -> bool:
    """Whether a series has what the matchers ask for; a label that it lacks is empty, expressions match as a whole."""
    for name, operator, value in wanted:
        actual = labels.get(name, "")
        same = actual == value if operator in ("=", "!=") else re.fullmatch(value, actual) is not None
        if same == operator.startswith("!"):
            return False
    return True
