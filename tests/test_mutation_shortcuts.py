"""The bench takes short cuts: values that stay the same, variables that another expression stands in for. Nothing comes out otherwise without them."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence

import pytest

from hostprocess import api
from hostprocess.cel.tree import TreeRuntime
from hostprocess.errors import PolicyError
from hostprocess.mutation.bench import Bench, Group, Invalid
from hostprocess.mutation.model import Mutant
from hostprocess.mutation.objects import pack_mutants, rule_mutants
from hostprocess.rules import PACK_FILE, built_in_folder
from hostprocess.suite.formats import SuiteFile, find_suites
from hostprocess.suite.run import Runner
from hostprocess.suite.subjects import RuleSubject

pytestmark = pytest.mark.slow

# With parameters and without, with conditions of several releases, with elements and messages, with values of variables.
RULES = (
    "access/allowed-images",
    "network/port-conflict",
    "network/requires-host-network",
    "account/run-as-non-root",
    "os/os-name",
    "isolation/hyperv-isolation",
)
COUNT = int(os.environ.get("HOSTPROCESS_MUTANTS", "5"))  # of each rule, and ten times as many of what they share


@pytest.fixture(scope="module")
def groups() -> tuple[Bench, list[Group]]:
    workbench, bench = api.suite_workbench(), Bench()
    folder = built_in_folder()
    paths = [os.path.join(folder, f"{one}.test.yaml") for one in RULES] + [os.path.join(folder, "shared.test.yaml")]
    loaded = [workbench.load(file) for file in find_suites(paths, api.suite_formats()) if isinstance(file, SuiteFile)]
    subjects = {id(suite.subject): [other for other in loaded if other.subject is suite.subject] for suite in loaded}
    return bench, [bench.group(suites) for suites in subjects.values()]


def killed_plainly(mutant: Mutant, groups: Sequence[Group]) -> bool | None:
    """Whether a case fails that passed before, when all is compiled anew and all cases are run; None for what does not compile."""
    runner = Runner(TreeRuntime())
    try:
        for group in groups:
            subject = mutant.edit(group.subject)
            for case in [*(trial.case for trial in group.trials), *group.values]:
                failure = runner.run(subject, case)
                if failure is not None and failure.problems[0].startswith("policy "):
                    return None
                if failure is not None:
                    return True
    except PolicyError:
        return None
    return False


def test_short_cuts_lead_to_the_same_end(groups: tuple[Bench, list[Group]]) -> None:
    bench, all_groups = groups
    rnd = random.Random("mutants")
    chosen: list[tuple[Mutant, list[Group]]] = []
    for group in all_groups:
        assert isinstance(group.subject, RuleSubject)
        mutants = list(rule_mutants(group.subject))
        chosen += [(one, [group]) for one in rnd.sample(mutants, min(COUNT, len(mutants)))]
    pack = next(group.subject.pack for group in all_groups if isinstance(group.subject, RuleSubject))
    shared = list(pack_mutants(pack, os.path.join(pack.folder, PACK_FILE)))
    chosen += [(one, all_groups) for one in rnd.sample(shared, min(10 * COUNT, len(shared)))]
    different = []
    for mutant, some in chosen:
        try:
            found: bool | None = bool(bench.killer(mutant, some))
        except Invalid:
            found = None
        plain = killed_plainly(mutant, some)
        # What the API server would refuse is found at once by one, by the other when it comes to it.
        if found is not None and found is not plain:
            different.append((mutant.id, found, plain))
    assert different == []
