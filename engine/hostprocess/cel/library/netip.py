"""Addresses and prefixes as Go's net/netip reads, tests and writes them. Source: net/netip/netip.go."""

from __future__ import annotations

from dataclasses import dataclass

from hostprocess.cel.library.texts import go_quote

__all__ = ["Address", "AddressError", "Prefix", "parse_address", "parse_prefix"]

_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")
_DECIMAL = frozenset("0123456789")


class AddressError(ValueError):
    """A text that is no address or prefix, in the words of Go."""


@dataclass(frozen=True, slots=True)
class Address:
    """`netip.Addr`: the number, its width (32 or 128) and the zone of IPv6."""

    value: int
    bits: int
    zone: str = ""

    @property
    def is_mapped(self) -> bool:
        """An IPv4 address inside IPv6 (`Is4In6`)."""
        return self.bits == 128 and self.value >> 32 == 0xFFFF

    @property
    def is_loopback(self) -> bool:
        """`IsLoopback`."""
        return self.value >> 24 == 127 if self.bits == 32 else self.value == 1

    @property
    def is_link_local_unicast(self) -> bool:
        """`IsLinkLocalUnicast`."""
        return self.value >> 16 == 0xA9FE if self.bits == 32 else self.value >> 118 == 0xFE80 >> 6

    @property
    def is_link_local_multicast(self) -> bool:
        """`IsLinkLocalMulticast`."""
        return self.value >> 8 == 0xE00000 if self.bits == 32 else self.value >> 112 & 0xFF0F == 0xFF02

    @property
    def is_multicast(self) -> bool:
        """`IsMulticast`."""
        return self.value >> 28 == 0xE if self.bits == 32 else self.value >> 120 == 0xFF

    @property
    def is_global_unicast(self) -> bool:
        """`IsGlobalUnicast`; private addresses are global in this sense."""
        if self.value == 0 or (self.bits == 32 and self.value == 0xFFFFFFFF):
            return False
        return not (self.is_loopback or self.is_multicast or self.is_link_local_unicast)

    def __str__(self) -> str:
        if self.bits == 32:
            return ".".join(str(self.value >> shift & 255) for shift in (24, 16, 8, 0))
        groups = [self.value >> shift & 0xFFFF for shift in range(112, -16, -16)]
        text = f"::ffff:{Address(self.value & 0xFFFFFFFF, 32)}" if self.is_mapped else _groups(groups)
        return f"{text}%{self.zone}" if self.zone else text


def _groups(groups: list[int]) -> str:
    """The first longest run of at least two zeros is left out."""
    start = end = 0
    for index in range(8):
        stop = index
        while stop < 8 and groups[stop] == 0:
            stop += 1
        if stop - index >= 2 and stop - index > end - start:
            start, end = index, stop
    texts = [f"{group:x}" for group in groups]
    return ":".join(texts) if not end else f"{':'.join(texts[:start])}::{':'.join(texts[end:])}"


@dataclass(frozen=True, slots=True)
class Prefix:
    """`netip.Prefix`: an address, not masked, and the length of the prefix."""

    address: Address
    length: int

    def masked(self) -> Prefix:
        """The prefix with the bits behind it cleared."""
        return Prefix(Address(self._head(self.address, self.length) << self.address.bits - self.length, self.address.bits), self.length)

    def contains(self, address: Address) -> bool:
        """`Contains`."""
        return address.bits == self.address.bits and self._head(address, self.length) == self._head(self.address, self.length)

    def overlaps(self, other: Prefix) -> bool:
        """`Overlaps`."""
        length = min(self.length, other.length)
        return self.address.bits == other.address.bits and self._head(self.address, length) == self._head(other.address, length)

    @staticmethod
    def _head(address: Address, length: int) -> int:
        return address.value >> address.bits - length

    def __str__(self) -> str:
        return f"{self.address}/{self.length}"


def parse_address(text: str) -> Address:
    """`ParseAddr`. Raises `AddressError`."""
    for character in text:
        if character == ".":
            return Address(_parse_ipv4(text, text), 32)
        if character == ":":
            return _parse_ipv6(text)
        if character == "%":
            raise _error(text, "missing IPv6 address")
    raise _error(text, "unable to parse IP")


