"""Settings from arguments and environment."""

import pytest

from perennial import __main__ as program
from perennial.core.settings import Settings


def parse(argv: list[str], environ: dict[str, str]) -> Settings:
    arguments = program._parser(environ).parse_args(argv)
    return Settings.model_validate(program._values(vars(arguments)))


def test_the_environment_is_enough() -> None:
    settings = parse([], {"PERENNIAL_TRAINER_IMAGE": "trainer:1", "PERENNIAL_POD_NAME": "pod-1"})
    assert (settings.trainer_image, settings.pod_name, settings.namespace) == ("trainer:1", "pod-1", "perennial-system")
    assert (settings.resync_seconds, settings.workers, settings.prometheus_url) == (300, 4, None)


def test_an_argument_wins() -> None:
    assert parse(["--trainer-image", "b"], {"PERENNIAL_TRAINER_IMAGE": "a"}).trainer_image == "b"


def test_an_empty_variable_is_an_absent_one() -> None:
    assert parse(["--trainer-image", "b"], {"PERENNIAL_PROMETHEUS_URL": ""}).prometheus_url is None


def test_namespaces_are_a_list_with_commas() -> None:
    settings = parse(["--trainer-image", "b", "--namespaces", "one, two,"], {})
    assert settings.namespaces == ("one", "two")


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        ([], "--trainer-image"),
        (["--trainer-image", "b", "--workers", "0"], "--workers"),
        (["--trainer-image", "b", "--prometheus-url", "prometheus:9090"], "--prometheus-url"),
        (["--trainer-image", "b", "--resync-seconds", "soon"], "--resync-seconds"),
        (["--trainer-image", "b", "--lease-seconds", "8"], "--renew-deadline-seconds: Value error, must be below"),
        (["--trainer-image", "b", "--retry-seconds", "10"], "--retry-seconds: Value error, must be below"),
    ],
)
def test_a_wrong_setting_is_named(
    argv: list[str], named: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PERENNIAL_TRAINER_IMAGE", raising=False)
    assert program.main(argv) == 2
    assert named in capsys.readouterr().err


def test_no_cluster_is_said_in_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/absent")
    assert program.main(["--trainer-image", "b"]) == 2
    assert "no usable credentials" in capsys.readouterr().err


def test_help_shows_no_password(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERENNIAL_PROMETHEUS_URL", "http://someone:s3cret%40word@prometheus:9090")
    with pytest.raises(SystemExit):
        program.main(["--help"])
    said = capsys.readouterr().out
    assert "s3cret" not in said
    assert "[redacted]@prometheus:9090" in said.replace("\n", "").replace(" ", "")
