"""Every rule's suite, case by case, on both runtimes."""

from __future__ import annotations

import pytest

from hostprocess.cel.celpy import CelpyRuntime
from hostprocess.cel.cpp import CppRuntime
from hostprocess.cel.runtime import Runtime
from hostprocess.model import Rule
from hostprocess.rules import built_in_folder, load_pack
from hostprocess.suite.native import Case, load_suite, run_case

PACK = load_pack(built_in_folder())
CASES = [(rule, case) for rule in PACK.rules for case in load_suite(PACK, rule).cases]
RUNTIMES: dict[str, Runtime] = {"cpp": CppRuntime(), "celpy": CelpyRuntime()}


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize(("rule", "case"), CASES, ids=[f"{rule.id}-{case.name}" for rule, case in CASES])
def test_case(rule: Rule, case: Case, runtime: str) -> None:
    failure = run_case(PACK, rule, case, RUNTIMES[runtime])
    assert failure is None, str(failure)
