"""What inputs are made of: sound ones of each kind, which are then damaged, and pieces that are dangerous somewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from hypothesis import strategies as st

from hostprocess.api import load_rules

__all__ = ["inputs"]

ROOT = Path(__file__).parent.parent.parent
SUITE = b"""\
policy: policy.yaml
base: {apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}, spec: {replicas: 3}}
cases:
  - {name: a, expect: allow}
  - {name: b, set: {spec.replicas: 50, "metadata.labels[\\"a.b/c\\"]": x}, expect: deny, message: too many, kubernetes: ["1.30"]}
  - {name: c, inventory: manifests.yaml, unset: [spec.replicas], edit: .spec.replicas = 9, expect: deny}
  - {name: d, operation: UPDATE, oldObject: {set: {spec.replicas: 1}}, userInfo: {username: ada}, expect: skip}
"""
KYVERNO = b"""\
apiVersion: cli.kyverno.io/v1alpha1
kind: Test
metadata: {name: t}
policies: [policy.yaml]
resources: [manifests.yaml]
results:
  - {policy: few.example.com, isValidatingAdmissionPolicy: true, kind: Deployment, resources: [shop/web], result: fail}
"""
KAPTEST = b"""\
validatingAdmissionPolicies: [policy.yaml]
resources: [manifests.yaml]
testSuites:
  - policy: few.example.com
    tests:
      - {object: {kind: Deployment, namespace: shop, name: web}, expect: deny}
      - {object: {kind: Deployment, name: web}, oldObject: {kind: Deployment, name: web}, userInfo: {name: ada, groups: [a]}, expect: skip}
"""
GATOR = b"""\
apiVersion: test.gatekeeper.sh/v1alpha1
kind: Suite
tests:
  - name: t
    template: policy.yaml
    constraint: manifests.yaml
    cases:
      - {name: a, object: manifests.yaml, assertions: [{violations: yes, message: "too.*"}, {violations: 2}]}
