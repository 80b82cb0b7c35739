"""A kind cluster, as far as it can be seen without a Docker engine.

Real are kind's own reading of the configuration, the manifests and the apiserver that takes them; stand-ins are Docker,
kubelet and controllers. Nothing here shows that the images run.
"""

from __future__ import annotations

import json
import re
import subprocess
from functools import partial
from typing import Any

import pytest

from clusters import docker
from clusters.kind import CONFIG, RELEASED
from devcluster import gateway, go, images
from tests.apiserver.clusters.conftest import Desk, play_controllers
from tests.apiserver.support import Kubectl

# An engine as kind asks for it, which refuses to start a container.
ENGINE = """
case "$*" in
  info*) echo '{"CgroupDriver":"systemd","CgroupVersion":"2","MemoryLimit":true,"PidsLimit":true,"CPUShares":true}' ;;
  "network ls"*) echo 0123456789ab ;;
  "network inspect"*) echo '[]' ;;
  run*) echo "no containers here" >&2; exit 1 ;;
esac
"""
# An engine that has an image once it was built.
BUILDER = """
case "$1" in
  image) grep -q "^docker build --tag $3 " {folder}/built ;;
  build) echo "docker $*" >>{folder}/built ;;
esac
"""
CREATOR = """
case "$1 $2" in
  "get clusters") cat {folder}/clusters ;;
  "create cluster") cp {kubeconfig} "$8"; echo perennial >>{folder}/clusters ;;
  "delete cluster") : >{folder}/clusters ;;
esac
"""


def test_kind_itself_reads_the_configuration_and_would_open_the_two_ports(desk: Desk) -> None:
    desk.stand_in("docker", ENGINE)
    desk.put("kind", [str(go.build("kind"))])
    made, said = run_kind(desk, str(CONFIG))
    assert made != 0
    assert "no containers here" in said  # it got as far as the engine
    (start,) = [call for call in desk.calls() if call.startswith("docker run")]
    assert "--publish=127.0.0.1:8080:30080/TCP --publish=127.0.0.1:9090:30090/TCP" in start
    assert re.search(r" kindest/node:v1\.35\.\d+@sha256:[0-9a-f]{64}$", start)


def test_kind_itself_refuses_a_mistake_in_the_configuration(desk: Desk) -> None:
    desk.stand_in("docker", ENGINE)
    desk.put("kind", [str(go.build("kind"))])
    mistaken = desk.folder / "mistaken.yaml"
    mistaken.write_text(CONFIG.read_text().replace("listenAddress", "listenAdress"))
    made, said = run_kind(desk, str(mistaken))
    assert made != 0
    assert "listenAdress not found" in said


def run_kind(desk: Desk, config: str) -> tuple[int, str]:
    command = ["kind", "create", "cluster", "--config", config, "--kubeconfig", str(desk.folder / "kubeconfig")]
    done = subprocess.run(command, env=desk.environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def machine(desk: Desk, empty: Kubectl) -> Desk:
    """Docker and kind that write down what they are asked; a cluster that kind makes is the test's apiserver."""
    for name in ("built", "clusters"):
        (desk.folder / name).touch()
    desk.stand_in("docker", BUILDER.format(folder=desk.folder))
    desk.stand_in("kind", CREATOR.format(folder=desk.folder, kubeconfig=empty.kubeconfig))
    desk.put("kubectl", empty.command)
    return desk


def test_a_cluster_comes_up_and_goes_in_order_and_takes_every_manifest(machine: Desk, empty: Kubectl) -> None:
    controllers = partial(play_controllers, empty)
    code, said = machine.run("up", during=controllers)
    assert code == 0, said
    references = [docker.reference(name) for name in docker.NAMES]
    assert heads(machine.calls()) == [
        "docker info",
        *(head for name in references for head in (f"docker image inspect {name}", f"docker build --tag {name}")),
        "kind get clusters",
        "kind create cluster --name perennial",
        "kind load docker-image --name perennial",
    ]
    everything_is_applied(empty)

    code, said = machine.run("up", during=controllers)
    assert code == 0, said
    again = heads(machine.calls())
    assert [head for head in again if "build" in head or "create" in head] == []

    code, said = machine.run("kubectl", "get", "crd", "inferenceservices.serving.kserve.io")
    assert code == 0, said
    assert machine.run("status")[1].startswith("PERENNIAL_CLUSTER=kind\n")
    code, said = machine.run("down")
    assert code == 0, said
    assert heads(machine.calls())[-1] == "kind delete cluster --name perennial"


def heads(calls: list[str]) -> list[str]:
    """The beginnings of commands: what is done to which thing."""
    pattern = r"docker (?:image inspect \S+|build --tag \S+|\w+)|kind \w+ [\w-]+(?: --name \w+)?"
    return [found[0] for call in calls if (found := re.match(pattern, call))]


def everything_is_applied(kubectl: Kubectl) -> None:
    deployments = items(kubectl, "deployments.apps")
    assert {each["metadata"]["name"] for each in deployments} == {
        "kserve-controller-manager",
        "envoy-gateway",
        "prometheus",
    }
    run = {image for each in (*deployments, *items(kubectl, "jobs.batch")) for image in pod_images(each)}
    (proxy,) = items(kubectl, "envoyproxies")
    run.add(proxy["spec"]["provider"]["kubernetes"]["envoyDeployment"]["container"]["image"])
    assert run == set(RELEASED.values())
    ports = {port.get("nodePort") for each in items(kubectl, "services") for port in each["spec"]["ports"]}
    assert 30090 in ports
    assert "nodePort: 30080" in kubectl("get", "envoyproxies", "-A", "-o", "yaml")


def items(kubectl: Kubectl, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(kubectl("get", kind, "--all-namespaces", "-o", "json"))["items"]
    return found


def pod_images(workload: dict[str, Any]) -> set[str]:
    return {container["image"] for container in workload["spec"]["template"]["spec"]["containers"]}


def test_the_gateway_is_the_devclusters_but_for_the_images() -> None:
    ours = gateway.Images(images.reference("envoy-gateway"), images.reference("envoy"))
    released = gateway.Images(RELEASED["envoy-gateway"], RELEASED["envoy"])
    text = gateway.chart(released).read_text()
    for mine, theirs in ((ours.controller, released.controller), (ours.envoy, released.envoy)):
        assert theirs in text
        text = text.replace(theirs, mine)
    assert text == gateway.chart(ours).read_text()
