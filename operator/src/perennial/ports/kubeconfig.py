"""What a kubeconfig says beside credentials: which namespace is meant."""

import os

from kubernetes.aio import config

from perennial.ports.kube_api import ConfigurationError


def namespace_of(kubeconfig: str | None = None, context: str | None = None) -> str:
    """The namespace of a context (the current one by default); "default" where none is named.

    Raises ConfigurationError for a kubeconfig that cannot be read or a context that it does not have.
    """
    path = kubeconfig or os.environ.get("KUBECONFIG")
    try:
        contexts, current = config.list_kube_config_contexts(path)
    except (config.ConfigException, OSError) as error:
        raise ConfigurationError(f"no usable credentials for a cluster: {error}") from error
    named = current if context is None else next((each for each in contexts if each["name"] == context), None)
    if named is None:
        known = ", ".join(str(each["name"]) for each in contexts)
        raise ConfigurationError(f"there is no context {context!r} in the kubeconfig; it has {known}")
    return str(named["context"].get("namespace") or "default")
