"""The manifest of a Job whose pod may do little: no root, no API token, a read-only file system but for its mounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perennial.ports.kinds import JOB
from perennial.ports.kube import Object

# The group that volumes are made writable for; the image's own user is in it through the pod's security context.
FS_GROUP = 65532
TERMINATION_LOG = "/dev/termination-log"
FINAL_EXIT = 65
"""A container that ends with this code has said why in its outcome, and would fail again: it is not tried again."""


@dataclass(frozen=True)
class Mount:
    """A part of a claim in the container; an empty `sub_path` is the whole claim."""

    claim: str
    path: str
    sub_path: str = ""
    read_only: bool = True


@dataclass(frozen=True)
class Work:
    """What one container is to do. `env` entries are in Kubernetes' form; a `private_log` stays in the pod."""

    container: str
    image: str
    args: Sequence[str] | None
    env: Sequence[Object]
    mounts: Sequence[Mount]
    command: Sequence[str] | None = None
    resources: Object | None = None
    private_log: bool = False


@dataclass(frozen=True)
class Limits:
    """Kubernetes' own retries and deadline."""

    backoff: int
    deadline_seconds: int


def literal(env: Mapping[str, str]) -> list[Object]:
    """Environment variables with exactly these values: the kubelet would replace ``$(NAME)`` otherwise."""
    return [{"name": name, "value": value.replace("$", "$$")} for name, value in env.items()]


def job(name: str, owner: Object, namespace: str, labels: Mapping[str, str], work: Work, limits: Limits) -> Object:
    """A Job of one pod at a time. It carries no TTL: its outcome must be read before it goes."""
    return {
        "apiVersion": JOB.api_version,
        "kind": JOB.kind,
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels), "ownerReferences": [owner]},
        "spec": {
            "backoffLimit": limits.backoff,
            "activeDeadlineSeconds": limits.deadline_seconds,
            # A pod that is evicted or preempted is replaced without being counted as a failed attempt.
            "podFailurePolicy": {
                "rules": [
                    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                    {
                        "action": "FailJob",
                        "onExitCodes": {"containerName": work.container, "operator": "In", "values": [FINAL_EXIT]},
                    },
                ]
            },
            "template": {"metadata": {"labels": dict(labels)}, "spec": _pod(work)},
        },
    }


def _pod(work: Work) -> Object:
    claims = sorted({each.claim for each in work.mounts})
    volumes = [{"name": _volume(claims, each), "persistentVolumeClaim": {"claimName": each}} for each in claims]
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "fsGroup": FS_GROUP,
            # A claim full of data is not walked again for every pod.
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(work, claims)],
        "volumes": [*volumes, {"name": "tmp", "emptyDir": {}}],
    }


def _container(work: Work, claims: Sequence[str]) -> Object:
    container: Object = {
        "name": work.container,
        "image": work.image,
        "env": list(work.env),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePath": TERMINATION_LOG,
        # The end of the log is the reason of a crash for those who may not read logs; the pod's status is read by more.
        "terminationMessagePolicy": "File" if work.private_log else "FallbackToLogsOnError",
        "volumeMounts": [*(_mount(each, claims) for each in work.mounts), {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108
    }
    given = {"command": work.command, "args": work.args, "resources": work.resources}
    return container | {key: value for key, value in given.items() if value}


def _mount(mount: Mount, claims: Sequence[str]) -> Object:
    entry: Object = {
        "name": _volume(claims, mount.claim),
        "mountPath": mount.path,
        "readOnly": mount.read_only,
    }
    return entry | ({"subPath": mount.sub_path} if mount.sub_path else {})


def _volume(claims: Sequence[str], claim: str) -> str:
    # A claim's name may be longer than a volume's, so volumes are numbered.
    return f"claim-{claims.index(claim)}"
