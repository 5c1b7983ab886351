"""Exceptions in an export: an excepted rule is a policy of its own, with a matchCondition for each exception that takes out what it is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from hostprocess.cel.source import rename
from hostprocess.errors import PolicyError
from hostprocess.excepting import NOTICE, day_told, known_rules, today
from hostprocess.exceptions.load import load_waivers
from hostprocess.exceptions.model import CONTAINER_LISTS, Match, Waiver, glob_matches, glob_regex, is_glob
from hostprocess.export.exemptions import literal
from hostprocess.kubernetes.kinds import POD_TEMPLATES, group_version, plural
from hostprocess.model import MatchCondition, MatchConstraints, Policy
from hostprocess.policy import match_constraints
from hostprocess.rules import Pack

__all__ = ["ExpiredExceptionError", "Waivers"]

_MAX_CONDITIONS = 64
"""Of a policy (k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions and its validation)."""
_CONDITION = "not-excepted"
_SUBJECT = "subject"


class ExpiredExceptionError(PolicyError):
    """An exception whose last day is over is not exported."""


class Waivers:
    """The exceptions of an export. Raises `PolicyError` for those that have expired, or that no matchCondition can say, with their lines."""

    def __init__(self, path: str, pack: Pack, day: date | None = None) -> None:
        self._today = today(day)
        self._day_told = day_told(day) if path else ""
        self._pack = pack
        self._waivers = load_waivers(path, known_rules((), [pack])) if path else ()
        kinds = _kinds(match_constraints(pack.match_constraints))
        for waiver in self._waivers:
            if waiver.expired(self._today):
                message = f"the exception from {', '.join(waiver.rules)} expired on {waiver.expires}: renew it, or remove it, and export again"
                message += f" ({self._day_told})" if self._day_told else ""
                raise ExpiredExceptionError(message, path=waiver.path, line=waiver.line)
            for kind in waiver.match.kind:
                if kinds and not any(glob_matches(kind, known) for known in kinds):
                    message = (
                        f"match.kind {kind!r} cannot be exported: the policies are about {', '.join(kinds)}, and no selector or matchCondition widens that"
                    )
                    raise PolicyError(f"exceptions[{waiver.index}].{message}", path=waiver.path, line=waiver.line)

    def about(self, rule: str) -> list[Waiver]:
        """The exceptions from a rule."""
        return [waiver for waiver in self._waivers if waiver.names([rule])]

    def conditions(self, policy: Policy, rule: str) -> Iterator[MatchCondition]:
        """One for each exception from a rule, true for what it is not about. Raises `PolicyError` if there are more than a policy may have."""
        waivers = self.about(rule)
        room = _MAX_CONDITIONS - len(policy.match_conditions)
        if len(waivers) > room:
            last = waivers[room]
            message = f"the rule {rule} has {len(waivers)} exceptions, and its policy has room for {room} matchConditions: put several into one, with lists"
            raise PolicyError(message, path=last.path, line=last.line)
        template = next(variable.expression for variable in self._pack.variables if variable.name == "podTemplate")
        for number, waiver in enumerate(waivers, 1):
            yield MatchCondition(name=f"{_CONDITION}-{number}", expression=f"!({_expression(waiver.match, template)})")

    def annotations(self, prefix: str, rule: str) -> dict[str, str]:
        """What the policy of a rule says about its exceptions."""
        waivers = self.about(rule)
        if not waivers:
            return {}
        lines = [f"{_CONDITION}-{number}: {_told(waiver)}" for number, waiver in enumerate(waivers, 1)]
        ends = [waiver.expires for waiver in waivers if waiver.expires]
        return {f"{prefix}/exceptions": "\n".join(lines), **({f"{prefix}/expires": min(ends).isoformat()} if ends else {})}

    def notes(self, rules: Sequence[str]) -> Iterator[str]:
        """What whoever exports should know; `rules` are those that are exported."""
        if self._day_told:
            yield self._day_told
        for waiver in self._waivers:
            what = f"{waiver.path}:{waiver.line}: the exception from {', '.join(waiver.rules)}"
            if not waiver.names(rules):
                yield f"{what} is not needed: none of its rules is exported"
            elif waiver.expires and (waiver.expires - self._today).days <= NOTICE:
                yield f"{what} ends on {waiver.expires}: then `export --check` fails until it is renewed or removed"


def _kinds(constraints: MatchConstraints) -> list[str]:
    """The kinds that policies are about; empty where that is not known for all of them."""
    known = {(group_version(api_version)[0], plural(kind)): kind for api_version, kind in POD_TEMPLATES}
    found: dict[str, None] = {}
    for rule in constraints.resource_rules:
        for group in rule.api_groups:
            for resource in rule.resources:
                kind = known.get((group, resource.partition("/")[0]))
                if kind is None:
                    return []
                found[kind] = None
    return list(found)


def _told(waiver: Waiver) -> str:
    about = [waiver.owner, *filter(None, [waiver.ticket]), *([f"until {waiver.expires}"] if waiver.expires else [])]
    return f"{' '.join(waiver.reason.split())} ({', '.join(about)})"


def _expression(match: Match, template: str) -> str:
    """A CEL expression that is true for what a match is about: the same as `Match.holds` says offline."""
    parts, template = [], rename(template, "object", _SUBJECT)
    if match.kind:
        parts.append(_choice("request.kind.kind", match.kind))
    if match.namespace:
        parts.append(f"has(request.namespace) && {_choice('request.namespace', match.namespace)}")
    if match.name:
        parts.append(f"has(object.metadata) && has(object.metadata.name) && {_choice('object.metadata.name', match.name)}")
    if match.labels:
        parts.append(_of_object(f"{_labelled(_SUBJECT, match)} || [{template}].exists(template, {_labelled('template', match)})"))
    if match.image:
        fits = f"has(container.image) && {_choice('container.image', match.image)}"
        lists = [f"(!has(template.spec.{name}) || template.spec.{name}.all(container, {fits}))" for name in CONTAINER_LISTS]
        some = " || ".join(f"has(template.spec.{name}) && size(template.spec.{name}) > 0" for name in CONTAINER_LISTS)
        parts.append(_of_object(f"[{template}].exists(template, has(template.spec) && ({some}) && {' && '.join(lists)})"))
    return " && ".join(parts)


def _of_object(condition: str) -> str:
    """A condition about the object without its type: a type check would say of a kind that is asked for what fields of others it lacks."""
    return f"[dyn(object)].exists({_SUBJECT}, {condition})"


def _labelled(owner: str, match: Match) -> str:
    """That the labels of an object or a pod template fit."""
    labels = f"{owner}.metadata.labels"
    each = [f"{literal(key)} in {labels} && {_choice(f'{labels}[{literal(key)}]', patterns)}" for key, patterns in match.labels]
    return f"has({owner}.metadata) && has({labels}) && {' && '.join(each)}"


def _choice(text: str, patterns: Iterable[str]) -> str:
    """That a text fits one of these globs."""
    listed = list(patterns)
    exact = [pattern for pattern in listed if not is_glob(pattern)]
    tests = [f"{text} in [{', '.join(map(literal, exact))}]"] if len(exact) > 1 else [f"{text} == {literal(one)}" for one in exact]
    tests += [_glob(text, pattern) for pattern in listed if is_glob(pattern)]
    return tests[0] if len(tests) == 1 else f"({' || '.join(tests)})"


def _glob(text: str, pattern: str) -> str:
    """The cheapest way to say a glob."""
    inner = pattern.strip("*")
    if not inner:
        return "true"
    if not is_glob(inner):
        begins, ends = not pattern.startswith("*"), not pattern.endswith("*")
        function = "startsWith" if begins else "endsWith" if ends else "contains"
        return f"{text}.{function}({literal(inner)})"
    return f"{text}.matches({literal(f'(?s)^{glob_regex(pattern)}$')})"
