"""How a case makes its object out of a base."""

from __future__ import annotations

import builtins
from typing import Any

import pytest

from hostprocess.kubernetes.kinds import POD_TEMPLATES
from hostprocess.suite.edit import WRAPPERS, edited, wrapped

POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "a", "namespace": "n", "annotations": {"x/y": "1"}},
    "spec": {"hostNetwork": True, "containers": [{"name": "c"}]},
}


@pytest.mark.parametrize(
    ("unset", "assign", "program", "path", "value"),
    [
        (["spec.hostNetwork"], {}, "", ("spec",), {"containers": [{"name": "c"}]}),
        ([], {"spec.hostNetwork": None}, "", ("spec", "hostNetwork"), None),
        ([], {"spec.nodeSelector['kubernetes.io/os']": "windows"}, "", ("spec", "nodeSelector"), {"kubernetes.io/os": "windows"}),
        ([], {'metadata.annotations["a.b/c"]': "2"}, "", ("metadata", "annotations"), {"x/y": "1", "a.b/c": "2"}),
        ([], {"spec.containers[1].name": "d"}, "", ("spec", "containers"), [{"name": "c"}, {"name": "d"}]),
        ([], {"spec.initContainers[0].name": "i"}, "", ("spec", "initContainers"), [{"name": "i"}]),
        ([], {}, '.spec.containers[0].image = "i"', ("spec", "containers"), [{"name": "c", "image": "i"}]),
        (["spec.hostNetwork"], {"spec.hostPID": True}, "del(.spec.containers)", ("spec",), {"hostPID": True}),
    ],
)
def test_changes(unset: list[str], assign: dict[str, Any], program: str, path: tuple[str, ...], value: Any) -> None:
    changed = edited(POD, unset, assign, program)
    for step in path:
        changed = changed[step]
    assert changed == value
    assert POD["spec"] == {"hostNetwork": True, "containers": [{"name": "c"}]}


@pytest.mark.parametrize(
    ("unset", "assign", "program", "told"),
    [
        (["spec.hostNetwrk"], {}, "", "unset: spec.hostNetwrk: there is no such field"),
        (["spec.containers[3]"], {}, "", "there is no such field"),
        ([], {"spec.containers[5].name": "x"}, "", "there is no list with an element 5"),
        ([], {"spec..x": 1}, "", "is not a field path"),
        ([], {}, ".spec, .metadata", "must give one object"),
        ([], {}, ".spec.hostNetwork", "must give one object"),
    ],
)
def test_changes_that_do_not_fit(unset: list[str], assign: dict[str, Any], program: str, told: str) -> None:
    with pytest.raises(ValueError, match=told.replace("[", r"\[")):
        edited(POD, unset, assign, program)


def test_without_jq_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *arguments: Any, **options: Any) -> Any:
        if name in ("jq", "pyjq"):
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ValueError, match=r"pip install 'hostprocess\[jq\]'"):
        edited(POD, [], {}, "del(.spec)")


@pytest.mark.parametrize("kind", [*WRAPPERS])
def test_wrapping_puts_the_pod_where_the_kind_keeps_it(kind: str) -> None:
    value = wrapped(POD, kind)
    assert value["metadata"] == {"name": "a", "namespace": "n"}
    template: Any = value
    for step in POD_TEMPLATES[value["apiVersion"], kind]:
        template = template[step]
    assert template["spec"] == POD["spec"]
    assert template["metadata"]["annotations"] == {"x/y": "1"}


def test_wrapping_in_a_list() -> None:
    assert wrapped(POD, "List") == {"apiVersion": "v1", "kind": "List", "items": [POD]}
