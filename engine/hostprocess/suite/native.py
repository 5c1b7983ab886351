"""The native suite format: the `*.test.yaml` beside a rule, for those who have the pack in hand."""

from __future__ import annotations

from hostprocess.cel.runtime import Runtime
from hostprocess.errors import PolicyError
from hostprocess.model import Decision, Rule
from hostprocess.rules import Pack, suite_path
from hostprocess.suite.load import suite_of_rule
from hostprocess.suite.model import Case, Failure, Suite
from hostprocess.suite.run import Runner, resource_of
from hostprocess.suite.subjects import RuleSubject

__all__ = ["Case", "Failure", "Suite", "decisions_of", "load_suite", "resource_of", "run_case"]


def load_suite(pack: Pack, rule: Rule) -> Suite:
    """The suite beside a rule. Raises `PolicyError` with the line for what is missing or not valid."""
    try:
        return suite_of_rule(RuleSubject(pack, rule), suite_path(rule))
    except PolicyError as error:
        if error.message.startswith("cannot be read"):
            raise PolicyError(f"the rule {rule.id} has no readable suite: {error.message.partition(': ')[2]}", path=error.path) from None
        raise


def run_case(pack: Pack, rule: Rule, case: Case, runtime: Runtime) -> Failure | None:
    """Runs one case; None means that all is as expected. Many cases run faster on one `Runner`."""
    return Runner(runtime).run(RuleSubject(pack, rule), case)


def decisions_of(pack: Pack, rule: Rule, case: Case, runtime: Runtime) -> tuple[Decision, ...]:
    """All decisions of the rule on the object of a case. Raises `InputError` for an object that the API server refuses."""
    runner, subject = Runner(runtime), RuleSubject(pack, rule)
    return runner.told(subject, case, runner.decide(subject, case))
