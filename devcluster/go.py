"""The Go parts: which there are, which toolchain builds them, and a cache of what was built."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from . import paths, run, wheels
from .locking import locked
from .progress import step
from .storing import digest, files_digest, make_folder, prune

SOURCES = paths.PACKAGE / "go"
KUBERNETES_VERSION = "1.35.4"
_KEEP = 3


@dataclass(frozen=True)
class Component:
    """Something to build from a Go module of ours.

    Attributes:
        package: what to build, in the module's terms.
        seconds: how long that takes on two cores with an empty build cache.
        tags: build tags.
        variables: values for the linker's -X, by variable.
        module: the folder of the module; empty where it has the component's name.
    """

    package: str
    seconds: int
    tags: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    module: str = ""


_VERSION = "k8s.io/component-base/version"
_KUBERNETES = {  # without them minimum-version checks fail
    f"{_VERSION}.gitVersion": f"v{KUBERNETES_VERSION}",
    f"{_VERSION}.gitMajor": "1",
    f"{_VERSION}.gitMinor": "35",
    f"{_VERSION}.gitTreeState": "clean",
}
# What the devcluster runs.
COMPONENTS = {
    "kubernetes": Component(".", 350, variables=_KUBERNETES),
    "pause": Component(".", 5),
    "coredns": Component(".", 60),
    "kserve": Component("github.com/kserve/kserve/cmd/manager", 170),
    "envoy-gateway": Component(
        "github.com/envoyproxy/gateway/cmd/envoy-gateway",
        250,
        variables={"github.com/envoyproxy/gateway/internal/cmd/version.envoyGatewayVersion": "v1.9.1"},
    ),
    "prometheus": Component(
        "github.com/prometheus/prometheus/cmd/prometheus",
        140,
        tags="remove_all_sd,enable_kubernetes_sd",
        variables={"github.com/prometheus/common/version.Version": "3.16.0"},
    ),
}
# Programs that are built when they are asked for: those of other clusters where the machine has none of its own, and
# what tests compare with.
TOOLS = {
    "kstatus": Component(".", 40),  # how Flux and others read our conditions
    "kind": Component("sigs.k8s.io/kind", 20),
    "kubectl": Component("k8s.io/kubernetes/cmd/kubectl", 90, variables=_KUBERNETES, module="kubernetes"),
}
_ALL = COMPONENTS | TOOLS


@dataclass(frozen=True)
class Toolchain:
    """A go command and its version, as in "go1.27.3"; the command may still have to be downloaded."""

    version: str
    on_path: Path | None

    def command(self) -> Path:
        """The go command."""
        return self.on_path or wheels.go()


def version_numbers(text: str) -> tuple[int, ...]:
    """The numbers of the first Go version in a text, as in "go version go1.26.8 linux/amd64"; () without one."""
    found = re.search(r"\bgo ?(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(number or 0) for number in found.groups()) if found else ()


def needed() -> tuple[int, ...]:
    """The newest Go version that a go.mod of ours asks for."""
    lines = (re.search(r"^go .*", (_folder(name) / "go.mod").read_text(), re.M) for name in _ALL)
    return max(version_numbers(line.group()) for line in lines if line)


@cache
def toolchain() -> Toolchain:
    """The Go of this machine if it is new enough for every go.mod, PyPI's otherwise."""
    if found := shutil.which("go"):
        version = run.answer([found, "version"], env={**os.environ, "GOTOOLCHAIN": "local"})
        if version_numbers(version) >= needed():
            return Toolchain(version.split()[2], Path(found))
    pinned = (paths.PACKAGE / "wheels" / "go.txt").read_text().split()[0]
    return Toolchain(f"go{pinned.partition('==')[2]}", None)


def environment() -> dict[str, str]:
    """Our environment with what Go needs in order to build the same bytes everywhere."""
    return {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}


def _folder(name: str) -> Path:
    return SOURCES / (_ALL[name].module or name)


def _arguments(component: Component) -> list[str]:
    linker = ["-s", "-w", *(f"-X {name}={value}" for name, value in component.variables.items())]
    tags = ["-tags", component.tags] if component.tags else []
    return ["-mod=readonly", "-buildvcs=false", "-trimpath", *tags, "-ldflags", " ".join(linker), component.package]


def _key(name: str) -> str:
    files = [path for path in _folder(name).iterdir() if path.suffix in {".go", ".mod", ".sum"}]
    return digest([files_digest(SOURCES, files), *_arguments(_ALL[name]), toolchain().version])


def binary(name: str) -> Path:
    """Where the binary of a component is, or will be."""
    return paths.cache() / "bin" / f"{name}-{_key(name)}" / name


def build(name: str) -> Path:
    """The binary of a component, built if it is not there yet.

    Raises:
        CommandError: Go could not build it.
    """
    target = binary(name)
    if not target.exists():
        with locked(paths.cache() / "bin" / f".{name}.lock", what=f"building {name}"):
            prune(target.parent.parent, f".{name}-*", 0)  # of builds that were interrupted
            make_folder(target.parent, lambda folder: _build(name, folder))
        prune(target.parent.parent, f"{name}-*", _KEEP)
    return target


def _build(name: str, folder: Path) -> None:
    component = _ALL[name]
    command = [str(toolchain().command()), "build", "-o", str(folder / name), *_arguments(component)]
    with step(f"{name}: building with {toolchain().version}", component.seconds):
        run.logged(f"go-{name}", command, cwd=_folder(name), env=environment())


@cache
def module(component: str, path: str) -> Path:
    """The folder of a module that a component needs, downloaded if it is not there yet."""
    command, folder = str(toolchain().command()), SOURCES / component
    listing = [command, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", path]
    found = run.answer(listing, cwd=folder, env=environment())
    if not found:
        run.logged(f"go-mod-{component}", [command, "mod", "download", path], cwd=folder, env=environment())
        found = run.answer(listing, cwd=folder, env=environment())
    return Path(found)
