"""URLs as Go's net/url of Go 1.26 reads and writes them. Source: net/url/url.go and gen_encoding_table.go.

Inside, a text is a `str` with one character for each byte of its UTF-8 form, as Go walks over bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from hostprocess.cel.library.netip import AddressError, parse_address
from hostprocess.cel.library.texts import go_quote

__all__ = ["Url", "UrlError", "parse", "parse_request_uri"]

_ALPHANUMERIC: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_UNRESERVED = _ALPHANUMERIC | frozenset("-_.~")
# What is not escaped, by the part of the URL.
_PATH = _UNRESERVED | frozenset("$&+,/:;=@")
_HOST = _UNRESERVED | frozenset("!$&'()*+,;=:[]<>\"")
_USER = _UNRESERVED | frozenset("$&+,;=")
_QUERY = _UNRESERVED
_FRAGMENT = _UNRESERVED | frozenset("$&+,/:;=?@!()*")
_ZONE = _HOST | frozenset("zone")
_VALID_ANYWHERE = frozenset("!$&'()*+,;=:@[]%")
_USERINFO = _UNRESERVED | frozenset(":!$&'()*+,;=%@")
_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")
_DIGITS = frozenset("0123456789")
_SCHEME_LATER = _DIGITS | frozenset("+-.")
_LETTERS = _ALPHANUMERIC - _DIGITS
_MOST_PARAMETERS = 10_000
_NO_UTF8 = re.compile("[\udc80-\udcff]")


class UrlError(ValueError):
    """A text that is no URL, in the words of Go."""


@dataclass(frozen=True, slots=True)
class Url:
    """`url.URL`. `user` is name and password (None where no colon was given), or None."""

    scheme: str = ""
    opaque: str = ""
    user: tuple[str, str | None] | None = None
    host: str = ""
    path: str = ""
    raw_path: str = ""
    raw_query: str = ""
    force_query: bool = False
    omit_host: bool = False
    fragment: str = ""
    raw_fragment: str = ""

    def escaped_path(self) -> str:
        """`EscapedPath`."""
        return _text(self._escaped(self.raw_path, self.path, _PATH) if self.path != "*" or self.raw_path else "*")

    @staticmethod
    def _escaped(raw: str, plain: str, allowed: frozenset[str]) -> str:
        """The raw form where it is valid; it always stands for the plain one here."""
        if raw and all(character in _VALID_ANYWHERE or character in allowed for character in raw):
            return raw
        return _escape(plain, allowed)

    def host_and_port(self) -> tuple[str, str]:
        """`Hostname` and `Port`."""
        host, port = self.host, ""
        colon = host.rfind(":")
        if colon >= 0 and _is_optional_port(host[colon:]):
            host, port = host[:colon], host[colon + 1 :]
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        return _shown(host), port

    def host_text(self) -> str:
        """`Host`."""
        return _shown(self.host)

    def query(self) -> dict[str, list[str]]:
        """`Query`: what cannot be unescaped, and parts with a semicolon, are left out."""
        values: dict[str, list[str]] = {}
        if self.raw_query.count("&") >= _MOST_PARAMETERS:
            return values
        for part in self.raw_query.split("&"):
            if not part or ";" in part:
                continue
            key, _, value = part.partition("=")
            try:
                key, value = _shown(_unescape(key, _QUERY)), _shown(_unescape(value, _QUERY))
            except UrlError:
                continue
            values.setdefault(key, []).append(value)
        return values

    def __str__(self) -> str:
        written = f"{self.scheme}:" if self.scheme else ""
        written += self.opaque or self._hierarchy()
        if self.force_query or self.raw_query:
            written += f"?{self.raw_query}"
        if self.fragment:
            written += f"#{self._escaped(self.raw_fragment, self.fragment, _FRAGMENT)}"
        return _text(written)

    def _hierarchy(self) -> str:
        written = ""
        omitted = self.omit_host and not self.host and self.user is None
        if (self.scheme or self.host or self.user is not None) and not omitted:
            written = "//" if self.host or self.path or self.user is not None else ""
            if self.user is not None:
                name, password = self.user
                written += _escape(name, _USER) + ("" if password is None else f":{_escape(password, _USER)}") + "@"
            written += _escape(self.host, _HOST)
        path = _bytes(self.escaped_path())
        if path and not path.startswith("/") and self.host:
            written += "/"
        if not written and not self.scheme and ":" in path.partition("/")[0]:
            written = "./"
        return written + path


def parse_request_uri(text: str, strict_colons: bool = True) -> Url:
    """`ParseRequestURI`: no fragment, and absolute. `strict_colons` is the GODEBUG setting of that name. Raises `UrlError`."""
    try:
        return _parse(_bytes(text), True, strict_colons)
    except UrlError as error:
        raise UrlError(f"parse {go_quote(text)}: {error}") from None


def parse(text: str, strict_colons: bool = True) -> Url:
    """`Parse`. Raises `UrlError`."""
    head, _, fragment = text.partition("#")
    try:
        url = _parse(_bytes(head), False, strict_colons)
    except UrlError as error:
        raise UrlError(f"parse {go_quote(head)}: {error}") from None
    if not fragment:
        return url
    raw = _bytes(fragment)
    try:
        plain = _unescape(raw, _FRAGMENT)
    except UrlError as error:
        raise UrlError(f"parse {go_quote(text)}: {error}") from None
    values = {name: getattr(url, name) for name in ("scheme", "opaque", "user", "host", "path", "raw_path", "raw_query", "force_query", "omit_host")}
    return Url(**values, fragment=plain, raw_fragment="" if _escape(plain, _FRAGMENT) == raw else raw)


def _parse(text: str, by_request: bool, strict_colons: bool) -> Url:
    if any(character < " " or character == "\x7f" for character in text):
        raise UrlError("net/url: invalid control character in URL")
    if not text and by_request:
        raise UrlError("empty url")
    if text == "*":
        return Url(path="*")
    scheme, rest = _scheme(text)
    force_query = rest.endswith("?") and rest.count("?") == 1
    rest, _, raw_query = rest.partition("?")
    if not rest.startswith("/"):
        if scheme:
            return Url(scheme=scheme, opaque=rest, raw_query=raw_query, force_query=force_query)
        if by_request:
            raise UrlError("invalid URI for request")
        if ":" in rest.partition("/")[0]:
            raise UrlError("first path segment in URL cannot contain colon")
    user, host, omit_host = None, "", False
    if (scheme or (not by_request and not rest.startswith("///"))) and rest.startswith("//"):
        authority, slash, path = rest[2:].partition("/")
        rest = slash + path
        user, host = _authority(scheme, authority, strict_colons)
    elif scheme and rest.startswith("/"):
        omit_host = True
    path = _unescape(rest, _PATH)
    raw_path = "" if _escape(path, _PATH) == rest else rest
    return Url(scheme=scheme, user=user, host=host, path=path, raw_path=raw_path, raw_query=raw_query, force_query=force_query, omit_host=omit_host)


def _scheme(text: str) -> tuple[str, str]:
    for index, character in enumerate(text):
        if character in _LETTERS or (character in _SCHEME_LATER and index):
            continue
        if character != ":":
            break
        if not index:
            raise UrlError("missing protocol scheme")
        return text[:index].lower(), text[index + 1 :]
    return "", text


def _authority(scheme: str, authority: str, strict_colons: bool) -> tuple[tuple[str, str | None] | None, str]:
    userinfo, at, host = authority.rpartition("@")
    host = _host(scheme, host, strict_colons)
    if not at:
        return None, host
    if not _USERINFO.issuperset(userinfo):
        raise UrlError("net/url: invalid userinfo")
    name, colon, password = userinfo.partition(":")
    return (_unescape(name, _USER), _unescape(password, _USER) if colon else None), host


def _host(scheme: str, host: str, strict_colons: bool) -> str:
    bracket = host.rfind("[")
    if bracket > 0:
        raise UrlError("invalid IP-literal")
    if bracket == 0:
        return _literal_host(host)
    first, last = host.find(":"), host.rfind(":")
    if first >= 0:
        strict = strict_colons and scheme in ("http", "https")
        _check_port(host[first if strict else last :])
    return _unescape(host, _HOST)


def _literal_host(host: str) -> str:
    close = host.rfind("]")
    if close < 0:
        raise UrlError("missing ']' in host")
    port = host[close + 1 :]
    _check_port(port)
    name = host[1:close]
    zone = name.find("%25")
    plain = _unescape(name, _HOST) if zone < 0 else _unescape(name[:zone], _HOST) + _unescape(name[zone:], _ZONE)
    try:
        address = parse_address(_text(plain))
    except AddressError as error:
        raise UrlError(f"invalid host: {error}") from None
    if address.bits == 32:
        raise UrlError("invalid IP-literal")
    return f"[{plain}]{port}"


def _check_port(text: str) -> None:
    if not _is_optional_port(text):
        raise UrlError(f"invalid port {go_quote(_text(text))} after host")


def _is_optional_port(text: str) -> bool:
    return not text or (text[0] == ":" and _DIGITS.issuperset(text[1:]))


def _unescape(text: str, allowed: frozenset[str]) -> str:
    in_host = allowed is _HOST or allowed is _ZONE
    pieces: list[str] = []
    index = 0
    while index < len(text):
        character = text[index]
        if character == "%":
            pieces.append(_escaped_byte(text[index : index + 3], allowed))
            index += 3
            continue
        if in_host and character < "\x80" and character not in _HOST:
            raise UrlError(f"invalid character {go_quote(character)} in host name")
        pieces.append(" " if character == "+" and allowed is _QUERY else character)
        index += 1
    return "".join(pieces)


def _escaped_byte(escape: str, allowed: frozenset[str]) -> str:
    wrong = len(escape) < 3 or not _HEXADECIMAL.issuperset(escape[1:])
    byte = "" if wrong else chr(int(escape[1:], 16))
    if not wrong and escape != "%25":
        # Hosts have no escapes of ASCII, zones only of what may stand there anyway, and spaces.
        wrong = byte < "\x80" if allowed is _HOST else allowed is _ZONE and byte != " " and byte not in _HOST
    if wrong:
        raise UrlError(f"invalid URL escape {go_quote(_text(escape))}")
    return byte


def _escape(text: str, allowed: frozenset[str]) -> str:
    return "".join(character if character in allowed else f"%{ord(character):02X}" for character in text)


def _bytes(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def _shown(text: str) -> str:
    """As a value of CEL; each byte that is no UTF-8 becomes U+FFFD, as it would in the message to a user."""
    return _NO_UTF8.sub("\ufffd", _text(text))


def _text(text: str) -> str:
    """Bytes that are no UTF-8 stay as the surrogates that Python has for them."""
    return text.encode("latin-1").decode("utf-8", "surrogateescape")