def parse_prefix(text: str) -> Prefix:
    """`ParsePrefix`. Raises `AddressError`."""
    start = f"netip.ParsePrefix({go_quote(text)}): "
    head, slash, digits = text.rpartition("/")
    if not slash:
        raise AddressError(f"{start}no '/'")
    try:
        address = parse_address(head)
    except AddressError as error:
        raise AddressError(f"{start}{error}") from None
    if address.zone:
        raise AddressError(f"{start}IPv6 zones cannot be present in a prefix")
    if not digits or not _DECIMAL.issuperset(digits) or (len(digits) > 1 and digits[0] == "0") or len(digits) > 18:
        raise AddressError(f"{start}bad bits after slash: {go_quote(digits)}")
    if int(digits) > address.bits:
        raise AddressError(f"{start}prefix length out of range")
    return Prefix(address, int(digits))


def _error(text: str, reason: str, at: str = "") -> AddressError:
    place = f" (at {go_quote(at)})" if at else ""
    return AddressError(f"ParseAddr({go_quote(text)}): {reason}{place}")


def _parse_ipv4(text: str, part: str) -> int:
    """The IPv4 address `part`, which stands alone or at the end of the IPv6 address `text`."""
    fields: list[int] = []
    value = digits = 0
    for index, character in enumerate(part):
        if character in _DECIMAL:
            if digits == 1 and value == 0:
                raise _error(text, "IPv4 field has octet with leading zero")
            value, digits = value * 10 + int(character), digits + 1
            if value > 255:
                raise _error(text, "IPv4 field has value >255")
        elif character == ".":
            if index in (0, len(part) - 1) or part[index - 1] == ".":
                raise _error(text, "IPv4 field must have at least one digit", part[index:])
            if len(fields) == 3:
                raise _error(text, "IPv4 address too long")
            fields.append(value)
            value = digits = 0
        else:
            raise _error(text, "unexpected character", part[index:])
    if len(fields) < 3:
        raise _error(text, "IPv4 address too short")
    return int.from_bytes([*fields, value], "big")


def _parse_ipv6(text: str) -> Address:
    rest, percent, zone = text.partition("%")
    if percent and not zone:
        raise _error(text, "zone must be a non-empty string")
    groups: list[int] = []
    ellipsis = -1
    if rest.startswith("::"):
        ellipsis, rest = 0, rest[2:]
        if not rest:
            return Address(0, 128, zone)
    while len(groups) < 8:
        digits = _leading_digits(text, rest)
        if rest[digits : digits + 1] == ".":
            groups += _embedded(text, rest, groups, ellipsis)
            rest = ""
            break
        groups.append(int(rest[:digits], 16))
        rest = rest[digits:]
        if not rest:
            break
        if rest[0] != ":":
            raise _error(text, "unexpected character, want colon", rest)
        if len(rest) == 1:
            raise _error(text, "colon must be followed by more characters", rest)
        rest = rest[1:]
        if rest[0] == ":":
            if ellipsis >= 0:
                raise _error(text, "multiple :: in address", rest)
            ellipsis, rest = len(groups), rest[1:]
            if not rest:
                break
    if rest:
        raise _error(text, "trailing garbage after address", rest)
    return Address(_expanded(text, groups, ellipsis), 128, zone)


def _leading_digits(text: str, rest: str) -> int:
    count = 0
    while count < len(rest) and rest[count] in _HEXADECIMAL:
        if count > 3:
            raise _error(text, "each group must have 4 or less digits", rest)
        count += 1
    if not count:
        raise _error(text, "each colon-separated field must have at least one digit", rest)
    return count


def _embedded(text: str, rest: str, groups: list[int], ellipsis: int) -> list[int]:
    if ellipsis < 0 and len(groups) != 6:
        raise _error(text, "embedded IPv4 address must replace the final 2 fields of the address", rest)
    if len(groups) > 6:
        raise _error(text, "too many hex fields to fit an embedded IPv4 at the end of the address", rest)
    return [*divmod(_parse_ipv4(text, rest), 1 << 16)]


def _expanded(text: str, groups: list[int], ellipsis: int) -> int:
    if len(groups) < 8:
        if ellipsis < 0:
            raise _error(text, "address string too short")
        groups = [*groups[:ellipsis], *[0] * (8 - len(groups)), *groups[ellipsis:]]
    elif ellipsis >= 0:
        raise _error(text, "the :: must expand to at least one field of zeros")
    return sum(group << shift for group, shift in zip(groups, range(112, -16, -16), strict=True))
