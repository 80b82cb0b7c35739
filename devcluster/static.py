"""Images that need no base: one binary, the user files and the few folders that it writes to."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from . import go, wheels
from .archive import Entry, write_archive, write_layer
from .storing import digest

USER = 65532
_PASSWD = b"root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin\n"
_GROUP = b"root:x:0:\nnonroot:x:65532:\n"
_COMMON = (
    Entry("/etc/passwd", _PASSWD, 0o644),
    Entry("/etc/group", _GROUP, 0o644),
    Entry("/etc/nsswitch.conf", b"hosts: files dns\n", 0o644),
    Entry("/tmp", mode=0o1777),  # noqa: S108 - in the image
)
_LIBRARIES = ("libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1")
_LOADER = "/lib64/ld-linux-x86-64.so.2"
_LIBRARY_FOLDER = "/lib/x86_64-linux-gnu"


@dataclass(frozen=True)
class StaticImage:
    """An image of one binary.

    Attributes:
        binary: gives the binary, made if need be.
        identity: gives what tells one binary from another, without making it.
        path: the binary's path in the image, its entry point.
        more: further entries.
        seconds: how long writing it takes.
    """

    binary: Callable[[], Path]
    identity: Callable[[], str]
    path: str
    more: tuple[Entry, ...] = field(default_factory=tuple)
    seconds: int = 2

    def key(self) -> str:
        """Hash of what goes in."""
        shapes = [f"{entry.path} {entry.content!r} {entry.mode} {entry.owner}" for entry in (*_COMMON, *self.more)]
        return digest([self.identity(), self.path, *shapes])

    def make(self, target: Path, reference: str) -> None:
        """Write the docker-archive."""
        entries = (*_COMMON, *self.more, Entry(self.path, self.binary()))
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            layer = Path(folder) / "layer.tar"
            write_layer(layer, entries)
            settings = {
                "Entrypoint": [self.path],
                "User": f"{USER}:{USER}",
                "WorkingDir": "/",
                "Env": ["PATH=/usr/local/bin:/usr/bin:/bin"],
            }
            write_archive(target, reference, [layer], settings)


def _from_go(component: str, path: str, *more: Entry) -> StaticImage:
    return StaticImage(lambda: go.build(component), lambda: go.binary(component).parent.name, path, more)


def _glibc() -> tuple[Entry, ...]:
    """Debian's C library: Envoy's wheel links it dynamically, and nothing else."""
    libraries = (Entry(f"{_LIBRARY_FOLDER}/{name}", Path(_LIBRARY_FOLDER, name)) for name in _LIBRARIES)
    return (*libraries, Entry(_LOADER, Path(_LOADER)))


IMAGES = {
    "pause": _from_go("pause", "/pause"),
    "kserve-manager": _from_go("kserve", "/manager"),
    "envoy-gateway": _from_go("envoy-gateway", "/usr/local/bin/envoy-gateway", Entry("/var/lib/eg", owner=USER)),
    "prometheus": _from_go("prometheus", "/usr/local/bin/prometheus"),
    "envoy": StaticImage(
        wheels.envoy, lambda: wheels.folder("envoy").name, "/usr/local/bin/envoy", (Entry("/etc/envoy"), *_glibc())
    ),
}
