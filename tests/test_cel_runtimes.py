"""The traps of the two CEL runtimes, each with a test, and the short list of what they do differently."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import pytest

from hostprocess.cel.cross import CrossCheckRuntime
from hostprocess.cel.runtime import NEWEST, Account, CelError, CompileError
from hostprocess.kubernetes.reader import read_piece
from hostprocess.model import InputProblem
from support import INPUTS, RUNTIMES, run

OBJECT: dict[str, Any] = {
    "a": {"b": 1, "none": None, "list": [1, 2], "empty": []},
    "none": None,
    "int": 5,
    "big": 2**62,
    "text": "text",
    "yes": True,
    "half": 1.5,
    "maps": [None, "x", {"y": 1}, {"x": 2}],
    "mixed": ["a", 1],
}
both = pytest.mark.parametrize("runtime", RUNTIMES)


def value(runtime: str, expression: str, variables: dict[str, str] | None = None, **inputs: Any) -> Any:
    return run(runtime, expression, variables, **{"object": OBJECT, "oldObject": None, **inputs})


# 1. An error is a value, and it is truthy.


@both
@pytest.mark.parametrize("expression", ["object.nope", "object.nope == true", "!object.text", "object.int", "1 / object.a.nope > 0", "object.int && true"])
def test_an_error_is_never_true(runtime: str, expression: str) -> None:
    found = value(runtime, expression)
    assert found is not True
    assert isinstance(found, CelError) or found == 5


# 2. cel-cpp cuts strings at NUL: they must not get that far.


def test_cpp_cuts_strings_at_nul() -> None:
    assert (value("cpp", "size(object.x)", object={"x": "a\0b"}), value("celpy", "size(object.x)", object={"x": "a\0b"})) == (1, 3)


@pytest.mark.parametrize(
    ("syntax", "text"),
    [
        ("yaml", 'apiVersion: v1\nkind: ConfigMap\ndata: {a: "x\\0y"}'),
        ("yaml", 'apiVersion: v1\nkind: ConfigMap\ndata: {a: "x\\u0000y"}'),
        ("yaml", 'apiVersion: v1\nkind: ConfigMap\ndata: {"x\\x00y": a}'),
    ],
)
def test_readers_refuse_nul(syntax: str, text: str) -> None:
    (found,) = read_piece(syntax, "f", 0, 1, text)
    assert isinstance(found, InputProblem)
    assert "NUL" in found.message


# 3. has() on null, on scalars, on what is missing: as cel-go has it.


@both
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("has(object.a)", True),
        ("has(object.none)", True),
        ("has(object.nope)", False),
        ("has(object.none.x)", False),
        ("has(object.int.x)", False),
        ("has(object.text.x)", False),
        ("has(object.a.list[0].x)", False),
        ("has(oldObject.spec)", False),
        ("has(oldObject.spec) || has(object.a.b)", True),
        ("has(object.a.b) && !has( object.none . x )", True),
        ("object.a.list.all(one, !has(one.x))", True),
        ("object.a.list.filter(one, has(one.x)) == []", True),
        ("has(object.maps.filter(one, has(one.x))[0].y)", False),
        ("has(object.maps.filter(one, has(one.x) || has(one.y))[0].y)", True),
        ("has(object['none'].x)", False),
        ("has(object.none.x) == has(object.text.y)", True),
        ("'has(object.none.x)' == 'has(' + 'object.none.x)' && !has(object.none.x)", True),
    ],
)
def test_presence(runtime: str, expression: str, expected: bool) -> None:
    assert value(runtime, expression) is expected


@both
@pytest.mark.parametrize("expression", ["has(object.nope.x)", "has(object.a.nope.x.y)", "has(oldObject.spec.x)", "has(object.none.x.y)"])
def test_presence_below_what_is_missing_is_an_error(runtime: str, expression: str) -> None:
    found = value(runtime, expression)
    assert isinstance(found, CelError)
    assert found.message.startswith("no such key")


# 4. Nulls stay visible where they are kept: custom resources.


@both
@pytest.mark.parametrize(("expression", "expected"), [("object.none == null", True), ("object.a.none == null", True), ("object.none == 1", False)])
def test_null_is_a_value(runtime: str, expression: str, expected: bool) -> None:
    assert value(runtime, expression) is expected


# 5. Lists and maps of mixed types: the API server refuses them, cel-python does not.


@pytest.mark.parametrize("expression", ["size([1, 'a']) == 2", "size({'a': true, 'c': 'x'}) == 2", "size([object.yes, true]) == 2"])
def test_literals_of_mixed_types_are_refused(expression: str) -> None:
    with pytest.raises(CompileError, match=r"expected type '.*' but found '.*'"):
        value("cpp", expression)
    assert value("celpy", expression) is True


# 6. Static types: cel-cpp tells them, cel-python has none.


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("object.yes", "dyn"),
        ("object.yes == true", "bool"),
        ("object.yes && true", "bool"),
        ("object.yes ? true : object.yes", "dyn"),
        ("'x' + object.text", "string"),
        ("object.text + object.text", "dyn"),
        ("has(object.a) ? object.a : {}", "dyn"),
        ("object.yes ? ['a'] : []", "list(string)"),
        ("[object.yes == true]", "list(bool)"),
        ("{'a': 1}", "map(string, int)"),
        ("variables.flag", "bool"),
        ("variables.names", "list(string)"),
        ("null", "null_type"),
        ("1.5", "double"),
    ],
)
def test_checked_types(expression: str, expected: str) -> None:
    variables = {"flag": "has(object.a)", "names": "['a'].map(n, n + 'x')"}
    assert RUNTIMES["cpp"].compile(expression, variables, INPUTS).result_type == expected
    assert RUNTIMES["celpy"].compile(expression, variables, INPUTS).result_type == ""


@pytest.mark.parametrize(
    "expression", ["object.yes ? {} : null", "true ? [] : {}", "true ? 1 : 'x'", "1 == 'x'", "size(variables.flag)", "nope", "object.nope()"]
)
def test_type_errors_are_found_before_anything_is_evaluated(expression: str) -> None:
    with pytest.raises(CompileError):
        RUNTIMES["cpp"].compile(expression, {"flag": "has(object.a)"}, INPUTS)


# 7. Inputs that were not given.

MISSING = [
    ("namespaceObject.metadata.name == 'x'", "namespaceObject"),
    ("has(namespaceObject.metadata)", "namespaceObject"),
    ("namespaceObject == null", "namespaceObject"),
    ("params.data.x == 'y' && object.yes", "params"),
    ("variables.labels.x == 'y'", "namespaceObject"),
    ("has(variables.labels.x)", "namespaceObject"),
    ("size(variables.twice) > 0", "namespaceObject"),
    ("object.a.list.all(one, one == params.x)", "params"),
    ("object.a.list.exists(one, one == variables.limit)", "params"),
    ("object.a.list.map(one, params.x) == []", "params"),
    ("params.x ? true : false", "params"),
    ("[params.x].exists(x, x)", "params"),
    ("{'a': params.x}.a == 1", "params"),
    ("string(params.x) + 'y' == 'z'", "params"),
    ("params.x in [1]", "params"),
    ("!(params.x)", "params"),
    ("(false || params == null) && true", "params"),
    ("request.namespace == 'x'", "request"),
]
MISSING_VARIABLES = {"labels": "namespaceObject.metadata.labels", "twice": "variables.labels", "limit": "params.limit", "fine": "has(params.x) || true"}


@both
@pytest.mark.parametrize(("expression", "missing"), MISSING)
def test_what_was_not_given_is_named(runtime: str, expression: str, missing: str) -> None:
    found = value(runtime, expression, MISSING_VARIABLES)
    assert isinstance(found, CelError)
    assert found.missing == missing
    assert found.message == f"{missing} was not given"


@both
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("false && params.x", False),
        ("params.x && false", False),
        ("true || has(params.x)", True),
        ("params.x == 1 || true", True),
        ("has(namespaceObject.metadata) || object.yes", True),
        ("variables.labels.x == 'y' || object.yes == true", True),
        ("object.a.list.exists(one, one == 2 || one == params.x)", True),
        ("object.a.list.all(one, one == params.x && false)", False),
        ("object.yes ? true : params.x", True),
        ("variables.fine", True),
        ("has(variables.labels)", True),
    ],
)
def test_what_was_not_given_is_absorbed_where_it_does_not_decide(runtime: str, expression: str, expected: bool) -> None:
    assert value(runtime, expression, MISSING_VARIABLES) is expected


@both
def test_an_input_that_is_null_was_given(runtime: str) -> None:
    assert value(runtime, "params == null && namespaceObject == null", params=None, namespaceObject=None) is True


# 7 again: has(variables.x).


@both
@pytest.mark.parametrize("variable", ["false", "null", "0", "[]", "object.nope", "1 / 0", "object.yes"])
@pytest.mark.parametrize("expression", ["has(variables.x)", "has( variables . x )", "has(variables.x) && true", "!(!has(variables.x))", "variables.through"])
def test_a_declared_variable_is_present_whatever_its_value(runtime: str, variable: str, expression: str) -> None:
    assert value(runtime, expression, {"x": variable, "through": "has(variables.x)"}) is True


@both
@pytest.mark.parametrize(
    "expression",
    [
        "'has(variables.x)' == 'has(' + 'variables.x)'",
        "'variables.x' == 'variables' + '.x'",
        "size('''has(variables.x)''') == 16",
        "r'has(variables.x)\\n' == 'has(variables.x)' + r'\\n'",
        "'it\\'s has(variables.x)' == 'it' + \"'s has(variables.x)\"",
        "true // has(variables.x) && variables.nope",
        "'//' == '/' + '/' && !variables.x",
    ],
)
def test_strings_and_comments_are_left_alone(runtime: str, expression: str) -> None:
    assert value(runtime, expression, {"x": "false // has(variables.x)"}) is True


@both
def test_presence_of_a_field_of_a_variable_is_asked(runtime: str) -> None:
    assert value(runtime, "has(variables.x.b) && !has(variables.x.nope)", {"x": "object.a"}) is True


# Variables: an error surfaces only where it is read; every variable is evaluated once.


@both
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("true || variables.broken", True),
        ("variables.broken || true", True),
        ("variables.fine == 1", True),
        ("variables.broken == 1", "no such key: nope"),
        ("variables.behind == 2", "no such key: nope"),
        ("[1].exists(x, variables.broken == x)", "no such key: nope"),
    ],
)
def test_a_broken_variable_fails_only_where_it_is_read(runtime: str, expression: str, expected: Any) -> None:
    found = value(runtime, expression, {"broken": "object.nope", "fine": "1", "behind": "variables.broken + 1"})
    assert (found.message.rpartition("fails to evaluate: ")[2] if isinstance(found, CelError) else found) == expected


def test_a_broken_variable_is_named_as_the_api_server_names_it() -> None:
    variables = {"broken": "object.nope", "behind": "variables.broken + 1", "worse": "1 + 'a'"}
    assert value("cpp", "variables.behind == 2", variables) == CelError(
        'composited variable "behind" fails to evaluate: composited variable "broken" fails to evaluate: no such key: nope'
    )
    assert value("cpp", "variables.worse == 2", variables) == CelError(
        'composited variable "worse" fails to compile: compilation failed: '
        "ERROR: <input>:1:3: found no matching overload for '_+_' applied to '(int, string)'\n | 1 + 'a'\n | ..^"
    )


@both
def test_a_variable_that_ends_in_a_comment(runtime: str) -> None:
    assert value(runtime, "variables.x == 1 // same", {"x": "1 // one", "y": "2"}) is True


@both
def test_many_variables_that_read_each_other(runtime: str) -> None:
    variables = {"v0": "object.int"} | {f"v{number}": f"variables.v{number - 1} + variables.v0" for number in range(1, 25)}
    assert value(runtime, "variables.v24 == 125", variables) is True


@both
def test_a_long_chain_of_variables(runtime: str) -> None:
    variables = {"v0": "object.int"} | {f"v{number}": f"variables.v{number - 1} + 1" for number in range(1, 25)}
    assert value(runtime, "variables.v24 == 29", variables) is True


@both
def test_the_name_of_a_variable_may_be_that_of_a_loop_variable(runtime: str) -> None:
    assert value(runtime, "[7].all(x, x + variables.x == 12)", {"x": "object.int"}) is True


# 8 and 9. Values that both give, some of them only after a repair of cel-python.

EQUAL: list[tuple[str, Any]] = [
    ("object.int == 5.0", True),
    ("object.int == 'x'", False),
    ("object.text != 5", True),
    ("object.none == object.int", False),
    ("dyn([1]) == ['x']", False),
    ("dyn({'a': 1}) == {'a': 1.0}", True),
    ("dyn(1) == true", False),
    ("object.int < 7.5", True),
    ("object.half >= 2", False),
    ("5.0 in [object.int]", True),
    ("'x' in object.mixed", False),
    ("1 in object.mixed", True),
    ("'b' in object.a", True),
    ("string(object.yes)", "true"),
    ("string(1.0)", "1"),
    ("string(1.5)", "1.5"),
    ("string(12)", "12"),
    ("string(3u)", "3"),
    ("int(1.9)", 1),
    ("int('5')", 5),
    ("-5 / 3", -1),
    ("-5 % 3", -2),
    ("type(object.int) == int", True),
    ("type(object) == map", True),
    ("size('né😀')", 3),
    ("size(bytes('né😀'))", 7),
    ("[1, 2].map(x, x > 1, x * 2)", [4]),
    ("[1, 2, 3].filter(x, x > 1)", [2, 3]),
    ("[1, 2].exists_one(x, x == 1)", True),
    ("[1, 1].exists_one(x, x == 1)", False),
    ("object.a.all(key, key != '')", True),
    ("object.a.exists(key, key == 'b')", True),
    ("([1] + object.a.list).filter(x, x == 1)", [1, 1]),
    ("([] + object.a.list).all(x, x > 0)", True),
    ("object.a.list + [3]", [1, 2, 3]),
    ("object.a.list.exists(x, x == object.nope || true)", True),
    ("object.a.list.all(x, x == object.nope && false)", False),
    ("object.a.list.exists(x, x == 1 ? object.nope : true)", True),
    ("object.nope && false", False),
    ("true || object.nope", True),
    ("object.int || true", True),
    ("object.text && false", False),
    ("false ? object.nope : 1", 1),
    ("'a'.matches('^[a-z]$') && !'ab'.matches('^[a-z]$')", True),
    ("'\\u017fystem'.matches('(?i)^system$')", True),
    ("'x\\ny'.matches('^x$')", False),
    ("'abc'.contains('') && 'abc'.startsWith('ab') && 'abc'.endsWith('')", True),
    ("[[1, 2], [3]].map(x, x.map(y, y + 1))", [[2, 3], [4]]),
    ("[object.a].exists(x, has(x.b) && x.b == 1)", True),
]


@both
@pytest.mark.parametrize(("expression", "expected"), EQUAL)
def test_both_give_this_value(runtime: str, expression: str, expected: Any) -> None:
    found = value(runtime, expression)
    assert found == expected
    assert type(found) is type(expected)


# Error texts are those of cel-go wherever a user is likely to see them.


@both
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("object.nope", "no such key: nope"),
        ("object.a.nope == 1", "no such key: nope"),
        ("object['nope']", "no such key: nope"),
        ("object.nope == 1 && true", "no such key: nope"),
        ("object.a.list.all(x, x == object.nope)", "no such key: nope"),
        ("object.nope ? 1 : 2", "no such key: nope"),
        ("{'a': 1}['b']", "no such key: b"),
        ("object.a.list[7]", "index out of bounds: 7"),
        ("object.a.list[-1]", "index out of bounds: -1"),
        ("object.int / 0", "division by zero"),
        ("object.big * 4", "integer overflow"),
        ("'abc'.lastIndexOf('a', -1)", "index out of range: -1"),
    ],
)
def test_error_texts(runtime: str, expression: str, expected: str) -> None:
    assert value(runtime, expression) == CelError(expected)


@pytest.mark.parametrize(
    ("expression", "cpp", "celpy"),
    [
        ("object.none.x", "no such key: x", "no such key: a field of null, of a list or of a scalar was selected"),
        ("object.text.x", "no such key: x", "no such key: a field of null, of a list or of a scalar was selected"),
        ("object.int % 0", "modulus by zero", "division by zero"),
        ("object.none.all(x, true)", "got 'types.Null', expected iterable type", "no such overload"),
        ("object.text.filter(x, true)", "got 'types.String', expected iterable type", "no such overload"),
        ("has(object.a.list.x)", "unsupported index type 'string' in list", False),
    ],
)
def test_error_texts_that_cel_python_has_not(expression: str, cpp: Any, celpy: Any) -> None:
    assert value("cpp", expression) == CelError(cpp)
    assert value("celpy", expression) == (CelError(celpy) if isinstance(celpy, str) else celpy)


@both
@pytest.mark.parametrize(
    "expression",
    [
        "string(object.none)", "size(object.none)", "size(object.int)", "object.int + 'x'", "object.text + 1", "object.text < object.int", "'a' in object.int",
        "!object.int", "object.int || false", "object.int ? 1 : 2",
        "object.int && object.text", "object.int.matches('x')", "[1].all(x, object.int)", "object.int in object.none",
    ],
)  # fmt: skip
def test_wrong_types_have_no_overload(runtime: str, expression: str) -> None:
    found = value(runtime, expression)
    assert isinstance(found, CelError)
    assert found.message.startswith("no such overload")
    assert not found.missing


@both
@pytest.mark.parametrize(
    "expression",
    ["object.text.matches(object.text + '(')", "int(object.text)", "bool(object.text)", "'abc'.charAt(4)", "'abc'.charAt(-1)", "duration(object.text)"],
)
def test_other_errors_are_errors_on_both(runtime: str, expression: str) -> None:
    assert isinstance(value(runtime, expression), CelError)


@pytest.mark.parametrize("expression", ["object.text.matches('(')", "int('x')", "bool('x')", "duration('x')"])
def test_constants_that_are_wrong_are_found_before_anything_is_evaluated(expression: str) -> None:
    with pytest.raises(CompileError):
        value("cpp", expression)
    assert isinstance(value("celpy", expression), CelError)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_bad_pattern_leaves_standard_error_alone(runtime: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert isinstance(value(runtime, "object.text.matches(object.text + '(')"), CelError)
    assert isinstance(value(runtime, "object.nope.x.y"), CelError)
    assert capfd.readouterr().err == ""


# What remains different, and only this.

DIFFERENCES: list[tuple[str, Any, Any]] = [
    # cel-python has no type checker: what cel-cpp refuses to compile it evaluates, or fails when it gets there.
    ("1 == 'x'", CompileError, False),
    ("true ? 1 : 'x'", CompileError, 1),
    ("nope", CompileError, CelError("undeclared reference to 'nope'")),
    ("object.nope()", CompileError, CelError("undeclared reference to 'nope'")),
    # cel-python loses line breaks in strings of three quotes.
    ("'''x\ny'''", "x\ny", "xy"),
    # cel-python has neither.
    ("'%s'.format(['x'])", "x", CelError("undeclared reference to 'format'")),
    ("strings.quote('x')", '"x"', CelError("undeclared reference to 'quote'")),
]


@pytest.mark.parametrize(("expression", "cpp", "celpy"), DIFFERENCES)
def test_known_differences(expression: str, cpp: Any, celpy: Any) -> None:
    if cpp is CompileError:
        with pytest.raises(CompileError):
            value("cpp", expression)
    else:
        assert value("cpp", expression) == cpp
    assert value("celpy", expression) == celpy


@pytest.mark.parametrize("expression", ["'abc'.reverse()", "math.least(1, 2)", "[?object.a]", "base64.encode(b'x')", "cel.bind(x, 1, x)", "'%s'.format(1)"])
def test_what_the_environment_does_not_have(expression: str) -> None:
    """No Kubernetes has it in policies."""
    with pytest.raises(CompileError):
        value("cpp", expression)
    with contextlib.suppress(CompileError):
        assert isinstance(value("celpy", expression), CelError)


# 9. The string functions, equal on both, edge cases included.

STRINGS: list[tuple[str, Any]] = [
    ("'abc'.charAt(0)", "a"),
    ("'abc'.charAt(3)", ""),
    ("'né😀x'.charAt(2)", "😀"),
    ("'tacocat'.indexOf('')", 0),
    ("'tacocat'.indexOf('ac')", 1),
    ("'tacocat'.indexOf('none')", -1),
    ("'tacocat'.indexOf('', 3)", 3),
    ("'tacocat'.indexOf('', 7)", 7),
    ("'tacocat'.indexOf('a', 3)", 5),
    ("'tacocat'.indexOf('at', 3)", 5),
    ("'ta©o©ΩT'.indexOf('©', 3)", 4),
    ("'ta©o©ΩT'.indexOf('©Ω', 5)", -1),
    ("''.indexOf('')", 0),
    ("''.indexOf('a')", -1),
    ("'tacocat'.lastIndexOf('')", 7),
    ("'tacocat'.lastIndexOf('at')", 5),
    ("'tacocat'.lastIndexOf('none')", -1),
    ("'tacocat'.lastIndexOf('', 3)", 3),
    ("'tacocat'.lastIndexOf('a', 3)", 1),
    ("'tacocat'.lastIndexOf('at', 5)", 5),
    ("'tacocat'.lastIndexOf('at', 4)", -1),
    ("'tacocat'.lastIndexOf('t', 0)", 0),
    ("'ta©o©ΩT'.lastIndexOf('©', 4)", 4),
    ("'x'.lastIndexOf('long', 0)", -1),
    ("['a', 'b'].join()", "ab"),
    ("['a', 'b'].join('-')", "a-b"),
    ("[].join('-')", ""),
    ("['x'].join(' ')", "x"),
    ("object.l.map(x, x + '!').join(', ')", "a!, b!"),
    ("'TacoCÆt Xiiİ'.lowerAscii()", "tacocÆt xiiİ"),
    ("'TacoCæt Xiiß'.upperAscii()", "TACOCæT XIIß"),
    ("'{0} days {0} hours'.replace('{0}', '2')", "2 days 2 hours"),
    ("'{0} days {0} hours'.replace('{0}', '2', 1)", "2 days {0} hours"),
    ("'{0} days {0} hours'.replace('{0}', '2', 0)", "{0} days {0} hours"),
    ("'{0} days {0} hours'.replace('{0}', '2', -5)", "2 days 2 hours"),
    ("'abc'.replace('', '_')", "_a_b_c_"),
    ("'abc'.replace('', '_', 2)", "_a_bc"),
    ("'abc'.replace('', '_', 0)", "abc"),
    ("'aaa'.replace('aa', 'b')", "ba"),
    ("''.replace('a', '_')", ""),
    ("'hello world'.split(' ')", ["hello", "world"]),
    ("'a b c'.split(' ', 0)", []),
    ("'a b c'.split(' ', 1)", ["a b c"]),
    ("'a,b,c,d'.split(',', 2)", ["a", "b,c,d"]),
    ("'a,b,c,d'.split(',', 10)", ["a", "b", "c", "d"]),
    ("'a,b'.split(',', -7)", ["a", "b"]),
    ("''.split(',')", [""]),
    ("','.split(',')", ["", ""]),
    ("'a,,b'.split(',')", ["a", "", "b"]),
    ("'abc'.split('abc')", ["", ""]),
    ("'né😀'.split('')", ["n", "é", "😀"]),
    ("'abc'.split('', 2)", ["a", "bc"]),
    ("'abc'.split('', 1)", ["abc"]),
    ("'abc'.split('', 0)", []),
    ("'abc'.split('', 5)", ["a", "b", "c"]),
    ("'tacocat'.substring(4)", "cat"),
    ("'tacocat'.substring(7)", ""),
    ("'tacocat'.substring(0, 4)", "taco"),
    ("'tacocat'.substring(3, 3)", ""),
    ("'ta©o©ΩT'.substring(2, 6)", "©o©Ω"),
    ("''.substring(0)", ""),
    ("' \\f\\n\\r\\t\\vtext '.trim()", "text"),
    ("'\\u0085\\u00a0\\u1680text\\u2000\\u2001\\u2002\\u2003\\u2004\\u2005\\u2006\\u2007\\u2008\\u2009'.trim()", "text"),
    ("'text\\u200a\\u2028\\u2029\\u202F\\u205F\\u3000'.trim()", "text"),
    ("'\\u180etext\\u200b\\ufeff'.trim()", "\u180etext\u200b\ufeff"),
    ("'\\u001ctext\\u001d\\u001e\\u001f'.trim()", "\x1ctext\x1d\x1e\x1f"),
    ("' a b '.trim()", "a b"),
    ("''.trim()", ""),
]


@both
@pytest.mark.parametrize(("expression", "expected"), STRINGS)
def test_string_functions(runtime: str, expression: str, expected: Any) -> None:
    assert value(runtime, expression, object={"l": ["a", "b"]}) == expected


@both
@pytest.mark.parametrize(
    "expression",
    [
        "'abc'.charAt(-1)", "'abc'.charAt(4)", "'abc'.indexOf('a', -1)", "'abc'.substring(-1)",
        "'abc'.substring(4)", "'abc'.substring(2, 1)", "'abc'.substring(0, 4)", "'abc'.substring(0, -1)",
    ],
)  # fmt: skip
def test_string_functions_out_of_range(runtime: str, expression: str) -> None:
    assert isinstance(value(runtime, expression), CelError)


# 11. Compile errors say where.


@pytest.mark.parametrize(
    ("expression", "message", "line", "column"),
    [
        ("nope", "undeclared reference to 'nope' (in container '')", 1, 1),
        ("object.a\n  + nope", "undeclared reference to 'nope' (in container '')", 2, 5),
        ("object.a == 1\n&& [1].all(i, i == 'x')", "found no matching overload for '_==_' applied to '(int, string)'", 2, 17),
        ("'é😀' + nope", "undeclared reference to 'nope' (in container '')", 1, 8),
        ("has(variables.flag)  && nope", "undeclared reference to 'nope' (in container '')", 1, 25),
        ("variables.flag == 'x'", "found no matching overload for '_==_' applied to '(bool, string)'", 1, 16),
        ("variables.unknown", "undefined field 'unknown'", 1, 10),
    ],
)
def test_compile_errors_have_a_place(expression: str, message: str, line: int, column: int) -> None:
    with pytest.raises(CompileError) as caught:
        value("cpp", expression, {"flag": "has(object.a)"})
    assert (caught.value.message, caught.value.line, caught.value.column) == (message, line, column)


@both
@pytest.mark.parametrize(("expression", "line"), [("1 +", 1), ("(", 1), ("true\n&& )", 2), ("object.", 1), ("# no comment\ntrue", 1)])
def test_syntax_errors(runtime: str, expression: str, line: int) -> None:
    with pytest.raises(CompileError) as caught:
        value(runtime, expression)
    assert caught.value.message.startswith("Syntax error")
    assert caught.value.line == line
    assert caught.value.column > 0


@both
@pytest.mark.parametrize("expression", ["cel.bind(x, 1, x == 1)", "true && cel . bind (x, 1, true)", "cel\n.bind(x, 1, x == 1)"])
def test_bind_is_refused(runtime: str, expression: str) -> None:
    with pytest.raises(CompileError, match="undeclared reference to 'cel'"):
        value(runtime, expression)


@both
@pytest.mark.parametrize("expression", ["'cel.bind(x, 1, x)' != ''", "true // cel.bind(x, 1, x)", "object.cel.binding == 1"])
def test_what_only_looks_like_bind_is_not(runtime: str, expression: str) -> None:
    assert value(runtime, expression, object={"cel": {"binding": 1}}) is True


@both
def test_bind_in_a_variable_is_refused(runtime: str) -> None:
    try:
        found = value(runtime, "variables.x", {"x": "cel.bind(x, 1, x == 1)"})
    except CompileError as error:
        found = error
    assert "undeclared reference to 'cel'" in found.message


# The iteration budget of cel-cpp, and lone surrogates.


def test_an_exhausted_iteration_budget_is_decided_by_the_tree() -> None:
    pairs = "object.l.all(x, object.l.all(y, x + y >= 0))"
    assert value("cpp", pairs, object={"l": list(range(101))}) is True
    assert value("cpp", pairs, object={"l": list(range(500))}) == CelError("operation cancelled: actual cost limit exceeded", kind="cost")


def test_a_lone_surrogate_is_decided_by_the_tree() -> None:
    assert value("cpp", "object.x == 'a'", object={"x": "a\ud800"}) is False


@both
def test_readers_replace_lone_surrogates(runtime: str) -> None:
    from hostprocess.kubernetes.json_text import read

    text = iter(['{"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "x\\ud800y"}}'])
    (item,) = read(lambda size: next(text, ""), "f")
    (found,) = read_piece("json", "f", item)
    assert not isinstance(found, InputProblem)
    assert value(runtime, "object.data.a == 'x\\ufffdy'", object=found.object) is True


# The cross-check: a disagreement is an error that names both values.


def cross(expression: str, **inputs: Any) -> Any:
    runtime = CrossCheckRuntime(RUNTIMES["cpp"], RUNTIMES["celpy"])
    return runtime.compile(expression, {}, INPUTS).evaluate(runtime.activation({"object": OBJECT, **inputs}))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("object.int == 5", True),
        ("'a'.split('')", ["a"]),
        ("object.nope", CelError("no such key: nope")),
        ("params.x", CelError("params was not given", "params")),
    ],
)
def test_cross_check_gives_what_both_give(expression: str, expected: Any) -> None:
    assert cross(expression) == expected


def test_cross_check_names_both_values() -> None:
    found = cross("'''x\ny'''")
    assert isinstance(found, CelError)
    assert found.message == "the runtimes disagree on \"'''x\\ny'''\": cpp gives 'x\\ny', celpy gives 'xy'"


def test_cross_check_of_a_value_and_an_error() -> None:
    found = cross("string(size(object.x) == 1 ? object.x : object.nope)", object={"x": "a\0b"})
    assert isinstance(found, CelError)
    assert found.message.endswith("cpp gives 'a', celpy gives the error 'no such key: nope'")


class Constant:
    """A runtime to which every expression has one value."""

    result_type = "bool"

    def __init__(self, name: str, value: Any) -> None:
        self.name = name
        self.value = value

    def compile(self, expression: str, variables: Mapping[str, str], declared: frozenset[str], *, kubernetes: str = NEWEST, stored: bool = True) -> Constant:
        return self

    def activation(self, inputs: Mapping[str, Any]) -> None:
        return None

    def evaluate(self, activation: None, account: Account | None = None) -> Any:
        return self.value


@pytest.mark.parametrize(
    ("first", "second", "agree"),
    [
        (True, True, True),
        (True, False, False),
        (1, True, False),
        (1, 1.0, False),
        ("a", "a", True),
        (CelError("one"), CelError("another"), True),
        (CelError("one", missing="params"), CelError("another", missing="params"), True),
        (CelError("one", missing="params"), CelError("one", missing="object"), False),
        (CelError("one", missing="params"), CelError("one"), False),
        (CelError("one"), False, False),
    ],
)
def test_what_counts_as_agreement(first: Any, second: Any, agree: bool) -> None:
    found = CrossCheckRuntime(Constant("a", first), Constant("b", second)).compile("true", {}, INPUTS).evaluate((None, None))
    assert (found == first) is agree
    assert agree or found.message.startswith("the runtimes disagree on 'true': a gives ")


def test_cross_check_keeps_the_types_of_the_first() -> None:
    runtime = CrossCheckRuntime(RUNTIMES["cpp"], RUNTIMES["celpy"])
    assert runtime.compile("object.int == 5", {}, INPUTS).result_type == "bool"
