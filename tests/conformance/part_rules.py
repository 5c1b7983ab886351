"""Part 1: rules with `evidence: apiserver` deny exactly when the real validation reports the same message at the same field."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from compare import reduced
from draw import drawn
from session import Session
from windows_pods import objects

import hostprocess
from hostprocess.api import PolicySet
from hostprocess.kubernetes.kinds import template_path
from hostprocess.model import InputProblem, Outcome, Resource, Rule
from hostprocess.suite.native import resource_of

PART = "rules"
CASES = 6000
Found = tuple[str, str, str]  # rule, text of the error (with its type, where the rule's message names one), field

_WINDOWS_ONLY = ("host-users", "host-port-mismatch", "os-name")
_LISTS = ("initContainers", "containers", "ephemeralContainers")
_HEAD = re.compile(r"(container )?([\w.]+): (Forbidden|Required value|Unsupported value)(?:: (.*))?", re.DOTALL)
_FIELD_OF_MIXED = "If pod contains any hostProcess containers then all containers must be HostProcess containers"


def run(session: Session) -> None:
    """Compares generated objects; counts for each message how often both report it and how often both do not."""
    rules = [rule for rule in hostprocess.load_rules().rules if rule.evidence == "apiserver"]
    policies = hostprocess.load_policies(select=[rule.id for rule in rules], kubernetes=session.minor)
    values = drawn(objects(), session.cases(CASES), session.seed)
    hits: Counter[str] = Counter()
    for value, theirs, ours in _both(session, rules, policies, values):
        for one in theirs & ours:
            hits[f"{one[0]}: {one[1]} at {_place(one[2])}"] += 1
        reported = _features(theirs | ours) or {"nothing to report"}
        for feature in sorted(reported):
            disagreeing = [one for one in theirs ^ ours if one[0] == feature]
            found = [("errors", sorted(theirs), sorted(ours), {"object": value})] if disagreeing else []
            unknown = session.tally.differ(PART, feature, session.minor, found)
            if session.may_reduce(unknown):
                _reduce(session, rules, policies, value, feature)
    for rule in rules:
        if rule.kubernetes.holds(session.minor):
            in_agreement = sum(count for name, count in hits.items() if name.startswith(f"{rule.id}: "))
            session.tally.figures.setdefault("hits of rules", {}).setdefault(rule.id, {})[session.minor] = in_agreement
    session.tally.figures.setdefault("hits of messages", {})[session.minor] = dict(sorted(hits.items()))


def _place(field: str) -> str:
    """A field without what tells one container, or one kind, from another."""
    field = field.replace("spec.jobTemplate.", "").replace("spec.template.", "").removeprefix("template.")
    return re.sub(r"\[\d+\]", "[]", field.replace("initContainers", "containers").replace("ephemeralContainers", "containers"))


def _features(found: Iterable[Found]) -> set[str]:
    return {rule for rule, _, _ in found}


def _reduce(session: Session, rules: Sequence[Rule], policies: PolicySet, value: dict[str, Any], feature: str) -> None:
    def differs(smaller: dict[str, Any]) -> bool:
        if not smaller.get("kind") or not smaller.get("apiVersion") or not smaller.get("metadata"):
            return False  # nothing would tell what it is
        try:
            both = list(_both(session, rules, policies, [smaller]))
        except (KeyError, TypeError, AttributeError, RuntimeError):
            return False  # what holds the pod is gone
        return any(one[0] == feature for _, theirs, ours in both for one in theirs ^ ours)

    small = reduced(value, differs)
    for _, theirs, ours in _both(session, rules, policies, [small]):
        session.tally.replace_last([("errors", sorted(theirs), sorted(ours), {"object": small})])


def _both(
    session: Session, rules: Sequence[Rule], policies: PolicySet, values: Sequence[dict[str, Any]]
) -> Iterable[tuple[dict[str, Any], set[Found], set[Found]]]:
    """Each object that both sides can read, with what the API server and what the rules say about it."""
    answers = session.ask("admit", [{"object": value, "operation": "CREATE"} for value in values])
    patterns = _patterns(rules, session.minor)
    for value, answer, findings in zip(values, answers, _findings(policies, values), strict=True):
        if answer.get("decodeError") or findings is None:
            # Whether the same objects are refused is compared in part 2.
            session.tally.set_apart(PART, "refused on reading", session.minor)
            continue
        yield value, _reported(patterns, value, answer["errors"]), findings


def _findings(policies: PolicySet, values: Sequence[dict[str, Any]]) -> list[set[Found] | None]:
    resources: list[Resource | InputProblem] = []
    for index, value in enumerate(values):
        try:
            resources.append(resource_of(value, str(index)))
        except hostprocess.HostprocessError as error:
            resources.append(InputProblem(path=str(index), message=str(error)))
    report = hostprocess.evaluate_resources(policies, resources)
    found: list[set[Found] | None] = [set() for _ in values]
    for problem in report.problems:
        if not problem.note:
            found[int(problem.path)] = None
    for result in report.results:
        decision, at = result.decision, int(result.path)
        if decision.outcome is not Outcome.DENY:
            raise RuntimeError(f"a rule gave {decision.outcome}: {decision.message}: {values[at]}")
        mine = found[at]
        if mine is not None:
            mine |= {(decision.rule, message, field) for message, field in _located(decision.message, decision.fields, _root(values[at]))}
    return found


def _root(value: dict[str, Any]) -> str:
    return ".".join([*(template_path(value["apiVersion"], value["kind"]) or ()), "spec"])


def _located(message: str, fields: Sequence[str], root: str) -> Iterable[tuple[str, str]]:
    """The type and text, and the field, of the errors that a finding stands for; a message that begins with a field names the API server's own."""
    head = _HEAD.fullmatch(message)
    if head is None:
        for field in [root] if message == _FIELD_OF_MIXED else fields:
            yield message, field
        return
    container, name, kind, detail = head.groups()
    for field in fields if container else [f"{root}.{name}"]:
        yield ": ".join(filter(None, [kind, detail])), field


