"""Named formats. Source: k8s.io/apiserver/pkg/cel/library/format.go, k8s.io/apiserver/pkg/cel/format.go, and kube-openapi's strfmt."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from hostprocess.cel.declarations import Library, Overload
from hostprocess.cel.equality import NO_SUCH_OVERLOAD
from hostprocess.cel.library.costs import cost_of
from hostprocess.cel.library.names import dns1035_label, dns1123_label, dns1123_subdomain, label_value, mask_trailing_dash, qualified_name
from hostprocess.cel.library.net_url import UrlError, parse_request_uri
from hostprocess.cel.values import Opaque, Optional

__all__ = ["LIBRARIES", "Format"]

_UUID = re.compile("(?i:[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12})")
_BASE64 = re.compile("(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})")
_DATE = re.compile("([0-9]{4})-([0-9]{2})-([0-9]{2})")
_TIME = re.compile("([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))")
_UUID_SIZE, _DATE_TIME_SIZE = 70, 71  # lengths of the expressions in strfmt, which the costs are computed from
_MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True, slots=True)
class Format(Opaque):
    """`kubernetes.NamedFormat`. `check` says what is wrong with a text; `regex_size` stands for its expression in costs."""

    type_name: ClassVar[str] = "kubernetes.NamedFormat"
    name: str
    check: Callable[[str], list[str]]
    regex_size: int

    def equal(self, other: Any) -> Any:
        """The same name."""
        return self.name == other.name if isinstance(other, Format) else NO_SUCH_OVERLOAD


def _validate(named: Format, text: str) -> Optional:
    reasons = named.check(text)
    return Optional(reasons) if reasons else Optional()


def _prefixed(check: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    return lambda text: check(mask_trailing_dash(text))


def _matching(matches: Callable[[str], Any], complaint: str) -> Callable[[str], list[str]]:
    return lambda text: [] if matches(text) else [complaint]


def _is_date(text: str) -> bool:
    match = _DATE.fullmatch(text)
    if match is None:
        return False
    year, month, day = (int(part) for part in match.groups())
    leap_day = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 1 <= month <= 12 and 1 <= day <= _MONTHS[month - 1] + leap_day


def _is_date_time(text: str) -> bool:
    """What follows a second `T` is not looked at, and a time may be any with two digits up to 23, 59 and 59."""
    date, found, rest = text.lower().partition("t")
    match = _TIME.fullmatch(rest.partition("t")[0])
    return bool(found) and _is_date(date) and match is not None and match[1] <= "23" and match[2] <= "59" and match[3] <= "59"


def _uri(strict_colons: bool) -> Callable[[str], list[str]]:
    def check(text: str) -> list[str]:
        try:
            parse_request_uri(text, strict_colons)
        except UrlError as error:
            return [str(error)]
        return []

    return check


def _formats(minor: int) -> dict[str, Format]:
    return {
        "dns1123Label": Format("DNS1123Label", dns1123_label, 30),
        "dns1123Subdomain": Format("DNS1123Subdomain", dns1123_subdomain, 60),
        "dns1035Label": Format("DNS1035Label", dns1035_label, 30),
        "qualifiedName": Format("QualifiedName", lambda text: qualified_name(text, minor), 60),
        "dns1123LabelPrefix": Format("DNS1123LabelPrefix", _prefixed(dns1123_label), 30),
        "dns1123SubdomainPrefix": Format("DNS1123SubdomainPrefix", _prefixed(dns1123_subdomain), 60),
        "dns1035LabelPrefix": Format("DNS1035LabelPrefix", _prefixed(dns1035_label), 30),
        "labelValue": Format("LabelValue", lambda text: label_value(text, minor), 40),
        "uri": Format("URI", _uri(strict_colons=minor >= 36), 1103),
        "uuid": Format("uuid", _matching(_UUID.fullmatch, "does not match the UUID format"), _UUID_SIZE),
        "byte": Format("byte", _matching(_BASE64.fullmatch, "invalid base64"), 84),
        "date": Format("date", _matching(_is_date, "invalid date"), _DATE_TIME_SIZE),
        "datetime": Format("datetime", _matching(_is_date_time, "invalid datetime"), _DATE_TIME_SIZE),
    }


def _constant(named: Format) -> Callable[[], Format]:
    return lambda: named


def _library(introduced: int, removed: int) -> Library:
    formats = _formats(introduced)

    def find(name: str) -> Optional:
        return Optional(formats[name]) if name in formats else Optional()

    constants = (
        Overload(id=f"format.{name}", function=f"format.{name}", arguments=(), result=Format.type_name, implementation=_constant(named))
        for name, named in formats.items()
    )
    validate = Overload(
        id="format-validate",
        function="validate",
        arguments=(Format.type_name, "string"),
        result="optional_type(list(string))",
        member=True,
        implementation=_validate,
        cost=cost_of("validate", "format-validate"),
    )
    named = Overload(id="format-named", function="format.named", arguments=("string",), result=f"optional_type({Format.type_name})", implementation=find)
    return Library(name="kubernetes.format", introduced=introduced, removed=removed, overloads=(validate, named, *constants))


LIBRARIES: tuple[Library, ...] = (_library(31, 35), _library(35, 36), _library(36, 0))
"""The words changed in 1.35, the rules for URIs in 1.36."""
