"""``python -m demo``: tell the story on a cluster that runs Perennial; exit 0 only if all of it happened."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console

from clusters.choice import NoClusterError
from clusters.chosen import chosen
from clusters.face import Cluster
from demo import checks, story
from demo.kubectl import Kubectl, KubectlError, TooLateError
from demo.stage import Stage, StoryError
from demo.traffic import TrafficError
from demo.view import Terminal
from devcluster import paths
from devcluster.locking import locked


def main() -> int:
    """Run the demonstration; the exit code."""
    try:
        cluster = chosen()
        given = _arguments(cluster)
        data_image = given.data_image or cluster.image("flights-data")
    except NoClusterError as error:
        print(error, file=sys.stderr)
        return 1
    console = Console(highlight=False)
    folder = paths.cache() / "demo"
    with (
        locked(folder / ".lock", what="the demonstration"),
        Terminal(paths.logs() / "demo.txt", console) as view,
    ):
        stage = Stage(
            kubectl=Kubectl(given.kubectl.split()),
            view=view,
            data_image=data_image,
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


def _arguments(cluster: Cluster) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description="Perennial's main job on real flights.")
    parser.add_argument("--kubectl", default=" ".join(cluster.kubectl().program), help="how to call kubectl")
    parser.add_argument("--data-image", default="", help="the image of examples/flights/data")
    parser.add_argument("--gateway", default=cluster.gateway, help="where this machine reaches the gateway")
    parser.add_argument("--prometheus", default=cluster.prometheus, help="where it reaches Prometheus, if it does")
    parser.add_argument("--host", default="flights.localhost:8080", help="the model's host name, as a Host header")
    parser.add_argument("--rate", type=float, default=60.0, help="requests per second, at least 50")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
