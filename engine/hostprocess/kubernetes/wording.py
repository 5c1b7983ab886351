"""What is said of a field that the API server would not decode: what is wrong, in plain words, with the API server's own."""

from __future__ import annotations

import difflib
from typing import Any

from hostprocess.kubernetes.quantities import number_text

__all__ = ["json_word", "mismatch", "named", "unknown_field"]

_MANY = 16  # fields that one message can still list

# Names that have one right place only; found elsewhere they are a mistake whatever else is there.
_RIGHT_PLACES = {
    "securityContext.{}, in the pod's spec or in a container": "windowsOptions runAsNonRoot runAsUser runAsGroup",
    "securityContext.windowsOptions.{}, in the pod's spec or in a container": "hostProcess runAsUserName gmsaCredentialSpec gmsaCredentialSpecName",
    "securityContext.{} of a container": "privileged readOnlyRootFilesystem allowPrivilegeEscalation capabilities procMount",
    "the pod's spec or a container": "securityContext",
    "the pod's spec": "containers initContainers ephemeralContainers hostNetwork hostPID hostIPC hostUsers shareProcessNamespace nodeSelector nodeName"
    " runtimeClassName automountServiceAccountToken",
}
_OUT_OF_PLACE = {name.lower(): place.format(name) for place, names in _RIGHT_PLACES.items() for name in names.split()}

_PLAIN = {
    "s": "a string", "b": "true or false", "i": "an integer", "l": "an integer", "f": "a number", "y": "a string in base64", "q": "a quantity",
    "o": "an integer or a string", "t": "a time", "m": "a time", "[": "a list", "{": "a mapping", "@": "a mapping",
}  # fmt: skip


def unknown_field(key: str, known: list[str]) -> str:
    """What to say of a key that is not among the fields `known`."""
    lowered = key.lower()
    if right := next((name for name in known if name.lower() == lowered), ""):
        return f"unknown field: the name is written {right!r}"
    if lowered in _OUT_OF_PLACE:
        return f"unknown field: its place is {_OUT_OF_PLACE[lowered]}"
    if close := difflib.get_close_matches(key, known, 1, cutoff=0.85):
        return f"unknown field: did you mean {close[0]!r}?"
    return f"unknown field: {', '.join(sorted(known))} are known here" if len(known) <= _MANY else "unknown field"


def mismatch(value: Any, type: str, in_map: bool = False) -> str:
    """What to say of a value that is not of a type of the catalogue; `in_map` of one in a mapping whose values have that type."""
    letter = type.lstrip("*")[0]
    if letter == "{" and type.lstrip("*") == "{s":
        return f"must be a mapping of strings, not {named(value)}"
    hint = ""
    if letter == "[" and isinstance(value, str):
        hint = "; write it as a list of one item"
    elif letter == "b" and isinstance(value, str):
        hint = "; leave out the quotes"
    elif letter == "s" and (isinstance(value, (bool, int, float)) or in_map):
        hint = "; put it in quotes"
    elif letter in "il" and isinstance(value, (int, float)) and not isinstance(value, bool) and value % 1 == 0:
        return f"must be an integer of {32 if letter == 'i' else 64} bits, not {named(value)}"
    return f"must be {_PLAIN[letter]}, not {named(value)}{hint}"


def named(value: Any) -> str:
    """A value as a message shows it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the string {value[:40]!r}"
    return "a list" if isinstance(value, list) else "a mapping" if isinstance(value, dict) else f"the number {number_text(value)}"


def json_word(value: Any, type: str) -> str:
    """A value as `json: cannot unmarshal` names it."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, (int, float)):
        return f"number {number_text(value)}" if type.lstrip("*")[0] in "ilfo" else "number"
    return "array" if isinstance(value, list) else "object"
