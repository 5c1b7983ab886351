"""The text of a suite as data: what is ours by the strict profile of our files, manifests in it as Kubernetes reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hostprocess.errors import InputError, PolicyError, suggestion
from hostprocess.kubernetes.yaml_text import load
from hostprocess.model import Outcome
from hostprocess.schema import checked, fault_at

__all__ = ["read_suite"]

_MANIFESTS = frozenset({"object", "base", "set", "oldObject", "userInfo", "namespace", "params", "inventory", "fixtures"})
_PASSES = ("yes", "true", "pass", "passes", "passed", "ok", "admit", "admitted", "allowed", "accept")
_FAILS = ("no", "false", "fail", "fails", "failed", "denied", "reject", "rejected", "refuse", "violation")


def read_suite(text: str, path: str) -> dict[str, Any]:
    """The suite, checked against its schema. Raises `PolicyError` with the line."""
    try:
        documents = load(text, path, strict=True)
        _check_outcomes(documents, text, path)
        strict = checked(documents, text, path, "suite")
        ((loose, _),) = load(text, path)
    except InputError as error:
        raise PolicyError(error.message, path=error.path, line=error.line, column=error.column) from None
    return _merged(strict, loose)


def _merged(strict: Mapping[str, Any], loose: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in strict.items():
        if key == "cases":
            found[key] = [_merged(one, other) for one, other in zip(value, loose[key], strict=True)]
        elif key == "defaults":
            found[key] = _merged(value, loose[key])
        else:
            # A name or a path is a word of ours, whatever else it might mean.
            manifest = key == "value" or (key in _MANIFESTS and not isinstance(value, str))
            found[key] = loose[key] if manifest else value
    return found


def _check_outcomes(documents: list[tuple[Any, bool]], text: str, path: str) -> None:
    """Words of other tools, and YAML's booleans, are no outcomes: that is told before any other fault."""
    value = documents[0][0] if documents else None
    cases = value.get("cases") if isinstance(value, dict) else None
    known = [str(one) for one in Outcome]
    for index, case in enumerate(cases if isinstance(cases, list) else ()):
        given = case.get("expect", "allow") if isinstance(case, dict) else "allow"
        word = str(given).lower()
        if given in known or isinstance(given, dict | list) or given is None:
            continue
        meant = "allow" if word in _PASSES else "deny" if word in _FAILS else ""
        if meant:
            raise fault_at(text, path, ("cases", index, "expect"), f"{word!r} is no outcome; write `expect: {meant}`; there are {', '.join(known)}")
        if word in known:
            raise fault_at(text, path, ("cases", index, "expect"), f"{given!r} is no outcome{suggestion(word, known)}")
