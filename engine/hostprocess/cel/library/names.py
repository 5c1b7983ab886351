"""Forms of names, with the complaints of the API server.

Source: k8s.io/apimachinery/pkg/util/validation/validation.go; since Kubernetes 1.35 label keys and values are checked by
k8s.io/apimachinery/pkg/api/validate/content, in other words.
"""

from __future__ import annotations

import re

__all__ = ["dns1035_label", "dns1123_label", "dns1123_subdomain", "label_value", "mask_trailing_dash", "qualified_name"]

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = f"({_QUALIFIED})?"
_CHARACTERS = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
_LABEL_WORDS = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character"
_SUBDOMAIN_WORDS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
)
_LABEL_1035_WORDS = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character"
)
_LABEL_VALUE_WORDS = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)
_CONTENT_MINOR = 35


def dns1123_label(value: str) -> list[str]:
    """What is wrong with a label such as `a-b` (`IsDNS1123Label`)."""
    found = _too_long(value, 63)
    if not re.fullmatch(_LABEL, value):
        dotted = re.fullmatch(_SUBDOMAIN, value)
        found.append("must not contain dots" if dotted else _form(_LABEL_WORDS, _LABEL, "my-name", "123-abc"))
    return found


def dns1123_subdomain(value: str, unit: str = "characters") -> list[str]:
    """What is wrong with a name such as `a.b.c` (`IsDNS1123Subdomain`); `unit` is what the message counts in."""
    found = _too_long(value, 253, unit)
    if not re.fullmatch(_SUBDOMAIN, value):
        found.append(_form(_SUBDOMAIN_WORDS, _SUBDOMAIN, "example.com"))
    return found


def dns1035_label(value: str) -> list[str]:
    """What is wrong with a label that starts with a letter (`IsDNS1035Label`)."""
    found = _too_long(value, 63)
    if not re.fullmatch(_LABEL_1035, value):
        found.append(_form(_LABEL_1035_WORDS, _LABEL_1035, "my-name", "abc-123"))
    return found


def qualified_name(value: str, minor: int) -> list[str]:
    """What is wrong with `[prefix/]name` (`IsQualifiedName`), in the words of Kubernetes 1.`minor`."""
    prefix, slash, name = value.rpartition("/")
    form = _form(_CHARACTERS, _QUALIFIED, "MyName", "my.name", "123-abc")
    if "/" in prefix:
        kind = "a valid label key" if minor >= _CONTENT_MINOR else "a qualified name"
        return [f"{kind} {form} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"]
    found: list[str] = []
    if slash:
        reasons = dns1123_subdomain(prefix, _unit(minor)) if prefix else ["must be non-empty"]
        found += [f"prefix part {reason}" for reason in reasons]
    found += [f"name part {reason}" for reason in (_too_long(name, 63, _unit(minor)) if name else ["must be non-empty"])]
    if not re.fullmatch(_QUALIFIED, name):
        found.append(f"name part {form}")
    return found


def label_value(value: str, minor: int) -> list[str]:
    """What is wrong with the value of a label (`IsValidLabelValue`), in the words of Kubernetes 1.`minor`."""
    found = _too_long(value, 63, _unit(minor))
    if not re.fullmatch(_LABEL_VALUE, value):
        found.append(_form(_LABEL_VALUE_WORDS, _LABEL_VALUE, "MyValue", "my_value", "12345"))
    return found


def mask_trailing_dash(name: str) -> str:
    """The prefix of a generated name as it is checked: the dash at its end, and what is before it, become a letter."""
    raw = name.encode("utf-8", "surrogateescape")
    return (raw[:-2] + b"a").decode("utf-8", "surrogateescape") if len(raw) > 1 and raw.endswith(b"-") else name


def _unit(minor: int) -> str:
    return "bytes" if minor >= _CONTENT_MINOR else "characters"


def _too_long(value: str, most: int, unit: str = "characters") -> list[str]:
    return [f"must be no more than {most} {unit}"] if len(value.encode("utf-8", "surrogateescape")) > most else []


def _form(words: str, expression: str, *examples: str) -> str:
    shown = " or ".join(f"'{example}', " for example in examples)
    return f"{words} (e.g. {shown}regex used for validation is '{expression}')"
