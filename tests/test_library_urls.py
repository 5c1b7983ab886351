"""URLs, with the words of Go's net/url.

The results and costs were computed with the Go libraries of the releases.
"""

from __future__ import annotations

from typing import Any

import pytest

from hostprocess.cel.runtime import CelError
from library_calls import called, url

PARSE = "URL parse error during conversion from string: parse "

CASES: list[tuple[int, str, list[Any], Any, int]] = [
    (37, "string_to_url", ["http://example.com/a?x=1#f"], "http://example.com/a?x=1#f", 3),
    (37, "string_to_url", ["/abs/path"], "/abs/path", 1),
    (37, "string_to_url", ["rel"], CelError(PARSE + '"rel": invalid URI for request'), 1),
    (37, "string_to_url", [""], CelError(PARSE + '"": empty url'), 0),
    (37, "string_to_url", ["*"], "*", 1),
    (37, "string_to_url", ["mailto:a@b.c"], "mailto:a@b.c", 2),
    (37, "string_to_url", ["http://[::1"], CelError(PARSE + "\"http://[::1\": missing ']' in host"), 2),
    (37, "string_to_url", ["http://a[::1]/"], CelError(PARSE + '"http://a[::1]/": invalid IP-literal'), 2),
    (37, "string_to_url", ["http://[1.2.3.4]/"], CelError(PARSE + '"http://[1.2.3.4]/": invalid IP-literal'), 2),
    (
        37,
        "string_to_url",
        ["http://[::g]/"],
        CelError(PARSE + '"http://[::g]/": invalid host: ParseAddr("::g"): each colon-separated field must have at least one digit (at "g")'),
        2,
    ),
    (37, "string_to_url", ["http://[fe80::1%25eth0]:80/"], "http://[fe80::1%25eth0]:80/", 3),
    (37, "string_to_url", ["http://a:b/"], CelError(PARSE + '"http://a:b/": invalid port ":b" after host'), 2),
    (37, "string_to_url", ["http://a:1:2/"], CelError(PARSE + '"http://a:1:2/": invalid port ":1:2" after host'), 2),
    (37, "string_to_url", ["x://a:1:2/"], "x://a:1:2/", 1),
    (37, "string_to_url", ["http://%41/"], CelError(PARSE + '"http://%41/": invalid URL escape "%41"'), 2),
    (37, "string_to_url", ["http://a b/"], CelError(PARSE + '"http://a b/": invalid character " " in host name'), 2),
    (37, "string_to_url", ["http://h/%zz"], CelError(PARSE + '"http://h/%zz": invalid URL escape "%zz"'), 2),
    (37, "string_to_url", ["/a%2"], CelError(PARSE + '"/a%2": invalid URL escape "%2"'), 1),
    (37, "string_to_url", ["a:b"], "a:b", 1),
    (37, "string_to_url", [":a"], CelError(PARSE + '":a": missing protocol scheme'), 1),
    (37, "string_to_url", ["http://u@h/"], "http://u@h/", 2),
    (37, "string_to_url", ["http://u^@h/"], CelError(PARSE + '"http://u^@h/": net/url: invalid userinfo'), 2),
    (37, "string_to_url", ["http://u%40:p%3A@h/a b"], "http://u%40:p%3A@h/a%20b", 3),
    (37, "string_to_url", ["HTTP://H"], "http://H", 1),
    (37, "string_to_url", ["http://h/\x01"], CelError(PARSE + '"http://h/\\x01": net/url: invalid control character in URL'), 1),
    (37, "string_to_url", ["http://h\\"], CelError(PARSE + '"http://h\\\\": invalid character "\\\\" in host name'), 1),
    (37, "string_to_url", ["http://h/#a b'"], "http://h/#a%20b%27", 2),
    (37, "string_to_url", ["http://h/#%zz"], CelError(PARSE + '"http://h/#%zz": invalid URL escape "%zz"'), 2),
    (37, "string_to_url", ["http:///x"], "http:///x", 1),
    (37, "string_to_url", ["http:/x"], "http:/x", 1),
    (37, "string_to_url", ["urn:a?b#c"], "urn:a?b#c", 1),
    (37, "string_to_url", ["//h/x"], "//h/x", 1),
    (37, "string_to_url", ["http://h?"], "http://h?", 1),
    (37, "string_to_url", ["http://h/é"], "http://h/%C3%A9", 1),
    (37, "is_url_string", ["http://a"], True, 1),
    (37, "is_url_string", ["a"], False, 1),
    (37, "is_url_string", ["http://h/#%zz"], False, 1),
    (37, "url_get_scheme", [url("https://u:p@EXAMPLE.com:8443/a%2Fb c?k=v&k=w&x=a+b%20c&;=1&%zz=1&=2#f")], "https", 1),
    (37, "url_get_host", [url("https://u:p@EXAMPLE.com:8443/a%2Fb c?k=v&k=w&x=a+b%20c&;=1&%zz=1&=2#f")], "EXAMPLE.com:8443", 1),
    (37, "url_get_hostname", [url("https://u:p@EXAMPLE.com:8443/a%2Fb c?k=v&k=w&x=a+b%20c&;=1&%zz=1&=2#f")], "EXAMPLE.com", 1),
    (37, "url_get_port", [url("https://u:p@EXAMPLE.com:8443/a%2Fb c?k=v&k=w&x=a+b%20c&;=1&%zz=1&=2#f")], "8443", 1),
    (37, "url_get_escaped_path", [url("https://u:p@EXAMPLE.com:8443/a%2Fb c?k=v&k=w&x=a+b%20c&;=1&%zz=1&=2#f")], "/a/b%20c", 1),
    (37, "url_get_query", [url("https://u:p@EXAMPLE.com:8443/a%2Fb c?k=v&k=w&x=a+b%20c&;=1&%zz=1&=2#f")], {"": ["2"], "k": ["v", "w"], "x": ["a b c"]}, 1),
    (37, "url_get_scheme", [url("http://[::1]:80")], "http", 1),
    (37, "url_get_host", [url("http://[::1]:80")], "[::1]:80", 1),
    (37, "url_get_hostname", [url("http://[::1]:80")], "::1", 1),
    (37, "url_get_port", [url("http://[::1]:80")], "80", 1),
    (37, "url_get_escaped_path", [url("http://[::1]:80")], "", 1),
    (37, "url_get_query", [url("http://[::1]:80")], {}, 1),
    (37, "url_get_scheme", [url("http://%c3%a9:")], "http", 1),
    (37, "url_get_host", [url("http://%c3%a9:")], "é:", 1),
    (37, "url_get_hostname", [url("http://%c3%a9:")], "é", 1),
    (37, "url_get_port", [url("http://%c3%a9:")], "", 1),
    (37, "url_get_escaped_path", [url("http://%c3%a9:")], "", 1),
    (37, "url_get_query", [url("http://%c3%a9:")], {}, 1),
    (37, "url_get_scheme", [url("mailto:x")], "mailto", 1),
    (37, "url_get_host", [url("mailto:x")], "", 1),
    (37, "url_get_hostname", [url("mailto:x")], "", 1),
    (37, "url_get_port", [url("mailto:x")], "", 1),
    (37, "url_get_escaped_path", [url("mailto:x")], "", 1),
    (37, "url_get_query", [url("mailto:x")], {}, 1),
    (37, "url_get_scheme", [url("/p!'()*[é]")], "", 1),
    (37, "url_get_host", [url("/p!'()*[é]")], "", 1),
    (37, "url_get_hostname", [url("/p!'()*[é]")], "", 1),
    (37, "url_get_port", [url("/p!'()*[é]")], "", 1),
    (37, "url_get_escaped_path", [url("/p!'()*[é]")], "/p%21%27%28%29%2A%5B%C3%A9%5D", 1),
    (37, "url_get_query", [url("/p!'()*[é]")], {}, 1),
    (34, "string_to_url", ["http://a:1:2/"], "http://a:1:2/", 2),
]


@pytest.mark.parametrize(("minor", "overload", "arguments", "result", "cost"), CASES)
def test_call(minor: int, overload: str, arguments: list[Any], result: Any, cost: int) -> None:
    assert called(minor, overload, arguments) == (result, cost)
