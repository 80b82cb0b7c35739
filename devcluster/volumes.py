"""Storage of the cluster: gives every claim of class `devcluster` a folder of its own, and deletes it after the claim.

    python3 volumes.py SERVER PKI_FOLDER VOLUMES_FOLDER

Runs as a daemon of its own. Any access mode will do, because there is one node; folders are writable by every user.
"""

from __future__ import annotations

import http.client
import json
import shutil
import ssl
import sys
import time
import urllib.parse
from pathlib import Path
from typing import Any

PROVISIONER = "perennial.dev/devcluster"
CLASS = "devcluster"
_EVERY_SECONDS = 0.5
_CLAIMS = "/api/v1/persistentvolumeclaims"
_VOLUMES = "/api/v1/persistentvolumes"

Object = dict[str, Any]


class Api:
    """Just enough of a client: one connection, made again after an error."""

    def __init__(self, server: str, pki: Path) -> None:
        context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        at = urllib.parse.urlsplit(server)
        self._connection = http.client.HTTPSConnection(at.hostname or "", at.port, context=context, timeout=10)

    def call(self, method: str, path: str, body: Object | None = None) -> Object:
        """Send a request and return the answer's object.

        Raises:
            OSError, http.client.HTTPException: there is no answer, or one of 500 and more.
        """
        try:
            content = json.dumps(body) if body else None
            self._connection.request(method, path, content, {"Content-Type": "application/json"})
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
        if answer.status >= http.client.INTERNAL_SERVER_ERROR:
            raise http.client.HTTPException(f"{method} {path}: {answer.status}")
        found: Object = json.loads(text)
        return found


def volume_name(claim: Object) -> str:
    """The volume of a claim: by uid, so that a claim made anew gets a new one."""
    return f"pvc-{claim['metadata']['uid']}"


def waits(claim: Object) -> bool:
    """Whether a claim wants a volume of ours."""
    return bool(claim["status"].get("phase") == "Pending" and claim["spec"].get("storageClassName") == CLASS)


def volume(claim: Object, root: Path) -> Object:
    """The volume of a claim."""
    meta, spec = claim["metadata"], claim["spec"]
    name = volume_name(claim)
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER}},
        "spec": {
            "accessModes": spec["accessModes"],
            "capacity": spec["resources"]["requests"],
            "claimRef": {"namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]},
            "hostPath": {"path": str(root / name), "type": "Directory"},
            "persistentVolumeReclaimPolicy": "Retain",  # this program deletes
            "storageClassName": CLASS,
        },
    }


def tick(api: Api, root: Path) -> None:
    """Make the volumes that are missing, delete those whose claim is gone."""
    for claim in api.call("GET", _CLAIMS)["items"]:
        if waits(claim):
            folder = root / volume_name(claim)
            folder.mkdir(exist_ok=True)
            folder.chmod(0o777)  # pods run as any user
            api.call("POST", _VOLUMES, volume(claim, root))
    for each in api.call("GET", _VOLUMES)["items"]:
        if each["spec"].get("storageClassName") == CLASS and each["status"].get("phase") == "Released":
            shutil.rmtree(each["spec"]["hostPath"]["path"], ignore_errors=True)
            api.call("DELETE", f"{_VOLUMES}/{each['metadata']['name']}")


def main(server: str, pki: str, folder: str) -> None:
    """Tick for ever; an apiserver that is away is asked again."""
    api, root = Api(server, Path(pki)), Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    while True:
        try:
            tick(api, root)
        except (OSError, http.client.HTTPException) as error:
            print(error, flush=True)
        time.sleep(_EVERY_SECONDS)


if __name__ == "__main__":
    main(*sys.argv[1:])
