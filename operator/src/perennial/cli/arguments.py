"""The command line."""

from __future__ import annotations

import argparse
import re

from perennial import cli

ACTIONS = {
    "promote": "let the canary take over, whatever the evidence says",
    "advance": "let the canary go on from the step at which it waits for a person",
    "reject": "roll the canary back at once and remember it",
    "retry": "try what was rolled back once more",
    "undo": "go back to the revision that served before",
    "pause": "begin no rollout and move no further request",
    "resume": "go on after a pause",
}
VIEWS = {
    "watch": "follow a rollout in the terminal (Ctrl-C ends it)",
    "history": "what became of the last rollouts",
}
OPERATOR_NAMESPACE = "perennial-system"
_UNITS = {"s": 1, "m": 60, "h": 3600}


def parser() -> argparse.ArgumentParser:
    """Of `kubectl perennial`."""
    made = argparse.ArgumentParser(prog="kubectl perennial", description=cli.__doc__)
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in (ACTIONS | VIEWS).items():
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        command.add_argument("name", metavar="NAME", type=_name, help="the ModelDeployment")
        _common(command)
        if name in ACTIONS:
            command.add_argument("--wait", action="store_true", help="wait until it is done; 3: it was rolled back")
            command.add_argument(
                "--timeout", type=seconds, default=600.0, metavar="TIME", help="wait no longer, e.g. 30s, 10m (10m); 4"
            )
    watch = commands.choices["watch"]
    watch.add_argument("--once", action="store_true", help="print it once as plain text")
    watch.add_argument(
        "--operator-namespace",
        default=OPERATOR_NAMESPACE,
        metavar="NAMESPACE",
        help=f"where the operator is, for the curves ({OPERATOR_NAMESPACE})",
    )
    complete = commands.add_parser("__complete")
    complete.add_argument("words", nargs=argparse.REMAINDER)
    return made


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument("-n", "--namespace", help="its namespace (that of the context)")
    command.add_argument("--context", help="a context of the kubeconfig (the current one)")
    command.add_argument("--kubeconfig", metavar="FILE", help="the kubeconfig ($KUBECONFIG, ~/.kube/config)")


def seconds(text: str) -> float:
    """A time as kubectl writes it: "90s", "10m", "1h30m"; a bare number is seconds."""
    if re.fullmatch(r"\d+", text):
        return float(text)
    parts = re.findall(r"(\d+)([smh])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write 90s, 10m or 1h30m")
    return float(sum(int(number) * _UNITS[unit] for number, unit in parts))


def _name(text: str) -> str:
    """A bare name, or as `kubectl get -o name` prints it."""
    kind, _, name = text.rpartition("/")
    if kind and kind.partition(".")[0] not in ("mdep", "modeldeployment", "modeldeployments"):
        raise argparse.ArgumentTypeError(f"{text!r} is no ModelDeployment: give its name")
    return name
