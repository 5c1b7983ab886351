"""From the text of a native suite to a `Suite`: everything that can be wrong with it is told here, with its line."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import re2  # type: ignore[import-untyped]

from hostprocess.bindings import ASSUMED, complete_bindings
from hostprocess.errors import HostprocessError, PolicyError, raise_all, suggestion
from hostprocess.kubernetes.location import locate
from hostprocess.model import Origin, Outcome, Policy
from hostprocess.policy_files import read_policy_files
from hostprocess.rules import PACK_FILE, Pack, load_pack
from hostprocess.schema import fault_at
from hostprocess.suite.confine import leads_out
from hostprocess.suite.documents import read_suite
from hostprocess.suite.expand import expanded, with_defaults
from hostprocess.suite.model import Case, Expected, ExpectedValue, JSONObject, MessageCount, Setting, Subject, Suite
from hostprocess.suite.objects import Objects, check_known
from hostprocess.suite.subjects import PolicySubject, RuleSubject

if TYPE_CHECKING:
    from hostprocess.coverage.model import Unreachable  # of suites that name some only

__all__ = ["Loader", "file_text", "policies_of", "re2_fault", "suite_of_rule"]

_DECIDES = ("expect", "value", "error")
_OF_DECISIONS = ("message", "messageMatches", "messages", "rules", "field", "fields", "failures", "auditAnnotations", "warnings")
_QUIET = re2.Options()
_QUIET.log_errors = False


class Loader:
    """Loads suites; packs and policies that several suites are about are read once. `default` gives what suites are about that do not say it.

    `confined` holds the paths in suites to their repository; what is not read from a file of the user need not be.
    """

    def __init__(self, default: Callable[[], Subject] | None = None, *, confined: bool = True) -> None:
        self._make_default = default
        self._confined = confined
        self._default: Subject | None = None
        self._packs: dict[str, Pack] = {}
        self._rules: dict[tuple[str, str], RuleSubject] = {}
        self._policies: dict[tuple[str, ...], PolicySubject] = {}

    def load(self, path: str, text: str | None = None) -> Suite:
        """The suite of a file. Raises `PolicyError` for what is not valid."""
        text = file_text(path) if text is None else text
        raw = read_suite(text, path)
        if "rule" in raw and "policy" in raw:
            raise fault_at(text, path, ("policy",), "the suite has a rule; give one of them")
        if "rule" not in raw and "policy" not in raw:
            raise fault_at(text, path, (), "the suite is about nothing: name its `rule`, or the file of its `policy`")
        return _suite(self._rule(raw, text, path) if "rule" in raw else self._policy(raw, text, path), raw, text, path, self._confined)

    def default(self) -> Subject:
        """What suites are about that do not say it. Raises `PolicyError` where there is nothing."""
        if self._default is None:
            if self._make_default is None:
                raise PolicyError("does not say what it is about")
            self._default = self._make_default()
        return self._default

    def _rule(self, raw: Mapping[str, Any], text: str, path: str) -> RuleSubject:
        if "assumeBinding" in raw:
            raise fault_at(text, path, ("assumeBinding",), "is for a suite of a policy: rules have their bindings")
        if "only" in raw:
            raise fault_at(text, path, ("only",), "is for a suite of a policy: this one is about one rule")
        folder = _pack_above(path)
        if folder is None:
            message = f"a suite of a rule lies in a rule pack, and there is no {PACK_FILE} in this folder or above; of a policy name the file: `policy: FILE`"
            raise fault_at(text, path, ("rule",), message)
        if folder not in self._packs:
            self._packs[folder] = load_pack(folder)
        pack, name = self._packs[folder], raw["rule"]
        key = (folder, name)
        if key not in self._rules:
            rule = next((one for one in pack.rules if one.id == name), None)
            if rule is None:
                raise fault_at(text, path, ("rule",), f"there is no rule {name!r} in {folder}{suggestion(name, [one.id for one in pack.rules])}")
            self._rules[key] = RuleSubject(pack, rule)
        return self._rules[key]

    def _policy(self, raw: Mapping[str, Any], text: str, path: str) -> PolicySubject:
        given = [raw["policy"]] if isinstance(raw["policy"], str) else raw["policy"]
        folder, assume = os.path.dirname(path), raw.get("assumeBinding", "deny")
        files = [os.path.join(folder, one) for one in given]
        key = (assume, *map(os.path.abspath, files))
        if key not in self._policies:
            for index, (file, name) in enumerate(zip(files, given, strict=True)):
                steps = ("policy",) if isinstance(raw["policy"], str) else ("policy", index)
                if self._confined and (reason := leads_out(folder, name)):
                    raise fault_at(text, path, steps, reason)
                if not os.path.exists(file):
                    raise fault_at(text, path, steps, f"there is no file {name!r} beside the suite: paths begin at its folder")
            self._policies[key] = policies_of(files, assume, os.path.basename(given[0]))
        return _only(self._policies[key], raw["only"], text, path) if "only" in raw else self._policies[key]


def _only(subject: PolicySubject, name: str, text: str, path: str) -> PolicySubject:
    """One of several policies, with its bindings."""
    policies = [one for one in subject.policies if one.name == name]
    if not policies:
        known = [one.name for one in subject.policies]
        raise fault_at(text, path, ("only",), f"there is no policy {name!r} in these files{suggestion(name, known)}; there are {', '.join(known)}")
    return replace(subject, name=name, policies=policies, bindings=[one for one in subject.bindings if one.policy_name == name])


def suite_of_rule(subject: RuleSubject, path: str) -> Suite:
    """The suite beside a rule. Raises `PolicyError`."""
    text = file_text(path)
    raw = read_suite(text, path)
    if raw.get("rule") != subject.rule.id:
        raise fault_at(text, path, ("rule",), f"must be {subject.rule.id!r}, the rule that the file lies beside")
    return _suite(subject, raw, text, path)


def policies_of(files: Sequence[str], assume: str, name: str) -> PolicySubject:
    """Policies in files; those without a binding get one with the action `assume`, unless that is `none`. Raises `PolicyError`."""
    read = read_policy_files(files)
    if not read.policies:
        raise PolicyError("holds no ValidatingAdmissionPolicy, only bindings", path=files[0])
    bound = {binding.policy_name for binding in read.bindings}
    unbound = assume in ASSUMED and any(policy.name not in bound for policy in read.policies)
    try:
        bindings, _ = complete_bindings(read.policies, read.bindings, assume if unbound else "")
    except PolicyError as error:
        raise PolicyError(error.message.replace("use --assume-binding deny", "leave out `assumeBinding: none`"), path=error.path, line=error.line) from None
    only = read.policies[0].name if len(read.policies) == 1 else name
    return PolicySubject(name=only, policies=read.policies, bindings=bindings, objects=[one.object for one in read.objects])


def file_text(path: str) -> str:
    """The text of a file of ours. Raises `PolicyError`."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            return file.read()
    except OSError as error:
        raise PolicyError(f"cannot be read: {error.strerror}", path=path) from None
    except UnicodeDecodeError:
        raise PolicyError("is not UTF-8 text", path=path) from None


