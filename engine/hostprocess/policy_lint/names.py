"""Forms of names, with the complaints of the API server.

Source: k8s.io/apimachinery/pkg/util/validation/validation.go, since 1.35 pkg/api/validate/content.
"""

from __future__ import annotations

import re

__all__ = ["dns1035_label", "dns1123_subdomain", "label_value", "lowered", "path_segment", "qualified_name"]

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_QUALIFIED_WORDS = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"


def dns1123_subdomain(value: str, unit: str = "characters") -> list[str]:
    """Complaints about a name like `a.b.c`; `unit` is what the release counts in its words."""
    found = [f"must be no more than 253 {unit}"] if len(value.encode()) > 253 else []
    if not re.fullmatch(_SUBDOMAIN, value):
        words = (
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
            "and must start and end with an alphanumeric character"
        )
        found.append(_form(words, _SUBDOMAIN, "example.com"))
    return found


def dns1035_label(value: str) -> list[str]:
    """Complaints about a label that starts with a letter."""
    found = ["must be no more than 63 characters"] if len(value.encode()) > 63 else []
    if not re.fullmatch(_LABEL_1035, value):
        words = (
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
            "and end with an alphanumeric character"
        )
        found.append(_form(words, _LABEL_1035, "my-name", "abc-123"))
    return found


def qualified_name(value: str, minor: int) -> list[str]:
    """Complaints about a label key, `[prefix/]name`; `minor` is that of the Kubernetes release whose words they are."""
    prefix, slash, name = value.rpartition("/")
    form = _form(_QUALIFIED_WORDS, _QUALIFIED, "MyName", "my.name", "123-abc")
    if "/" in prefix:
        what = "a valid label key " if minor >= _CONTENT_MINOR else "a qualified name "
        return [f"{what}{form} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"]
    found = []
    if slash:
        found += ["prefix part must be non-empty"] if not prefix else [f"prefix part {one}" for one in dns1123_subdomain(prefix, _unit(minor))]
    if not name:
        found.append("name part must be non-empty")
    found += [f"name part {one}" for one in _too_long(name, 63, minor)]
    if not re.fullmatch(_QUALIFIED, name):
        found.append(f"name part {form}")
    return found


def label_value(value: str, minor: int) -> list[str]:
    """Complaints about the value of a label."""
    found = _too_long(value, 63, minor)
    if not re.fullmatch(f"({_QUALIFIED})?", value):
        words = (
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
            "and must start and end with an alphanumeric character"
        )
        found.append(_form(words, f"({_QUALIFIED})?", "MyValue", "my_value", "12345"))
    return found


def lowered(value: str) -> str:
    """In lower case as Go writes it, which makes one letter of each."""
    return value.replace("İ", "i").lower()


def path_segment(value: str) -> list[str]:
    """Complaints about a name that must fit into a URL."""
    if value in (".", ".."):
        return [f"may not be '{value}'"]
    return [f"may not contain '{one}'" for one in ("/", "%") if one in value]


_CONTENT_MINOR = 35  # the release in which these checks moved to pkg/api/validate/content and changed their words


def _too_long(value: str, limit: int, minor: int) -> list[str]:
    return [f"must be no more than {limit} {_unit(minor)}"] if len(value.encode()) > limit else []


def _unit(minor: int) -> str:
    return "bytes" if minor >= _CONTENT_MINOR else "characters"


def _form(words: str, form: str, *examples: str) -> str:
    shown = "".join(f"'{one}', " if index == 0 else f" or '{one}', " for index, one in enumerate(examples))
    return f"{words} (e.g. {shown}regex used for validation is '{form}')"
