"""The apiserver: one generic path for every kind, objects as plain dicts.

All of the `kubernetes` package is here. Its generated models are strict pydantic classes that refuse or rename what
they do not know, so only its ApiClient is used: credentials, TLS, proxies, connection pool.
"""

import asyncio
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from perennial.ports.kinds import SERVICE, Kind
from perennial.ports.kube_api import ConfigurationError, Credentials, Gate, Kube, Object, Objects, Observer
from perennial.ports.kube_errors import (
    AlreadyExists,
    Conflict,
    Forbidden,
    Invalid,
    KubeError,
    NotFound,
    NotInstalled,
    NotLeading,
    Unavailable,
    WebhookUnavailable,
    error_of,
)
from perennial.ports.last_moment import before_sending, last_moment

__all__ = [
    "AlreadyExists",
    "ConfigurationError",
    "Conflict",
    "Credentials",
    "Forbidden",
    "Invalid",
    "Kube",
    "KubeClient",
    "KubeError",
    "NotFound",
    "NotInstalled",
    "NotLeading",
    "Object",
    "Objects",
    "Unavailable",
    "WebhookUnavailable",
]


APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
JSON = "application/json"
REQUEST_SECONDS = 10.0
"""An answer that takes longer is `Unavailable`."""


@dataclass(frozen=True)
class _Call:
    verb: str
    kind: Kind
    method: str
    path: str
    query: dict[str, str]
    body: Object | None = None
    content_type: str = JSON

    @property
    def writes(self) -> bool:
        return self.method != "GET"


