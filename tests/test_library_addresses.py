"""IP addresses and networks, with the words of Go's net/netip.

The results and costs were computed with the Go libraries of the releases.
"""

from __future__ import annotations

from typing import Any

import pytest

from hostprocess.cel.runtime import CelError
from library_calls import called, cidr, ip, overloads

CONVERSION = "network address parse error during conversion from string: "

CASES: list[tuple[int, str, list[Any], Any, int]] = [
    (37, "string_to_ip", ["1.2.3.4"], "1.2.3.4", 1),
    (37, "string_to_ip", ["::ffff:1.2.3.4"], CelError('IPv4-mapped IPv6 address "::ffff:1.2.3.4" is not allowed'), 2),
    (37, "string_to_ip", ["fe80::1%eth0"], CelError('IP address "fe80::1%eth0" with zone value is not allowed'), 2),
    (37, "string_to_ip", ["2001:DB8:0:0:1:0:0:1"], "2001:db8::1:0:0:1", 2),
    (37, "string_to_ip", ["::1.2.3.4"], "::102:304", 1),
    (37, "is_ip", ["1.2.3.4"], True, 1),
    (37, "is_ip", ["::FFFF:0102:0304"], False, 2),
    (37, "is_ip", ["::"], True, 1),
    (37, "ip_is_canonical", ["::1"], True, 1),
    (37, "ip_is_canonical", ["0:0::1"], False, 2),
    (37, "ip_is_canonical", ["::ABCD"], False, 2),
    (37, "ip_is_canonical", ["x"], CelError('IP Address "x" parse error during conversion from string: ParseAddr("x"): unable to parse IP'), 1),
    (37, "ip_family", [ip("127.0.0.1")], 4, 1),
    (37, "ip_is_global_unicast", [ip("127.0.0.1")], False, 1),
    (37, "ip_is_link_local_unicast", [ip("::1")], False, 1),
    (37, "ip_is_global_unicast", [ip("::1")], False, 1),
    (37, "ip_is_link_local_multicast", [ip("0.0.0.0")], False, 1),
    (37, "ip_is_global_unicast", [ip("0.0.0.0")], False, 1),
    (37, "ip_is_loopback", [ip("169.254.1.1")], False, 1),
    (37, "ip_is_global_unicast", [ip("169.254.1.1")], False, 1),
    (37, "ip_is_unspecified", [ip("224.0.0.1")], False, 1),
    (37, "ip_is_global_unicast", [ip("224.0.0.1")], False, 1),
    (37, "ip_family", [ip("239.1.1.1")], 4, 1),
    (37, "ip_is_global_unicast", [ip("239.1.1.1")], False, 1),
    (37, "ip_is_link_local_unicast", [ip("255.255.255.255")], False, 1),
    (37, "ip_is_global_unicast", [ip("255.255.255.255")], False, 1),
    (37, "ip_is_link_local_multicast", [ip("10.0.0.1")], False, 1),
    (37, "ip_is_global_unicast", [ip("10.0.0.1")], True, 1),
    (37, "ip_is_loopback", [ip("fe80::1")], False, 1),
    (37, "ip_is_global_unicast", [ip("fe80::1")], False, 1),
    (37, "ip_is_unspecified", [ip("ff02::1")], False, 1),
    (37, "ip_is_global_unicast", [ip("ff02::1")], False, 1),
    (37, "ip_family", [ip("ff32::1")], 6, 1),
    (37, "ip_is_global_unicast", [ip("ff32::1")], False, 1),
    (37, "ip_is_link_local_unicast", [ip("fec0::1")], False, 1),
    (37, "ip_is_global_unicast", [ip("fec0::1")], True, 1),
    (37, "string_to_cidr", ["192.168.0.1/16"], "192.168.0.1/16", 2),
    (37, "string_to_cidr", ["::ffff:1.2.3.4/96"], CelError(CONVERSION + 'IPv4-mapped IPv6 address "::ffff:1.2.3.4/96" is not allowed'), 2),
    (37, "string_to_cidr", ["::/0"], "::/0", 1),
    (37, "is_cidr", ["10.0.0.0/8"], True, 1),
    (37, "is_cidr", ["10.0.0.0"], False, 1),
    (37, "cidr_ip", [cidr("192.168.1.7/20")], "192.168.1.7", 1),
    (37, "cidr_prefix_length", [cidr("192.168.1.7/20")], 20, 1),
    (37, "cidr_masked", [cidr("192.168.1.7/20")], "192.168.0.0/20", 1),
    (37, "cidr_ip", [cidr("2001:db8::7/33")], "2001:db8::7", 1),
    (37, "cidr_prefix_length", [cidr("2001:db8::7/33")], 33, 1),
    (37, "cidr_masked", [cidr("2001:db8::7/33")], "2001:db8::/33", 1),
    (37, "cidr_contains_ip_string", [cidr("10.0.0.0/8"), "10.1.2.3"], True, 2),
    (37, "cidr_contains_ip_string", [cidr("10.0.0.0/8"), "11.1.2.3"], False, 2),
    (37, "cidr_contains_ip_string", [cidr("::/0"), "10.1.2.3"], False, 1),
    (37, "cidr_contains_ip_ip", [cidr("2001:db8::/33"), ip("2001:db8::1")], True, 1),
    (37, "cidr_contains_cidr_string", [cidr("10.0.0.0/8"), "10.1.0.0/16"], True, 5),
    (37, "cidr_contains_cidr_string", [cidr("10.0.0.0/8"), "10.0.0.0/8"], True, 4),
    (37, "cidr_contains_cidr_string", [cidr("10.0.0.0/8"), "10.0.0.0/16"], True, 5),
    (37, "cidr_contains_cidr_string", [cidr("10.0.0.0/16"), "10.0.0.0/8"], False, 4),
    (37, "cidr_contains_cidr_string", [cidr("10.1.2.3/8"), "10.1.2.3/9"], True, 4),
    (37, "cidr_contains_cidr_string", [cidr("0.0.0.0/0"), "::/0"], False, 2),
    (
        37,
        "cidr_contains_cidr_string",
        [cidr("10.0.0.0/8"), "::ffff:1.2.3.4/97"],
        CelError(CONVERSION + 'IPv4-mapped IPv6 address "::ffff:1.2.3.4/97" is not allowed'),
        5,
    ),
    (37, "cidr_contains_cidr", [cidr("10.0.0.0/8"), cidr("10.1.0.0/16")], True, 3),
    (30, "cidr_contains_ip_string", [cidr("10.0.0.0/8"), "10.1.2.3"], True, 1),
    (30, "cidr_contains_ip_string", [cidr("10.0.0.0/8"), "11.1.2.3"], False, 1),
    (30, "cidr_contains_ip_string", [cidr("::/0"), "10.1.2.3"], False, 1),
    (30, "cidr_contains_ip_ip", [cidr("2001:db8::/33"), ip("2001:db8::1")], True, 1),
    (30, "cidr_contains_cidr_string", [cidr("10.0.0.0/8"), "10.1.0.0/16"], False, 1),
    (30, "cidr_contains_cidr_string", [cidr("10.0.0.0/8"), "10.0.0.0/8"], True, 1),
    (30, "cidr_contains_cidr_string", [cidr("10.0.0.0/8"), "10.0.0.0/16"], True, 1),
    (30, "cidr_contains_cidr_string", [cidr("10.0.0.0/16"), "10.0.0.0/8"], False, 1),
    (30, "cidr_contains_cidr_string", [cidr("10.1.2.3/8"), "10.1.2.3/9"], False, 1),
    (30, "cidr_contains_cidr_string", [cidr("0.0.0.0/0"), "::/0"], False, 1),
    (
        30,
        "cidr_contains_cidr_string",
        [cidr("10.0.0.0/8"), "::ffff:1.2.3.4/97"],
        CelError(CONVERSION + 'IPv4-mapped IPv6 address "::ffff:1.2.3.4/97" is not allowed'),
        1,
    ),
    (30, "cidr_contains_cidr", [cidr("10.0.0.0/8"), cidr("10.1.0.0/16")], False, 1),
]