"""
SETTINGS = (
    b"exceptions:\n  - rule: requires-host-*\n    match: {namespace: shop, image: 'a/*', labels: {app: x}}\n    owner: a\n    reason: b\n",
    b'[tool.hostprocess]\nbundle = ["requirements"]\n[tool.hostprocess.check]\nselect = ["a"]\njobs = 2\n',
    b"check: {jobs: 2, bundle: [requirements]}\nkubernetes: '1.30'\n",
    b'{"version": 1, "findings": {"[\\"a\\"]": 1}}\n',
)
EXPRESSIONS = (
    "object.spec.containers.all(c, c.image.startsWith('a/')) && !has(object.metadata.labels)",
    "variables.containers.map(c, c.name).join(',').matches('^[a-z]+$') ? quantity('1Gi').isGreaterThan(quantity('1Mi')) : false",
    "object.spec.replicas + 2 > int('3') && size(string(object.spec.replicas)) == 1u + 2u || {'a': [1, 2.5e3, b'x']}['a'][0] == null",
    "object.?spec.?replicas.orValue(1) == 3 && cel.bind(x, 1, x + x) == 2 && timestamp('2020-01-01T00:00:00Z') < timestamp(request.time)",
    "[1, 2, 3].exists_one(i, i % 2 == 0) || '%s %d'.format(['a', 1]).split(' ').size() > 1 || ip('::1').family() == 6",
)
PIECES = (
    *(
        piece.encode()
        for piece in (
            *(
                "{",
                "}",
                "[",
                "]",
                "(",
                ")",
                ": ",
                "- ",
                "\n",
                "\n---\n",
                "\n...\n",
                "&a ",
                "*a",
                "<<: *a",
                "!!python/object/apply:os.system [id]",
                "!!binary ",
                "|\n",
                ">-\n",
            ),
            *(
                "!!python/object/apply:os.system [id]",
                "? ",
                "%YAML 1.1\n",
                "\t",
                "'",
                '"',
                "\\",
                "\\u0000",
                "\\ud800",
                "#",
                ",",
                "~",
                "null",
                "yes",
                ".nan",
                "-.inf",
                "0x",
                "1e999",
                "9" * 400,
                "-0",
            ),
            *("\x85", "\u2028", "\u202e", "\ufeff", "\x00", "\x1b[31m", "é", "\U0001f600", "../../../../etc/passwd", "/dev/zero", "kind: List\nitems:\n- "),
            *(
                "&&",
                "||",
                "?",
                "!",
                "-",
                ".all(x, ",
                ".map(x, ",
                "has(",
                "[0]",
                "['a']",
                "u",
                "b'",
                "r'''",
                "==",
                "in",
                "(" * 60,
                "[" * 300,
                "-" * 300,
                "!" * 300,
            ),
            *(
                "'a'.matches('(a*)*$')",
                "9223372036854775807",
                "1.0/0.0",
                "dyn(",
                "type(",
                "cel.bind(a, ",
                "object",
                "variables.x",
                "optional.of(",
                "duration('1h')",
            ),
            *("'" + "a" * 5000 + "'", "apiVersion: v1\n", "metadata: {name: x}\n", "spec: ", "expect: deny\n", "name: ", "{a: {a: {a: {}}}}", "\r", "\r\n"),
        )
    ),
    b"\xff\xfe",
    b"\xfe\xff",
    b"\x1f\x8b\x08",
    b"\x80",
    b"\xed\xa0\x80",
    b"\x00\x00",
)


def _files(pattern: str, most: int = 40) -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for path in sorted(ROOT.glob(pattern))[:most])


def _expressions() -> tuple[bytes, ...]:
    rules = load_rules().rules
    return (*(one.encode() for one in EXPRESSIONS), *(validation.expression.encode() for rule in rules for validation in rule.validations))


def _policies() -> tuple[bytes, ...]:
    """Small policies and bindings: the exported ones take seconds each to be linted."""
    documents = [part.encode() for text in _files("tests/conformance/policies/*.yaml") for part in re.split(r"(?m)^---\n", text.decode())]
    return tuple(one for one in documents if 300 < len(one) < 1500 and b"expression" in one)


def corpora() -> Mapping[str, tuple[bytes, ...]]:
    """Sound inputs of each target."""
    return {
        "reader": _files("examples/*.yaml"),
        "policies": _policies(),
        "expressions": _expressions(),
        "suites": (SUITE, *_files("policies/*/*.test.yaml", 10)),
        "kyverno": (KYVERNO,),
        "kaptest": (KAPTEST,),
        "gator": (GATOR,),
        "settings": SETTINGS,
    }


def inputs(target: str) -> st.SearchStrategy[bytes]:
    """A sound input, damaged in some places; or pieces alone."""
    sound = corpora()[target]
    place = st.floats(0, 1, exclude_max=True)
    edit = st.one_of(
        st.tuples(st.just("put"), place, st.sampled_from(PIECES)),
        st.tuples(st.just("put"), place, st.binary(min_size=1, max_size=4)),
        st.tuples(st.just("cut"), place, st.integers(1, 40)),
        st.tuples(st.just("word"), place, st.sampled_from(PIECES)),
        st.tuples(st.just("twice"), place, st.integers(1, 200)),
        st.tuples(st.just("from"), place, st.sampled_from(sound)),
    )
    damaged = st.builds(_edited, st.sampled_from(sound), st.lists(edit, min_size=1, max_size=6))
    pieces = st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join)
    return st.one_of(st.binary(max_size=200), pieces, damaged, damaged, damaged)  # what fails is made smaller towards the first of them


def _edited(data: bytes, edits: list[tuple[str, float, bytes | int]]) -> bytes:
    for kind, place, what in edits:
        at = int(place * (len(data) + 1))
        if isinstance(what, int):
            part = data[at : at + what]
            data = data[:at] + (part + part if kind == "twice" else b"") + data[at + what :]
        elif kind == "word":
            found = re.compile(rb"[\w./-]+").search(data, at)
            data = data[: found.start()] + what + data[found.end() :] if found else data + what
        elif kind == "from":
            data = data[:at] + what[int(place * len(what)) :][:300] + data[at:]
        else:
            data = data[:at] + what + data[at:]
    return data
