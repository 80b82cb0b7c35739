"""Everything that the demonstration acts with: the cluster, the examples, the traffic, and where it is shown."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from demo import evidence
from demo.checks import Record
from demo.kubectl import Kubectl, TooLateError, until
from demo.load import Load
from demo.scene import Scene, observe, rows
from demo.tally import Tally
from demo.traffic import Traffic
from demo.view import View

EXAMPLES = Path(__file__).resolve().parents[1] / "examples" / "flights"
_LOOK_SECONDS = 1.0
_DATA_IMAGE = re.compile(r"localhost/perennial-flights-data:\S+")


class StoryError(RuntimeError):
    """Something happened that makes going on pointless."""


@dataclass
class Stage:
    """A cluster with Perennial on it, and what the story needs to act there.

    Attributes:
        kubectl: the cluster, in the namespace of the example.
        view: where the story is shown.
        data_image: the image that examples/flights/data makes.
        gateway: scheme and address at which this machine reaches the gateway.
        host: the Host header that names the model's address.
        rate: requests per second.
        folder: a folder for the rows of the replay.
        prometheus: where this machine reaches the cluster's Prometheus; empty where it does not.
    """

    kubectl: Kubectl
    view: View
    data_image: str
    gateway: str
    host: str
    rate: float
    folder: Path
    prometheus: str = ""
    record: Record = field(default_factory=Record)
    traffic: Traffic | None = None

    @property
    def url(self) -> str:
        """Where predictions are asked for."""
        return f"{self.gateway}/v1/models/flights:predict"

    @property
    def rows_file(self) -> Path:
        """The flights of later months, one JSON object a line."""
        return self.folder / "later-flights.jsonl"

    def apply(self, *names: str) -> None:
        """Apply files of the example, by name, as people do."""
        for name in names:
            manifest = (EXAMPLES / name).read_text()
            self.kubectl.apply(_DATA_IMAGE.sub(self.data_image, manifest))
        self.view.say(f"kubectl apply {' '.join(f'-f examples/flights/{name}' for name in names)}")

    def tally(self) -> Tally:
        """What the load client has counted so far; nothing before it runs."""
        return self.traffic.tally() if self.traffic else Tally()

    def look(self) -> Scene:
        """Read the cluster, remember what is seen, and show it."""
        scene = observe(self.kubectl)
        self.record.note(scene)
        tally = self.tally()
        self.view.show(scene, rows(scene, tally, self.record.services), tally, self._evidence(scene))
        return scene

    def _evidence(self, scene: Scene) -> str:
        found = evidence.ask(self.prometheus, self.kubectl.namespace, "flights") if scene.deployment.canary else None
        return found.beside(scene) if found else ""

    def follow(self, done: Callable[[Scene], bool], *, what: str, seconds: float) -> Scene:
        """Look again and again until `done`.

        Raises:
            StoryError: a training run failed.
            TooLateError: not within `seconds`; the message says how far it came.
        """
        deadline = time.monotonic() + seconds
        while True:
            start = time.monotonic()
            scene = self.look()
            if done(scene):
                return scene
            _check_runs(scene)
            if start > deadline:
                raise TooLateError(f"not within {seconds:.0f} s: {what}. {_state(scene)}")
            time.sleep(max(0.0, _LOOK_SECONDS - (time.monotonic() - start)))

    def start_traffic(self) -> None:
        """Wait until the address answers a flight, then replay all of them at a constant rate."""
        row = self.rows_file.read_text().splitlines()[0]
        until(lambda: self.answers(f'{{"instances":[{row}]}}'), what=f"an answer from {self.url}", seconds=60)
        self.traffic = Traffic(Load(self.url, self.host, self.rate), self.rows_file)

    def answers(self, body: str) -> bool:
        """Whether the address answers a request with predictions."""
        headers = {"Host": self.host, "Content-Type": "application/json"}
        request = urllib.request.Request(self.url, data=body.encode(), headers=headers)  # noqa: S310 - ours
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as response:
                return "predictions" in json.load(response)
        except (urllib.error.URLError, OSError):
            return False


def _check_runs(scene: Scene) -> None:
    for name, run in scene.runs.items():
        for each in run.conditions:
            if each.type == "Succeeded" and each.status == "False":
                raise StoryError(f"TrainingRun {name} failed: {each.message}")


def _state(scene: Scene) -> str:
    runs = {name: run.conditions for name, run in scene.runs.items()}
    told = [f"{each.type}={each.status} {each.reason}: {each.message}" for each in scene.deployment.conditions]
    told += [f"{name} {each.type}={each.status} {each.message}" for name, found in runs.items() for each in found]
    return "; ".join(told) or "There is no status at all: does the operator run?"
