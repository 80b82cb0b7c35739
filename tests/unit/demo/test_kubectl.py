"""kubectl's wrapper, on a command that stands in for kubectl."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from demo.kubectl import Kubectl, KubectlError, TooLateError, until


def saying(program: str) -> Kubectl:
    """A wrapper whose kubectl is a Python program."""
    return Kubectl((sys.executable, "-c", f"import sys; {program}"), namespace="flights")


def test_a_command_runs_in_the_namespace() -> None:
    kubectl = saying("print(sys.argv[1:])")
    assert kubectl("get", "pods").strip() == "['--namespace', 'flights', 'get', 'pods']"


def test_a_failure_is_an_error_with_what_kubectl_said() -> None:
    with pytest.raises(KubectlError, match="no such thing"):
        saying("sys.exit('no such thing')")("get", "pods")


def test_what_is_given_reaches_its_standard_input() -> None:
    assert saying("print(sys.stdin.read())")("apply", given="kind: Namespace").strip() == "kind: Namespace"


@pytest.mark.parametrize(("printed", "expected"), [("", None), ('{"kind": "Pod"}', {"kind": "Pod"})])
def test_an_object_that_is_not_there_is_none(printed: str, expected: Any) -> None:
    assert saying(f"print({printed!r})").get("pod", "a") == expected


def test_lists_are_their_items() -> None:
    printed = '{"items": [{"kind": "Pod"}]}'
    assert saying(f"print({printed!r})").list("pods") == [{"kind": "Pod"}]


def test_waiting_ends_with_the_condition_or_with_the_deadline() -> None:
    answers = iter([False, True])
    until(lambda: next(answers), what="the second answer", seconds=10)
    with pytest.raises(TooLateError, match="what never comes"):
        until(lambda: False, what="what never comes", seconds=0)
