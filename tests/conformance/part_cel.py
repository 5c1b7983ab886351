"""Part 5, first half: random expressions over random objects, evaluated by the API server's CEL environment and by the runtime `tree`."""

from __future__ import annotations

import base64
import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from compare import first_difference, shown
from draw import drawn
from expressions import Node, expressions, smaller
from odd_objects import pods, workloads
from session import Session

from hostprocess.cel.runtime import Account, CelError, CompileError
from hostprocess.cel.tree import TreeRuntime
from hostprocess.cel.values import Duration, Opaque, Optional, Timestamp, TypeValue, Uint
from hostprocess.model import Unknown

PART = "expressions"
CASES = 12000
OBJECTS = 60
BUDGET = 10_000_000
_INPUTS = frozenset({"object", "oldObject", "request", "namespaceObject", "authorizer", "params"})
REQUEST = {
    "uid": "0",
    "kind": {"group": "", "version": "v1", "kind": "Pod"},
    "resource": {"group": "", "version": "v1", "resource": "pods"},
    "requestKind": {"group": "", "version": "v1", "kind": "Pod"},
    "requestResource": {"group": "", "version": "v1", "resource": "pods"},
    "name": "web",
    "namespace": "shop",
    "operation": "CREATE",
    "userInfo": {"username": "alice", "groups": ["dev"]},
    "dryRun": False,
    "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
}
NAMESPACE = {"metadata": {"name": "shop", "labels": {"env": "prod", "kubernetes.io/metadata.name": "shop"}}, "spec": {}, "status": {"phase": "Active"}}
_FORMAT = "kubernetes.NamedFormat"
Case = tuple[Node, dict[str, Any]]


