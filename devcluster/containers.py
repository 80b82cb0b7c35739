"""Images in the node's containerd."""

from __future__ import annotations

from pathlib import Path

from . import images, run
from .nodeconfig import SOCKET
from .processes import log_tail
from .waiting import TimedOutError, until

_CTR = ("ctr", "--address", str(SOCKET), "--namespace", "k8s.io")


def wait_ready() -> None:
    """Wait until containerd answers.

    Raises:
        TimedOutError: not in 30 s; the message holds the end of its log.
    """
    try:
        until(lambda: run.succeeds([*_CTR, "version"]), what="containerd", seconds=30)
    except TimedOutError as late:
        raise TimedOutError(f"{late}\n{log_tail('containerd')}") from None


def present() -> set[str]:
    """References of the images that containerd has."""
    return set(run.answer([*_CTR, "images", "list", "--quiet"]).split())


def load(archive: Path) -> None:
    """Import a docker-archive."""
    run.answer([*_CTR, "images", "import", str(archive)])


def ensure(name: str) -> None:
    """Import one of our images unless containerd has it."""
    if images.reference(name) not in present():
        load(images.ensure(name))
