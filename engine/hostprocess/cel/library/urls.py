"""URLs. Source: k8s.io/apiserver/pkg/cel/library/urls.go, k8s.io/apiserver/pkg/cel/url.go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from hostprocess.cel.declarations import Library, Overload
from hostprocess.cel.equality import NO_SUCH_OVERLOAD
from hostprocess.cel.library.costs import cost_of
from hostprocess.cel.library.net_url import Url, UrlError, parse, parse_request_uri
from hostprocess.cel.runtime import CelError
from hostprocess.cel.values import Opaque

__all__ = ["LIBRARIES", "URL"]


@dataclass(frozen=True, slots=True)
class URL(Opaque):
    """`kubernetes.URL`."""

    type_name: ClassVar[str] = "kubernetes.URL"
    url: Url

    def equal(self, other: Any) -> Any:
        """The same text."""
        return str(self.url) == str(other.url) if isinstance(other, URL) else NO_SUCH_OVERLOAD

    def __str__(self) -> str:
        return str(self.url)


def _reading(strict_colons: bool) -> tuple[Callable[[str], Any], Callable[[str], bool]]:
    """`url` and `isURL`. Up to Kubernetes 1.35, built with Go 1.25, `http://a:b:80` was a URL."""

    def url(text: str) -> Any:
        try:
            parse_request_uri(text, strict_colons)
            return URL(parse(text, strict_colons))
        except UrlError as error:
            return CelError(f"URL parse error during conversion from string: {error}")

    def is_url(text: str) -> bool:
        try:
            parse_request_uri(text, strict_colons)
        except UrlError:
            return False
        return True

    return url, is_url


def _member(identifier: str, function: str, result: str, implementation: Callable[[URL], Any]) -> Overload:
    cost = cost_of(function, identifier)
    arguments = (URL.type_name,)
    return Overload(id=identifier, function=function, arguments=arguments, result=result, member=True, implementation=implementation, cost=cost)


_PARTS = (
    _member("url_get_scheme", "getScheme", "string", lambda url: url.url.scheme),
    _member("url_get_host", "getHost", "string", lambda url: url.url.host_text()),
    _member("url_get_hostname", "getHostname", "string", lambda url: url.url.host_and_port()[0]),
    _member("url_get_port", "getPort", "string", lambda url: url.url.host_and_port()[1]),
    _member("url_get_escaped_path", "getEscapedPath", "string", lambda url: url.url.escaped_path()),
    _member("url_get_query", "getQuery", "map(string, list(string))", lambda url: url.url.query()),
)


def _library(introduced: int, removed: int, strict_colons: bool) -> Library:
    url, is_url = _reading(strict_colons)
    overloads = (
        Overload(
            id="string_to_url",
            function="url",
            arguments=("string",),
            result=URL.type_name,
            implementation=url,
            cost=cost_of("url", "string_to_url"),
        ),
        *_PARTS,
        Overload(id="is_url_string", function="isURL", arguments=("string",), result="bool", implementation=is_url),
    )
    return Library(name="kubernetes.urls", introduced=introduced, removed=removed, overloads=overloads)


LIBRARIES: tuple[Library, ...] = (_library(0, 36, False), _library(36, 0, True))
