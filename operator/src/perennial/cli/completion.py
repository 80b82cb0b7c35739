"""What a shell may offer next, in the form that kubectl asks of `kubectl_complete-perennial`."""

from __future__ import annotations

from collections.abc import Sequence

from perennial.cli.arguments import ACTIONS, VIEWS
from perennial.ports.kinds import MODEL_DEPLOYMENT
from perennial.ports.kube import ConfigurationError, KubeClient, KubeError
from perennial.ports.kubeconfig import namespace_of

NO_FILES = ":4"
"""To the shell: offer no names of files instead."""
_FLAGS = {"-n": "namespace", "--namespace": "namespace", "--context": "context", "--kubeconfig": "kubeconfig"}


async def complete(words: Sequence[str]) -> int:
    """Print what may stand for the last word, one a line."""
    for each in [*await _offers(words), NO_FILES]:
        print(each)
    return 0


async def _offers(words: Sequence[str]) -> list[str]:
    *before, last = words or [""]
    plain, flags = _split(before)
    if last.startswith("-"):
        return []
    if not plain:
        return [each for each in (*ACTIONS, *VIEWS) if each.startswith(last)]
    if len(plain) > 1:
        return []
    return [each for each in await _names(flags) if each.startswith(last)]


def _split(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The words that are no flags, and the flags that say which cluster and namespace."""
    plain: list[str] = []
    flags: dict[str, str] = {}
    waiting = ""
    for word in words:
        name, equals, given = word.partition("=")
        if waiting:
            flags[waiting], waiting = word, ""
        elif name in _FLAGS:
            waiting = "" if equals else _FLAGS[name]
            if equals:
                flags[_FLAGS[name]] = given
        elif not word.startswith("-"):
            plain.append(word)
    return plain, flags


async def _names(flags: dict[str, str]) -> list[str]:
    """The deployments there are; none where the cluster cannot be asked: a shell is no place for a complaint."""
    kubeconfig, context = flags.get("kubeconfig"), flags.get("context")
    try:
        namespace = flags.get("namespace") or namespace_of(kubeconfig, context)
        kube = await KubeClient.connect(kubeconfig=kubeconfig, context=context)
    except ConfigurationError:
        return []
    try:
        return [each["metadata"]["name"] for each in await kube.list(MODEL_DEPLOYMENT, namespace)]
    except KubeError:
        return []
    finally:
        await kube.close()
