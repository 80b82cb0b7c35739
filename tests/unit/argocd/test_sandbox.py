"""The tests' Lua refuses what Argo CD's would."""

import pytest

from tests.unit.argocd.argo import CUSTOMIZATIONS, LuaError, run

SCRIPTS = sorted(CUSTOMIZATIONS.rglob("*.lua"))


@pytest.mark.parametrize(
    "script",
    [
        'return { ("x"):upper() }',
        'return { string.format("x") }',
        "return { math.floor(1.5) }",
        "return { os.time() }",
        'return { io.open("/etc/passwd") }',
        'return { require("io") }',
        "return { python.builtins }",
        "forgotten_local = 1 return {}",
    ],
)
def test_what_argo_cd_does_not_have_fails(script: str) -> None:
    with pytest.raises(LuaError):
        run(script, {})


def test_the_time_can_be_had() -> None:
    (now,) = run('local os = require("os") return { os.date("!%Y") }', {})
    assert now.startswith("20")


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_begin_with_a_sentence_about_them(path) -> None:  # type: ignore[no-untyped-def]
    assert path.read_text().startswith("-- ")
