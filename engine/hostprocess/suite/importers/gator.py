"""Suites of gator, for ConstraintTemplates whose code is CEL (K8sNativeValidation).

Its runner counts violations; where the constraint does not match there are none, so that `violations: no` passes: such a case is vacuous.
Source: github.com/open-policy-agent/gatekeeper, pkg/gator/verify (suite.go, runner.go, assertion.go).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hostprocess.errors import PolicyError, raise_all
from hostprocess.kubernetes.kinds import group_version
from hostprocess.model import Outcome
from hostprocess.suite.formats import SuiteFormat
from hostprocess.suite.importers.constraints import Enforced, enforced
from hostprocess.suite.importers.imported import FAILS, ImportedSuite, Part, known_namespaces, namespace_of, placed, subject_of, words_of
from hostprocess.suite.importers.reading import Manifest, Manifests, Source, Steps, list_of, mapping, read_source, text, unique
from hostprocess.suite.load import Loader, re2_fault
from hostprocess.suite.model import Case, Expected, JSONObject, MessageCount, Setting, Suite, Unasked

__all__ = ["GATOR"]

_TOOL = "gator"
_GROUP_LINE = re.compile(r"""^apiVersion:[ \t]*["']?test\.gatekeeper\.sh/""", re.MULTILINE)
_KIND_LINE = re.compile(r"""^kind:[ \t]*["']?Suite\b""", re.MULTILINE)
_FLAG = {"type": "boolean"}
_ASSERTION = mapping(violations={"type": ["boolean", "integer", "string"]}, message={"type": "string"})
_CASE = mapping(("name", "object"), name=text, object=text, inventory=list_of(text), skip=_FLAG, assertions=list_of(_ASSERTION))
_TEST = mapping(("name", "template", "constraint"), name=text, template=text, constraint=text, expansion=text, invalid=_FLAG, skip=_FLAG, cases=list_of(_CASE))
_SCHEMA = mapping(("apiVersion", "kind", "tests"), apiVersion=text, kind=text, metadata={"type": "object"}, skip=_FLAG, tests=list_of(_TEST, 1))
_WORDS = {"yes": True, "no": False}
_REVIEW = "admission.k8s.io"
_OPERATIONS = ("CREATE", "UPDATE", "DELETE")


def _recognises(path: str, content: str) -> bool:
    return "test.gatekeeper.sh" in content and _GROUP_LINE.search(content) is not None and _KIND_LINE.search(content) is not None


def _load(path: str, content: str, loader: Loader) -> Suite:
    return _Import(read_source(path, content, _SCHEMA)).suite()


