"""Properties of fixing, over manifests of many kinds and ways to write them: no new finding, no other byte, and nothing to do the second time."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from fixing import pack
from hostprocess import api
from hostprocess.fix.files import FileFix, fix_file
from hostprocess.fix.session import Fixer
from hostprocess.kubernetes import yaml_text
from hostprocess.kubernetes.fields import parse_path
from hostprocess.kubernetes.kinds import POD_TEMPLATES
from hostprocess.kubernetes.reader import read_file
from hostprocess.model import Resource

pytestmark = pytest.mark.slow

MAYBE = st.booleans()
CONTEXTS = st.fixed_dictionaries(
    {},
    optional={
        "privileged": MAYBE,
        "readOnlyRootFilesystem": MAYBE,
        "capabilities": st.just({"drop": ["ALL"]}),
        "runAsUser": st.just(1000),
        "windowsOptions": st.fixed_dictionaries({}, optional={"hostProcess": MAYBE, "gmsaCredentialSpecName": st.just("a")}),
    },
)
CONTAINERS = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b", "n", "yes"]), "image": st.just("registry.test/x:1")},
    optional={
        "securityContext": CONTEXTS,
        "volumeMounts": st.just([{"name": "data", "mountPath": "/data", "mountPropagation": "Bidirectional"}]),
        "ports": st.just([{"containerPort": 80, "hostPort": 80}]),
    },
)
SPECS = st.fixed_dictionaries(
    {
        "containers": st.lists(CONTAINERS, min_size=1, max_size=2, unique_by=lambda one: one["name"]),
        "nodeSelector": st.sampled_from([*[{"kubernetes.io/os": "windows"}] * 5, {"kubernetes.io/os": "Windows"}, {"disk": "ssd"}, {}]),
    },
    optional={
        "hostNetwork": MAYBE,
        "hostPID": MAYBE,
        "hostIPC": st.just(True),
        "shareProcessNamespace": MAYBE,
        "hostUsers": MAYBE,
        "os": st.sampled_from([{"name": "windows"}, {"name": "Windows"}, {}]),
        "dnsPolicy": st.just("ClusterFirstWithHostNet"),
        "serviceAccountName": st.just("agent"),
        "securityContext": st.fixed_dictionaries(
            {},
            optional={
                "windowsOptions": st.fixed_dictionaries(
                    {"hostProcess": st.sampled_from([True, True, True, False])},
                    optional={"runAsUserName": st.sampled_from(["NT AUTHORITY\\SYSTEM", 'it\'s "x"'])},
                ),
                "seccompProfile": st.just({"type": "RuntimeDefault"}),
                "fsGroup": st.just(1),
                "sysctls": st.just([]),
            },
        ),
        "volumes": st.just([{"name": "data", "emptyDir": {"medium": "Memory"}}]),
    },
)
ANNOTATIONS = st.fixed_dictionaries(
    {},
    optional={
        "microsoft.com/hostprocess-container": st.just("true"),
        "microsoft.com/hostprocess-inherit-user": st.just("true"),
        "microsoft.com/disable-hostprocess-container": st.just("true"),
        "note": st.just("a: #b\n  c"),
    },
)


@st.composite
def manifests(draw: st.DrawFn) -> dict[str, Any]:
    """A pod, or a workload around one."""
    api_version, kind = draw(st.sampled_from(list(POD_TEMPLATES)))
    metadata: dict[str, Any] = {"name": "x", "namespace": "ops"}
    inner = {"annotations": draw(ANNOTATIONS)} if draw(MAYBE) else {}
    spec = dict(draw(st.permutations(list(draw(SPECS).items()))))
    labels = {"app": "x"}
    if kind == "Pod":
        return {"apiVersion": api_version, "kind": kind, "metadata": {**metadata, **inner}, "spec": spec}
    if kind in ("Job", "CronJob"):
        spec["restartPolicy"] = "Never"
    value: dict[str, Any] = {"metadata": {"labels": labels, **inner}, "spec": spec}
    for step in reversed(POD_TEMPLATES[api_version, kind]):
        value = {step: value}
    if kind == "CronJob":
        value["spec"]["schedule"] = "@daily"
    elif kind == "ReplicationController":
        value["spec"]["selector"] = labels
    elif kind not in ("Job", "PodTemplate"):
        value["spec"]["selector"] = {"matchLabels": labels}
    if kind == "StatefulSet":
        value["spec"]["serviceName"] = "x"
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **value}


class Writer:
    """Writes YAML in one of many ways: block and flow style, quotes, indentation, comments, blank lines."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.step = draw(st.sampled_from([2, 3, 4]))
        self.inset = draw(MAYBE)
        self.decorated = draw(MAYBE)
        self.comments = 0

    def comment(self) -> str:
        if not self.decorated or self.draw(st.integers(0, 4)):
            return ""
        self.comments += 1
        return f" # note {self.comments}"

    def scalar(self, value: Any) -> str:
        if not isinstance(value, str):
            words = {True: ["true", "yes", "True"], False: ["false", "off"]}.get(value) if isinstance(value, bool) else None
            return self.draw(st.sampled_from(words)) if words else json.dumps(value)
        ways = [json.dumps(value)]
        if "\n" not in value:
            ways.append("'" + value.replace("'", "''") + "'")
        if value.replace("/", "").replace(".", "").replace("-", "").isalnum() and isinstance(yaml_text.scalar(value), str):
            ways.append(value)
        return self.draw(st.sampled_from(ways))

    def flow(self, value: Any, indent: int = 0) -> str:
        if not isinstance(value, dict | list):
            return self.scalar(value)
        pad = self.draw(st.sampled_from(["", " ", "\n" + " " * (indent + 8)])) if value else ""
        comma = "," + (pad or self.draw(st.sampled_from(["", " "]))) if not isinstance(value, dict) or pad else ", "
        items = (
            [f"{self.scalar(key)}: {self.flow(one, indent + 2)}" for key, one in value.items()]
            if isinstance(value, dict)
            else [self.flow(one, indent + 2) for one in value]
        )
        inner = pad + comma.join(items) + pad
        return f"{{{inner}}}" if isinstance(value, dict) else f"[{inner}]"

    def block(self, value: Any, indent: int, depth: int = 0) -> Iterator[str]:
        margin = " " * indent
        if isinstance(value, dict):
            for key, one in value.items():
                if self.decorated and not self.draw(st.integers(0, 5)):
                    self.comments += 1
                    yield f"{margin}# note {self.comments}\n"
                yield from self.entry(f"{margin}{self.scalar(key)}:", one, indent, depth)
        else:
            for one in value:
                if isinstance(one, dict) and one and not self.flows(depth):
                    head, *rest = self.block(one, indent + 2, depth + 1)
                    if head.lstrip().startswith("#"):  # a comment, and then the first key on the line of the dash
                        yield head
                        head, *rest = [line for line in rest if line.strip()]
                    if head.lstrip().startswith("#"):
                        yield f"{margin}-\n"
                        yield head
                    else:
                        yield f"{margin}- {head[indent + 2 :]}"
                    yield from rest
                else:
                    yield f"{margin}- {self.flow(one, indent)}{self.comment()}\n"

    def flows(self, depth: int) -> bool:
        return depth > 2 and not self.draw(st.integers(0, 3))

    def entry(self, head: str, value: Any, indent: int, depth: int) -> Iterator[str]:
        if not isinstance(value, dict | list) or not value or self.flows(depth):
            yield f"{head} {self.flow(value, indent)}{self.comment()}\n"
        else:
            yield f"{head}{self.comment()}\n"
            yield from self.block(value, indent + (0 if isinstance(value, list) and not self.inset else self.step), depth + 1)
        if self.decorated and not self.draw(st.integers(0, 9)):
            yield "\n"