def _pack_above(path: str) -> str | None:
    """The nearest folder above a file that is a rule pack, as the user would name it."""
    folder = os.path.dirname(path) or "."
    while not os.path.isfile(os.path.join(folder, PACK_FILE)):
        above = os.path.join(folder, os.pardir) if os.path.basename(folder) in ("", os.curdir, os.pardir) else os.path.dirname(folder) or os.curdir
        if os.path.abspath(above) == os.path.abspath(folder):
            return None
        folder = above
    return folder


def _suite(subject: Subject, raw: Mapping[str, Any], text: str, path: str, confined: bool = True) -> Suite:
    fixtures = dict(raw.get("fixtures", {}))
    where = path
    if isinstance(subject, RuleSubject):
        fixtures, where = {**subject.pack.fixtures, **fixtures}, PACK_FILE
    if "base" in raw and "base" in raw.get("defaults", {}):
        raise fault_at(text, path, ("defaults", "base"), "the suite has a base above; give one of them")
    objects = Objects(os.path.dirname(path), fixtures, where, confined)
    seen: dict[str, int] = {}
    cases: list[Case] = []
    errors: list[HostprocessError] = []
    for index, given in enumerate(raw["cases"]):
        line = _line(text, path, ("cases", index))
        for one in expanded(with_defaults(raw, given)):
            try:
                if one["name"] in seen:
                    raise ValueError(f"the name {one['name']!r} is given to two cases: the other is in line {seen[one['name']]}")
                seen[one["name"]] = line
                cases.append(_case(subject, objects, one, path, line))
            except _AtKey as fault:
                errors.append(fault_at(text, path, ("cases", index, fault.key), fault.message))
            except ValueError as error:
                errors.append(fault_at(text, path, ("cases", index), str(error)))
    raise_all(list({str(error): error for error in errors}.values()))
    return Suite(subject=subject, cases=tuple(cases), path=path, unreachable=tuple(_unreachable(subject, raw, text, path)))


def _unreachable(subject: Subject, raw: Mapping[str, Any], text: str, path: str) -> Iterator[Unreachable]:
    """What coverage does not ask for, because the suite says why it cannot be."""
    given = raw.get("unreachable", ())
    if given:
        from hostprocess.coverage.model import Unreachable  # of such suites only

        policies, _ = subject.compiled(subject.kubernetes, subject.containerd)
        files = [os.path.normpath(policy.path) for policy in policies]
        if isinstance(subject, RuleSubject):
            files = [subject.rule.path, os.path.join(subject.pack.folder, PACK_FILE)]
        for index, one in enumerate(given):
            never = "evaluated" if one["never"] == "evaluated" else "true" if one["never"] else "false"
            yield Unreachable(one["part"], never, one["because"], path, _line(text, path, ("unreachable", index)), tuple(dict.fromkeys(files)))


