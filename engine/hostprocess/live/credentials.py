"""When credentials end: that of a client certificate and of a token, for the message of whoever is not let in."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["certificate_end", "expired", "token_end"]

_VERSION, _UTC_TIME = 0xA0, 0x17


def expired(cert_file: str | None, authorization: str) -> str:
    """What has expired of what a client shows, in words; empty if nothing has, as far as can be told."""
    told = (("client certificate", certificate_end(cert_file) if cert_file else None), ("token", token_end(authorization)))
    for name, end in told:
        if end is not None and end < datetime.now(UTC):
            return f"the {name} expired on {end:%Y-%m-%d %H:%M} UTC"
    return ""


def certificate_end(path: str) -> datetime | None:
    """`notAfter` of the first certificate in a PEM file (RFC 5280, section 4.1); None if it cannot be told."""
    try:
        text = Path(path).read_text("ascii", "replace")
        body = text.split("-----BEGIN CERTIFICATE-----", 1)[1].split("-----END", 1)[0]
        fields = [part for part in _members(_first(_first(base64.b64decode(body)))) if part[0] != _VERSION]
        kind, value = list(_members(fields[3][1]))[1]  # serial number, algorithm, issuer, validity
        digits = value.decode("ascii")
        if kind == _UTC_TIME:
            digits = ("19" if digits >= "50" else "20") + digits
        return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    except (OSError, ValueError, IndexError):
        return None


def token_end(authorization: str) -> datetime | None:
    """`exp` of a bearer token that is a JSON Web Token; None for any other."""
    try:
        payload = authorization.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, OSError, binascii.Error):
        return None


def _first(data: bytes) -> bytes:
    """What the first element of DER holds."""
    return next(_members(data))[1]


def _members(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        length, start = data[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, start = int.from_bytes(data[start : start + size], "big"), start + size
        yield data[at], data[start : start + length]
        at = start + length
