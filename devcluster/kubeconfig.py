"""Kubeconfig files, written as JSON (which is YAML), with everything embedded so that a file can be copied."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from .storing import write_if_changed


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def write_kubeconfig(path: Path, *, server: str, pki: Path, user: str) -> None:
    """Write a kubeconfig for the client certificate pki/USER.crt.

    Args:
        path: the file to write; readable by root only, because it holds a private key.
        server: URL of the apiserver.
        pki: folder with ca.crt, USER.crt and USER.key.
        user: stem of the client certificate.
    """
    name = "perennial-devcluster"
    cluster = {"server": server, "certificate-authority-data": _encoded(pki / "ca.crt")}
    credentials = {
        "client-certificate-data": _encoded(pki / f"{user}.crt"),
        "client-key-data": _encoded(pki / f"{user}.key"),
    }
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
    }
    path.touch(mode=0o600)
    write_if_changed(path, json.dumps(config, indent=1) + "\n")
