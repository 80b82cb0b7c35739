"""What went wrong between the plugin and the apiserver, as one sentence that says what to do. Pure."""

from __future__ import annotations

from perennial.cli.arguments import ACTIONS
from perennial.ports.kube import Forbidden, Invalid, KubeError, NotInstalled, Unavailable

ROLE = {True: "perennial-edit (or edit)", False: "perennial-view (or view)"}


def problem(error: KubeError, command: str, namespace: str | None) -> str:
    """The sentence for an error of the apiserver."""
    said = _first_line(str(error))
    if isinstance(error, Forbidden):
        writes = command in ACTIONS and "cannot patch" in said
        what = "change" if writes else "look at"
        return (
            f"You may not {what} ModelDeployments in namespace {namespace}: ask for the role {ROLE[writes]} there"
            f" (the apiserver: {said})."
        )
    if isinstance(error, NotInstalled):
        return f"This cluster has no ModelDeployments: install Perennial, or choose another --context ({said})."
    if isinstance(error, Unavailable):
        return f"The cluster does not answer: look at your network and at --context, and try again ({said})."
    if isinstance(error, Invalid):
        return f"The cluster refuses it, perhaps because its Perennial is older than this plugin: {said}."
    return f"It did not work: {said}."


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0].rstrip(".") if lines else "no reason given"
