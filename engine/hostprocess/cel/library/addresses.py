"""IP addresses and CIDR networks. Source: k8s.io/apiserver/pkg/cel/library/{ip,cidr}.go, k8s.io/apiserver/pkg/cel/{ip,cidr}.go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from hostprocess.cel.declarations import Library, Overload
from hostprocess.cel.equality import NO_SUCH_OVERLOAD
from hostprocess.cel.library.costs import cost_of
from hostprocess.cel.library.netip import Address, AddressError, Prefix, parse_address, parse_prefix
from hostprocess.cel.library.texts import go_quote
from hostprocess.cel.runtime import CelError
from hostprocess.cel.values import Opaque

__all__ = ["CIDR", "IP", "LIBRARIES"]

_CIDR_ERROR = "network address parse error during conversion from string: "


@dataclass(frozen=True, slots=True)
class IP(Opaque):
    """`net.IP`."""

    type_name: ClassVar[str] = "net.IP"
    address: Address

    def equal(self, other: Any) -> Any:
        """The same address of the same family."""
        return self.address == other.address if isinstance(other, IP) else NO_SUCH_OVERLOAD

    def size(self) -> int:
        """4 or 16 bytes."""
        return self.address.bits // 8

    def __str__(self) -> str:
        return str(self.address)


@dataclass(frozen=True, slots=True)
class CIDR(Opaque):
    """`net.CIDR`; bits behind the prefix stay as they were given."""

    type_name: ClassVar[str] = "net.CIDR"
    prefix: Prefix

    def equal(self, other: Any) -> Any:
        """The same address, those bits included, and length."""
        return self.prefix == other.prefix if isinstance(other, CIDR) else NO_SUCH_OVERLOAD

    def size(self) -> int:
        """The bytes that the prefix touches."""
        return -(-self.prefix.length // 8)

    def __str__(self) -> str:
        return str(self.prefix)


def _parse_ip(text: str) -> IP | CelError:
    try:
        address = parse_address(text)
    except AddressError as error:
        return CelError(f"IP Address {go_quote(text)} parse error during conversion from string: {error}")
    if address.zone:
        return CelError(f"IP address {go_quote(text)} with zone value is not allowed")
    if address.is_mapped:
        return CelError(f"IPv4-mapped IPv6 address {go_quote(text)} is not allowed")
    return IP(address)


def _parse_cidr(text: str) -> CIDR | CelError:
    try:
        prefix = parse_prefix(text)
    except AddressError as error:
        return CelError(f"{_CIDR_ERROR}{error}")
    if prefix.address.is_mapped:
        return CelError(f"IPv4-mapped IPv6 address {go_quote(text)} is not allowed")
    return CIDR(prefix)


def _string_to_cidr(text: str) -> CIDR | CelError:
    parsed = _parse_cidr(text)
    return CelError(_CIDR_ERROR + parsed.message) if isinstance(parsed, CelError) else parsed


def _is_ip(text: str) -> bool:
    return isinstance(_parse_ip(text), IP)


def _is_cidr(text: str) -> bool:
    return isinstance(_parse_cidr(text), CIDR)


def _is_canonical(text: str) -> Any:
    parsed = _parse_ip(text)
    return parsed if isinstance(parsed, CelError) else str(parsed) == text


def _contains_ip(network: CIDR, address: IP) -> bool:
    return network.prefix.contains(address.address)


def _contains_ip_string(network: CIDR, text: str) -> Any:
    """A text that is no address gives `no such overload`: the code looks at the network for an error, not at the text."""
    parsed = _parse_ip(text)
    return NO_SUCH_OVERLOAD if isinstance(parsed, CelError) else _contains_ip(network, parsed)


def _contains_cidr(network: CIDR, other: CIDR) -> bool:
    return network.prefix.overlaps(other.prefix) and network.prefix.length <= other.prefix.length


def _contains_cidr_early(network: CIDR, other: CIDR) -> bool:
    """Up to Kubernetes 1.31: true only where the bits of the other address behind this network's prefix are all zero."""
    same = network.prefix.masked().address == other.prefix.address and network.prefix.length <= other.prefix.address.bits
    return same and network.prefix.length <= other.prefix.length


