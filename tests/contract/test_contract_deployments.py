"""What operators deploy, held to the published schemas, to the command line and to what the exchange's design needs.

Kubernetes' own schemas come from a package, Strimzi's resources are read with Strimzi's own model, the compose file by
a parser of its specification. Nothing here starts a container: there is no Docker on the machines of the tests.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from compose_spec import PyCompose
from typer.testing import CliRunner

from connectors.kafka.acl_plan import wanted_acls
from connectors.kafka.distribution import class_path, default_cache_dir, find_java, silent
from connectors.kafka.strimzi import PROVISIONER, topic_resources, user_resources
from connectors.kafka.topic_plan import PRODUCTION, wanted_topics
from streams.cli.main import app
from tests.integration.masa_command import ROOT

DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
OLDEST, NEWEST = "1.32", "1.35"  # of Kubernetes; pod-index labels are stable from 1.32 on
POD_KINDS = ("Deployment", "StatefulSet", "Job")
# Secrets and what else a person makes before; named in deploy/README.md.
GIVEN = {
    "masa-database", "masa-pseudonym-key", "masa-ledger-key", "masa-oidc", "masa-signatories", "masa-cluster-ca-cert",
}  # fmt: skip


def documents(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.yaml")):
        yield from (each for each in yaml.safe_load_all(path.read_text()) if each["kind"] != "Kustomization")


REFERENCES = (("secretKeyRef", "name"), ("configMapKeyRef", "name"), ("secret", "secretName"), ("configMap", "name"))
PLAIN = list(documents(KUBERNETES))
STRIMZI = sorted((KUBERNETES / "kafka").glob("*.yaml"))
PODS = [each for each in PLAIN if each["kind"] in POD_KINDS]


def name_of(document: dict[str, Any]) -> str:
    return f"{document['kind']}/{document['metadata']['name']}"


def container_of(document: dict[str, Any]) -> dict[str, Any]:
    (container,) = document["spec"]["template"]["spec"]["containers"]
    found: dict[str, Any] = container
    return found


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_resource_fits_kubernetes_own_schema(version: str) -> None:
    """Strictly: a field that Kubernetes does not know is a mistake."""
    for document in PLAIN:
        kubernetes_validate.validate(document, version, strict=True)


def test_the_schema_would_notice() -> None:
    """A misspelt field and a wrong type are refused."""
    for change in ({"replicass": 2}, {"replicas": "two"}):
        wrong = {**PODS[0], "spec": {**PODS[0]["spec"], **change}}
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(wrong, NEWEST, strict=True)


def strimzi_check(files: list[Path]) -> subprocess.CompletedProcess[str]:
    model = KUBERNETES / "strimzi-model"
    jars = class_path(model / "pom.xml", default_cache_dir(), silent)
    argv = [str(find_java()), "-cp", ":".join(map(str, jars)), str(model / "Check.java"), *map(str, files)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)


def test_strimzis_own_model_reads_every_resource_of_its(tmp_path: Path) -> None:
    """No unknown field, no value it cannot read; and the check itself names both."""
    done = strimzi_check(STRIMZI)
    count = sum(1 for path in STRIMZI for _ in yaml.safe_load_all(path.read_text()))
    assert (done.returncode, done.stdout.splitlines()) == (0, [f"{count} resources"])
    topic, user = dict(topic_resources([])[0]), dict(user_resources([])[0])
    topic["spec"] = {**topic["spec"], "replica": 3}
    user["spec"] = {**user["spec"], "quotas": {"producerByteRate": "much"}}
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(yaml.safe_dump_all([topic, user]))
    done = strimzi_check([wrong])
    assert done.returncode == 1
    assert "unknown field `replica`" in done.stdout
    assert "KafkaUser" in done.stdout


def test_generated_resources_are_up_to_date() -> None:
    """As `make check` compares them."""
    done = CliRunner().invoke(app, ["topics", "strimzi", "--out", str(KUBERNETES / "kafka"), "--check"])
    assert done.exit_code == 0, done.stderr


def test_users_may_do_what_the_plan_says_and_no_more() -> None:
    """Every permission of the plan is some user's, everybody's are each user's, and every user has a quota."""
    agencies = ["a-police", "b-school"]
    resources = {"topic": "TOPIC", "group": "GROUP", "transactionalId": "TRANSACTIONAL_ID"}
    users = {each["metadata"]["name"]: each["spec"] for each in user_resources(agencies)}
    assert "authorization" not in users.pop(PROVISIONER)
    found = {
        (f"User:{name}", operation.upper(), resources[acl["resource"]["type"]], acl["resource"]["name"],
         acl["resource"]["patternType"] == "prefix")
        for name, spec in users.items() for acl in spec["authorization"]["acls"] for operation in acl["operations"]
    }  # fmt: skip
    wanted = {tuple(each) for each in wanted_acls(agencies) if each.principal != "User:*"}
    everybody = {tuple(each)[1:] for each in wanted_acls(agencies) if each.principal == "User:*"}
    assert found == wanted | {(f"User:{name}", *each) for name in users for each in everybody}
    assert all(spec["quotas"]["producerByteRate"] > 0 for spec in users.values())
    assert users["agency.a-police"]["quotas"]["producerByteRate"] < users["masa-router"]["quotas"]["producerByteRate"]


