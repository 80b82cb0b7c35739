"""What can go wrong between the operator and the apiserver, in the terms a reconciler acts on."""

import json
from typing import Any

WEBHOOK_FAILED = "failed calling webhook"
"""How the apiserver begins to tell that a webhook did not answer; its status says InternalError only."""


class KubeError(Exception):
    """Base of all errors of `perennial.ports.kube`."""


class AlreadyExists(KubeError):  # noqa: N818  Kubernetes' own name of the reason
    """A create met an object of that name."""


class Conflict(KubeError):  # noqa: N818
    """The object changed since the resourceVersion that the write was decided on: read again, decide again."""


class NotFound(KubeError):  # noqa: N818
    """A write met no object, or no namespace, of that name."""


class NotInstalled(KubeError):  # noqa: N818
    """The cluster does not serve the kind: its CustomResourceDefinition is absent."""


class Forbidden(KubeError):  # noqa: N818
    """The operator's role, a quota or an admission plugin does not allow it."""


class Invalid(KubeError):  # noqa: N818
    """The apiserver or a webhook refuses the object; the message is theirs."""


class Unavailable(KubeError):  # noqa: N818
    """No answer, or one that says: later (5xx, 429, timeouts). A write may have been done all the same."""


class WebhookUnavailable(Unavailable):
    """An admission webhook that must be asked does not answer: a missing or broken controller of others."""


class NotLeading(KubeError):  # noqa: N818
    """The lease may have expired, so the write was not sent; or the apiserver knows of another leader."""


FENCE = "perennial-one-writer"
"""The ValidatingAdmissionPolicy of manifests/base/fence.yaml: it refuses the writes of a pod that does not lead."""


def error_of(status: int, body: str) -> KubeError:
    """The error that an HTTP status of 300 and above, with its body, stands for."""
    answer = _status_object(body)
    message = str(answer.get("message") or body.strip() or f"HTTP {status}")[:2048]
    reason = answer.get("reason")
    if status == 409:
        return AlreadyExists(message) if reason == "AlreadyExists" else Conflict(message)
    if status == 404:
        # Only an object that could be there has a name in the details; an unknown path is answered in plain text.
        named = bool((answer.get("details") or {}).get("name"))
        return NotFound(message) if named else NotInstalled(message)
    if status in (401, 403):
        return NotLeading(message) if f"ValidatingAdmissionPolicy '{FENCE}'" in message else Forbidden(message)
    if status in (429, 408) or status >= 500:
        return WebhookUnavailable(message) if WEBHOOK_FAILED in message else Unavailable(message)
    return Invalid(message)


def _status_object(body: str) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
