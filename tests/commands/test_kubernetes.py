"""The Kubernetes example: of the schema, and of this package: its commands, settings, ports, paths and users."""

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from aiohttp import web

from oracle.config.settings import load_settings
from oracle.devnet.machinery.node import REPOSITORY
from oracle.pipeline.health import Health
from oracle.web.server import Watched, application
from tests.support.composed import DOCKERFILE
from tests.support.documented import parse

TEXT = (REPOSITORY / "deploy" / "kubernetes" / "risk-oracle.yaml").read_text()
OBJECTS: dict[str, dict[str, Any]] = {one["kind"]: one for one in yaml.safe_load_all(TEXT)}
POD: dict[str, Any] = OBJECTS["Deployment"]["spec"]["template"]
CONTAINERS: list[dict[str, Any]] = [*POD["spec"]["initContainers"], *POD["spec"]["containers"]]
(DAEMON,) = POD["spec"]["containers"]


def test_objects__when_counted__then_each_kind_once() -> None:
    assert set(OBJECTS) == {"ConfigMap", "Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"}
    assert len(OBJECTS) == len(list(yaml.safe_load_all(TEXT)))


@pytest.mark.parametrize("kind", sorted(OBJECTS))
def test_object__when_compared_with_the_schema__then_nothing_is_wrong_or_unknown(kind: str) -> None:
    kubernetes_validate.validate(OBJECTS[kind], "1.34", strict=True)


def test_schema__when_a_key_is_unknown__then_it_would_tell() -> None:
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(OBJECTS["Service"] | {"sepc": 1}, "1.34", strict=True)


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda one: one["name"])
def test_container__when_read__then_its_command_parses_and_it_gives_up_what_it_does_not_need(
    container: dict[str, Any],
) -> None:
    parse(list(container["args"]))
    given = container["securityContext"]
    assert given == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"requests", "limits"} <= set(container["resources"])
    volumes = {volume["name"] for volume in POD["spec"]["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
    # Every path of a command is below something that is mounted.
    mounted = [mount["mountPath"] for mount in container["volumeMounts"]]
    for word in container["args"]:
        assert not word.startswith("/") or any(word.startswith(f"{path}/") for path in mounted), word


def test_pod__when_read__then_its_user_is_the_images_and_never_root() -> None:
    (uid,) = re.findall(r"useradd .*--uid (\d+)", DOCKERFILE)
    given = POD["spec"]["securityContext"]
    assert (given["runAsNonRoot"], given["runAsUser"], given["fsGroup"]) == (True, int(uid), int(uid))
    assert given["seccompProfile"] == {"type": "RuntimeDefault"}
    assert POD["spec"]["automountServiceAccountToken"] is False
    home = re.findall(r"--home-dir (\S+)", DOCKERFILE)
    assert home[0] in [mount["mountPath"] for mount in DAEMON["volumeMounts"]], "its home can be written"


def test_settings__when_loaded_with_the_secrets_in_place__then_they_are_right(tmp_path: Path) -> None:
    (volume,) = [one["secret"] for one in POD["spec"]["volumes"] if one["name"] == "secrets"]
    (mount,) = [one["mountPath"] for one in DAEMON["volumeMounts"] if one["name"] == "secrets"]
    assert volume["defaultMode"] == 0o440
    values = {"signer.key": "0x" + "12" * 32, "rpc.url": "https://rpc.example", "database.url": "postgresql://a:b@c/d"}
    assert {item["path"] for item in volume["items"]} == set(values)
    created = re.findall(r"--from-file=(\S+)", TEXT.partition("configmap")[0])
    assert set(created) == {item["key"] for item in volume["items"]}
    text = OBJECTS["ConfigMap"]["data"]["risk-oracle.toml"]
    assert set(re.findall(rf'"{mount}/([\w.]+)"', text)) == set(values)
    for name, value in values.items():
        (tmp_path / name).write_text(value)
    file = tmp_path / "risk-oracle.toml"
    file.write_text(text.replace(mount, str(tmp_path)))
    settings = load_settings(file, dict(re.findall(r"(RISK_ORACLE_\w+)=(\S+)", DOCKERFILE)))
    assert settings.web.host == "0.0.0.0"  # noqa: S104
    assert settings.web.port == DAEMON["ports"][0]["containerPort"]
    keys = CONTAINERS[0]["args"][CONTAINERS[0]["args"].index("--keys") + 1]
    assert settings.model.keys == Path(keys).parent
    assert DAEMON["args"][-1] == "/etc/risk-oracle/risk-oracle.toml"


def test_probes__when_they_ask__then_the_daemon_has_that_route_and_the_port_is_named() -> None:
    app: web.Application = application(Watched(Health()))
    routes = {resource.canonical for resource in app.router.resources()}
    (port,) = DAEMON["ports"]
    probed = {name: DAEMON[f"{name}Probe"]["httpGet"] for name in ("liveness", "readiness", "startup")}
    assert {name: one["path"] for name, one in probed.items()} == {
        "liveness": "/healthz",
        "readiness": "/readyz",
        "startup": "/healthz",
    }
    assert {one["path"] for one in probed.values()} <= routes
    assert {one["port"] for one in probed.values()} == {port["name"]}
    notes = POD["metadata"]["annotations"]
    assert (notes["prometheus.io/path"] in routes, notes["prometheus.io/port"]) == (True, str(port["containerPort"]))
    assert OBJECTS["Service"]["spec"]["ports"][0]["targetPort"] == port["name"]
    assert OBJECTS["NetworkPolicy"]["spec"]["ingress"][0]["ports"][0]["port"] == port["name"]


def test_selectors__when_compared__then_all_mean_these_pods() -> None:
    labels = POD["metadata"]["labels"]
    for kind, path in (
        ("Deployment", ("selector", "matchLabels")),
        ("Service", ("selector",)),
        ("PodDisruptionBudget", ("selector", "matchLabels")),
        ("NetworkPolicy", ("podSelector", "matchLabels")),
    ):
        found = OBJECTS[kind]["spec"]
        for key in path:
            found = found[key]
        assert found == labels, kind
    assert OBJECTS["PodDisruptionBudget"]["spec"]["minAvailable"] < OBJECTS["Deployment"]["spec"]["replicas"]


def test_end__when_a_pod_is_told_to__then_there_is_time_for_it() -> None:
    unit = (REPOSITORY / "deploy" / "risk-oracle.service").read_text()
    (seconds,) = re.findall(r"^TimeoutStopSec=(\d+)", unit, re.M)
    assert POD["spec"]["terminationGracePeriodSeconds"] == int(seconds)
