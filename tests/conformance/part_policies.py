"""Part 4: third-party-shaped policies (policies/*.yaml), each on its own requests and on some of the others'."""

# ruff: noqa: E501 - lists of values
from __future__ import annotations

import copy
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from compare import first_difference
from ours import Answer, Judge, compile_error
from scenarios import Scenario, cluster_objects, load_scenarios, review_of
from session import Session

from hostprocess.errors import PolicyError
from hostprocess.inventory import Inventory

PART = "policies"
_NOT_CONVERTED = "what the object is there is not known"
CROSSED = 6  # requests of other scenarios that each policy is tried on

# What an error of the API server's says, by kind; the run counts them, and minimum.yaml asks for each.
ERROR_KINDS = {
    "missing key": "no such key: ",
    "no overload": "no such overload",
    "index": "index out of bounds|index out of range|invalid_argument",
    "conversion": "type conversion error|range error|invalid|parsing",
    "arithmetic": "divide by zero|modulus by zero|integer overflow|return error for overflow|overflow",
    "cost limit": "actual cost limit exceeded",
    "budget": "running out of cost budget",
    "compile error": "compilation (error|failed)",
    "variable": "composited variable",
    "regular expression": "error parsing regexp|Illegal regex",
    "optional": "optional.none\\(\\) dereference",
    "configuration": "failed to configure",
    "unbound": "no such attribute",
}


def run(session: Session) -> None:
    """One cluster holds all policies; each review shows it one of them."""
    scenarios = load_scenarios()
    known = cluster_objects(scenarios)
    session.one("cluster", objects=known)
    inventory = Inventory.of(known, kubernetes=session.minor)
    sound = [repaired(session, inventory, scenario) for scenario in scenarios]
    session.one("cluster", objects=[*known, *(one for scenario in sound for one in (scenario.policy, *scenario.bindings))])
    foreign = list(dict.fromkeys(map(_key, (one for scenario in scenarios for one in scenario.requests))))
    pool = {_key(one): one for scenario in scenarios for one in scenario.requests}
    kinds: Counter[str] = Counter()
    for number, scenario in enumerate(sound):
        others = [pool[foreign[(number * 37 + step * 101) % len(foreign)]] for step in range(session.cases(CROSSED))]
        compare_scenario(session, PART, scenario.file.removesuffix(".yaml"), scenario, inventory, [*scenario.requests, *others], kinds)
    session.tally.figures.setdefault("error kinds", {})[session.minor] = dict(sorted(kinds.items()))


def repaired(session: Session, inventory: Inventory, scenario: Scenario, part: str = PART) -> Scenario:
    """Compares which expressions compile, and the texts of errors; gives back the policy without those that do not, which our side refuses to load."""
    policy = copy.deepcopy(scenario.policy)
    spec = policy["spec"]
    broken: set[str] = set()
    kept: dict[str, str] = {}
    for one in list(spec.get("variables", ())):
        if _compiles(session, scenario, part, one["expression"], "variable", kept, broken):
            kept[one["name"]] = one["expression"]
        else:
            broken.add(one["name"])
            spec["variables"].remove(one)
    for key, field, kind in (("matchConditions", "expression", "matchCondition"), ("validations", "expression", "validation"), ("auditAnnotations", "valueExpression", "audit")):  # fmt: skip
        spec[key] = [one for one in spec.get(key, ()) if _compiles(session, scenario, part, one[field], kind, {} if kind == "matchCondition" else kept, broken)]
    for one in spec["validations"]:
        if one.get("messageExpression") and not _compiles(session, scenario, part, one["messageExpression"], "message", kept, broken):
            del one["messageExpression"]
    changed = any(len(spec[key]) != len(scenario.policy["spec"].get(key, ())) for key in ("matchConditions", "validations", "auditAnnotations"))
    if not spec["validations"] and not spec["auditAnnotations"]:
        spec["validations"] = [{"expression": "true"}]
    if changed or broken:
        try:
            Judge.of([scenario.policy, *scenario.bindings], inventory, session.minor).check()
            found = [("refused", "an expression does not compile", "loaded", {"policy": scenario.policy})]
        except PolicyError:
            found = []
        session.tally.differ(part, "policies that do not compile", session.minor, found)
    return replace(scenario, policy={**policy, "spec": {key: one for key, one in spec.items() if one}})


def _compiles(session: Session, scenario: Scenario, part: str, text: str, kind: str, variables: Mapping[str, str], broken: set[str]) -> bool:
    if any(re.search(rf"\bvariables\.{name}\b", text) for name in broken):
        return False
    has_params = "paramKind" in scenario.policy["spec"]
    listed = [{"name": name, "expression": one} for name, one in variables.items()]
    asked = {"expression": text, "kind": kind, "variables": listed, "object": _POD, "hasParams": has_params, "budget": 1}
    answer = session.one("cel", **asked)
    if "failure" in answer:
        session.tally.set_apart(part, "the API server's code panics", session.minor)
        return False
    theirs = answer["compileError"]
    ours = compile_error(text, kind, variables, has_params, session.minor)
    found = [("compileError", theirs, ours, {"expression": text, "kind": kind, "variables": dict(variables)})] if theirs != ours else []
    session.tally.differ(part, "compile errors", session.minor, found)
    return not theirs


_POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}}


