"""The choice of a cluster. Pure."""

from __future__ import annotations

from dataclasses import dataclass

NAMES = ("devcluster", "kind", "current")


class NoClusterError(RuntimeError):
    """There is no cluster to act on; the message is one sentence that says why and what to do."""


@dataclass(frozen=True)
class Machine:
    """What was found on this machine.

    Attributes:
        linux: whether it runs Linux on x86-64, which the devcluster's binaries are made for.
        apt: whether it has Debian's packages.
        root: whether we are root.
        docker: whether a Docker engine answers.
    """

    linux: bool
    apt: bool
    root: bool
    docker: bool

    def lacking(self) -> str:
        """What the devcluster needs and is not here; empty if all is."""
        needs = {"Linux on x86-64": self.linux, "Debian's packages (apt-get)": self.apt, "root": self.root}
        return " and ".join(need for need, there in needs.items() if not there)


def choose(wanted: str, machine: Machine) -> str:
    """One of `NAMES`: what is wanted if this machine can have it; what it can have if nothing is wanted.

    Raises:
        NoClusterError: it cannot.
    """
    lacking = machine.lacking()
    if wanted not in {"", *NAMES}:
        raise NoClusterError(f"PERENNIAL_CLUSTER={wanted} is unknown: it is {', '.join(NAMES[:-1])} or {NAMES[-1]}.")
    if wanted == "kind" and not machine.docker:
        raise NoClusterError("PERENNIAL_CLUSTER=kind needs a Docker engine, and none answers `docker info`: start it.")
    if wanted == "devcluster" and lacking:
        raise NoClusterError(f"PERENNIAL_CLUSTER=devcluster needs {lacking}, which this machine or user lacks.")
    if wanted:
        return wanted
    if machine.docker:
        return "kind"
    if not lacking:
        return "devcluster"
    raise NoClusterError(
        f"No cluster can be made here, because kind needs a Docker engine, which does not answer, and the devcluster "
        f"needs {lacking}: mend either, or set PERENNIAL_CLUSTER=current to use your kubeconfig's cluster."
    )