class _AtKey(Exception):
    """A fault of one key of a case."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key
        self.message = message


def _case(subject: Subject, objects: Objects, raw: Mapping[str, Any], path: str, line: int) -> Case:
    expected = _expected(subject, raw)
    old = objects.old(raw)
    operation = raw.get("operation", "CREATE" if old is None else "UPDATE")
    if old is not None and operation in ("CREATE", "CONNECT"):
        raise _AtKey("oldObject", f"a request of operation {operation} has no old object")
    value = old if operation == "DELETE" and old is not None and "object" not in raw else objects.object(raw)
    return Case(name=raw["name"], object=value, setting=_setting(objects, raw, operation, old), expected=expected, path=path, line=line, raw=raw)


def _setting(objects: Objects, raw: Mapping[str, Any], operation: str, old: JSONObject | None) -> Setting:
    params = raw.get("params", ())
    if isinstance(raw.get("namespace"), dict):
        check_known({"kind": "Namespace", **raw["namespace"]})
    return Setting(
        operation=operation,
        subresource=raw.get("subresource", ""),
        old_object=old,
        user_info=raw.get("userInfo"),
        namespace=raw.get("namespace", ""),
        params=objects.several([params] if isinstance(params, dict) else params) if "params" in raw and params is not None else None,
        without_params="params" in raw and params is None,
        inventory=objects.several(raw.get("inventory", [])),
        kubernetes=raw.get("kubernetes", ""),
        containerd=raw.get("containerd", ""),
        raw=raw.get("raw", False),
        dry_run=raw.get("dryRun", False),
    )


def _expected(subject: Subject, raw: Mapping[str, Any]) -> Expected | ExpectedValue:
    given = [key for key in _DECIDES if key in raw]
    about = [key for key in ("variable", "expression") if key in raw]
    if not given:
        wanted = "`value`" if about else "`expect`"
        raise ValueError(f"the case tests nothing: it needs {wanted}")
    if about:
        return _expected_value(subject, raw, given, about)
    if "expect" not in given:
        raise _AtKey(given[0], "is what a `variable` or an `expression` gives: name one, or use `expect`")
    if len(given) > 1:
        raise _AtKey(given[1], "is what a `variable` or an `expression` gives, and the case has none")
    if "messageMatches" in raw:
        _check_re2("messageMatches", raw["messageMatches"])
    for one in raw.get("messages", ()):
        _check_re2("messages", one["matches"])
    return Expected(
        outcome=Outcome(raw["expect"]),
        message=raw.get("message"),
        message_matches=raw.get("messageMatches"),
        rules=_tuple(raw.get("rules")),
        field=raw.get("field"),
        fields=_tuple(raw.get("fields")),
        failures=raw.get("failures"),
        messages=tuple(MessageCount(one["matches"], one.get("count")) for one in raw.get("messages", ())),
        audit_annotations=raw.get("auditAnnotations"),
        warnings=_tuple(raw.get("warnings")),
    )


def _check_re2(key: str, expression: str) -> None:
    if fault := re2_fault(expression):
        raise _AtKey(key, f"is no RE2 expression: {fault}")


def re2_fault(expression: str) -> str:
    """Why a text is no RE2 expression; empty if it is one."""
    try:
        re2.compile(expression, options=_QUIET)
    except re2.error as error:
        return str(error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0])
    return ""


def _expected_value(subject: Subject, raw: Mapping[str, Any], given: Sequence[str], about: Sequence[str]) -> ExpectedValue:
    if len(about) > 1:
        raise _AtKey("expression", "the case has a variable; give one of them")
    for key in (*given, *_OF_DECISIONS):
        if key in raw and key not in ("value", "error"):
            raise _AtKey(key, f"is about a decision, and this case is about the value of {about[0]} {raw[about[0]]!r}")
    if len(given) > 1:
        raise _AtKey("error", "an expression gives a value or an error; expect one of them")
    name = raw.get("variable", "")
    if name:
        policies, _ = subject.with_variables(raw.get("kubernetes") or subject.kubernetes, raw.get("containerd") or subject.containerd)
        known = list(dict.fromkeys(_variables(policies)))
        if name not in known:
            there = suggestion(name, known) or f"; there are {', '.join(known) or 'none'}"
            raise _AtKey("variable", f"there is no variable {name!r}{there}")
    return ExpectedValue(expression=f"variables.{name}" if name else raw["expression"], variable=name, value=raw.get("value"), error=raw.get("error"))


def _variables(policies: Sequence[Policy]) -> Iterator[str]:
    for policy in policies:
        yield from (variable.name for variable in policy.variables)


def _tuple(value: Any) -> tuple[str, ...] | None:
    return None if value is None else tuple(value)


def _line(text: str, path: str, steps: tuple[str | int, ...]) -> int:
    return locate(Origin(path=path, text=text), steps).line