@pytest.mark.parametrize(("minor", "overload", "arguments", "result", "cost"), CASES)
def test_call(minor: int, overload: str, arguments: list[Any], result: Any, cost: int) -> None:
    assert called(minor, overload, arguments) == (result, cost)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("::1%", "zone must be a non-empty string"),
        ("01.2.3.4", "IPv4 field has octet with leading zero"),
        ("1.2.3.256", "IPv4 field has value >255"),
        ("1.2.3", "IPv4 address too short"),
        ("1.2.3.4.5", "IPv4 address too long"),
        ("1..2.3", 'IPv4 field must have at least one digit (at ".2.3")'),
        ("1.é.2.3", 'unexpected character (at "é.2.3")'),
        ("x", "unable to parse IP"),
        ("", "unable to parse IP"),
        ("1::2::3", 'multiple :: in address (at ":3")'),
        ("12345::", 'each group must have 4 or less digits (at "12345::")'),
        ("1:2:3:4:5:6:7:8:9", 'trailing garbage after address (at "9")'),
        ("1:2:3:4:5:6:7::8", "the :: must expand to at least one field of zeros"),
        ("1:2:1.2.3.4", 'embedded IPv4 address must replace the final 2 fields of the address (at "1.2.3.4")'),
        ("g::", 'each colon-separated field must have at least one digit (at "g::")'),
        ("1:", 'colon must be followed by more characters (at ":")'),
        ("::a.b", 'unexpected character (at "a.b")'),
        ("%", "missing IPv6 address"),
    ],
)
def test_no_address(text: str, reason: str) -> None:
    start = f'IP Address "{text}" parse error during conversion from string: ParseAddr("{text}"): '
    assert overloads(37)["string_to_ip"].implementation(text) == CelError(start + reason)
    assert called(37, "is_ip", [text])[0] is False


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1.2.3.4", "no '/'"),
        ("1.2.3.4/33", "prefix length out of range"),
        ("1.2.3.4/08", 'bad bits after slash: "08"'),
        ("1.2.3.4/-1", 'bad bits after slash: "-1"'),
        ("fe80::%a/8", "IPv6 zones cannot be present in a prefix"),
        ("x/8", 'ParseAddr("x"): unable to parse IP'),
    ],
)
def test_no_network(text: str, reason: str) -> None:
    error = CelError(f'{CONVERSION}{CONVERSION}netip.ParsePrefix("{text}"): {reason}')
    assert overloads(37)["string_to_cidr"].implementation(text) == error
    assert overloads(37)["cidr_contains_cidr_string"].implementation(cidr("::/0"), text) == error
    assert called(37, "is_cidr", [text])[0] is False
