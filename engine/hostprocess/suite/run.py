"""Runs cases: policies are compiled once, and cases with the same surroundings share an evaluator."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hostprocess.admission import UNKNOWN_USER, Circumstances, request_for
from hostprocess.authorization import authorizer_inputs
from hostprocess.cel.runtime import Runtime
from hostprocess.errors import InputError, PolicyError
from hostprocess.evaluate import Decisions, EvaluatePolicy, Evaluator, Prepare
from hostprocess.inventory import Inventory
from hostprocess.kubernetes import json_text
from hostprocess.kubernetes.reader import read_piece
from hostprocess.model import Binding, Decision, InputProblem, Origin, Outcome, Policy, Request, Resource, Unknown
from hostprocess.prepared import PreparedPolicy
from hostprocess.presenting import Presenter
from hostprocess.suite.expect import decision_problems, outcome_of, value_problem
from hostprocess.suite.model import Case, Expected, ExpectedValue, Failure, JSONObject, Setting, Subject

if TYPE_CHECKING:
    from hostprocess.coverage.model import Unit  # of runs with coverage only

__all__ = ["Runner", "resource_of"]

_NO_OLD_OBJECT = Unknown("the stored object was not given: add oldObject to the case")
_CONDITION = "the matchCondition "  # what the reason of such a skip begins with
_NO_POLICY = "no policy is left for these releases: the rule does not hold there"


class Runner:
    """Runs cases on one runtime, any number of them, of any number of suites. `evaluate_policy` is the hook of that name.

    `seen` tells of each policy of a subject whether it has failed anything (True) and passed anything (False).
    """

    def __init__(self, runtime: Runtime, evaluate_policy: EvaluatePolicy | None = None) -> None:
        self._runtime = runtime
        self._evaluate_policy = evaluate_policy
        self.seen: dict[Subject, dict[str, set[bool]]] = {}
        self._checked: set[Subject] = set()
        self._evaluators: dict[tuple[Any, ...], Evaluator] = {}
        self._presenters: dict[str, Presenter] = {}

    def run(self, subject: Subject, case: Case) -> Failure | None:
        """Runs one case; None means that all is as expected."""
        expected = case.expected
        try:
            if isinstance(expected, ExpectedValue):
                return self._value_failure(subject, case, expected)
            details = expected.wants_details
            decisions = self.decide(subject, case, details=details)
            told = self.told(subject, case, decisions)
            problems = decision_problems(expected, told, decisions.audit_annotations)
            if problems and not details:
                # Whoever has to look into it is told all.
                decisions = self.decide(subject, case)
                told = self.told(subject, case, decisions)
        except InputError as error:
            return Failure(case=case, problems=(f"the object of the case is refused: {error.message}",))
        seen = self.seen.setdefault(subject, {})
        for one in told:
            if one.outcome is not Outcome.SKIP:
                seen.setdefault(one.policy, set()).add(one.outcome is not Outcome.ALLOW)
        if problems and case.unasked and self._is_vacuous(subject, case, expected, told):
            why = "; ".join(dict.fromkeys(one.message for one in told)) or "no policy is about it"
            words = f"vacuous: {case.unasked.tool} calls this passed ({expected.outcome} is expected), but nothing asks the policy: {why}"
            return Failure(case=case, problems=(words,), decisions=told, trace=self.trace(subject, case, told), vacuous=True)
        return Failure(case=case, problems=problems, decisions=told, trace=self.trace(subject, case, told)) if problems else None

    def _is_vacuous(self, subject: Subject, case: Case, expected: Expected, told: Sequence[Decision]) -> bool:
        """Whether nothing asked the policy, and the runner of the case's format calls that passed."""
        unasked = case.unasked
        if unasked is None or outcome_of(told) is not Outcome.SKIP:
            return False
        if not unasked.conditions and any(one.message.startswith(_CONDITION) for one in told):
            return False
        if unasked.judged is None:
            return True
        decisions = self.decide(unasked.judged, case)
        return not decision_problems(expected, self.told(unasked.judged, case, decisions), decisions.audit_annotations)

    def check(self, subject: Subject) -> None:
        """Compiles all policies that are of no pack. Raises `PolicyError` for an expression that the API server would refuse."""
        if subject not in self._checked:
            policies, _ = subject.compiled(subject.kubernetes, subject.containerd)
            # Packs are checked by their lint.
            self.evaluator(subject, Setting()).check(trusted={policy.path for policy in policies if policy.of_pack})
            self._checked.add(subject)

    def decide(self, subject: Subject, case: Case, *, details: bool = True) -> Decisions:
        """All that the policies decide; `details` as of `Evaluator.decide`. Raises `InputError` for a request that the API server refuses before it asks."""
        evaluator = self.evaluator(subject, case.setting)
        return evaluator.decide(self.request(case, evaluator.inventory), details=details)

    def told(self, subject: Subject, case: Case, decisions: Decisions) -> tuple[Decision, ...]:
        """The decisions that a case is about, those that pass last."""
        only = case.expected.only if isinstance(case.expected, Expected) else ""
        return tuple(one for one in (*decisions.findings, *decisions.passed) if subject.concerns(one) and (not only or only in (one.rule, one.policy)))

    def evaluator(self, subject: Subject, setting: Setting, *, variables: bool = False) -> Evaluator:
        """The evaluator for a case; with `variables` for what any of them is."""
        kubernetes, containerd = setting.kubernetes or subject.kubernetes, setting.containerd or subject.containerd
        name = setting.namespace if isinstance(setting.namespace, str) else None
        others = bool(setting.inventory) or setting.params is not None or name is None
        surroundings = json.dumps([setting.inventory, setting.params, setting.namespace]) if others else ""
        key = (subject, kubernetes, containerd, variables, setting.without_params, name, surroundings)
        found = self._evaluators.get(key)
        if found is None:
            known = [*setting.inventory, *_namespaces(setting)]
            policies, bindings = (subject.with_variables if variables else subject.compiled)(kubernetes, containerd)
            if setting.without_params:
                bindings = [replace(binding, param_ref=None) for binding in bindings]
            inventory = _inventory(subject, setting, known, policies, bindings, kubernetes)
            found = self._evaluators[key] = self._made(subject, policies, bindings, inventory, kubernetes)
        return found

    def _made(
        self,
        subject: Subject,
        policies: Sequence[Policy],
        bindings: Sequence[Binding],
        inventory: Inventory,
        kubernetes: str,
        prepare: Prepare = PreparedPolicy,
    ) -> Evaluator:
        """An evaluator of policies of a subject."""
        return Evaluator(
            policies,
            bindings,
            self._runtime,
            inventory,
            show_all=True,
            evaluate_policy=self._evaluate_policy,
            kubernetes=kubernetes,
            authorizer=authorizer_inputs(inventory),
            prepare=prepare,
        )

    def covered(self) -> tuple[Unit, ...]:
        """What cases have put to use since the last time: nothing is known of it, unless the runner is one that covers."""
        return ()

    def request(self, case: Case, inventory: Inventory) -> Request:
        """The request of a case, as the API server presents it to policies. Raises `InputError` if it refuses it."""
        setting = case.setting
        namespace = setting.namespace if isinstance(setting.namespace, str) else str((setting.namespace.get("metadata") or {}).get("name", ""))
        user_info = UNKNOWN_USER if setting.user_info is None else setting.user_info
        circumstances = Circumstances(operation=setting.operation, namespace=namespace, subresource=setting.subresource, user_info=user_info)
        resource = resource_of(case.object, case.path) if setting.raw else _resource(case)
        request = request_for(resource, inventory, circumstances=circumstances)
        if setting.operation == "UPDATE":
            request = replace(request, old_object=_NO_OLD_OBJECT if setting.old_object is None else setting.old_object)
        if setting.dry_run:
            request = replace(request, dry_run=True)
        if setting.raw:
            return request
        presenter = self._presenters.get(inventory.kubernetes)
        if presenter is None:
            presenter = self._presenters[inventory.kubernetes] = Presenter(kubernetes=inventory.kubernetes)
        presented, problems = presenter.presented(request, inventory)
        if presented is None:
            raise InputError("; ".join(problem.message for problem in problems))
        return presented

    def trace(self, subject: Subject, case: Case, told: Sequence[Decision]) -> tuple[str, ...]:
        """How the decisions that a case is `told` came about, line by line."""
        from hostprocess.suite.trace import trace_lines  # of failures only

        evaluator = self.evaluator(subject, case.setting)
        message = case.expected.message if isinstance(case.expected, Expected) else None
        situations = evaluator.situations(self.request(case, evaluator.inventory))
        return tuple(trace_lines(subject, situations, told, lambda text: message is not None and message in text))

    def _value_failure(self, subject: Subject, case: Case, expected: ExpectedValue) -> Failure | None:
        evaluator = self.evaluator(subject, case.setting, variables=True)
        for situation in evaluator.situations(self.request(case, evaluator.inventory)):
            policy = situation.prepared.policy
            if expected.variable and not any(variable.name == expected.variable for variable in policy.variables):
                continue
            try:
                problem = value_problem(expected, situation.prepared.value(expected.expression, situation.context))
            except PolicyError as error:
                return Failure(case=case, problems=(error.message,))
            if not problem:
                return None
            from hostprocess.suite.trace import value_lines  # of failures only

            return Failure(case=case, problems=(problem,), trace=tuple(value_lines(situation, expected.variable, expected.expression)))
        return Failure(case=case, problems=(_NO_POLICY,))