@dataclass(slots=True)
class _Import:
    """One file on its way to a suite. `enforced` are its policies by the files of template and constraint."""

    source: Source
    manifests: Manifests = field(default_factory=Manifests)
    enforced: dict[tuple[str, str], tuple[Enforced, tuple[str, ...]]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    policy_names: set[str] = field(default_factory=set)
    comments: dict[str, tuple[str, ...]] = field(default_factory=dict)
    errors: list[PolicyError] = field(default_factory=list)
    left_out: int = 0

    def suite(self) -> Suite:
        """The suite, with what is wrong in it; raises `PolicyError` if nothing is left."""
        source = self.source
        cases = list(self._cases())
        if not cases and not self.left_out:
            raise_all(self.errors)
            raise source.fault(("tests",), "there is no case in them")
        made = [one for one, _ in self.enforced.values()]
        subject = subject_of(os.path.basename(source.path), [one.policy for one in made], [one.binding for one in made])
        wanted = {case.expected.only for case in cases if isinstance(case.expected, Expected)}
        return ImportedSuite(
            subject=subject,
            cases=tuple(cases),
            path=source.path,
            errors=tuple(self.errors),
            left_out=self.left_out,
            tool=_TOOL,
            parts=tuple(
                Part(policy=one.policy.name, documents=one.documents, made_of=files) for one, files in self.enforced.values() if one.policy.name in wanted
            ),
            head=source.head(),
            comments=self.comments,
        )

    def _cases(self) -> Iterator[Case]:
        tests = self.source.value["tests"]
        for index, test in enumerate(tests):
            steps: Steps = ("tests", index)
            given = test.get("cases", [])
            if self.source.value.get("skip") or test.get("skip"):
                self.left_out += len(given) or 1
                continue
            try:
                one = self._enforced(steps, test)
            except PolicyError as error:
                self.errors.append(error)
                continue
            for number, row in enumerate(given):
                if row.get("skip"):
                    self.left_out += 1
                    continue
                at = (*steps, "cases", number)
                try:
                    case = self._case(at, row, one)
                except PolicyError as error:
                    self.errors.append(error)
                    continue
                name = unique(f"{test['name']}: {row['name']}" if len(tests) > 1 else row["name"], self.names)
                self.comments[name] = self.source.comment(at)
                yield replace(case, name=name, raw={"name": name, **case.raw})

    def _enforced(self, steps: Steps, test: Mapping[str, Any]) -> Enforced:
        """The policy of a test. Raises `PolicyError` for a test that cannot be imported."""
        source = self.source
        if test.get("invalid"):
            raise source.fault((*steps, "invalid"), "tests the schema of the template: that refuses the constraint, no expression does")
        if "expansion" in test:
            raise source.fault((*steps, "expansion"), "objects are not expanded by an ExpansionTemplate here: test the Pods that come of it")
        if not test.get("cases"):
            raise source.fault(steps, "has no cases")
        template, constraint = (self._one((*steps, key), test[key]) for key in ("template", "constraint"))
        key = (template.path, constraint.path)
        if key not in self.enforced:
            name = unique(f"{template.resource.name}-{constraint.resource.name}", self.policy_names).replace(" (", "-").removesuffix(")")
            try:
                self.enforced[key] = enforced(template, constraint, name), key
            except PolicyError as error:
                raise source.fault(steps, f"the test {test['name']!r} is not imported: {error}") from None
        return self.enforced[key][0]

    def _one(self, steps: Steps, name: str) -> Manifest:
        """The only object of a file."""
        if os.path.isabs(name):
            raise self.source.fault(steps, f"{name!r} is absolute: paths begin at the folder of the suite")
        found = self.manifests.of(self.source, steps, name)
        if len(found) != 1:
            raise self.source.fault(steps, f"{name} holds {len(found) or 'no'} objects; one is needed")
        return found[0]

    def _case(self, at: Steps, row: Mapping[str, Any], one: Enforced) -> Case:
        manifest = self._one((*at, "object"), row["object"])
        inventory = [found for index, name in enumerate(row.get("inventory", ())) for found in self.manifests.of(self.source, (*at, "inventory", index), name)]
        request = self._review(at, manifest) if _is_review(manifest) else _Request(object=manifest.object, written=manifest)
        namespaces = known_namespaces(inventory)
        crds = tuple(found.object for found in inventory if found.resource.kind == "CustomResourceDefinition")
        namespace = self._namespace(request, namespaces)
        expected, unmatched = self._expected(at, row.get("assertions", []), one.policy.name)
        words = words_of(one.policy)
        setting = Setting(
            operation=request.operation,
            subresource=request.subresource,
            old_object=request.old_object,
            user_info=request.user,
            namespace=namespace,
            params=(one.constraint,),
            inventory=crds,
            raw=True,
            dry_run=request.dry_run,
        )
        raw = {
            "object": request.written or request.object,
            **({"operation": request.operation} if request.operation != ("UPDATE" if request.old_object else "CREATE") else {}),
            **({"oldObject": request.old_object} if request.old_object else {}),
            **({"subresource": request.subresource} if request.subresource else {}),
            **({"userInfo": request.user} if request.user or "userInfo" in words else {}),
            **({"namespace": namespace} if namespace else {}),
            "params": one.constraint,
            **({"inventory": list(crds)} if crds else {}),
            **({"dryRun": True} if request.dry_run else {}),
            "raw": True,
        }
        return Case(
            name=row["name"],
            object=request.object,
            setting=setting,
            expected=expected,
            path=self.source.path,
            line=self.source.line(at),
            raw=raw,
            unasked=Unasked(tool=_TOOL) if unmatched else None,
        )

    def _namespace(self, request: _Request, namespaces: Mapping[str, JSONObject]) -> str | JSONObject:
        """The Namespace of a request; of one that is named and not among the inventory nothing is known but the name, as with gator."""
        value = request.object
        if request.namespace:
            return namespaces.get(request.namespace, "" if (value.get("metadata") or {}).get("namespace") else request.namespace)
        return placed(value, namespaces, looked_at=False).get("namespace", "") if namespace_of(value, namespaces) else ""

    def _review(self, at: Steps, manifest: Manifest) -> _Request:
        """What an AdmissionReview asks. Raises `PolicyError` for one that asks nothing."""

        def fault(message: str) -> PolicyError:
            return self.source.fault((*at, "object"), f"the AdmissionReview in {manifest.place} {message}")

        given = manifest.object.get("request")
        if not isinstance(given, dict):
            raise fault("has no request")
        new, old = (given.get(key) or None for key in ("object", "oldObject"))
        if not all(isinstance(one, dict | None) for one in (new, old, given.get("userInfo"))):
            raise fault("has an object, an oldObject or a userInfo that is no mapping")
        operation = given.get("operation") or ("DELETE" if new is None else "UPDATE" if old else "CREATE")
        if operation not in _OPERATIONS:
            raise fault(f"is of operation {operation}; what can be judged here are {', '.join(_OPERATIONS)}")
        about = old if operation == "DELETE" else new
        if about is None:
            raise fault(f"has no {'oldObject' if operation == 'DELETE' else 'object'}, and a {operation} is about one")
        return _Request(
            object=about,
            operation=operation,
            old_object=old if operation == "UPDATE" else None,
            subresource=str(given.get("subResource") or ""),
            user={key: one for key, one in (given.get("userInfo") or {}).items() if one},
            namespace=str(given.get("namespace") or ""),
            dry_run=given.get("dryRun") is True,
        )

    def _expected(self, at: Steps, assertions: Sequence[Mapping[str, Any]], policy: str) -> tuple[Expected, bool]:
        """What assertions come to together, and whether no violation at all is as expected. Without any there is none."""
        total: int | bool | None = None if assertions else False
        messages: list[MessageCount] = []
        for index, one in enumerate(assertions):
            steps = (*at, "assertions", index)
            wanted = self._violations(steps, one.get("violations", True))
            if "message" in one:
                if fault := re2_fault(one["message"]):
                    raise self.source.fault((*steps, "message"), f"is no RE2 expression: {fault}")
                messages.append(MessageCount(one["message"], None if wanted is True else int(wanted)))
            elif total is None or total is wanted or (total is True and wanted):
                total = wanted
            elif not (wanted is True and total):
                raise self.source.fault(steps, "cannot hold together with an assertion above")
        some = bool(total) or any(one.count != 0 for one in messages)
        none = total is not None and not total
        if some and none:
            raise self.source.fault((*at, "assertions"), "cannot hold together: there are no violations, and there are some")
        outcome, also = (Outcome.DENY, FAILS[1:]) if some else (Outcome.ALLOW, () if none else FAILS)
        count = total if isinstance(total, int) and not isinstance(total, bool) and total else None
        return Expected(outcome=outcome, also=also, only=policy, failures=count, messages=tuple(messages)), not some

    def _violations(self, steps: Steps, given: bool | int | str) -> int | bool:
        """At least one (True), none (False), or how many."""
        if isinstance(given, bool):
            return given
        if isinstance(given, str) and given in _WORDS:
            return _WORDS[given]
        if isinstance(given, str) or given < 0:
            raise self.source.fault((*steps, "violations"), f"must be yes, no or a number, not {given!r}")
        return given or False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What a case asks. `written` is where the object stands, None if that is inside of an AdmissionReview."""

    object: JSONObject
    operation: str = "CREATE"
    old_object: JSONObject | None = None
    subresource: str = ""
    user: JSONObject = field(default_factory=dict)
    namespace: str = ""
    dry_run: bool = False
    written: Manifest | None = None


def _is_review(manifest: Manifest) -> bool:
    return manifest.resource.kind == "AdmissionReview" and group_version(manifest.resource.api_version)[0] == _REVIEW


GATOR = SuiteFormat(_recognises, _load)
"""Files of `kind: Suite` of `test.gatekeeper.sh`."""
