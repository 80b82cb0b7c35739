"""Which error an answer of the apiserver stands for. The bodies are those of a 1.35 apiserver."""

import json

import pytest

from perennial.ports.kube import (
    AlreadyExists,
    Conflict,
    Forbidden,
    Invalid,
    KubeError,
    NotFound,
    NotInstalled,
    NotLeading,
    Unavailable,
)
from perennial.ports.kube_errors import error_of

REFUSED = (
    "ValidatingAdmissionPolicy 'perennial-one-writer' with binding 'perennial-one-writer' denied request: "
    "pod one does not hold the lease"
)


def status(reason: str, message: str, **details: str) -> str:
    return json.dumps({"kind": "Status", "reason": reason, "message": message, "details": details})


@pytest.mark.parametrize(
    ("code", "body", "expected"),
    [
        (409, status("AlreadyExists", 'jobs "a" already exists', name="a"), AlreadyExists),
        (409, status("Conflict", "the object has been modified", name="a"), Conflict),
        (404, status("NotFound", 'jobs "a" not found', name="a"), NotFound),
        (404, status("NotFound", "the server could not find the requested resource"), NotInstalled),
        (404, "404 page not found\n", NotInstalled),
        (403, status("Forbidden", "cannot create resource"), Forbidden),
        (403, status("Forbidden", f'jobs "a" is forbidden: {REFUSED}', name="a"), NotLeading),
        (401, status("Unauthorized", "Unauthorized"), Forbidden),
        (422, status("Invalid", "spec.version: Invalid value", name="a"), Invalid),
        (400, status("BadRequest", "unknown field"), Invalid),
        (429, status("TooManyRequests", "later"), Unavailable),
        (500, "etcdserver: leader changed", Unavailable),
        (504, status("Timeout", "request did not complete"), Unavailable),
        (503, "", Unavailable),
    ],
)
def test_error_of(code: int, body: str, expected: type[KubeError]) -> None:
    assert type(error_of(code, body)) is expected


def test_the_sentence_is_the_apiservers() -> None:
    assert str(error_of(422, status("Invalid", "spec.version: must be 1"))) == "spec.version: must be 1"
    assert str(error_of(503, "")) == "HTTP 503"
    assert str(error_of(500, "[1, 2]")) == "[1, 2]"
    assert len(str(error_of(500, "x" * 10000))) == 2048
