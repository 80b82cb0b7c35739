"""The command line: python3 -m clusters COMMAND, on the cluster of PERENNIAL_CLUSTER."""

from __future__ import annotations

import argparse
import os
import sys

from devcluster.run import CommandError
from devcluster.waiting import TimedOutError

from .choice import NoClusterError
from .chosen import chosen
from .face import Cluster
from .rendering import manifests


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="clusters", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("choose", help="print which cluster it is: devcluster, kind or current")
    commands.add_parser("build", help="make binaries and images, start nothing")
    commands.add_parser("up", help="bring the cluster up, or see that it has what Perennial needs")
    commands.add_parser("down", help="remove the cluster, or Perennial from one that is not ours")
    commands.add_parser("status", help="say what runs")
    commands.add_parser("manifests", help="print Perennial's manifests for the cluster")
    image = commands.add_parser("image", help="print NAME:TAG of an image")
    image.add_argument("name", choices=["operator", "trainer", "flights-data"])
    commands.add_parser("kubectl-alias", help="print a shell alias for kubectl and the KUBECONFIG that it needs")
    commands.add_parser("kubectl", help="run kubectl against the cluster", usage="kubectl ARGUMENTS ...")
    return parser


def _run(cluster: Cluster, options: argparse.Namespace) -> int:
    match options.command:
        case "choose":
            print(cluster.name)
        case "manifests":
            print(manifests(cluster, cluster.image("operator"), cluster.image("trainer")))
        case "image":
            print(cluster.image(options.name))
        case "kubectl-alias":
            print(cluster.alias())
        case "status":
            print(f"PERENNIAL_CLUSTER={cluster.name}")
            return cluster.status()
        case acts:
            return {"build": cluster.build, "up": cluster.up, "down": cluster.down}[acts]()
    return 0


def main(arguments: list[str]) -> int:
    """Run a command; returns the exit code."""
    try:
        if arguments[:1] == ["kubectl"]:
            # Not argparse's business: it would take kubectl's own options for ours.
            command = chosen().kubectl().command(*arguments[1:])
            os.execvp(command[0], command)  # noqa: S606 - it takes our place
        options = _parser().parse_args(arguments)
        return _run(chosen(), options)
    except NoClusterError as error:
        print(error, file=sys.stderr)
    except (CommandError, TimedOutError, RuntimeError) as error:
        print(f"clusters: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
