"""Who decided a request on the cluster, and how its answer differs from what the engine says."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kube_client import Json, Response
from kube_cluster import Cluster
from predicted import Failure, Prediction

from hostprocess.responses import FAILURES_KEY

__all__ = ["Answer", "Decider", "answer_of", "differences", "rules_found"]

_DENIED = re.compile(r"ValidatingAdmissionPolicy '[^']*'(?: with binding '[^']*')? denied request: ")
_WARNED = "Validation failed for ValidatingAdmissionPolicy"
_RULE = re.compile(r"\[([a-z0-9-]+)\] ")


class Decider(StrEnum):
    """Which part of the API server had the last word; the policies had it where nothing before them refused."""

    POLICIES = "policies"
    VALIDATION = "built-in validation"
    DECODING = "decoding"
    PLUGIN = "another plug-in"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer of the API server with the audit annotation of failures."""

    response: Response
    decider: Decider
    warnings: frozenset[str]
    failures: tuple[Failure, ...]
    other_warnings: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """`admitted` or `denied` where the policies were asked, else who refused before them."""
        if self.decider is not Decider.POLICIES:
            return str(self.decider)
        return "admitted" if self.response.ok else "denied"


def answer_of(cluster: Cluster, response: Response) -> Answer:
    """The answer with its audit event."""
    annotations: Json = cluster.audit_event(response.audit_id).get("annotations", {})
    warnings = frozenset(text for text in response.warnings if text.startswith(_WARNED))
    return Answer(
        response=response,
        decider=_decider(response),
        warnings=warnings,
        failures=tuple(map(_failure, json.loads(annotations.get(FAILURES_KEY, "[]")))),
        other_warnings=tuple(text for text in response.warnings if text not in warnings),
    )


def _failure(raw: Json) -> Failure:
    return raw["policy"], raw["binding"], raw["expressionIndex"], raw["message"], tuple(raw["validationActions"])


def _decider(response: Response) -> Decider:
    if response.ok or _DENIED.search(response.message):
        return Decider.POLICIES
    match response.code, response.reason:
        case 422, "Invalid":
            return Decider.VALIDATION
        case 400, "BadRequest":
            return Decider.DECODING
        case 403, "Forbidden":
            return Decider.PLUGIN
    return Decider.OTHER


def rules_found(answer: Answer) -> frozenset[str]:
    """The rules whose findings the answer tells: in the denial, in warnings and in the audit annotation."""
    texts = [_DENIED.split(answer.response.message)[-1]] if not answer.response.ok else []
    texts += [text.partition("': ")[2] for text in answer.warnings] + [one[3] for one in answer.failures]
    return frozenset(match[1] for text in texts if (match := _RULE.search(text)))


@dataclass(frozen=True)
class Difference:
    """Something that the API server says and the engine does not, or the other way round."""

    what: str
    theirs: Any
    ours: Any
    where: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.where}: {self.what}\n    API server: {self.theirs}\n    engine:     {self.ours}"


def differences(answer: Answer, predicted: Prediction, minor: str, where: str = "") -> Iterator[Difference]:
    """How an answer differs from what was predicted; nothing if it was built-in validation or another plug-in that refused: policies are not asked then."""
    response = answer.response
    told = (response.code, response.reason, response.message)
    if answer.decider is Decider.OTHER:
        yield Difference("answer", told, "an answer of policies, of validation, of decoding or of a plug-in", where)
        return
    if answer.decider is not Decider.POLICIES:
        if answer.decider is Decider.DECODING and not predicted.refused:
            yield Difference("decoding", told, "nothing to refuse in reading", where)
        return
    if predicted.refused:
        yield Difference("refusal", told, predicted.refused, where)
        return
    if predicted.unknown:
        yield Difference("unknown", told, predicted.unknown, where)
        return
    yield from _verdict(answer, predicted, where)
    if answer.warnings != predicted.warnings:
        yield Difference("warnings", sorted(answer.warnings - predicted.warnings), sorted(predicted.warnings - answer.warnings), where)
    yield from _audited(answer, predicted, minor, where)


def _verdict(answer: Answer, predicted: Prediction, where: str) -> Iterator[Difference]:
    response = answer.response
    told = (response.code, response.reason, response.message)
    if response.ok:
        if predicted.denials:
            yield Difference("verdict", f"{response.code} admitted", sorted(predicted.denials), where)
        return
    if told not in predicted.denials:
        yield Difference("denial", told, sorted(predicted.denials) or "admitted", where)
    cause = response.message.partition(" is forbidden: ")[2]
    if response.causes != [{"message": cause}]:
        yield Difference("causes of the denial", response.causes, [{"message": cause}], where)


def _audited(answer: Answer, predicted: Prediction, minor: str, where: str) -> Iterator[Difference]:
    ours = predicted.failures
    if minor == "1.37":
        # The API server asks policies in no fixed order; validations of one come in theirs.
        theirs = sorted(answer.failures, key=_policy)
        if theirs != sorted(ours, key=_policy):
            yield Difference("audit annotation", theirs, sorted(ours, key=_policy), where)
        elif Counter(map(_failure, json.loads(predicted.annotation or "[]"))) != Counter(theirs):
            yield Difference("the engine's own audit annotation", theirs, predicted.annotation, where)
        return
    # Before 1.37 only the failure that comes first is annotated.
    firsts = {}
    for one in ours:
        firsts.setdefault(one[:2], one)
    if bool(answer.failures) != bool(ours) or any(one not in firsts.values() for one in answer.failures):
        yield Difference("audit annotation", answer.failures, list(firsts.values()), where)


def _policy(one: Failure) -> tuple[str, str]:
    return one[:2]