def _patterns(rules: Sequence[Rule], minor: str) -> list[tuple[str, re.Pattern[str], re.Pattern[str]]]:
    """For each message of the rules: the rule, and what the text and the field of an error look like that the message is about."""
    patterns = []
    for rule in rules:
        for one in rule.validations:
            if not (rule.kubernetes.holds(minor) and one.kubernetes.holds(minor)):
                continue
            head = _HEAD.fullmatch(one.message)
            text = one.message if head is None else ": ".join(filter(None, head.group(3, 4)))
            expected = re.escape(text)
            if one.message_expression:  # the value stands in between
                expected = re.escape("Unsupported value: ") + '".*": ' + re.escape('supported values: "linux", "windows"')
            expected = f"(?P<text>{expected})"
            if head is None:  # the type, and the value that is at fault, stand before
                expected = "(?:Forbidden|Invalid value: .*): " + expected
            if head and not head.group(1):
                field = rf"{re.escape(head.group(2))}$"
            else:
                # A path may be a way out of the element (`../`), so its last step says enough.
                field = "" if one.message == _FIELD_OF_MIXED else rf"{re.escape(one.paths[-1].rpartition('.')[2])}$"
            if (head and head.group(1)) or one.each:
                field = r"(ontainers\[\d+\].*)" + field if field else field
            patterns.append((rule.id, re.compile(expected, re.DOTALL), re.compile(field)))
    return patterns


def _reported(patterns: Sequence[tuple[str, re.Pattern[str], re.Pattern[str]]], value: dict[str, Any], errors: Sequence[dict[str, Any]]) -> set[Found]:
    """The errors that the rules speak of, but for pods that are none of a rule's business."""
    found = set()
    windows = targets_windows(_pod_spec(value))
    for error in errors:
        body = error["message"].removeprefix(f"{error['field']}: ")
        for rule, expected, field in patterns:
            match = expected.fullmatch(body)
            if match and field.search(error["field"]) and (windows or rule not in _WINDOWS_ONLY):
                found.add((rule, match.group("text"), error["field"]))
    return found


def _pod_spec(value: dict[str, Any]) -> dict[str, Any]:
    for step in template_path(value["apiVersion"], value["kind"]) or ():
        value = value[step]
    return value["spec"] or {}


def targets_windows(spec: dict[str, Any]) -> bool:
    """Whether a pod is meant for Windows, as pack.yaml has it: three rules leave other pods alone, though the API server does not."""

    def options(security: Any) -> bool:
        return (security or {}).get("windowsOptions") is not None

    if options(spec.get("securityContext")) or any(options(one.get("securityContext")) for name in _LISTS for one in spec.get(name) or ()):
        return True
    if ((spec.get("os") or {}).get("name") or "").lower() == "windows":
        return True
    selector = spec.get("nodeSelector") or {}
    if selector.get("kubernetes.io/os", selector.get("beta.kubernetes.io/os")) == "windows":
        return True
    node = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    terms = node.get("nodeSelectorTerms") or []
    return bool(terms) and all(_selects_windows(term) for term in terms)


def _selects_windows(term: dict[str, Any]) -> bool:
    return any(
        one["key"] in ("kubernetes.io/os", "beta.kubernetes.io/os") and one["operator"] == "In" and one.get("values") and set(one["values"]) == {"windows"}
        for one in term.get("matchExpressions") or ()
    )
