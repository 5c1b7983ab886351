"""Named formats, with the words of the API server.

The results and costs were computed with the Go libraries of the releases.
"""

from __future__ import annotations

import pytest

from hostprocess.cel.values import Optional
from library_calls import called, overloads

QUALIFIED_FORM = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'M"
    "yName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end wit"
    "h an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A"
    "-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alp"
    "hanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end wi"
    "th an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]"
    "([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL_1035 = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end "
    "with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?'"
    ")"
)

CASES: list[tuple[int, str, str, list[str], int]] = [
    (37, "dns1123Label", "a-b", [], 8),
    (37, "dns1123Label", "a.b", ["must not contain dots"], 8),
    (37, "dns1123Label", "a" * 64, ["must be no more than 63 characters"], 56),
    (37, "dns1123Label", "ab-", [LABEL], 8),
    (37, "dns1123Label", "", [LABEL], 8),
    (37, "dns1123Label", "/y", [LABEL], 8),
    (37, "dns1123Label", "x/y/z", [LABEL], 8),
    (37, "dns1123Label", "b" * 254, ["must be no more than 63 characters"], 208),
    (37, "dns1123Label", "a/" + "b" * 64, ["must be no more than 63 characters", LABEL], 56),
    (37, "dns1123Subdomain", "a-b", [], 15),
    (37, "dns1123Subdomain", "a.b", [], 15),
    (37, "dns1123Subdomain", "a" * 64, [], 105),
    (37, "dns1123Subdomain", "ab-", [SUBDOMAIN], 15),
    (37, "dns1123Subdomain", "", [SUBDOMAIN], 15),
    (37, "dns1123Subdomain", "/y", [SUBDOMAIN], 15),
    (37, "dns1123Subdomain", "x/y/z", [SUBDOMAIN], 15),
    (37, "dns1123Subdomain", "b" * 254, ["must be no more than 253 characters"], 390),
    (37, "dns1123Subdomain", "a/" + "b" * 64, [SUBDOMAIN], 105),
    (37, "dns1035Label", "a-b", [], 8),
    (37, "dns1035Label", "a.b", [LABEL_1035], 8),
    (37, "dns1035Label", "a" * 64, ["must be no more than 63 characters"], 56),
    (37, "dns1035Label", "ab-", [LABEL_1035], 8),
    (37, "dns1035Label", "", [LABEL_1035], 8),
    (37, "dns1035Label", "/y", [LABEL_1035], 8),
    (37, "dns1035Label", "x/y/z", [LABEL_1035], 8),
    (37, "dns1035Label", "b" * 254, ["must be no more than 63 characters"], 208),
    (37, "dns1035Label", "a/" + "b" * 64, ["must be no more than 63 characters", LABEL_1035], 56),
    (37, "qualifiedName", "a-b", [], 15),
    (37, "qualifiedName", "A", [], 15),
    (37, "qualifiedName", "a.b", [], 15),
    (37, "qualifiedName", "a" * 64, ["name part must be no more than 63 bytes"], 105),
    (37, "qualifiedName", "ab-", [f"name part {QUALIFIED_FORM}"], 15),
    (37, "qualifiedName", "é-", [f"name part {QUALIFIED_FORM}"], 15),
    (37, "qualifiedName", "", ["name part must be non-empty", f"name part {QUALIFIED_FORM}"], 15),
    (37, "qualifiedName", "x/y", [], 15),
    (37, "qualifiedName", "/y", ["prefix part must be non-empty"], 15),
    (37, "qualifiedName", "A/b", [f"prefix part {SUBDOMAIN}"], 15),
    (37, "qualifiedName", "x/y/z", [f"a valid label key {QUALIFIED_FORM} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"], 15),
    (37, "qualifiedName", "a_", [f"name part {QUALIFIED_FORM}"], 15),
    (37, "qualifiedName", "b" * 254, ["name part must be no more than 63 bytes"], 390),
    (37, "qualifiedName", "a/" + "b" * 64, ["name part must be no more than 63 bytes"], 105),
    (37, "labelValue", "a-b", [], 10),
    (37, "labelValue", "a.b", [], 10),
    (37, "labelValue", "a" * 64, ["must be no more than 63 bytes"], 70),
    (37, "labelValue", "ab-", [VALUE], 10),
    (37, "labelValue", "", [], 10),
    (37, "labelValue", "/y", [VALUE], 10),
    (37, "labelValue", "x/y/z", [VALUE], 10),
    (37, "labelValue", "b" * 254, ["must be no more than 63 bytes"], 260),
    (37, "labelValue", "a/" + "b" * 64, ["must be no more than 63 bytes", VALUE], 70),
    (37, "dns1123LabelPrefix", "ab-", [], 8),
    (37, "dns1123LabelPrefix", "", [LABEL], 8),
    (37, "dns1123SubdomainPrefix", "ab-", [], 15),
    (37, "dns1123SubdomainPrefix", "", [SUBDOMAIN], 15),
    (37, "dns1035LabelPrefix", "ab-", [], 8),
    (37, "dns1035LabelPrefix", "", [LABEL_1035], 8),
    (37, "uri", "http://a", [], 276),
    (37, "uri", "a", ['parse "a": invalid URI for request'], 276),
    (37, "uri", "/é", [], 276),
    (37, "uuid", "123e4567-e89b-12d3-a456-426614174000", [], 72),
    (37, "uuid", "123E4567E89B12D3A456426614174000", [], 72),
    (37, "uuid", "x", ["does not match the UUID format"], 18),
    (37, "byte", "aGVsbG8=", [], 21),
    (37, "byte", "", ["invalid base64"], 21),
    (37, "byte", "a", ["invalid base64"], 21),
    (37, "byte", "ab==", [], 21),
    (37, "date", "2020-02-29", [], 36),
    (37, "date", "1900-02-29", ["invalid date"], 36),
    (37, "date", "0000-02-29", [], 36),
    (37, "date", "2021-1-1", ["invalid date"], 18),
    (37, "date", "2021-04-31", ["invalid date"], 36),
    (37, "datetime", "2021-01-01T23:59:59Z", [], 54),
    (37, "datetime", "2021-01-01t24:00:00z", ["invalid datetime"], 54),
    (37, "datetime", "2021-01-01T00:00:00.5+99:99", [], 54),
    (37, "datetime", "2021-01-01T00:00:00Ztail", [], 54),
    (37, "datetime", "2021-01-01T00:00:00", ["invalid datetime"], 36),
    (37, "datetime", "2021-01-01T00:00:00Tx", ["invalid datetime"], 54),
    (34, "qualifiedName", "a" * 64, ["name part must be no more than 63 characters"], 105),
    (34, "qualifiedName", "x/y/z", [f"a qualified name {QUALIFIED_FORM} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"], 15),
    (34, "qualifiedName", "b" * 254, ["name part must be no more than 63 characters"], 390),
    (34, "qualifiedName", "a/" + "b" * 64, ["name part must be no more than 63 characters"], 105),
    (34, "labelValue", "a" * 64, ["must be no more than 63 characters"], 70),
    (34, "labelValue", "x/y/z", [VALUE], 10),
    (34, "labelValue", "b" * 254, ["must be no more than 63 characters"], 260),
    (34, "labelValue", "a/" + "b" * 64, ["must be no more than 63 characters", VALUE], 70),
]


@pytest.mark.parametrize(("minor", "name", "text", "reasons", "cost"), CASES)
def test_validate(minor: int, name: str, text: str, reasons: list[str], cost: int) -> None:
    constant = overloads(minor)[f"format.{name}"].implementation()
    assert called(minor, "format-validate", [constant, text]) == (Optional(reasons) if reasons else Optional(), cost)


def test_by_name() -> None:
    assert called(37, "format-named", ["dns1123Label"]) == (Optional("DNS1123Label"), 1)
    assert called(37, "format-named", ["DNS1123Label"]) == (Optional(), 1)


def test_equality() -> None:
    first, second = (overloads(minor)["format.uuid"].implementation() for minor in (34, 37))
    assert first.equal(second)
    assert not first.equal(overloads(37)["format.date"].implementation())