def test_topics_are_the_plans() -> None:
    wanted = {spec.name: spec for spec in wanted_topics(["a-police"], PRODUCTION)}
    found = {each["spec"]["topicName"]: each["spec"] for each in topic_resources(["a-police"])}
    assert found.keys() == wanted.keys()
    for name, spec in found.items():
        assert (spec["partitions"], spec["replicas"]) == (wanted[name].partitions, 3)
        assert {key: str(value) for key, value in spec["config"].items()} == dict(wanted[name].config)


@pytest.mark.parametrize("document", PODS, ids=name_of)
def test_pods_are_restricted_and_have_bounds(document: dict[str, Any]) -> None:
    """Not root, no privileges, a root file system that cannot be written, no service account, bounded memory."""
    pod, container = document["spec"]["template"]["spec"], container_of(document)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
    assert "memory" in container["resources"]["limits"]
    if document["kind"] != "Job":
        probes = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("liveness", "readiness")}
        assert probes == {"liveness": "/health/live", "readiness": "/health/ready"}


@pytest.mark.parametrize("document", PODS, ids=name_of)
def test_commands_exist(document: dict[str, Any]) -> None:
    """What a container is told to run is a command of this version, with its options."""
    assert_command(container_of(document)["args"])


def assert_command(arguments: list[str]) -> None:
    words = [each for each in arguments if re.fullmatch(r"[a-z]+", each)][:2]
    for depth in (len(words), 1):
        done = CliRunner().invoke(app, [*words[:depth], "--help"], env={"COLUMNS": "200"})
        if done.exit_code == 0:
            break
    assert done.exit_code == 0, done.output
    for option in (each for each in arguments if each.startswith("--")):
        assert option in done.output, f"`masa {shlex.join(words)}` has no {option}"


