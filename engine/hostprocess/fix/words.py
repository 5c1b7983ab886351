"""What `hostprocess fix` does about the findings of a rule, in words."""

from __future__ import annotations

import json

from hostprocess.model import Fix, Rule

__all__ = ["fix_commands", "fix_words"]


def fix_words(rule: Rule) -> list[str]:
    """Each fix of the rule in a sentence or two, with its reasons; none if it has none."""
    return list(dict.fromkeys(_sentence(one) for one in _fixes(rule)))


def fix_commands(rule: Rule) -> list[str]:
    """The command that fixes what the rule finds, if it has a fix."""
    fixes = list(_fixes(rule))
    return [f"hostprocess fix --select {rule.id}{'' if any(one.safe for one in fixes) else ' --unsafe'}"] if fixes else []


def _fixes(rule: Rule) -> list[Fix]:
    return [one.fix for one in rule.validations if one.fix]


def _sentence(fix: Fix) -> str:
    what = fix.path or "the field that is named"
    does = f"removes {what}" if fix.op == "remove" else f"sets {what} to {fix.value if isinstance(fix.value, str) else json.dumps(fix.value)}"
    kind = "safe" if fix.safe and not fix.safe_if else "safe under a condition" if fix.safe else "only with --unsafe"
    return f"hostprocess fix {does} ({kind}). {fix.why}"
