"""Exceptions files: where they are found, what is refused at which line, and which requests an entry is about."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checking import agent
from hostprocess.errors import HostprocessError
from hostprocess.exceptions.find import FILE_NAME, find_file
from hostprocess.exceptions.load import KnownRules, load_waivers
from hostprocess.exceptions.model import Match, Waiver, glob_matches, glob_regex, subject_of
from hostprocess.model import Unknown
from support import request

KNOWN = KnownRules(names=["host-network", "os-name", "other.example.com"], retired={"old-rule": "os-name"})
ENTRY = """\
exceptions:
  - rule: host-network
    match:
      namespace: ops
    owner: team
    reason: agreed
"""


def load(folder: Path, text: str) -> tuple[Waiver, ...]:
    path = folder / "e.yaml"
    path.write_text(text, "utf-8")
    return load_waivers(str(path), KNOWN)


def test_all_that_an_entry_may_say(tmp_path: Path) -> None:
    text = """\
# a comment
exceptions:
  - rule: [host-network, "os-*"]
    match:
      namespace: [ops, "team-*"]
      name: agent-*
      kind: Pod
      labels: {app: agent, tier: [a, b]}
      image: registry.test/*
    owner: " team "
    reason: agreed
    ticket: 4711
    expires: 2026-12-31
  - {rule: 'other.example.com/validations[0]', match: {name: x}, owner: a, reason: b}
"""
    first, second = load(tmp_path, text)
    assert first == Waiver(
        rules=("host-network", "os-*"),
        match=Match(
            namespace=("ops", "team-*"),
            name=("agent-*",),
            kind=("Pod",),
            image=("registry.test/*",),
            labels=(("app", ("agent",)), ("tier", ("a", "b"))),
        ),
        reason="agreed",
        owner="team",
        ticket="4711",
        expires=date(2026, 12, 31),
        path=str(tmp_path / "e.yaml"),
        line=3,
    )
    assert (second.line, second.ticket, second.expires) == (14, "", None)


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("exceptions:", "exception:", 1, "did you mean 'exceptions'"),
        ("    owner: team\n", "", 2, "the key 'owner' is missing"),
        ("    reason: agreed\n", "", 2, "the key 'reason' is missing"),
        ("reason: agreed", "reason: '  '", 6, "exceptions[0].reason: must not be empty"),
        ("owner:", "ownr:", 5, "did you mean 'owner'"),
        ("namespace: ops", "namspace: ops", 4, "did you mean 'namespace'"),
        ("namespace: ops", "namespace: [ops, 5]", 4, "must be of type string, not int"),
        ("namespace: ops", "namespace: []", 4, "must not be empty"),
        ("namespace: ops", "namespace: 'op[s]'", 4, "globs know * and ? only"),
        ("namespace: ops", "namespace: ' ops'", 4, "matches nothing"),
        ("namespace: ops", "labels: {a b: c}", 4, "'a b' is not a key that labels can have"),
        ("namespace: ops", "labels: {}", 3, "must say which objects"),
        ("namespace: ops", "kind: deployments", 4, "did you mean 'Deployment'"),
        ("namespace: ops", "kind: [Pod, pod]", 4, "exceptions[0].match.kind[1]: there is no kind 'pod'; did you mean 'Pod'"),
        ("match:\n      namespace: ops", "match: {}", 3, "there is --ignore"),
        ("rule: host-network", "rule: host-netwerk", 2, "did you mean 'host-network'"),
        ("rule: host-network", "rule:\n      - os-name\n      - nothing-like-it", 4, "there is no rule and no policy 'nothing-like-it'; `hostprocess rules`"),
        ("rule: host-network", "rule: hots-*", 2, "no rule and no policy has a name like 'hots-*'"),
        ("rule: host-network", "rule: old-rule", 2, "is retired; it is 'os-name' now"),
        ("reason: agreed", "reason: agreed\n    expires: 31.12.2026", 7, "'31.12.2026' is not a day; write it as YYYY-MM-DD"),
        ("reason: agreed", "reason: agreed\n    expires: 2026-02-30", 7, "'2026-02-30' is not a day"),
        ("reason: agreed", "reason: agreed\n    expires: 2026-W01-1", 7, "is not a day"),
        ("reason: agreed", "reason: agreed\n    expires: 2026-12-31T00:00:00Z", 7, "is not a day"),
        ("reason: agreed", "reason: agreed\n    reason: again", 7, "reason"),
        ("reason: agreed", "reason: [", 7, ""),
        ("namespace: ops", "namespace: *ops", 4, "undefined alias; a glob that begins with * stands in quotes"),
        ("namespace: ops", "namespace: *", 4, "a glob that begins with * stands in quotes"),
    ],
)
def test_what_is_wrong_is_told_at_its_line(tmp_path: Path, old: str, new: str, line: int, message: str) -> None:
    assert old in ENTRY
    with pytest.raises(HostprocessError) as caught:
        load(tmp_path, ENTRY.replace(old, new, 1))
    assert message in caught.value.message
    assert (caught.value.path, caught.value.line) == (str(tmp_path / "e.yaml"), line)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(HostprocessError, match="expected one YAML document, found 0"):
        load(tmp_path, "# nothing\n")
    with pytest.raises(HostprocessError, match="cannot be read: No such file"):
        load_waivers(str(tmp_path / "nowhere.yaml"), KNOWN)
    (tmp_path / "e.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(HostprocessError, match="is not UTF-8"):
        load_waivers(str(tmp_path / "e.yaml"), KNOWN)
    assert load(tmp_path, "exceptions: []\n") == ()


def test_the_nearest_file_up_to_the_root_of_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "repository" / "charts" / "agent"
    inner.mkdir(parents=True)
    (tmp_path / FILE_NAME).touch()
    monkeypatch.chdir(inner)
    assert find_file() == ""
    (tmp_path / "repository" / ".git").mkdir()
    assert find_file() == "", "what lies above the repository is none of its business"
    (tmp_path / "repository" / FILE_NAME).touch()
    assert Path(find_file()).resolve() == tmp_path / "repository" / FILE_NAME
    (tmp_path / "repository" / "charts" / FILE_NAME).touch()
    assert find_file() == f"../{FILE_NAME}"
    (inner / FILE_NAME).touch()
    assert find_file() == FILE_NAME


MATCHES: list[tuple[dict[str, Any], bool]] = [
    ({"namespace": ("ops",)}, True),
    ({"namespace": ("other", "o*")}, True),
    ({"namespace": ("op",)}, False),
    ({"namespace": ("OPS",)}, False),
    ({"name": ("agent-?",)}, True),
    ({"name": ("agent",)}, False),
    ({"kind": ("DaemonSet",)}, True),
    ({"kind": ("Pod",)}, False),
    ({"image": ("registry.test/*",)}, False),
    ({"image": ("registry.test/*", "docker.test/side:2")}, True),
    ({"labels": (("app", ("agent-1",)),)}, True),
    ({"labels": (("app", ("*",)), ("tier", ("x", "back*")))}, True),
    ({"labels": (("app", ("*",)), ("missing", ("*",)))}, False),
    ({"namespace": ("ops",), "name": ("nobody",)}, False),
]


@pytest.mark.parametrize(("match", "holds"), MATCHES)
def test_a_match_fits_whole_or_not_at_all(match: dict[str, Any], holds: bool) -> None:
    value = agent("agent-1", kind="DaemonSet", labels={"tier": "backend"})
    value["spec"]["template"]["spec"]["initContainers"] = [{"name": "side", "image": "docker.test/side:2"}]
    assert Match(**match).holds(subject_of(request(value))) is holds


def test_labels_are_those_of_one_owner() -> None:
    """Half of the labels on the object and half on its template are not both."""
    value = agent("a", kind="Deployment", labels={"one": "1"})
    value["metadata"]["labels"] = {"two": "2"}
    subject = subject_of(request(value))
    assert Match(labels=(("one", ("1",)),)).holds(subject)
    assert Match(labels=(("two", ("2",)),)).holds(subject)
    assert not Match(labels=(("one", ("1",)), ("two", ("2",)))).holds(subject)


def test_what_is_not_known_does_not_fit() -> None:
    subject = subject_of(request(agent(), namespace=Unknown("not given")))
    assert not Match(namespace=("*",)).holds(subject)
    generated = agent()
    generated["metadata"] = {"generateName": "agent-", "namespace": "ops"}
    subject = subject_of(request(generated))
    assert Match(name=("agent-*",)).holds(subject)
    assert not Match(name=("agent-?????",)).holds(subject)
    assert not Match(name=("agent-",)).holds(subject)
    generated["metadata"]["generateName"] = "a" * 58 + "-cut-off-"
    subject = subject_of(request(generated))
    assert Match(name=("a" * 58 + "*",)).holds(subject)
    assert not Match(name=("a*-cut-*",)).holds(subject), "the API server cuts it before it adds to it"
    no_pod = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "ops"}}
    assert not Match(image=("*",)).holds(subject_of(request(no_pod)))
    assert Match(kind=("Config*",)).holds(subject_of(request(no_pod)))


@given(st.text(alphabet="ab.*?-", max_size=6), st.text(alphabet="ab.-\n", max_size=8))
def test_globs_are_what_they_say(pattern: str, text: str) -> None:
    def naive(pattern: str, text: str) -> bool:
        if not pattern:
            return not text
        if pattern[0] == "*":
            return naive(pattern[1:], text) or (bool(text) and naive(pattern, text[1:]))
        return bool(text) and pattern[0] in ("?", text[0]) and naive(pattern[1:], text[1:])

    assert glob_matches(pattern, text) is naive(pattern, text)
    import re2

    assert (re2.fullmatch(f"(?s){glob_regex(pattern)}", text) is not None) is naive(pattern, text)


def test_the_last_day_counts() -> None:
    waiver = Waiver(rules=("r",), match=Match(), reason="", owner="", expires=date(2026, 12, 31))
    assert not waiver.expired(date(2026, 12, 31))
    assert waiver.expired(date(2027, 1, 1))
