"""CI and cluster agree: what `check --exceptions` excepts is what the policies of `export --exceptions` let through, on generated objects."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import yaml

import exporting
from checking import agent, check, write
from hostprocess.api import load_rules

pytestmark = pytest.mark.slow

TARGET = ("--kubernetes", "1.34")
# As `check` counts them: every rule with its own severity, in all namespaces and for all kinds.
AS_CHECKED = ("--enforcement", "deny", "--workloads", "deny", "--include-kube-system", "--deny-documented", *TARGET)
NAMES = ("agent", "agent-0", "a", "web.x", "node-agent-7f9")
NAMESPACES = ("ops", "shop", "team-a", "kube-system")
IMAGES = ("registry.test/agent:1", "registry.test:5000/side/car@sha256:00", "mcr.microsoft.com/windows/nanoserver", "agent")
KINDS = ("Pod", "Deployment", "DaemonSet", "StatefulSet", "Job", "CronJob", "PodTemplate", "ReplicationController")
RULES = ("requires-host-network", "administrators-group", "resource-*", "host-process-value-mismatch", "*", "mixed-containers", "os-*")
OBJECTS, ENTRIES = 70, 4


def generated(chance: random.Random, number: int) -> dict[str, Any]:
    """An object with a few of many faults."""
    value = agent(f"{chance.choice(NAMES)}{number}", namespace=chance.choice(NAMESPACES), labels=_labels(chance))
    metadata, spec = value["metadata"], value["spec"]
    if chance.random() < 0.3:
        spec["hostNetwork"] = True
    if chance.random() < 0.3:
        spec["securityContext"]["windowsOptions"]["runAsUserName"] = "Administrators"
    spec["containers"] = [_container(chance, f"c{index}") for index in range(chance.randint(1, 3))]
    if chance.random() < 0.3:
        spec["initContainers"] = [_container(chance, "init")]
    kind = chance.choice(KINDS)
    template = {"metadata": {"labels": _labels(chance, app="x")}, "spec": spec}
    own = {"name": metadata["name"], "namespace": metadata["namespace"], **({"labels": _labels(chance)} if chance.random() < 0.5 else {})}
    if kind == "Pod":
        return value
    if kind == "PodTemplate":
        return {"apiVersion": "v1", "kind": kind, "metadata": own, "template": template}
    if kind in ("Job", "CronJob"):
        spec["restartPolicy"] = "Never"
        job = {"template": template}
        body = job if kind == "Job" else {"schedule": "@daily", "jobTemplate": {"spec": job}}
        return {"apiVersion": "batch/v1", "kind": kind, "metadata": own, "spec": body}
    if kind == "ReplicationController":
        return {"apiVersion": "v1", "kind": kind, "metadata": own, "spec": {"selector": {"app": "x"}, "template": template}}
    service = {"serviceName": "s"} if kind == "StatefulSet" else {}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": own, "spec": {"selector": {"matchLabels": {"app": "x"}}, "template": template, **service}}


def _labels(chance: random.Random, **fixed: str) -> dict[str, str]:
    return {**fixed, **{key: chance.choice(["agent", "web", "a.b", ""]) for key in ("tier", "k8s.test/part-of") if chance.random() < 0.6}}


def _container(chance: random.Random, name: str) -> dict[str, Any]:
    container: dict[str, Any] = {"name": name, "image": chance.choice(IMAGES)}
    if chance.random() < 0.2:
        container["securityContext"] = {"windowsOptions": {"hostProcess": False}}
    return container


def entry(chance: random.Random) -> dict[str, Any]:
    """An exception with one to three ways to match."""
    pools: dict[str, Any] = {
        "namespace": [*NAMESPACES, "team-*", "*op*", "????"],
        "name": ["agent*", "*1*", "a?", "*agent-0*", "w*.x*", "*"],
        "kind": [*KINDS, "*Set", "Cron*", "?o?"],
        "image": [*IMAGES, "registry.test*", "*agent*", "*/*", "*"],
    }
    keys = chance.sample([*pools, "labels"], chance.randint(1, 2))
    match = {key: chance.sample(pools[key], chance.randint(1, 3)) for key in keys if key != "labels"}
    if "labels" in keys:
        labels = {"tier": ["agent", "w?b", "*"], "k8s.test/part-of": ["a.b", "a?b", ""], "app": ["x"]}
        match["labels"] = {key: chance.choice([one for one in labels[key] if one]) for key in chance.sample(list(labels), chance.randint(1, 2))}
    rules = chance.sample(RULES, 2)
    return {"rule": rules, "match": match, "owner": chance.choice(["o'brien", "a\\b"]), "reason": 'agreed: "yes"\nor not', "expires": "2026-12-31"}


def found(outcomes: dict[str, str]) -> dict[str, str]:
    return {key: outcome for key, outcome in outcomes.items() if outcome != "excepted"}


@pytest.mark.parametrize("seed", range(4))
def test_ci_and_the_exported_policies_agree(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOSTPROCESS_TODAY", "2026-06-15")
    chance = random.Random(seed)
    write("in.yaml", *(generated(chance, number) for number in range(OBJECTS)))
    Path("e.yaml").write_text(yaml.safe_dump({"exceptions": [entry(chance) for _ in range(ENTRIES)]}))
    ci = check("in.yaml", "--exceptions", "e.yaml", *TARGET)
    Path("exported.yaml").write_text(exporting.written("--exceptions", "e.yaml", *AS_CHECKED), "utf-8")
    cluster = check("in.yaml", "--policies", "exported.yaml", "--no-exceptions", *TARGET)
    counts = ci.report["summary"]
    assert (counts["errors"], counts["error"]) == (0, 0)
    # Enough is excepted, and enough is not, also of the same rules.
    assert counts["excepted"] > OBJECTS / 4
    assert counts["deny"] > OBJECTS / 4
    told = {f"{one['resource']['kind']} {one['resource']['name']} {_rule(one['message'])}": one["outcome"] for one in cluster.report["results"]}
    assert told == found(ci.outcomes())
    # What is excepted is what the cluster would refuse without: the exceptions alone make the difference.
    plain = check("in.yaml", "--no-exceptions", *TARGET)
    excepted = {key for key, outcome in ci.outcomes().items() if outcome == "excepted"}
    assert excepted == plain.outcomes().keys() - told.keys()


def _rule(message: str) -> str:
    rule = message.removeprefix("[").partition("]")[0]
    assert rule in {one.id for one in load_rules().rules}, message
    return rule
