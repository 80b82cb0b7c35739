"""Prometheus over HTTP. The client library is synchronous: it runs on a thread of its own, one query at a time."""

from __future__ import annotations

import asyncio
import math
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import requests
from prometheus_api_client.exceptions import PrometheusApiClientException
from prometheus_api_client.prometheus_connect import PrometheusConnect
from requests.auth import HTTPBasicAuth
from urllib3.util.retry import Retry

from perennial.ports.prometheus_types import PrometheusSource, PrometheusUnavailable, Series

__all__ = ["HttpPrometheus", "PrometheusSource", "PrometheusUnavailable", "Series", "parse_matrix"]

HANGS = "; it hangs or is overloaded: restart it, or give it more CPU and memory."
WARNINGS_WITHIN = 8192
"""Prometheus and Thanos put warnings at the end of an answer."""


class HttpPrometheus:
    """A PrometheusSource. `close` ends its thread.

    `connect_timeout` and `read_timeout` bound each wait for the server; `deadline` the whole query (seconds). The token
    is read from `token_file` for each query, because such files rotate; `ca_file` has the certificates that a server's
    own is checked against. A user and a password in the URL are sent, and are in no sentence and no log.
    """

    def __init__(
        self,
        url: str,
        *,
        token_file: str | None = None,
        ca_file: str | None = None,
        connect_timeout: float = 2.0,
        read_timeout: float = 8.0,
        deadline: float = 15.0,
    ) -> None:
        """Nothing is sent until the first query."""
        self._url, self._user = _split(url)
        self._token_file = token_file
        self._signature = "no signature"
        # The library would try three times by itself, which hides an outage for many polls.
        self._session = requests.Session()
        self._session.hooks["response"].append(_refuse_partial)
        self._session.auth = self._sign
        self._session.verify = ca_file or True
        self._client = PrometheusConnect(url=self._url, retry=Retry(0, read=False), session=self._session)
        self._timeouts: Any = (connect_timeout, read_timeout)
        self._deadline = deadline
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prometheus")
        self._in_flight: Future[list[Series]] | None = None

    async def query(self, promql: str, at: float) -> list[Series]:
        """See PrometheusSource. A query that has not ended by the deadline blocks the next ones until it has."""
        if self._in_flight is not None and not self._in_flight.done():
            sentence = f"Prometheus at {self._url} has not answered the last query yet{HANGS}"
            raise PrometheusUnavailable("Timeout", sentence)
        self._in_flight = self._executor.submit(self._query, promql, at)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(self._in_flight), self._deadline)
        except TimeoutError:
            sentence = f"Prometheus at {self._url} did not answer within {self._deadline:.0f} s{HANGS}"
            raise PrometheusUnavailable("Timeout", sentence) from None

    def close(self) -> None:
        """End the thread without waiting for a query under way."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    def _query(self, promql: str, at: float) -> list[Series]:
        try:
            answer = self._client.custom_query(promql, params={"time": f"{at:.3f}"}, timeout=self._timeouts)
        except requests.ReadTimeout:
            sentence = f"Prometheus at {self._url} did not answer in time{HANGS}"
            raise PrometheusUnavailable("Timeout", sentence) from None
        except requests.JSONDecodeError:
            raise self._not_understood() from None
        except requests.RequestException as error:
            why = f"cannot be reached ({type(error).__name__})"  # its text may quote the request
            sentence = f"Prometheus at {self._url} {why}; start it, or mend the operator's setting prometheus-url."
            raise PrometheusUnavailable("Unreachable", sentence) from None
        except OSError as error:
            sentence = f"A file that the operator needs for Prometheus cannot be read: {error}; mend its settings."
            raise PrometheusUnavailable("FileUnreadable", sentence) from None
        except PrometheusApiClientException as error:
            raise self._refused(str(error)) from None
        except (KeyError, TypeError):
            raise self._not_understood() from None
        return self._parse(answer)

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token_file is not None:
            request.headers["Authorization"] = f"Bearer {Path(self._token_file).read_text().strip()}"
        elif self._user is not None:
            request = HTTPBasicAuth(*self._user)(request)
        # Never empty, so that it can be looked for.
        self._signature = str(request.headers.get("Authorization", "no signature")).rpartition(" ")[2]
        return request

    def _parse(self, answer: Any) -> list[Series]:
        try:
            return parse_matrix(answer)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise self._not_understood() from None

    def _refused(self, words: str) -> PrometheusUnavailable:
        # The library's words are "HTTP Status Code 503 (b'...')"; some servers repeat what they were sent.
        told = f"{words.replace(self._signature, '[redacted]')[:300]}; its log says more."
        if words.startswith("HTTP Status Code 5"):
            return PrometheusUnavailable("Failing", f"Prometheus at {self._url} fails: {told}")
        return PrometheusUnavailable("QueryRefused", f"Prometheus at {self._url} refused the query: {told}")

    def _not_understood(self) -> PrometheusUnavailable:
        sentence = f"What answers at {self._url} does not speak Prometheus' API; mend the operator's prometheus-url."
        return PrometheusUnavailable("NotUnderstood", sentence)


def _split(url: str) -> tuple[str, tuple[str, str] | None]:
    """The URL without credentials, and the user and password that were in it."""
    parts = urlsplit(url.rstrip("/"))
    user, at, host = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    return urlunsplit(parts._replace(netloc=host)), (unquote(name), unquote(password)) if at else None


def _refuse_partial(response: requests.Response, **_: Any) -> None:
    """A partial answer would look like fewer requests: the library drops the warnings that say so."""
    if response.ok and b'"warnings"' in response.content[-WARNINGS_WITHIN:]:
        warnings = response.json().get("warnings")
        if warnings:
            sentence = f"Prometheus answered only in part: {'; '.join(map(str, warnings))[:300]}"
            raise PrometheusUnavailable("PartialAnswer", sentence)


def parse_matrix(result: list[dict[str, Any]]) -> list[Series]:
    """The `result` of an instant query of a range vector: series with finite samples in order of time.

    Raises KeyError, TypeError or ValueError for any other form. Histogram samples have no `values` and are left out.
    """
    parsed = []
    for entry in result:
        if "values" not in entry and "histograms" in entry:
            continue
        samples = sorted((float(time), float(value)) for time, value in entry["values"])
        finite = tuple(sample for sample in samples if math.isfinite(sample[1]))
        parsed.append(Series(dict(entry["metric"]), finite))
    return parsed