def _with_string(contains: Callable[[CIDR, CIDR], bool]) -> Callable[[CIDR, str], Any]:
    def contains_string(network: CIDR, text: str) -> Any:
        parsed = _string_to_cidr(text)
        return parsed if isinstance(parsed, CelError) else contains(network, parsed)

    return contains_string


def _overload(identifier: str, function: str, arguments: str, result: str, implementation: Callable[..., Any], member: bool = True) -> Overload:
    cost = None if function == "string" else cost_of(function, identifier)
    return Overload(
        id=identifier, function=function, arguments=tuple(arguments.split()), result=result, member=member, implementation=implementation, cost=cost
    )


_IP = Library(
    name="kubernetes.net.ip",
    introduced=30,
    types=("net.IP",),
    overloads=(
        _overload("string_to_ip", "ip", "string", "net.IP", _parse_ip, member=False),
        _overload("ip_family", "family", "net.IP", "int", lambda ip: 4 if ip.address.bits == 32 else 6),
        _overload("ip_is_canonical", "ip.isCanonical", "string", "bool", _is_canonical, member=False),
        _overload("ip_is_unspecified", "isUnspecified", "net.IP", "bool", lambda ip: ip.address.value == 0),
        _overload("ip_is_loopback", "isLoopback", "net.IP", "bool", lambda ip: ip.address.is_loopback),
        _overload("ip_is_link_local_multicast", "isLinkLocalMulticast", "net.IP", "bool", lambda ip: ip.address.is_link_local_multicast),
        _overload("ip_is_link_local_unicast", "isLinkLocalUnicast", "net.IP", "bool", lambda ip: ip.address.is_link_local_unicast),
        _overload("ip_is_global_unicast", "isGlobalUnicast", "net.IP", "bool", lambda ip: ip.address.is_global_unicast),
        _overload("is_ip", "isIP", "string", "bool", _is_ip, member=False),
        _overload("ip_to_string", "string", "net.IP", "string", str, member=False),
    ),
)


def _cidr(introduced: int, removed: int, contains: Callable[[CIDR, CIDR], bool]) -> Library:
    return Library(
        name="kubernetes.net.cidr",
        introduced=introduced,
        removed=removed,
        types=("net.CIDR",),
        overloads=(
            _overload("string_to_cidr", "cidr", "string", "net.CIDR", _string_to_cidr, member=False),
            _overload("cidr_contains_ip_string", "containsIP", "net.CIDR string", "bool", _contains_ip_string),
            _overload("cidr_contains_ip_ip", "containsIP", "net.CIDR net.IP", "bool", _contains_ip),
            _overload("cidr_contains_cidr_string", "containsCIDR", "net.CIDR string", "bool", _with_string(contains)),
            _overload("cidr_contains_cidr", "containsCIDR", "net.CIDR net.CIDR", "bool", contains),
            _overload("cidr_ip", "ip", "net.CIDR", "net.IP", lambda cidr: IP(cidr.prefix.address)),
            _overload("cidr_prefix_length", "prefixLength", "net.CIDR", "int", lambda cidr: cidr.prefix.length),
            _overload("cidr_masked", "masked", "net.CIDR", "net.CIDR", lambda cidr: CIDR(cidr.prefix.masked())),
            _overload("is_cidr", "isCIDR", "string", "bool", _is_cidr, member=False),
            _overload("cidr_to_string", "string", "net.CIDR", "string", str, member=False),
        ),
    )


LIBRARIES: tuple[Library, ...] = (_IP, _cidr(30, 32, _contains_cidr_early), _cidr(32, 0, _contains_cidr))
