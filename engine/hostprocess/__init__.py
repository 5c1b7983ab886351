"""Checks Windows HostProcess pods, and evaluates ValidatingAdmissionPolicy offline.

The public API; the command line uses nothing else. Names are imported when they are first used, so that start-up stays fast.
"""

from __future__ import annotations

import importlib
from typing import Any

from hostprocess.version import __version__

_HOMES = {
    "HostprocessError": "hostprocess.errors",
    "InputError": "hostprocess.errors",
    "PolicyError": "hostprocess.errors",
    "UsageError": "hostprocess.errors",
    "InputProblem": "hostprocess.model",
    "Outcome": "hostprocess.model",
    "Report": "hostprocess.model",
    "Resource": "hostprocess.model",
    "Result": "hostprocess.model",
    "Rule": "hostprocess.model",
    "Export": "hostprocess.export.options",
    "ExportOptions": "hostprocess.export.options",
    "Exemptions": "hostprocess.export.exemptions",
    "parse_releases": "hostprocess.export.releases",
    "PolicyEngine": "hostprocess.policy_engine",
    "PolicySet": "hostprocess.api",
    "Verdict": "hostprocess.policy_engine",
    "RunArguments": "hostprocess.api",
    "check_cluster": "hostprocess.api",
    "check_files": "hostprocess.api",
    "convert_suites": "hostprocess.api",
    "evaluate_resources": "hostprocess.api",
    "open_cluster": "hostprocess.api",
    "lint_policies": "hostprocess.api",
    "lint_rules": "hostprocess.api",
    "load_policies": "hostprocess.api",
    "load_rules": "hostprocess.api",
    "mutate_suites": "hostprocess.api",
    "read_params": "hostprocess.api",
    "read_resources": "hostprocess.api",
    "export_policies": "hostprocess.api",
    "explain_rule": "hostprocess.api",
    "find_exceptions": "hostprocess.api",
    "find_symptom": "hostprocess.api",
    "reporter_names": "hostprocess.api",
    "run_suites": "hostprocess.api",
    "runtime_names": "hostprocess.api",
    "trace_resources": "hostprocess.api",
    "write_converted": "hostprocess.api",
    "write_report": "hostprocess.api",
    "hookimpl": "hostprocess.marker",
}

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'hostprocess' has no attribute {name!r}")
