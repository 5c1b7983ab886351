"""docs/mutation.md against what it is about: the kinds of mutants, the survivors of the built-in rules."""

from __future__ import annotations

import os
import re
from pathlib import Path

from hostprocess import api
from hostprocess.mutation.model import Fate, Mutant, Result
from hostprocess.mutation.objects import pack_mutants, rule_mutants
from hostprocess.rules import PACK_FILE
from hostprocess.suite.subjects import RuleSubject
from mutate_pack import DOCUMENT, REPOSITORY, explained, loose_ends

TEXT = DOCUMENT.read_text("utf-8")
SOURCES = REPOSITORY / "engine" / "hostprocess" / "mutation"


def test_every_kind_is_listed_and_no_other() -> None:
    table = TEXT.partition("## The kinds of mutants")[2].partition("\n## ")[0]
    listed = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    code = "".join((SOURCES / name).read_text("utf-8") for name in ("expressions.py", "objects.py", "constraints.py"))
    assert listed == {kind for kind in listed if f'"{kind}"' in code}
    made: set[str] = set()
    pack = api.load_rules()
    for rule in pack.rules:
        made |= {one.operator for one in rule_mutants(RuleSubject(pack, rule))}
    assert made <= listed
    assert len(made) > 12


def test_what_is_explained_is_a_mutant() -> None:
    pack = api.load_rules()
    told = explained(TEXT)
    assert told
    for path, words in told:
        file = REPOSITORY / path
        if file.name == PACK_FILE:
            made = pack_mutants(pack, str(file))
        else:
            made = rule_mutants(RuleSubject(pack, next(one for one in pack.rules if os.path.samefile(one.path, file))))
        assert words in {one.words for one in made}, path


def result(path: Path, words: str) -> Result:
    return Result(operator="guard", words=words, path=str(path), line=1, before=("a",), after=("b",), fate=Fate.SURVIVED)


def test_loose_ends_are_told() -> None:
    sound = [result(REPOSITORY / path, words) for path, words in explained(TEXT)]
    assert loose_ends(sound, TEXT) == []
    (missing,) = loose_ends([*sound, result(REPOSITORY / "policies" / "x.yaml", "a || b was dropped")], TEXT)
    assert missing == "policies/x.yaml: a || b was dropped: survives, and mutation.md does not say why"
    (gone,) = loose_ends(sound[1:], TEXT)
    assert gone.endswith("mutation.md explains it, but it does not survive")


def test_a_row_with_a_bar_in_it() -> None:
    row = "| `policies/a.yaml` | a \\|\\| b was dropped | because |"
    assert explained(f"| file | mutant | why it survives |\n|---|---|---|\n{row}\n") == {("policies/a.yaml", "a || b was dropped")}


def test_the_name_of_a_mutant_says_where_it_is() -> None:
    one = Mutant(operator="guard", words="x was dropped", path="p.yaml", line=3, before=(), after=(), slot="when", edit=lambda subject: subject)
    assert one.id == "p.yaml:3::when::guard::x was dropped"
