"""Requests that wait for the model share one predict.

scikit-learn takes about as long for 200 rows as for one, so while one predict runs in its thread, the requests that
arrive are collected, and the next predict answers all of them. Nothing is ever delayed to make a batch fuller.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import sklearn

from perennial_trainer.signature import Row

Predict = Callable[[Sequence[Row]], list[Any]]
MAX_ROWS = 512


@dataclass(frozen=True)
class _Waiting:
    rows: list[Row]
    answer: asyncio.Future[list[Any]]


class Batcher:
    """One thread that predicts, and the queue before it.

    Args:
        predict: answers rows, one answer a row; it raises for the whole batch if any row is bad.
        max_rows: rows after which a batch takes no further request (one request may have more).
    """

    def __init__(self, predict: Predict, max_rows: int = MAX_ROWS) -> None:
        self._predict = predict
        self._max_rows = max_rows
        self._waiting: deque[_Waiting] = deque()
        self._running: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "predict", initializer=_configure_thread)

    async def submit(self, rows: list[Row]) -> list[Any]:
        """The answers to the rows, in order; raises what predict raises for these rows alone."""
        waiting = _Waiting(rows, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await waiting.answer

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                batch = self._next()
                results = await loop.run_in_executor(self._thread, self._answer, [w.rows for w in batch])
                for waiting, result in zip(batch, results, strict=True):
                    _settle(waiting.answer, result)
        finally:
            self._running = None

    def _next(self) -> list[_Waiting]:
        batch = [self._waiting.popleft()]
        rows = len(batch[0].rows)
        while self._waiting and rows + len(self._waiting[0].rows) <= self._max_rows:
            batch.append(self._waiting.popleft())
            rows += len(batch[-1].rows)
        return batch

    def _answer(self, requests: list[list[Row]]) -> list[list[Any] | Exception]:
        """Runs in the thread: all requests at once or, when one of them is bad, each on its own."""
        try:
            answers = self._predict([row for rows in requests for row in rows])
        except Exception as error:  # noqa: BLE001 - handed to the request it belongs to
            return [error] if len(requests) == 1 else [self._alone(rows) for rows in requests]
        ends, parts = 0, []
        for rows in requests:
            parts.append(answers[ends : ends + len(rows)])
            ends += len(rows)
        return list(parts)

    def _alone(self, rows: list[Row]) -> list[Any] | Exception:
        try:
            return self._predict(rows)
        except Exception as error:  # noqa: BLE001 - handed to the request it belongs to
            return error


def _settle(future: asyncio.Future[list[Any]], result: list[Any] | Exception) -> None:
    if future.done():  # the client has gone
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)


def _configure_thread() -> None:
    # scikit-learn keeps its settings per thread. Parameters were checked when the model was fitted.
    sklearn.set_config(skip_parameter_validation=True)
