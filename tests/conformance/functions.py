"""Every function and macro that a ValidatingAdmissionPolicy may call, as signatures; written from the documentation, not from our declarations.

`receiver.name(arguments) result [minor]`; the minor is that of the release which brought it. T and U stand for any type; in a macro `x` is the
element, `i` and `k` index and key, and what follows a colon is the type of the expression there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["MACROS", "OPERATORS", "SIGNATURES", "Signature"]


@dataclass(frozen=True, slots=True)
class Signature:
    """One overload: `receiver` is empty for a global function."""

    receiver: str
    name: str
    arguments: tuple[str, ...]
    result: str
    since: int

    @property
    def text(self) -> str:
        """As it was written."""
        return f"{self.receiver + '.' if self.receiver else ''}{self.name}({', '.join(self.arguments)})"


_STANDARD = """
size(string) int; size(bytes) int; size(list) int; size(map) int; string.size() int; list.size() int; map.size() int; bytes.size() int
string.contains(string) bool; string.startsWith(string) bool; string.endsWith(string) bool; string.matches(regex) bool; matches(string, regex) bool
int(int) int; int(uint) int; int(double) int; int(string) int; int(timestamp) int
uint(uint) uint; uint(int) uint; uint(double) uint; uint(string) uint
double(double) double; double(int) double; double(uint) double; double(string) double
string(string) string; string(int) string; string(uint) string; string(double) string; string(bool) string; string(bytes) string; string(timestamp) string
string(duration) string; bytes(bytes) bytes; bytes(string) bytes; bool(bool) bool; bool(string) bool; type(any) type; dyn(any) dyn
duration(durationText) duration; duration(duration) duration; timestamp(timestampText) timestamp; timestamp(timestamp) timestamp; timestamp(int) timestamp
timestamp.getFullYear() int; timestamp.getMonth() int; timestamp.getDate() int; timestamp.getDayOfMonth() int; timestamp.getDayOfWeek() int
timestamp.getDayOfYear() int; timestamp.getHours() int; timestamp.getMinutes() int; timestamp.getSeconds() int; timestamp.getMilliseconds() int
timestamp.getHours(zone) int; timestamp.getFullYear(zone) int; timestamp.getDate(zone) int; timestamp.getDayOfYear(zone) int; timestamp.getMonth(zone) int
timestamp.getMinutes(zone) int; timestamp.getDayOfWeek(zone) int; timestamp.getDayOfMonth(zone) int; timestamp.getSeconds(zone) int
timestamp.getMilliseconds(zone) int; duration.getHours() int; duration.getMinutes() int; duration.getSeconds() int; duration.getMilliseconds() int
"""
_STRINGS = """
string.charAt(int) string; string.indexOf(string) int; string.indexOf(string, int) int; string.lastIndexOf(string) int; string.lastIndexOf(string, int) int
strings.join() string; strings.join(string) string; string.lowerAscii() string; string.upperAscii() string; string.replace(string, string) string
string.replace(string, string, int) string; string.split(string) strings; string.split(string, int) strings; string.substring(int) string
string.substring(int, int) string; string.trim() string; format.format(arguments) string; strings.quote(string) string
"""
_LISTS = """
ints.isSorted() bool; strings.isSorted() bool; doubles.isSorted() bool; durations.isSorted() bool; timestamps.isSorted() bool; bools.isSorted() bool
ints.sum() int; doubles.sum() double; durations.sum() duration; uints.sum() uint; ints.min() int; ints.max() int; strings.min() string
doubles.max() double; uints.min() uint; durations.max() duration; timestamps.min() timestamp; bools.max() bool; list.indexOf(any) int
list.lastIndexOf(any) int; strings.indexOf(string) int; ints.lastIndexOf(int) int; list.includes(any) bool [37]; ints.slice(int, int) ints [34]
nested.flatten() list [34]; nested.flatten(int) list [34]; ints.sort() ints [34]; strings.sort() strings [34]; strings.reverse() strings [34]
ints.distinct() ints [34]; list.distinct() list [34]; lists.range(small) ints [34]; list.first() optional; list.last() optional
"""
_SETS = """
sets.contains(ints, ints) bool; sets.equivalent(strings, strings) bool; sets.intersects(ints, ints) bool; sets.contains(list, list) bool
sets.equivalent(list, list) bool; sets.intersects(strings, list) bool
"""
_KUBERNETES = """
string.find(regex) string; string.findAll(regex) strings; string.findAll(regex, int) strings
url(urlText) URL; isURL(urlText) bool; URL.getScheme() string; URL.getHost() string; URL.getHostname() string; URL.getPort() string
URL.getEscapedPath() string; URL.getQuery() map
quantity(quantityText) Quantity; isQuantity(quantityText) bool; Quantity.isGreaterThan(Quantity) bool; Quantity.isLessThan(Quantity) bool
Quantity.compareTo(Quantity) int; Quantity.add(Quantity) Quantity; Quantity.add(int) Quantity; Quantity.sub(Quantity) Quantity; Quantity.sub(int) Quantity
Quantity.asInteger() int; Quantity.isInteger() bool; Quantity.asApproximateFloat() double; sign(Quantity) int
ip(ipText) IP; isIP(ipText) bool; ip.isCanonical(ipText) bool; string(IP) string; IP.family() int; IP.isUnspecified() bool; IP.isLoopback() bool
IP.isLinkLocalMulticast() bool; IP.isLinkLocalUnicast() bool; IP.isGlobalUnicast() bool; cidr(cidrText) CIDR; isCIDR(cidrText) bool
CIDR.containsIP(ipText) bool; CIDR.containsIP(IP) bool; CIDR.containsCIDR(cidrText) bool; CIDR.containsCIDR(CIDR) bool; CIDR.ip() IP
CIDR.prefixLength() int; CIDR.masked() CIDR; string(CIDR) string
format.named(formatName) optional [31]; format.dns1123Label() Format [31]; format.dns1123Subdomain() Format [31]; format.dns1035Label() Format [31]
format.qualifiedName() Format [31]; format.dns1123LabelPrefix() Format [31]; format.dns1123SubdomainPrefix() Format [31]
format.dns1035LabelPrefix() Format [31]; format.labelValue() Format [31]; format.uri() Format [31]; format.uuid() Format [31]; format.byte() Format [31]
format.date() Format [31]; format.datetime() Format [31]; Format.validate(formatText) optional [31]
semver(versionText) Semver [33]; isSemver(versionText) bool [33]; semver(versionText, bool) Semver [33]; isSemver(versionText, bool) bool [33]
Semver.major() int [33]; Semver.minor() int [33]; Semver.patch() int [33]; Semver.isGreaterThan(Semver) bool [33]; Semver.isLessThan(Semver) bool [33]
Semver.compareTo(Semver) int [33]
"""
_OPTIONALS = """
optional.of(any) optional; optional.ofNonZeroValue(any) optional; optional.none() optional; optional.hasValue() bool; optional.value() dyn
optional.or(optional) optional; optional.orValue(any) dyn; optional.unwrap(optionals) list; optionals.unwrapOpt() list
"""

OPERATORS = """
int + int int; int - int int; int * int int; int / int int; int % int int; - int int; double + double double; double - double double
double * double double; double / double double; - double double; uint + uint uint; uint - uint uint; uint * uint uint; uint / uint uint; uint % uint uint
string + string string; bytes + bytes bytes; ints + ints ints; strings + strings strings; list + list list; duration + duration duration
duration - duration duration; timestamp + duration timestamp; duration + timestamp timestamp; timestamp - duration timestamp
timestamp - timestamp duration; bool && bool bool; bool || bool bool; ! bool bool; any == any bool; any != any bool; int == int bool; string == string bool
string != string bool; list == list bool; map == map bool; int < int bool; int <= int bool; int > int bool; int >= int bool; int < double bool
double >= uint bool; uint < int bool; string < string bool; string >= string bool; bytes < bytes bool; bool < bool bool; duration <= duration bool
timestamp > timestamp bool; dyn < dyn bool; dyn >= dyn bool; dyn + dyn dyn; dyn - int dyn; any in list bool; string in strings bool; string in map bool
int in ints bool; Quantity == Quantity bool; URL == URL bool; IP == IP bool; CIDR == CIDR bool; Semver == Semver bool [33]; type == type bool
optional == optional bool; duration == duration bool; timestamp != timestamp bool; dyn && dyn bool; dyn || bool bool
"""
MACROS = """
list.all(x, x:bool) bool; list.exists(x, x:bool) bool; list.exists_one(x, x:bool) bool; list.filter(x, x:bool) list; list.map(x, x:any) list
list.map(x, x:bool, x:any) list; map.all(x, x:bool) bool; map.exists(x, x:bool) bool; map.filter(x, x:bool) list; map.map(x, x:string) list
ints.all(x, x:bool) bool; ints.map(x, x:int) ints; strings.filter(x, x:bool) strings; strings.exists(x, x:bool) bool; ints.exists_one(x, x:bool) bool
list.all(i, x, x:bool) bool [32]; list.exists(i, x, x:bool) bool [32]; list.existsOne(i, x, x:bool) bool [32]; list.exists_one(i, x, x:bool) bool [32]
list.transformList(i, x, x:any) list [32]; list.transformList(i, x, x:bool, x:any) list [32]; map.transformMap(i, x, x:any) map [32]
map.transformMap(i, x, x:bool, x:any) map [32]; map.transformMapEntry(i, x, {x:string: x:any}) map [32]; list.transformMap(i, x, x:any) map [32]
list.transformMapEntry(i, x, x:bool, {x:string: x:any}) map [32]; map.all(i, x, x:bool) bool [32]; map.exists(i, x, x:bool) bool [32]
map.transformList(i, x, x:any) list [32]; optional.optMap(x, x:any) optional; optional.optFlatMap(x, x:optional) optional
ints.sortBy(x, x:int) ints [34]; strings.sortBy(x, x:string) strings [34]
"""

_FORM = re.compile(r"(?:(\w+)\.)?([\w]+|strings\.quote)\(([^)]*)\) (\w+)(?: \[(\d+)\])?")
_NAMESPACES = {"sets", "lists", "ip", "format", "optional"}  # of qualified names, where no receiver of that type is meant
_QUALIFIED = re.compile(
    r"(sets\.\w+|lists\.range|ip\.isCanonical|format\.(?!format\b)\w+|optional\.(?:of|ofNonZeroValue|none|unwrap)\b|strings\.quote)(.*)", re.DOTALL
)


def _parse(text: str, since: int) -> Signature:
    qualified = _QUALIFIED.fullmatch(text)
    found = _FORM.fullmatch("q" + qualified.group(2) if qualified else text)
    if found is None:
        raise ValueError(f"not a signature: {text!r}")
    receiver, name, arguments, result, minor = found.groups()
    return Signature(receiver or "", qualified.group(1) if qualified else name, tuple(filter(None, arguments.split(", "))), result, int(minor or since))


SIGNATURES = tuple(
    _parse(text.strip(), 0)
    for group in (_STANDARD, _STRINGS, _LISTS, _SETS, _KUBERNETES, _OPTIONALS)
    for text in group.replace("\n", ";").split(";")
    if text.strip()
)
