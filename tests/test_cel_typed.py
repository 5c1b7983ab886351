"""Objects of built-in kinds are Go values in Kubernetes 1.37, and plain JSON before it; those of custom resources are always plain JSON."""

from __future__ import annotations

from typing import Any

import pytest

from hostprocess.cel.runtime import CelError
from hostprocess.cel.tree import TreeRuntime

TREE = TreeRuntime(timeout=60)
DECLARED = frozenset({"object", "oldObject", "request", "namespaceObject", "params"})
METADATA = {"name": "p", "namespace": "n", "labels": {"a": "b"}, "managedFields": [{"manager": "m", "fieldsV1": {"f:x": {}}}]}
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": METADATA, "spec": {"containers": [{"name": "c", "image": "i"}]}}
CUSTOM = {**POD, "apiVersion": "example.com/v1", "kind": "Thing"}
REQUEST = {"operation": "CREATE", "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1", "dryRun": ["All"]}}
NAMESPACE = {"metadata": {"name": "n", "labels": {"a": "b"}}}
NO_SUCH_OVERLOAD = CelError("no such overload")


def value(expression: str, release: str, **inputs: Any) -> Any:
    given = {"object": POD, "oldObject": None, "request": REQUEST, "namespaceObject": NAMESPACE, "params": None, **inputs}
    return TREE.compile(expression, {"v": "object.spec"}, DECLARED, kubernetes=release).evaluate(TREE.activation(given))


@pytest.mark.parametrize(
    ("expression", "typed", "plain"),
    [
        ("object == 1", NO_SUCH_OVERLOAD, False),
        ("object.spec == 'x'", NO_SUCH_OVERLOAD, False),
        ("object.spec != 1", True, True),
        ("object.spec == null", False, False),
        ("1 == object.spec", False, False),
        ("variables.v == 1", NO_SUCH_OVERLOAD, False),
        ("dyn(object).?spec.orValue(1) == 1", NO_SUCH_OVERLOAD, False),
        ("object.spec.containers == 1", NO_SUCH_OVERLOAD, False),
        ("object.spec.containers == optional.of(1)", NO_SUCH_OVERLOAD, False),
        ("object.spec.containers == [1]", False, False),
        ("object.spec.containers == object.spec.containers", True, True),
        ("object.spec.containers in [1]", False, False),
        ("object.spec.containers.exists(c, c == 1)", NO_SUCH_OVERLOAD, False),
        ("object.metadata.labels == {'a': {}}", False, False),
        ("[object.spec] == [1]", True, False),
        ("[{'a': object.spec}] == [{'a': 1}]", True, False),
        ("optional.of(object.spec) == optional.of(1)", NO_SUCH_OVERLOAD, False),
        ("optional.of(object.spec) == optional.of(null)", NO_SUCH_OVERLOAD, False),
        ("1 in object.metadata.labels", CelError("unsupported map key type: types.Int"), False),
        ("dyn(true) in object", CelError("unsupported map key type: types.Bool"), False),
        ("'a' in object.metadata.labels", True, True),
        ("object.metadata.labels[1]", CelError("unsupported map key type: types.Int"), CelError("no such key: 1")),
        ("object[?1].hasValue()", CelError("unsupported map key type: types.Int"), False),
        ("object.spec.containers[0.0].name", CelError("unsupported index type: types.Double"), "c"),
        ("object.spec.containers[dyn(0u)].name", CelError("unsupported index type: types.Uint"), "c"),
        ("object.spec.containers[0].name", "c", "c"),
        ("object.spec.containers[9.0]", CelError("index out of bounds: 9"), CelError("index out of bounds: 9")),
        ("object.spec.containers.map(c, c.name)[dyn(0u)]", "c", "c"),
        ("object.metadata.managedFields[0].fieldsV1 == 1", False, False),
    ],
)
def test_objects_of_built_in_kinds(expression: str, typed: Any, plain: Any) -> None:
    assert (value(expression, "1.37"), value(expression, "1.36")) == (typed, plain)
    assert value(expression, "1.37", object=CUSTOM) == plain


@pytest.mark.parametrize(
    ("expression", "typed"),
    [
        ("dyn(namespaceObject) == 1", NO_SUCH_OVERLOAD),
        ("namespaceObject.metadata.labels == dyn(1)", NO_SUCH_OVERLOAD),
        ("dyn(request) == 1", NO_SUCH_OVERLOAD),
        ("request.options == 1", False),
        ("oldObject.spec == 1", NO_SUCH_OVERLOAD),
        ("params.data == 1", NO_SUCH_OVERLOAD),
    ],
)
def test_what_else_is_typed(expression: str, typed: Any) -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "b"}}
    inputs = {"object": CUSTOM, "oldObject": POD, "params": config}
    assert (value(expression, "1.37", **inputs), value(expression, "1.36", **inputs)) == (typed, False)


def test_go_types_in_messages() -> None:
    said = [value(f"object[{key}]", "1.37").message for key in ("object.spec", "object.spec.containers", "object.metadata.labels")]
    assert said == [f"invalid qualifier type: *common.reflectSchemalessTyped{name}" for name in ("Struct", "List", "Map")]
