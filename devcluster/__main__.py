"""The command line: python3 -m devcluster COMMAND."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from . import containers, images, leftovers, paths, prepare, processes
from .down import down
from .kubectl import of_devcluster
from .locking import locked
from .run import CommandError
from .up import up
from .waiting import TimedOutError

_LOCK = Path("/var/lib")  # a folder, so that no file is left behind


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="devcluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="make binaries and images, start nothing")
    commands.add_parser("up", help="make what is missing and bring the cluster up, or up to date")
    commands.add_parser("down", help="remove the cluster")
    commands.add_parser("status", help="say which daemons run and what the pods do")
    commands.add_parser("leftovers", help="list what of a cluster is on this machine; fails if there is anything")
    load = commands.add_parser("load", help="import images into the running cluster")
    load.add_argument("archives", nargs="+", type=Path, metavar="IMAGE_TAR")
    reference = commands.add_parser("image-reference", help="print NAME:TAG of an image")
    reference.add_argument("name", choices=["base", *images.NAMES])
    commands.add_parser("kubectl-alias", help="print a shell alias for kubectl and the KUBECONFIG that it needs")
    commands.add_parser("kubectl", help="run kubectl with the cluster's kubeconfig", usage="kubectl ARGUMENTS ...")
    return parser


def _status() -> int:
    daemons = sorted(each.name for each in processes.ours() if each.leads)
    if not daemons:
        print("the cluster is down")
        return 1
    print("daemons:", ", ".join(daemons))
    print(of_devcluster()("get", "nodes,pods", "--all-namespaces", "--output=wide"))
    return 0


def _leftovers() -> int:
    found = leftovers.leftovers()
    print("\n".join(found) or "nothing is left")
    return 1 if found else 0


def _run(options: argparse.Namespace) -> int:
    match options.command:
        case "image-reference":
            print(images.reference(options.name))
        case "kubectl-alias":
            print(f"export KUBECONFIG={paths.KUBECONFIG}; alias kubectl='{' '.join(of_devcluster().program[:2])}'")
        case "status":
            return _status()
        case "leftovers":
            return _leftovers()
        case "build":
            prepare.prepare()
        case "load":
            for archive in options.archives:
                containers.load(archive)
        case changes:
            with locked(_LOCK, what="the cluster"):
                {"up": up, "down": down}[changes]()
    return 0


def main(arguments: list[str]) -> int:
    """Run a command; returns the exit code."""
    if arguments[:1] == ["kubectl"]:
        # Not argparse's business: it would take kubectl's own options for ours.
        command = of_devcluster().command(*arguments[1:])
        os.execv(command[0], command)  # noqa: S606 - it takes our place
    options = _parser().parse_args(arguments)
    if os.geteuid() != 0 and options.command != "image-reference":
        print("devcluster: needs root: it makes namespaces, cgroups and mounts", file=sys.stderr)
        return 2
    try:
        return _run(options)
    except (CommandError, TimedOutError, RuntimeError) as error:
        print(f"devcluster: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