def run(session: Session) -> None:
    """Compares value, error text and cost of each expression."""
    minor = int(session.minor.split(".")[1])
    half = session.cases(OBJECTS) // 2 + 1
    given = [*drawn(pods, half, session.seed), *drawn(workloads(), half, session.seed)]
    seen = [one["object"] for one in session.ask("admit", [{"object": value, "operation": "CREATE"} for value in given]) if one["object"]]
    nodes = list({str(node): node for node in drawn(expressions(minor), session.cases(CASES), session.seed)}.values())
    nodes += drawn(expressions(99, depth=2), session.cases(CASES // 40), session.seed)  # functions of releases to come
    costs: list[tuple[int, int]] = []
    runtime = TreeRuntime()
    for start in range(0, len(nodes), 2000):
        cases = [(node, seen[(start + index) % len(seen)]) for index, node in enumerate(nodes[start : start + 2000])]
        for case, theirs in zip(cases, _asked(session, cases), strict=True):
            if "failure" in theirs:
                session.tally.set_apart(PART, "the API server's code panics", session.minor)
                continue
            ours = evaluated(runtime, session.minor, case)
            feature = "value and error"
            if ours.get("limitation"):
                session.tally.set_apart(PART, feature, session.minor)
                continue
            found = differences(theirs, ours, case)
            if found and _one_of(_asked(session, [case] * 60), ours, case):
                found = []
                theirs = {**theirs, "cost": ours["cost"]}
            unknown = session.tally.differ(PART, feature, session.minor, found)
            if session.may_reduce(unknown):
                _reduce(session, runtime, case, found[0][0], feature)
            if not theirs["compileError"] and not ours["compileError"]:
                pair = (min(theirs["cost"], BUDGET + 1), min(ours["cost"], BUDGET + 1))  # what is beyond the budget is equally so
                if pair[0] != pair[1] and any(one["cost"] == ours["cost"] for one in _asked(session, [case] * 12)):
                    pair = (pair[1], pair[1])  # where `exists` stops in a map, too, hangs on the order of the map
                costs.append(pair)
                equal = pair[0] == pair[1] or any(one["cost"] == ours["cost"] for one in _asked(session, [case] * 60))
                equal = equal or any(evaluated(runtime, session.minor, one)["cost"] == theirs["cost"] for one in _reordered(case))
                session.tally.differ(PART, "cost", session.minor, [] if equal else [("cost", *pair, _how(case))])
    session.tally.figures.setdefault("cost", {})[session.minor] = cost_figures(costs)


def _reordered(case: Case) -> Iterator[Case]:
    """The case with the maps of its object in other orders, as Go may walk them."""
    chance = random.Random(1)

    def other(value: Any) -> Any:
        if isinstance(value, list):
            return [other(one) for one in value]
        return {key: other(value[key]) for key in chance.sample(list(value), len(value))} if isinstance(value, dict) else value

    for _ in range(200):
        yield case[0], other(case[1])


def cost_figures(costs: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """How far our account is off: shares and the worst ratios."""
    off = [(ours - theirs) / max(theirs, 1) for theirs, ours in costs if theirs != ours]
    return {
        "evaluations": len(costs),
        "equal": len(costs) - len(off),
        "worst under": round(min(off, default=0.0), 4),
        "worst over": round(max(off, default=0.0), 4),
    }


def _how(case: Case) -> dict[str, Any]:
    text = str(case[0])
    return {"expression": text, **({"object": case[1]} if re.search(r"\bobject\b", text) else {})}


def asked_of(case: Case) -> dict[str, Any]:
    """The question to the oracle."""
    return {
        "expression": str(case[0]),
        "kind": "variable",
        "object": case[1],
        "request": REQUEST,
        "namespaceObject": NAMESPACE,
        "hasParams": True,
        "typed": True,
    }


def _asked(session: Session, cases: Sequence[Case]) -> list[dict[str, Any]]:
    return session.ask("cel", [asked_of(case) for case in cases])


def evaluated(runtime: TreeRuntime, minor: str, case: Case) -> dict[str, Any]:
    """Our answer."""
    node, value = case
    request = {key: one for key, one in REQUEST.items() if key != "uid"}
    inputs = {"object": value, "oldObject": None, "request": request, "namespaceObject": NAMESPACE, "params": None}
    result: dict[str, Any] = {"compileError": "", "value": None, "error": "", "cost": 0, "type": ""}
    try:
        program = runtime.compile(str(node), {}, _INPUTS, kubernetes=minor)
    except CompileError as error:
        return {**result, "compileError": getattr(error, "text", "") or error.message, "limitation": error.limitation}
    result["type"] = program.result_type
    account = Account(BUDGET)
    found = program.evaluate(runtime.activation(inputs), account)
    result["cost"] = BUDGET - account.remaining
    if isinstance(found, CelError):
        if found.exhausted or found.missing:
            return {**result, "limitation": found.message}
        result["error"] = found.message
    else:
        result["value"] = jsonable(found)
    return result


def differences(theirs: Mapping[str, Any], ours: Mapping[str, Any], case: Case) -> list[tuple[str, Any, Any, Any]]:
    """What an expression gave on both sides, as far as it differs."""
    for field in ("compileError", "type", "error"):
        if field == "type" and (theirs["compileError"] or ours["compileError"]):
            continue
        if theirs[field] != ours[field]:
            return [(field, theirs[field], ours[field], _how(case))]
    if theirs["error"]:
        return []
    found = first_difference(_without_addresses(theirs["value"]), ours["value"])
    return [(f"value{found[0]}", found[1], found[2], _how(case))] if found else []


def _one_of(answers: Sequence[Mapping[str, Any]], ours: Mapping[str, Any], case: Case) -> bool:
    """Whether ours is among the answers: Go walks its maps in no fixed order. Lists that come in ever another order are compared without order."""
    if any(not differences(one, ours, case) for one in answers):
        return True
    listed = [one for one in answers if not one["compileError"] and not one["error"]]
    if len({shown(one["value"], 0) for one in listed}) < 2 or ours["compileError"] or ours["error"]:
        return False
    return any(first_difference(_sorted(_without_addresses(one["value"])), _sorted(ours["value"])) is None for one in listed)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(one) for key, one in value.items()}
    return sorted(map(_sorted, value), key=lambda one: shown(one, 0)) if isinstance(value, list) else value


def _reduce(session: Session, runtime: TreeRuntime, case: Case, field: str, feature: str) -> None:
    """Replaces the difference that was just found by that of a smaller expression."""
    node, value = case
    for _ in range(40):
        candidates = [(one, value) for one in list(smaller(node))[:60]]
        for candidate, theirs in zip(candidates, _asked(session, candidates), strict=True):
            ours = evaluated(runtime, session.minor, candidate)
            found = [] if ours.get("limitation") or "failure" in theirs else differences(theirs, ours, candidate)
            if found and found[0][0].split(".")[0] == field.split(".")[0]:
                node = candidate[0]
                break
        else:
            break
    theirs, ours = _asked(session, [(node, value)])[0], evaluated(runtime, session.minor, (node, value))
    session.tally.replace_last(differences(theirs, ours, (node, value)) or [])


def jsonable(value: Any) -> Any:
    """A value of ours as the oracle writes its own."""
    if isinstance(value, (bool, str)) or value is None:
        return value
    if isinstance(value, Uint):
        return {"$type": "uint", "value": int(value)}
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$type": "double", "value": {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN")}
    if isinstance(value, bytes):
        return {"$type": "bytes", "value": base64.b64encode(value).decode()}
    if isinstance(value, Duration):
        return {"$type": "duration", "value": _go_duration(value.nanoseconds)}
    if isinstance(value, Timestamp):
        return {"$type": "timestamp", "value": _rfc3339(value.nanoseconds)}
    if isinstance(value, TypeValue):
        return {"$type": "type", "value": value.name}
    if isinstance(value, Optional):
        return {"$type": "optional", "value": [jsonable(value.value)] if value.present() else []}
    if isinstance(value, Opaque) and value.type_name == _FORMAT:
        return {"$type": _FORMAT}
    if isinstance(value, Opaque):
        return {"$type": value.type_name, "value": str(value)}
    if isinstance(value, CelError):
        return {"$type": "error", "value": value.message}
    if isinstance(value, Unknown):
        return {"$type": "unknown", "value": value.what}
    if isinstance(value, Mapping):
        pairs = [[jsonable(key), jsonable(one)] for key, one in value.items()]
        if all(isinstance(key, str) for key, _ in pairs):
            return dict(pairs)
        return {"$type": "map", "value": sorted(pairs, key=lambda pair: str(pair[0]))}
    return [jsonable(one) for one in value]