def test_secrets_are_referenced_and_never_contained() -> None:
    """Every Secret is the operator's or one that Strimzi makes for a user of ours; none is in the repository."""
    users = {each["metadata"]["name"] for path in STRIMZI for each in yaml.safe_load_all(path.read_text())}
    for document in PLAIN:
        assert document["kind"] != "Secret"
        assert named(document) <= GIVEN | users | {"masa-gateway"}, name_of(document)
    # In the tree of a person who has tried the compose file there may be some, but git knows none.
    listed = subprocess.run(["git", "ls-files", "deploy"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not re.search(r"\.(pem|key|env)$|/secrets/", listed, re.MULTILINE)


def named(node: Any) -> set[str]:
    """Names of every Secret and ConfigMap that a resource refers to."""
    if isinstance(node, list):
        return set().union(*map(named, node))
    if not isinstance(node, dict):
        return set()
    found = set().union(*map(named, node.values()))
    for key, name in (
        ("secretKeyRef", "name"),
        ("configMapKeyRef", "name"),
        ("secret", "secretName"),
        ("configMap", "name"),
    ):
        if isinstance(node.get(key), dict):
            found.add(node[key][name])
    return found


def test_a_pod_authenticates_as_the_principal_whose_password_it_has() -> None:
    """A router with the ledger's name would be refused; with the ledger's password, let in as another."""
    for document in PODS:
        env = {each["name"]: each for each in container_of(document)["env"]}
        assert env["KAFKA_SASL_USERNAME"]["value"] == env["KAFKA_SASL_PASSWORD"]["valueFrom"]["secretKeyRef"]["name"]
        assert env["KAFKA_SASL_USERNAME"]["value"] in {each["metadata"]["name"] for each in user_resources([])}
        assert env["KAFKA_SECURITY_PROTOCOL"]["value"] == "SASL_SSL"
        assert env["MASA_ALLOW_SYNTHETIC"]["value"] == "false"


def test_a_routers_slot_is_its_ordinal() -> None:
    """`transactional.id` and `group.instance.id` derive from it: it must be the same after every restart."""
    (router,) = [each for each in PLAIN if name_of(each) == "StatefulSet/masa-router"]
    container = container_of(router)
    (slot,) = [each for each in container["env"] if each["name"] == "MASA_SLOT"]
    assert slot["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.labels['apps.kubernetes.io/pod-index']"
    assert container["args"][:3] == ["router", "--slot", "$(MASA_SLOT)"]
    assert router["spec"]["podManagementPolicy"] == "OrderedReady"


def test_every_pod_is_under_the_default_deny() -> None:
    (deny,) = [each for each in PLAIN if name_of(each) == "NetworkPolicy/masa-default-deny"]
    names = set(deny["spec"]["podSelector"]["matchExpressions"][0]["values"])
    assert names == {each["metadata"]["name"] for each in PODS}


def test_the_kustomization_lists_every_file() -> None:
    listed = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    there = [path.relative_to(KUBERNETES).as_posix() for path in [*KUBERNETES.glob("*.yaml"), *STRIMZI]]
    assert sorted(listed) == sorted(set(there) - {"kustomization.yaml"})


# --- compose and the image ------------------------------------------------------------------------------------


def compose() -> dict[str, Any]:
    """As Docker reads it: variables put in, merges resolved."""
    folder = DEPLOY / "compose"
    example = dict(re.findall(r"^(\w+)=(.*)$", (folder / "env.example").read_text(), re.MULTILINE))
    text = re.sub(r"\$\{(\w+)[^}]*\}", lambda found: example[found[1]], (folder / "compose.yaml").read_text())
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def test_the_compose_file_is_one() -> None:
    """It parses by the specification, and one with an unknown key does not."""
    found = compose()
    assert len(PyCompose.from_json(json.dumps(found)).service_names()) == len(found["services"])
    found["services"]["ledger"]["comand"] = found["services"]["ledger"].pop("command")
    with pytest.raises(ValueError, match="comand"):
        PyCompose.from_json(json.dumps(found))


def test_compose_has_three_brokers_that_agree_on_what_durable_means() -> None:
    brokers = [each for name, each in compose()["services"].items() if name.startswith("kafka-")]
    assert len({each["environment"]["KAFKA_NODE_ID"] for each in brokers}) == 3
    for each in brokers:
        env = each["environment"]
        assert (env["KAFKA_DEFAULT_REPLICATION_FACTOR"], env["KAFKA_MIN_INSYNC_REPLICAS"]) == (3, 2)
        assert env["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_composes_commands_and_targets_exist() -> None:
    """Every process of the exchange is started by a command there is, hardened, and scraped."""
    services = {name: each for name, each in compose()["services"].items() if each["image"].startswith("masa-")}
    for each in services.values():
        assert_command(each["command"])
        assert (each["read_only"], each["cap_drop"]) == (True, ["ALL"])
    groups = json.loads((DEPLOY / "compose" / "targets" / "masa.json").read_text())
    scraped = {target for group in groups for target in group["targets"]}
    assert scraped == {f"{name}:9464" for name in services.keys() - {"provision"}}
    assert [group["labels"]["instance"] for group in groups] == [
        group["targets"][0].partition(":")[0] for group in groups
    ]


def test_composes_files_are_where_it_mounts_them_from() -> None:
    """Prometheus', Alertmanager's and Grafana's are under deploy/; secrets are made by prepare.sh."""
    found = compose()
    made = (DEPLOY / "compose" / "prepare.sh").read_text()
    for secret in found["secrets"].values():
        assert Path(secret["file"]).name in made
    mounts = [
        volume for each in found["services"].values() for volume in each.get("volumes", ()) if volume.startswith(".")
    ]
    for volume in mounts:
        assert (DEPLOY / "compose" / volume.partition(":")[0]).exists(), volume


def test_images_are_named_exactly() -> None:
    """No `latest`, no tag that moves with a major version."""
    images = {each["image"] for each in compose()["services"].values() if not each["image"].startswith("masa-")}
    images |= set(re.findall(r"^FROM (\S+)", (DEPLOY / "docker" / "Dockerfile").read_text(), re.MULTILINE))
    for image in images:
        assert re.search(r":v?\d+\.\d+(\.\d+)?(-[a-z0-9-]+)?$", image), image


def test_the_image_runs_as_nobody_special_and_says_whether_it_lives() -> None:
    text = (DEPLOY / "docker" / "Dockerfile").read_text()
    assert "\nUSER 10001:10001\n" in text
    assert "HEALTHCHECK" in text
    assert text.count("\nFROM ") == 2
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
    allowed = (ROOT / ".dockerignore").read_text()
    for source in (word for line in copied for word in line.split()):
        assert (ROOT / source).exists(), source
        assert f"!{source}" in allowed, f"{source} is kept out by .dockerignore"
