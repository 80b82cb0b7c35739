"""One sentence for everything that can go wrong before anything is done; and the command line itself."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from perennial.cli.arguments import ACTIONS, parser, seconds
from perennial.cli.telling import problem
from perennial.ports.kube import Conflict, Forbidden, Invalid, KubeError, NotInstalled, Unavailable

PATCH = 'modeldeployments.perennial.dev "late" is forbidden: User "eve" cannot patch resource "modeldeployments"'
GET = PATCH.replace("patch", "get")


@pytest.mark.parametrize(
    ("error", "command", "words"),
    [
        (
            Forbidden(PATCH),
            "promote",
            "You may not change ModelDeployments in namespace flights: ask for the role perenn",
        ),
        (
            Forbidden(GET),
            "promote",
            "You may not look at ModelDeployments in namespace flights: ask for the role perenn",
        ),
        (Forbidden(GET), "watch", "ask for the role perennial-view (or view) there"),
        (NotInstalled("404 page not found"), "watch", "install Perennial, or choose another --context"),
        (Unavailable("connect refused"), "watch", "does not answer: look at your network and at --context"),
        (
            Invalid("unknown field"),
            "advance",
            "perhaps because its Perennial is older than this plugin: unknown field.",
        ),
        (Conflict("changed\nand more"), "promote", "It did not work: changed."),
    ],
)
def test_a_sentence_says_what_to_do(error: KubeError, command: str, words: str) -> None:
    told = problem(error, command, "flights")
    assert words in told
    assert "\n" not in told
    assert told.endswith(".")


@pytest.mark.parametrize(("text", "value"), [("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400)])
def test_times(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "soon", "-5s", "10 m", "5d"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no time: write 90s, 10m or 1h30m"):
        seconds(text)


def test_the_name_may_stand_as_kubectl_prints_it() -> None:
    for name in ("late", "mdep/late", "modeldeployment.perennial.dev/late"):
        assert parser().parse_args(["promote", name]).name == "late"
    with pytest.raises(SystemExit):
        parser().parse_args(["promote", "pod/late"])


def test_every_command_explains_itself() -> None:
    text = parser().format_help()
    assert all(each in text for each in ACTIONS)


def test_writing_needs_nothing_that_draws() -> None:
    """So that promoting works where `rich` is not installed."""
    code = "import sys; sys.modules['rich'] = None; import perennial.cli.__main__, perennial.cli.acting"
    source = Path(__file__).parents[3] / "operator/src"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(source)})
