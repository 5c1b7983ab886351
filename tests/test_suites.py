"""Every rule's suite on the two CEL libraries; on our own evaluator they run as everybody's suites do (tests/test_suite_command.py, the pytest plug-in)."""

from __future__ import annotations

import pytest

from hostprocess.admission import NO_NAMESPACE
from hostprocess.model import Outcome, Rule
from hostprocess.rules import built_in_folder, load_pack
from hostprocess.suite.model import Failure
from hostprocess.suite.native import load_suite
from hostprocess.suite.run import Runner
from support import RUNTIMES

pytestmark = pytest.mark.slow

PACK = load_pack(built_in_folder())
# The two CEL libraries cannot ask the authorizer.
RULES = [rule for rule in PACK.rules if not rule.opt_in]


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_suite_of_a_rule(rule: Rule, runtime: str) -> None:
    suite, runner = load_suite(PACK, rule), Runner(RUNTIMES[runtime])
    failures = [failure for case in suite.cases if (failure := runner.run(suite.subject, case)) and not _does_not_know(failure)]
    assert not failures, "\n".join(map(str, failures))


def _does_not_know(failure: Failure) -> bool:
    """Whether a library could not tell a namespace that nobody named from one that is absent: it says so, and our own evaluator decides."""
    return any(one.outcome is Outcome.UNKNOWN and one.message == NO_NAMESPACE for one in failure.decisions)
