"""``python -m demo``: tell the story on a cluster that runs Perennial; exit 0 only if all of it happened."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console

from demo import checks, story
from demo.kubectl import Kubectl, KubectlError, TooLateError
from demo.stage import Stage, StoryError
from demo.traffic import TrafficError
from demo.view import Terminal
from devcluster import images, kubectl, paths
from devcluster.locking import locked


def main() -> int:
    """Run the demonstration; the exit code."""
    given = _arguments()
    console = Console(highlight=False)
    folder = paths.cache() / "demo"
    with (
        locked(folder / ".lock", what="the demonstration"),
        Terminal(paths.logs() / "demo.txt", console) as view,
    ):
        stage = Stage(
            kubectl=Kubectl(given.kubectl.split()),
            view=view,
            data_image=given.data_image or images.reference("flights-data"),
            gateway=given.gateway,
            host=given.host,
            rate=given.rate,
            folder=folder,
            prometheus=given.prometheus,
        )
        try:
            return _tell(stage)
        except (StoryError, TooLateError, KubectlError, TrafficError) as error:
            view.say(f"The story stopped: {error}")
            return 1
        except KeyboardInterrupt:
            view.say("Stopped by hand.")
            return 130
        finally:
            if stage.traffic:
                stage.traffic.close()


def _tell(stage: Stage) -> int:
    story.prepare(stage)
    story.serve_first(stage)
    story.promote_second(stage)
    story.roll_back_third(stage)
    steps = story.steps(stage)
    scene, tally = story.end(stage)
    absent = checks.missing(scene, stage.record, tally, steps)
    for sentence in absent:
        stage.view.say(f"Not as it should be: {sentence}.")
    stage.view.say("All of it happened." if not absent else "The story did not happen as it should.")
    return 1 if absent else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description="Perennial's main job on real flights.")
    parser.add_argument("--kubectl", default=" ".join(kubectl.command()), help="how to call kubectl")
    parser.add_argument("--data-image", default="", help="the image of examples/flights/data")
    parser.add_argument("--gateway", default="http://127.0.0.1:8080", help="where this machine reaches the gateway")
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090", help="where it reaches Prometheus, if it does")
    parser.add_argument("--host", default="flights.localhost:8080", help="the model's host name, as a Host header")
    parser.add_argument("--rate", type=float, default=60.0, help="requests per second, at least 50")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