@st.composite
def written(draw: st.DrawFn) -> str:
    """Some manifests as one text: documents, or a List, in YAML or JSON."""
    values = draw(st.lists(manifests(), min_size=1, max_size=2))
    for number, one in enumerate(values):
        one["metadata"]["name"] = f"x{number}"
    shape = draw(st.sampled_from(["documents", "documents", "list", "json"]))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    listed = {"apiVersion": "v1", "kind": "List", "items": values}
    if shape == "json":
        return json.dumps(listed, indent=draw(st.sampled_from([None, 2]))).replace("\n", end)
    writer = Writer(draw)
    text = "---\n".join("".join(writer.block(one, 0)) for one in ([listed] if shape == "list" else values))
    if draw(MAYBE):
        text = text.rstrip("\n")
    return text.replace("\n", end)


@cache
def fixer(unsafe: bool) -> Fixer:
    return api._fixer(pack(), unsafe, (), (), {})


def judged(path: Path) -> list[set[tuple[str, int, str]]]:
    """The findings of each resource: policy, validation, field."""
    return [
        {(finding.policy, finding.index, name) for finding in fixer(False).judged(one).findings if finding.actions for name in finding.fields or ("",)}
        for one in read_file(str(path))
        if isinstance(one, Resource)
    ]


def values(text: str) -> list[Any]:
    return [value for value, _ in yaml_text.load(text.replace("\r\n", "\n"))]


