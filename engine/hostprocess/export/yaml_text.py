"""YAML that every reader takes for the same: Kubernetes' own, which knows YAML 1.1 and JSON numbers, as well."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

__all__ = ["documents"]

# Readers disagree about much that may stand without quotes (`n`, `1e3`, `0o7`, `12:30`): only what begins as a name does, and is no word with a meaning.
_PLAIN = re.compile(r"[A-Za-z_/][\w./-]*(?: [\w./(),-]+)*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_BLOCK = 60  # characters of an expression from which on it stands as a block


class _Dumper(yaml.SafeDumper):
    """Block style, strings quoted where they could be taken for something else, no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        """An alias saves nothing here and hides what is applied."""
        return True


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # Only quotes with escapes keep what is not printable: U+0085 and its like end a line in YAML 1.1, and in a block become one.
    if not text.replace("\n", "").isprintable():
        style = '"'
    elif "\n" in text or (len(text) > _BLOCK and " " in text and not _PLAIN.fullmatch(text)):
        style = "|"
    elif _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        style = ""
    else:
        style = "'" if text.isascii() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _string)


def documents(objects: Iterable[Mapping[str, Any]], comment: str) -> str:
    """The objects as one YAML stream, the comment on top of it."""
    head = "".join(f"# {line}\n" for line in comment.splitlines())
    texts = [yaml.dump(dict(one), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000) for one in objects]
    return head + "---\n".join(texts)