def resource_of(value: JSONObject, path: str) -> Resource:
    """Reads an object as a manifest that holds it would be read. Raises `InputError`."""
    # Not YAML: PyYAML writes the string "n" without quotes, which Kubernetes reads as false.
    parts = iter([json.dumps(value, ensure_ascii=False)])
    item = next(json_text.read(lambda size: next(parts, ""), path))
    resource = next(read_piece("json", path, item))
    if isinstance(resource, InputProblem):
        raise InputError(resource.message, path=path)
    return resource


def _resource(case: Case) -> Resource:
    """The object as a resource that is presented, and checked, later."""
    value = case.object
    if str(value.get("kind", "")).endswith("List") and isinstance(value.get("items"), list):
        if len(value["items"]) != 1:
            raise InputError(f"a List with {len(value['items'])} items; a case is about one object")
        value = value["items"][0]
    for key in ("apiVersion", "kind"):
        if not isinstance(value.get(key), str) or not value[key]:
            raise InputError(f"it has no {key}")
    return Resource(object=value, origin=Origin(path=case.path, line=case.line))


def _inventory(
    subject: Subject, setting: Setting, known: Sequence[JSONObject], policies: Sequence[Policy], bindings: Sequence[Binding], kubernetes: str
) -> Inventory:
    inventory = Inventory.of([*subject.objects, *known, *_params(setting, policies, bindings)], kubernetes=kubernetes)
    if setting.params is None:
        return inventory
    kinds = {(policy.param_kind.api_version, policy.param_kind.kind) for policy in policies if policy.param_kind}
    return replace(inventory, complete=inventory.complete | kinds)


def _namespaces(setting: Setting) -> list[JSONObject]:
    namespace = setting.namespace
    if isinstance(namespace, str):
        return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}] if namespace else []
    return [{"apiVersion": "v1", "kind": "Namespace", **namespace}]


def _params(setting: Setting, policies: Sequence[Policy], bindings: Sequence[Binding]) -> Iterator[JSONObject]:
    """The parameter objects of a case; their kind and name need not be written where the policy and its binding say them."""
    for policy in policies if setting.params else ():
        if policy.param_kind is None:
            continue
        references = [binding.param_ref for binding in bindings if binding.policy_name == policy.name and binding.param_ref and binding.param_ref.name]
        named: JSONObject = {"name": references[0].name} if references else {}
        if references and references[0].namespace:
            named["namespace"] = references[0].namespace
        for number, value in enumerate(setting.params or ()):
            metadata = {**(named or {"name": f"params-{number}"}), **(value.get("metadata") or {})}
            yield {"apiVersion": policy.param_kind.api_version, "kind": policy.param_kind.kind, **value, "metadata": metadata}