def _without_addresses(value: Any) -> Any:
    """A value of the oracle's without the text of formats, which shows addresses in memory."""
    if isinstance(value, dict):
        if value.get("$type") == _FORMAT:
            return {"$type": _FORMAT}
        return {key: _without_addresses(one) for key, one in value.items()}
    return [_without_addresses(one) for one in value] if isinstance(value, list) else value


def _go_duration(nanoseconds: int) -> str:
    """As Go's Duration.String."""
    if nanoseconds == 0:
        return "0s"
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if rest < 1_000_000_000:
        unit, size = ("ns", 1) if rest < 1000 else ("µs", 1000) if rest < 1_000_000 else ("ms", 1_000_000)
        return f"{sign}{_fraction(rest, size)}{unit}"
    minutes, rest = divmod(rest, 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{_fraction(rest, 1_000_000_000)}s"
    if hours:
        text = f"{hours}h{minutes}m{text}"
    elif minutes:
        text = f"{minutes}m{text}"
    return sign + text


def _fraction(value: int, size: int) -> str:
    whole, rest = divmod(value, size)
    digits = str(rest).rjust(len(str(size)) - 1, "0").rstrip("0") if rest else ""
    return f"{whole}.{digits}" if digits else str(whole)


def _rfc3339(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    text = (datetime(1970, 1, 1) + timedelta(seconds=seconds)).isoformat()
    digits = f".{str(rest).rjust(9, '0').rstrip('0')}" if rest else ""
    return f"{text}{digits}Z"
