"""Who may let a version serve: the policies of manifests/base/approvals.yaml, as several users."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.apiserver.security import mainjob
from tests.apiserver.support import Kubectl, until

EDITOR, APPROVER = "erin", "alice"
ARGO = "system:serviceaccount:argocd:argocd-application-controller"
API = {"apiVersion": "perennial.dev/v1alpha1"}
Apply = Callable[..., str]


def version(namespace: str, **approval: str) -> dict[str, Any]:
    obj = API | {"kind": "ModelVersion"} | mainjob.imported(namespace)
    return obj | {"spec": obj["spec"] | ({"approval": approval} if approval else {})}


def deployment(namespace: str, **spec: Any) -> dict[str, Any]:
    return API | {"kind": "ModelDeployment"} | mainjob.deployment(namespace, **spec)


def run(namespace: str, approval: str) -> dict[str, Any]:
    obj = API | {"kind": "TrainingRun"} | mainjob.run(namespace)
    return obj | {"spec": obj["spec"] | {"approval": approval}}


@pytest.fixture
def apply(secured: Kubectl, namespace: str) -> Apply:
    """Applies an object as a user; everybody may edit, one may approve. Raises AssertionError with the refusal."""
    roles = [(EDITOR, "edit"), (APPROVER, "edit"), (APPROVER, "approve"), (ARGO, "edit")]
    for number, (user, role) in enumerate(roles):
        binding = ["create", "rolebinding", f"b{number}", f"--clusterrole=perennial-{role}", f"--user={user}"]
        secured("-n", namespace, *binding)

    def apply(obj: dict[str, Any], user: str = "admin", *flags: str) -> str:
        impersonated = () if user == "admin" else (f"--as={user}",)
        return secured("apply", "-f", "-", *impersonated, *flags, stdin=yaml.safe_dump(obj))

    def refused() -> bool:
        try:
            apply(version(namespace, decision="Approved"), EDITOR, "--dry-run=server")
        except AssertionError as error:
            return "needs the verb approve" in str(error)
        return False

    until(refused, "the policy is in force")
    until(lambda: _may_approve(secured, namespace), "the bindings are in force")
    return apply


def _may_approve(kubectl: Kubectl, namespace: str) -> bool:
    try:
        return "yes" in kubectl("-n", namespace, "auth", "can-i", "approve", "modelversions", f"--as={APPROVER}")
    except AssertionError:
        return False


def test_without_the_verb_a_version_is_registered_and_not_approved(apply: Apply, namespace: str) -> None:
    apply(version(namespace), EDITOR)
    with pytest.raises(AssertionError, match=r"erin may not decide about ModelVersion flights-7: .* perennial-approve"):
        apply(version(namespace, decision="Approved", by=EDITOR), EDITOR)
    with pytest.raises(AssertionError, match="erin may not decide"):
        apply(version(namespace, by=EDITOR), EDITOR)
    apply(version(namespace, decision="Pending"), EDITOR)


def test_a_version_is_not_made_approved_without_the_verb(apply: Apply, namespace: str) -> None:
    for decision in ("Approved", "Rejected"):
        with pytest.raises(AssertionError, match="erin may not decide"):
            apply(version(namespace, decision=decision), EDITOR)
    apply(version(namespace, decision="Approved", by=APPROVER), APPROVER)


def test_who_decides_signs_with_the_own_name_or_not_at_all(apply: Apply, namespace: str) -> None:
    apply(version(namespace), EDITOR)
    for name in ("bob", "perennial"):
        with pytest.raises(AssertionError, match=f"by says {name}, but it is alice who decides .* or leave it out"):
            apply(version(namespace, decision="Approved", by=name), APPROVER)
    apply(version(namespace, decision="Approved", by=APPROVER, reason="It is good."), APPROVER)
    apply(version(namespace, decision="Rejected", reason="It is not."), APPROVER)
    apply(version(namespace, decision="Approved"), "admin")


def test_nobody_puts_words_into_the_mouth_of_another(apply: Apply, secured: Kubectl, namespace: str) -> None:
    apply(version(namespace, decision="Approved", by=APPROVER, reason="It is good."), APPROVER)
    with pytest.raises(AssertionError, match=r"by says alice, but it is .*admin who decides"):
        apply(version(namespace, decision="Rejected", by=APPROVER, reason="It is good."))
    with pytest.raises(AssertionError, match=r"by says alice, but it is .*admin who decides"):
        apply(version(namespace, decision="Approved", by=APPROVER, reason="It is excellent."))


def test_applying_the_same_again_is_always_allowed(apply: Apply, secured: Kubectl, namespace: str) -> None:
    approved = version(namespace, decision="Approved", by=APPROVER)
    pinned = deployment(namespace, version=7)
    apply(approved, APPROVER)
    apply(pinned, APPROVER)
    for user in (ARGO, EDITOR):
        apply(approved, user)
        apply(pinned, user)
        apply(approved, user, "--server-side", "--force-conflicts")
        apply(pinned, user, "--server-side", "--force-conflicts")
    labelled = approved | {"metadata": approved["metadata"] | {"labels": {"team": "flights"}}}
    apply(labelled, ARGO)
    with pytest.raises(AssertionError, match="may not decide"):
        apply(version(namespace, decision="Rejected", by=APPROVER), ARGO)


def test_git_that_says_nothing_of_approvals_leaves_them(apply: Apply, secured: Kubectl, namespace: str) -> None:
    apply(version(namespace), ARGO)
    patch = '{"spec":{"approval":{"decision":"Approved","by":"alice"}}}'
    secured("-n", namespace, "patch", "mver", "flights-7", "--type=merge", "-p", patch, f"--as={APPROVER}")
    apply(version(namespace), ARGO)
    apply(version(namespace), ARGO, "--server-side", "--force-conflicts")
    said = secured("-n", namespace, "get", "mver", "flights-7", "-o", "jsonpath={.spec.approval.decision}")
    assert said == "Approved"


def test_an_approval_is_not_taken_back_without_the_verb(apply: Apply, secured: Kubectl, namespace: str) -> None:
    apply(version(namespace, decision="Approved"), APPROVER)
    patch = '[{"op":"remove","path":"/spec/approval"}]'
    with pytest.raises(AssertionError, match="erin may not decide"):
        secured("-n", namespace, "patch", "mver", "flights-7", "--type=json", "-p", patch, f"--as={EDITOR}")


def test_a_pin_is_an_approval(apply: Apply, namespace: str) -> None:
    with pytest.raises(AssertionError, match=r"erin may not pin ModelVersion flights-7: .* or set follow: Latest"):
        apply(deployment(namespace, version=7), EDITOR)
    apply(deployment(namespace), EDITOR)
    with pytest.raises(AssertionError, match="erin may not pin ModelVersion flights-7"):
        apply(deployment(namespace, version=7), EDITOR)
    apply(deployment(namespace, version=7), APPROVER)
    apply(deployment(namespace, version=7, scaleDownSeconds=1), EDITOR)
    with pytest.raises(AssertionError, match="erin may not pin ModelVersion flights-8"):
        apply(deployment(namespace, version=8), EDITOR)
    apply(deployment(namespace), EDITOR)


def test_the_verb_may_be_given_for_one_version_only(apply: Apply, secured: Kubectl, namespace: str) -> None:
    role = ["create", "role", "one", "--verb=approve", "--resource=modelversions.perennial.dev"]
    secured("-n", namespace, *role, "--resource-name=flights-8")
    secured("-n", namespace, "create", "rolebinding", "one", "--role=one", f"--user={EDITOR}")
    allowed = ["-n", namespace, "auth", "can-i", "approve", "modelversions/flights-8", f"--as={EDITOR}"]
    until(lambda: _yes(secured, allowed), "the binding is in force")
    apply(deployment(namespace, version=8), EDITOR)
    with pytest.raises(AssertionError, match="erin may not pin ModelVersion flights-7"):
        apply(deployment(namespace, version=7), EDITOR)


def _yes(kubectl: Kubectl, arguments: list[str]) -> bool:
    try:
        return "yes" in kubectl(*arguments)
    except AssertionError:
        return False


def test_a_run_that_approves_its_own_version_needs_the_verb(apply: Apply, namespace: str) -> None:
    with pytest.raises(AssertionError, match=r"erin may not create a TrainingRun with approval: Automatic: .* Manual"):
        apply(run(namespace, "Automatic"), EDITOR)
    apply(run(namespace, "Manual"), EDITOR)
    automatic = run(namespace, "Automatic")
    automatic["metadata"]["name"] = "automatic"
    apply(automatic, APPROVER)
    apply(automatic, ARGO)


def test_only_the_operator_signs_as_perennial(apply: Apply, secured: Kubectl, namespace: str) -> None:
    """That it may is shown wherever the tests have it register a version."""
    with pytest.raises(AssertionError, match="by says perennial"):
        apply(version(namespace, decision="Approved", by="perennial"), APPROVER)
    for role in ("view", "edit", "approve"):
        rules = yaml.safe_load(secured("get", "clusterrole", f"perennial-{role}", "-o", "yaml"))["rules"]
        assert not any({"register", "*"} & set(rule["verbs"]) for rule in rules)