def _key(request: Mapping[str, Any]) -> str:
    return repr(sorted(request.items(), key=lambda item: item[0]))


def asked_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """The question to the oracle: the request, and whether it goes past the strategy."""
    return {"request": {key: one for key, one in request.items() if key != "raw"}, "raw": request.get("raw", False)}


def compare_scenario(
    session: Session, part: str, feature: str, scenario: Scenario, inventory: Inventory, requests: Sequence[dict[str, Any]], kinds: Counter[str]
) -> None:
    """Compares the verdicts of one policy on requests."""
    objects = [scenario.policy, *scenario.bindings]
    try:
        judge = Judge.of(objects, inventory, session.minor)
    except PolicyError as error:
        session.tally.differ(part, feature, session.minor, [("policy", "stored", str(error), {"objects": objects})])
        return
    answers = session.ask("review", [{**asked_of(request), "policies": [scenario.name]} for request in requests])
    for request, theirs in zip(requests, answers, strict=True):
        if theirs["decodeError"] or theirs["errors"]:
            session.tally.set_apart(part, f"{feature}: refused before policies", session.minor)
            continue
        kinds.update(_kinds(theirs))
        session.tally.figures.setdefault(f"verdicts of {part}", {}).setdefault(session.minor, Counter()).update(_verdicts(theirs))
        review = review_of(request, theirs)
        ours = judge.answer(review)
        if _NOT_CONVERTED in ours.declined:
            session.tally.set_apart(part, f"{feature}: the object in another version, which hostprocess calls unknown", session.minor)
            continue
        if ours.declined:
            session.tally.differ(part, feature, session.minor, [("declined", _response(theirs), ours.declined, {"objects": objects, "review": review})])
            continue
        session.tally.differ(part, feature, session.minor, verdict_differences(theirs, ours, {"objects": objects, "review": review}))


def _kinds(theirs: Mapping[str, Any]) -> Iterable[str]:
    texts = [one["message"] for one in theirs["denials"]] + theirs["warnings"] + list(theirs["auditAnnotations"].values())
    return {kind for kind, pattern in ERROR_KINDS.items() for text in texts if re.search(pattern, text)}


def _verdicts(theirs: Mapping[str, Any]) -> Iterable[str]:
    """What the API server said, in a word or two each: a run in which most policies look away compares little."""
    found = {"denied": theirs["denials"], "warned": theirs["warnings"], "annotated": theirs["auditAnnotations"]}
    return [name for name, texts in found.items() if texts] or ["allowed in silence"]


def _response(theirs: Mapping[str, Any]) -> dict[str, Any]:
    return {key: theirs[key] for key in ("allowed", "denials", "warnings", "auditAnnotations")}


_INNER = re.compile(r"^(?:\S+ \"[^\"]*\" is forbidden: )?ValidatingAdmissionPolicy '[^']*'(?: with binding '[^']*')? denied request: ", re.DOTALL)


def verdict_differences(theirs: Mapping[str, Any], ours: Answer, how: Any) -> list[tuple[str, Any, Any, Any]]:
    """Field by field: allowed, every denial with message, reason and code, warnings, audit annotations."""
    denials = _distinct((one["policy"], one["binding"], one["message"], one["reason"], one["code"]) for one in theirs["denials"])
    mine = _distinct(ours.denials)
    pairs: list[tuple[str, Any, Any]] = [
        ("allowed", theirs["allowed"], ours.allowed),
        ("denials", [list(one) for one in denials], [list(one) for one in mine]),
        ("warnings", sorted(theirs["warnings"]), sorted(ours.warnings)),
        ("auditAnnotations", _unordered(theirs["auditAnnotations"]), _unordered(ours.annotations)),
    ]
    found = []
    for name, left, right in pairs:
        difference = first_difference(left, right)
        if difference:
            found.append((f"{name}{difference[0]}".removesuffix("."), difference[1], difference[2], how))
    return found[-1:] if len(found) == 1 else found[:2]


_FAILURES = "validation.policy.admission.k8s.io/validation_failure"


def _unordered(annotations: Mapping[str, str]) -> dict[str, Any]:
    """Audit annotations with the failures of several policies sorted: the API server asks policies in no fixed order."""
    annotations = {key: ", ".join(sorted(text.split(", "))) if key != _FAILURES else text for key, text in annotations.items()}  # of several parameters
    if _FAILURES not in annotations:
        return dict(annotations)
    failures = sorted(json.loads(annotations[_FAILURES]), key=lambda one: json.dumps(one, sort_keys=True))
    return {**annotations, _FAILURES: [json.dumps(one) for one in failures]}


def _distinct(denials: Iterable[tuple[str, str, str, str, int]]) -> list[tuple[str, str, str, str, int]]:
    """Sorted; what is wrong with a policy as a whole counts once and has no binding."""
    found: list[tuple[str, str, str, str, int]] = []
    for policy, binding, message, reason, code in denials:
        text = inner(message)
        of_policy = text.startswith("failed to configure policy: ")
        one = (policy, "" if of_policy else binding, text, reason, code)
        if not of_policy or one not in found:
            found.append(one)
    return sorted(found)


def inner(message: str) -> str:
    """A message without what the dispatcher puts before it, which names the policy and the binding again."""
    return _INNER.sub("", message)


def crossed(values: Iterable[Any], number: int) -> list[Any]:
    """The first `number` values."""
    return list(itertools.islice(values, number))
