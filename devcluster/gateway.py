"""Envoy Gateway from its own chart, and the one Gateway of the cluster."""

from __future__ import annotations

import shutil
import string
from dataclasses import dataclass
from pathlib import Path

from . import go, paths, run, wheels
from .kubectl import Kubectl
from .storing import digest, make_folder

NAMESPACE = "envoy-gateway-system"
VERSION = "v1.9.1"
_VALUES = paths.MANIFESTS / "envoy-gateway-values.yaml"


@dataclass(frozen=True)
class Images:
    """References of the controller's and of Envoy's image."""

    controller: str
    envoy: str


def install_controller(kubectl: Kubectl, images: Images) -> None:
    """Apply Envoy Gateway; the Job that makes its certificates is made anew, because Jobs cannot be changed."""
    rendered = chart(images).read_text()
    kubectl("delete", "job", "--namespace", NAMESPACE, "--all", "--ignore-not-found")
    kubectl.apply(rendered)


def install_gateway(kubectl: Kubectl, images: Images) -> None:
    """Apply the Gateway: Envoy Gateway starts an Envoy for it."""
    manifest = (paths.MANIFESTS / "gateway.yaml").read_text()
    kubectl.apply(manifest.replace("ENVOY_IMAGE", images.envoy))


def wait_ready(kubectl: Kubectl) -> None:
    """Wait until traffic can come in."""
    kubectl.wait_for("condition=Programmed", f"--namespace={NAMESPACE}", "gateway/gw", seconds=120)


def chart(images: Images) -> Path:
    """The rendered chart, from the cache if nothing that goes in has changed."""
    key = digest([VERSION, _VALUES.read_bytes(), *_image_arguments(images)])
    folder = paths.cache() / "upstream" / f"envoy-gateway-{key}"
    return make_folder(folder, lambda temporary: _render(temporary, images)) / "rendered.yaml"


def _image_arguments(images: Images) -> list[str]:
    chosen = {"envoyGateway": images.controller, "envoyProxy": images.envoy}
    return [f"--set=global.images.{key}.image={reference}" for key, reference in chosen.items()]


def _render(folder: Path, images: Images) -> None:
    copy = folder / "chart"
    _copy_chart(copy, images)
    command = [str(wheels.helm()), "template", "eg", str(copy), "--namespace", NAMESPACE, "--values", str(_VALUES)]
    (folder / "rendered.yaml").write_text(run.answer([*command, *_image_arguments(images)]))


def _copy_chart(target: Path, images: Images) -> None:
    """Upstream's chart as its release makes it: placeholders filled in; without its definitions, which we pick."""
    source = go.module("envoy-gateway", "github.com/envoyproxy/gateway") / "charts/gateway-helm"
    for path in source.rglob("*"):
        copy = target / path.relative_to(source)
        if path.is_file() and not copy.is_relative_to(target / "charts/crds/crds"):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    shutil.rmtree(target / "charts/crds/templates")
    placeholders = {"GatewayImage": images.controller, "GatewayImagePullPolicy": "IfNotPresent"}
    template = string.Template((target / "values.tmpl.yaml").read_text())
    (target / "values.yaml").write_text(template.safe_substitute(placeholders))
    description = target / "Chart.yaml"
    text = description.read_text().replace("v0.0.0-latest", VERSION).replace('"latest"', f'"{VERSION}"')
    description.write_text(text)
