"""Envoy Gateway from its own chart, and the one Gateway of the cluster."""

from __future__ import annotations

import shutil
import string
from pathlib import Path

from . import go, images, paths, run, wheels
from .kubectl import apply, kubectl, wait_for
from .storing import digest, make_folder

NAMESPACE = "envoy-gateway-system"
VERSION = "v1.9.1"
_VALUES = paths.MANIFESTS / "envoy-gateway-values.yaml"


def install_controller() -> None:
    """Apply Envoy Gateway; the Job that makes its certificates is made anew, because Jobs cannot be changed."""
    rendered = chart().read_text()
    kubectl("delete", "job", "--namespace", NAMESPACE, "--all", "--ignore-not-found")
    apply(rendered)


def install_gateway() -> None:
    """Apply the Gateway: Envoy Gateway starts an Envoy for it."""
    manifest = (paths.MANIFESTS / "gateway.yaml").read_text()
    apply(manifest.replace("ENVOY_IMAGE", images.reference("envoy")))


def wait_ready() -> None:
    """Wait until traffic can come in."""
    wait_for("condition=Programmed", f"--namespace={NAMESPACE}", "gateway/gw", seconds=120)


def chart() -> Path:
    """The rendered chart, from the cache if nothing that goes in has changed."""
    key = digest([VERSION, _VALUES.read_bytes(), *_image_arguments()])
    folder = paths.cache() / "upstream" / f"envoy-gateway-{key}"
    return make_folder(folder, _render) / "rendered.yaml"


def _image_arguments() -> list[str]:
    chosen = {"envoyGateway": "envoy-gateway", "envoyProxy": "envoy"}
    return [f"--set=global.images.{key}.image={images.reference(name)}" for key, name in chosen.items()]


def _render(folder: Path) -> None:
    copy = folder / "chart"
    _copy_chart(copy)
    command = [str(wheels.helm()), "template", "eg", str(copy), "--namespace", NAMESPACE, "--values", str(_VALUES)]
    (folder / "rendered.yaml").write_text(run.answer([*command, *_image_arguments()]))


def _copy_chart(target: Path) -> None:
    """Upstream's chart as its release makes it: placeholders filled in; without its definitions, which we pick."""
    source = go.module("envoy-gateway", "github.com/envoyproxy/gateway") / "charts/gateway-helm"
    for path in source.rglob("*"):
        copy = target / path.relative_to(source)
        if path.is_file() and not copy.is_relative_to(target / "charts/crds/crds"):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    shutil.rmtree(target / "charts/crds/templates")
    placeholders = {"GatewayImage": images.reference("envoy-gateway"), "GatewayImagePullPolicy": "IfNotPresent"}
    template = string.Template((target / "values.tmpl.yaml").read_text())
    (target / "values.yaml").write_text(template.safe_substitute(placeholders))
    description = target / "Chart.yaml"
    text = description.read_text().replace("v0.0.0-latest", VERSION).replace('"latest"', f'"{VERSION}"')
    description.write_text(text)