def differences(before: Any, after: Any, steps: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where two values differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before.keys() | after.keys():
            if key not in before or key not in after:
                yield (*steps, key)
            else:
                yield from differences(before[key], after[key], (*steps, key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, (*steps, index))
    elif json.dumps(before) != json.dumps(after):
        yield steps


def inner_comments(before: str, after: str, words: set[str]) -> set[str]:
    """Comments that are gone with the key that they stand in: below its line, further in, and with all lines between."""
    found: set[str] = set()
    key_indent: int | None = None
    for line in difflib.ndiff(before.split("\n"), after.split("\n")):
        if line.startswith(("? ", "+ ")):
            continue
        text = line[2:]
        indent = len(text) - len(text.lstrip())
        if line.startswith("  "):
            key_indent = None
        elif text.lstrip().startswith("#"):
            if key_indent is not None and indent > key_indent:
                found.add(text)
        elif any(word in text for word in words) and (key_indent is None or indent <= key_indent):
            key_indent = indent
    return found


def told(made: FileFix) -> list[tuple[str | int, ...]]:
    return [parse_path(one.field) for part in made.fixed for one in part.applied]


@pytest.mark.parametrize("unsafe", [False, True])
@settings(
    max_examples=50,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(text=written())
def test_fixing(tmp_path: Path, unsafe: bool, text: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_bytes(text.encode())
    readable = list(read_file(str(path)))
    assert all(isinstance(one, Resource) for one in readable), readable
    before = judged(path)
    made = fix_file(str(path), fixer(unsafe))
    fields = told(made)
    event(f"{len(fields)} fixes" if len(fields) < 5 else "many fixes")
    event("refused" if any(part.refused for part in made.fixed) else "nothing refused")

    # Nothing is changed without being told, in the values or in the text.
    listed = [
        path[2:] if path[:1] == ("items",) else path
        for one, other in zip(values(text), values(made.after.text), strict=True)
        for path in differences(one, other)
    ]
    assert all(any(path[: len(field)] == field or field[: len(path)] == path for field in fields) for path in listed)
    left = {line.rstrip(",\r ") for line in made.after.text.split("\n")}
    gone = [line[2:] for line in difflib.ndiff(text.split("\n"), made.after.text.split("\n")) if line.startswith("- ")]
    words = {str(step) for field in fields for step in field[-2:]}
    inside = ("RuntimeDefault", "drop", "ALL", "}", "]", "{")
    # In JSON a comma goes with what stands behind it.
    other = [line for line in gone if line.strip() and line.rstrip(",\r ") not in left and not any(word in line for word in (*words, *inside))]
    other = [line for line in other if line not in inner_comments(text, made.after.text, words)]
    assert not other, (other, words)
    assert (made.after.text == text) is (not fields)
    assert made.after.text.count("\r\n") in (0, made.after.text.count("\n"))
    comments = [line for line in text.split("\n") if line.lstrip().startswith("#")]
    assert [line for line in made.after.text.split("\n") if line.lstrip().startswith("#")] == comments or unsafe

    # No new finding, and those that were fixed are gone.
    path.write_bytes(made.data)
    after = judged(path)
    assert len(after) == len(before)
    for one, other in zip(before, after, strict=True):
        assert {key[:2] for key in other} <= {key[:2] for key in one}
    if fields:
        assert sum(map(len, after)) < sum(map(len, before))

    # Once is enough.
    again = fix_file(str(path), fixer(unsafe))
    assert not again.changed
    assert not told(again)
