"""The wrapper of `evaluate_policy` that excepts findings, and what is told about annotations that except nothing."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from hostprocess.errors import suggestion
from hostprocess.evaluate import Decisions
from hostprocess.exceptions.model import Subject, Waiver, subject_of
from hostprocess.kubernetes.location import locate
from hostprocess.marker import hookimpl
from hostprocess.model import Decision, ExceptedBy, InputProblem, Outcome, Policy, Request

__all__ = ["ANNOTATION", "AnnotationReview", "ExceptionsPlugin", "excepted", "names_of", "rules_of"]

ANNOTATION = "hostprocess.policy/except."
"""The annotation that excepts an object from a rule begins with this; the rule follows, and its value is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionsPlugin:
    """Excepts what `waivers` cover on the day `today`, and with `annotations` also what objects say about themselves."""

    waivers: tuple[Waiver, ...]
    today: date
    annotations: bool = False

    @hookimpl(wrapper=True)
    def evaluate_policy(self, policy: Policy, request: Request) -> Generator[None, Decisions, Decisions]:
        """Looks at findings only: what passes needs no exception."""
        decisions = yield
        if not decisions.findings:
            return decisions
        subject = subject_of(request)
        about = [waiver for waiver in self.waivers if waiver.match.holds(subject)]
        reasons = _reasons(request) if self.annotations else {}
        if not about and not reasons:
            return decisions
        return replace(decisions, findings=[self._covered(one, policy, about, reasons, subject) for one in decisions.findings])

    def _covered(self, finding: Decision, policy: Policy, about: list[Waiver], reasons: Mapping[str, str], subject: Subject) -> Decision:
        covers = [self._cover(names, about, reasons) for names in names_of(policy, finding)]
        # A policy as a whole is covered where each of its rules is; it is told by the first.
        missing = next((one for one in covers if one is None or one.expired), covers[0])
        if missing is None:
            return finding
        if missing.expired:
            said = f"its exception expired on {missing.expires} ({missing.path}:{missing.line})"
            client = f"{finding.client_message} ({said})" if finding.client_message else ""
            return replace(finding, message=f"{finding.message}; {said}", client_message=client, excepted_by=missing)
        return excepted(finding, missing)

    def _cover(self, names: Collection[str], about: Iterable[Waiver], reasons: Mapping[str, str]) -> ExceptedBy | None:
        """What excepts a rule, which goes by these names; one that has expired only if there is no other."""
        expired = None
        for waiver in about:
            if waiver.names(names):
                cover = ExceptedBy(
                    by="exception",
                    reason=waiver.reason,
                    owner=waiver.owner,
                    ticket=waiver.ticket,
                    expires=waiver.expires.isoformat() if waiver.expires else "",
                    path=waiver.path,
                    line=waiver.line,
                    expired=waiver.expired(self.today),
                )
                if not cover.expired:
                    return cover
                expired = expired or cover
        annotated = next((name for name in names if reasons.get(name)), None)
        return expired if annotated is None else ExceptedBy(by="annotation", reason=reasons[annotated], path=f"{ANNOTATION}{annotated}")


def excepted(finding: Decision, cover: ExceptedBy) -> Decision:
    """The decision that is left of a finding: nothing follows from it."""
    by = replace(cover, finding=finding)
    return replace(finding, outcome=Outcome.EXCEPTED, actions=(), reason="", code=0, warnings=(), client_message="", excepted_by=by)


def names_of(policy: Policy, finding: Decision) -> list[tuple[str, ...]]:
    """The names that a finding goes by in exceptions: one choice of names for each rule that it is about."""
    if not policy.of_pack:
        return [(policy.name, f"{policy.name}/{finding.rule}") if finding.rule else (policy.name,)]
    if finding.rule:
        return [(finding.rule,)]
    return [(rule,) for rule in dict.fromkeys(one.rule for one in policy.validations)]


def rules_of(policy: Policy) -> list[str]:
    """The names by which exceptions know a policy: the rules of a pack, or its own."""
    return list(dict.fromkeys(one.rule for one in policy.validations)) if policy.of_pack else [policy.name]


def _reasons(request: Request) -> dict[str, str]:
    """The reasons that an object gives, by the name of the rule."""
    metadata = request.resource.object.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if not isinstance(annotations, dict):
        return {}
    return {key.removeprefix(ANNOTATION): str(value or "").strip() for key, value in annotations.items() if str(key).startswith(ANNOTATION)}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationReview:
    """Tells which annotations of an object except nothing: `active` are the rules of this run, `known` all there are."""

    active: frozenset[str]
    known: frozenset[str]

    def __call__(self, request: Request, decisions: Decisions) -> list[InputProblem]:
        """Notes at the lines of the annotations."""
        reasons = _reasons(request)
        return list(self._notes(request, reasons, decisions)) if reasons else []

    def _notes(self, request: Request, reasons: Mapping[str, str], decisions: Decisions) -> Iterator[InputProblem]:
        used = {one.excepted_by.path for one in decisions.findings if one.excepted_by and one.excepted_by.by == "annotation"}
        for rule, reason in reasons.items():
            key = f"{ANNOTATION}{rule}"
            if rule not in self.known:
                fault = f"there is no rule and no policy {rule!r}{suggestion(rule, self.known)}"
            elif not reason:
                fault = "excepts nothing without a reason: give one as its value"
            elif rule in self.active and key not in used:
                fault = "is not needed: the object has no finding of this rule that it excepts"
            else:
                continue
            resource = request.resource
            place = locate(resource.origin, ("metadata", "annotations", key))
            message = f"{resource.kind} {resource.name}: the annotation {key}: {fault}"
            yield InputProblem(path=resource.origin.path, message=message, line=place.line, column=place.column, note=True)
