"""Expectations in manifests: a comment `# expect: deny rule=ID message=TEXT` above a document makes that document a case."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import re2  # type: ignore[import-untyped]

from hostprocess.errors import HostprocessError, PolicyError, raise_all, suggestion
from hostprocess.kubernetes.reader import read_piece
from hostprocess.kubernetes.yaml_text import pieces
from hostprocess.model import Outcome, Policy, Resource
from hostprocess.suite.formats import SuiteFormat
from hostprocess.suite.load import Loader
from hostprocess.suite.model import Case, Expected, JSONObject, Setting, Suite

__all__ = ["INLINE"]

_COMMENT = re.compile(r"^[ \t]*#[ \t]*expect:[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_LEAD = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n|%[^\n]*\n|---[ \t]*(?:#[^\n]*)?\n)*")
_KEYS = ("rule", "policy", "message", "messageMatches", "field")
_KEY = re.compile(rf"(?:^|(?<=\s))({'|'.join(_KEYS)})=")
_ANY_KEY = re.compile(r"(?:^|\s)([A-Za-z]+)=")


def _recognises(path: str, text: str) -> bool:
    return "expect:" in text and _COMMENT.search(text) is not None and not path.endswith(".json")


def _load(path: str, text: str, loader: Loader) -> Suite:
    """The documents with a comment are the cases, the other objects of the file are looked up. What they are judged by, the loader knows."""
    subject = loader.default()
    policies, _ = subject.compiled(subject.kubernetes, subject.containerd)
    cases: list[Case] = []
    errors: list[HostprocessError] = []
    others: list[JSONObject] = []
    documents: list[tuple[JSONObject, list[tuple[int, str]]]] = []
    for line, piece in pieces([text]):
        try:
            above = _expectations(path, line, piece)
            objects = list(_objects(path, line, piece, bool(above)))
            if above and len(objects) != 1:
                raise PolicyError(f"expect: stands above {len(objects) or 'no'} objects; it is about one", path=path, line=above[0][0])
        except PolicyError as error:
            errors.append(error)
            continue
        if above:
            documents.append((objects[0], above))
        else:
            others += objects
    names: dict[str, int] = {}
    for value, above in documents:
        for line, words in above:
            try:
                expected = _expected(words, path, line, policies)
            except PolicyError as error:
                errors.append(error)
                continue
            name = _name(value, words, names, several=len(above) > 1)
            setting = Setting(inventory=tuple(others))
            cases.append(Case(name=name, object=value, setting=setting, expected=expected, path=path, line=line, raw={"expect": str(expected.outcome)}))
    raise_all(errors)
    return Suite(subject=subject, cases=tuple(cases), path=path)


def _expectations(path: str, first: int, piece: str) -> list[tuple[int, str]]:
    """The comments above a document, with their lines. Raises `PolicyError` for one that stands inside it."""
    lead = _LEAD.match(piece)
    end = lead.end() if lead else 0
    found: list[tuple[int, str]] = []
    for match in _COMMENT.finditer(piece):
        line = first + piece.count("\n", 0, match.start(1))
        if match.start() >= end:
            raise PolicyError("an `# expect:` stands above the document that it is about, not inside of one", path=path, line=line)
        found.append((line, match[1]))
    return found


def _objects(path: str, line: int, piece: str, wanted: bool) -> Iterator[JSONObject]:
    for found in read_piece("yaml", path, 0, line, piece, check=False):
        if isinstance(found, Resource):
            yield found.object
        elif wanted or not found.note:
            raise PolicyError(found.message, path=found.path, line=found.line, column=found.column)


def _expected(words: str, path: str, line: int, policies: Sequence[Policy]) -> Expected:
    def error(message: str) -> PolicyError:
        return PolicyError(f"expect: {message}", path=path, line=line)

    outcome, _, rest = words.partition(" ")
    known = [str(one) for one in Outcome]
    if outcome not in known:
        raise error(f"{outcome!r} is no outcome{suggestion(outcome, known)}; there are {', '.join(known)}")
    given = _pairs(rest.strip(), error)
    rules = list(dict.fromkeys(name for policy in policies for name in _rule_names(policy)))
    named = list(dict.fromkeys(policy.name for policy in policies))
    for key, there in (("rule", rules), ("policy", named)):
        if key in given and given[key] not in there:
            raise error(f"there is no {key} {given[key]!r}{suggestion(given[key], there)}")
    if "rule" in given and "policy" in given:
        raise error("give a rule or a policy")
    if "messageMatches" in given:
        try:
            re2.compile(given["messageMatches"])
        except re2.error as wrong:
            raise error(f"messageMatches is no RE2 expression: {wrong}") from None
    return Expected(
        outcome=Outcome(outcome),
        only=given.get("rule") or given.get("policy") or "",
        message=given.get("message"),
        message_matches=given.get("messageMatches"),
        field=given.get("field"),
    )


def _pairs(text: str, error: Any) -> dict[str, str]:
    """`key=value` behind one another; a value goes on to the next key, so that messages need no quotes."""
    marks = list(_KEY.finditer(text))
    before = text[: marks[0].start()].strip() if marks else text
    if before:
        wrong = _ANY_KEY.search(before)
        name = wrong[1] if wrong else before.split()[0]
        raise error(f"unknown key {name!r}{suggestion(name, _KEYS)}; known are {', '.join(_KEYS)}, each as key=value")
    found: dict[str, str] = {}
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    for mark, end in zip(marks, ends, strict=False):
        key, value = mark[1], text[mark.end() : end].strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        if not value:
            raise error(f"{key}= has no value")
        if key in ("rule", "policy", "field") and " " in value:
            wrong = _ANY_KEY.search(value)
            name = wrong[1] if wrong else value.split()[1]
            raise error(f"unknown key {name!r}{suggestion(name, _KEYS)}; known are {', '.join(_KEYS)}, each as key=value")
        if key in found:
            raise error(f"{key}= is given twice; write a comment of its own for each expectation")
        found[key] = value
    return found


def _rule_names(policy: Policy) -> list[str]:
    return [validation.rule or f"validations[{index}]" for index, validation in enumerate(policy.validations)]


def _name(value: JSONObject, words: str, names: dict[str, int], *, several: bool) -> str:
    given = value.get("metadata")
    metadata = given if isinstance(given, dict) else {}
    name = f"{value.get('kind')} {metadata.get('name') or metadata.get('generateName') or ''}".strip()
    if several:
        name += f": {words}"
    names[name] = names.get(name, 0) + 1
    return name if names[name] == 1 else f"{name} ({names[name]})"


INLINE = SuiteFormat(_recognises, _load)
"""Manifests with such comments."""