class KubeClient:
    """The real Kube. Use `connect` to make one, `gated` for a view whose writes end with the lease."""

    def __init__(self, api: ApiClient, observe: Observer | None = None, gate: Gate | None = None) -> None:
        self._api = api
        self._observe = observe
        self._gate = gate

    @classmethod
    async def connect(
        cls, observe: Observer | None = None, kubeconfig: str | None = None, context: str | None = None
    ) -> Self:
        """Connect by `kubeconfig` or $KUBECONFIG, else as the pod's service account, else by ~/.kube/config.

        `context` is one of the kubeconfig's; its current one by default. Raises ConfigurationError.
        """
        configuration = Configuration()
        kubeconfig = kubeconfig or os.environ.get("KUBECONFIG")
        try:
            if kubeconfig is None and context is None and os.environ.get("KUBERNETES_SERVICE_HOST"):
                config.load_incluster_config(client_configuration=configuration)
            else:
                await config.load_kube_config(kubeconfig, context, client_configuration=configuration)
        except (config.ConfigException, OSError) as error:
            raise ConfigurationError(f"no usable credentials for a cluster: {error}") from error
        configuration.trace_configs = [last_moment()]
        api = ApiClient(configuration)
        api.user_agent = "perennial-operator"
        return cls(api, observe)

    def gated(self, gate: Gate) -> "KubeClient":
        """The same connection; writes are refused with NotLeading once `gate` has nothing remaining."""
        return KubeClient(self._api, self._observe, gate)

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def credentials(self) -> Credentials:
        """The credentials in use now; tokens that rotate are read anew."""
        settings = self._api.configuration
        auth = (await settings.auth_settings()).get("BearerToken")
        _, _, token = str(auth["value"]).partition(" ") if auth else ("", "", "")
        return Credentials(
            server=str(settings.host),
            ca_path=settings.ssl_ca_cert,
            certificate_path=settings.cert_file,
            key_path=settings.key_file,
            token=token or None,
            verify=bool(settings.verify_ssl),
        )

    async def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        try:
            return await self._request(_Call("get", kind, "GET", kind.path(namespace, name), {}))
        except NotFound:
            return None

    async def list(self, kind: Kind, namespace: str | None = None, labels: Mapping[str, str] | None = None) -> Objects:
        query = {"labelSelector": ",".join(f"{k}={v}" for k, v in sorted(labels.items()))} if labels else {}
        answer = await self._request(_Call("list", kind, "GET", kind.path(namespace), query))
        # Items of a list carry no type of their own.
        head = {"apiVersion": kind.api_version, "kind": kind.kind}
        return [head | item for item in answer["items"]]

    async def create(self, kind: Kind, obj: Object) -> Object:
        return await self._request(_Call("create", kind, "POST", kind.path(_namespace(obj)), {}, _typed(kind, obj)))

    async def update(self, kind: Kind, obj: Object) -> Object:
        """Replace it as a whole, guarded by its resourceVersion. Raises Conflict. For Leases only."""
        path = kind.path(_namespace(obj), _name(obj))
        return await self._request(_Call("update", kind, "PUT", path, {}, _typed(kind, obj)))

    async def apply(self, kind: Kind, obj: Object, *, manager: str) -> Object:
        return await self._apply(kind, obj, manager, "")

    async def apply_status(self, kind: Kind, obj: Object, *, manager: str) -> Object:
        kept = ("namespace", "name", "resourceVersion", "uid")
        metadata = {k: v for k, v in obj["metadata"].items() if k in kept}
        return await self._apply(kind, {"metadata": metadata, "status": obj["status"]}, manager, "/status")

    async def merge_status(self, kind: Kind, obj: Object, *, manager: str) -> Object:
        path = kind.path(_namespace(obj), _name(obj)) + "/status"
        query = {"fieldManager": manager, "fieldValidation": "Strict"}
        return await self._request(_Call("patch", kind, "PATCH", path, query, obj, MERGE))

    async def delete(self, kind: Kind, obj: Object) -> None:
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": obj["metadata"]["uid"]},
        }
        call = _Call("delete", kind, "DELETE", kind.path(_namespace(obj), _name(obj)), {}, options)
        try:
            await self._request(call)
        except (NotFound, Conflict):
            # The only precondition is the uid, so a conflict means that another object has the name now.
            return

    async def served(self, group_version: Kind) -> frozenset[str]:
        """Plurals that the cluster serves in the kind's group and version; empty where the group is absent."""
        call = _Call("discover", group_version, "GET", group_version.prefix, {})
        try:
            answer = await self._request(call)
        except (NotInstalled, NotFound):
            return frozenset()
        return frozenset(resource["name"] for resource in answer.get("resources", []))

    async def through_service(self, namespace: str, service: str, path: str) -> Object:
        """GET `path` of a Service's pods through the apiserver; `service` is NAME:PORT as RBAC's resourceNames have it.

        Raises NotFound where there is no such Service, NotInstalled where the pod that was asked answers 404, and
        Unavailable where there is no pod, or it answers 5xx.
        """
        call = _Call("get", SERVICE, "GET", f"{SERVICE.path(namespace, service)}/proxy{path}", {})
        return await self._request(call)

    async def _apply(self, kind: Kind, obj: Object, manager: str, subresource: str) -> Object:
        path = kind.path(_namespace(obj), _name(obj)) + subresource
        query = {"fieldManager": manager, "force": "true", "fieldValidation": "Strict"}
        return await self._request(_Call("patch", kind, "PATCH", path, query, _typed(kind, obj), APPLY))

    async def _request(self, call: _Call) -> Object:
        seconds = self._seconds(call)
        status = 0
        try:
            status, body = await self._send(call, seconds)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            self._check(call)
            raise Unavailable(f"{call.method} {call.path}: {error or type(error).__name__}") from error
        finally:
            if self._observe is not None:
                self._observe(call.verb, call.kind.plural, status)
        refusal = error_of(status, body.decode(errors="replace")) if status >= 300 else None
        if self._gate is not None and call.writes and (refusal is None or isinstance(refusal, NotLeading)):
            self._gate.told(leads=refusal is None)
        if refusal is not None:
            raise refusal
        return _decode(body)

    def _seconds(self, call: _Call) -> float:
        if self._gate is None or not call.writes:
            return REQUEST_SECONDS
        self._check(call)
        return min(REQUEST_SECONDS, self._gate.remaining())

    def _check(self, call: _Call) -> None:
        """Raise NotLeading for a write that is no longer allowed."""
        if self._gate is not None and call.writes and self._gate.remaining() <= 0:
            raise NotLeading(f"{call.method} {call.path}: the lease may have expired")

    async def _send(self, call: _Call, seconds: float) -> tuple[int, bytes]:
        request = await self._api.param_serialize(
            call.method,
            call.path,
            query_params=list(call.query.items()),
            header_params={"Accept": JSON, "Content-Type": call.content_type},
            body=call.body,
            auth_settings=["BearerToken"],
        )
        before_sending(lambda: self._check(call))
        # aiohttp's timeout does not cover everything that can hang (the exec plugin of a kubeconfig, a proxy).
        async with asyncio.timeout(seconds):
            response = await self._api.call_api(*request, _request_timeout=aiohttp.ClientTimeout(total=seconds))
            return response.status, await response.read()


def _decode(body: bytes) -> Object:
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise Unavailable(f"an answer that is not JSON: {body[:80]!r}") from error
    if not isinstance(answer, dict):
        raise Unavailable(f"an answer that is no object: {body[:80]!r}")
    return answer


def _typed(kind: Kind, obj: Object) -> Object:
    return {**obj, "apiVersion": kind.api_version, "kind": kind.kind}


def _namespace(obj: Object) -> str:
    return str(obj["metadata"]["namespace"])


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])
