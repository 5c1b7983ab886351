"""Rule files and the pack that holds them: found, read, checked, turned into `Rule`. It knows nothing of evaluation."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hostprocess.errors import InputError, PolicyError, suggestion
from hostprocess.model import Fix, MatchCondition, ParamKind, Range, Rule, RuleValidation, Variable
from hostprocess.schema import fault_at, load_checked

__all__ = ["PACK_FILE", "SUITE_SUFFIX", "Advice", "Bundle", "ListOf", "Pack", "built_in_folder", "load_pack", "rule_files", "suite_path"]

PACK_FILE = "pack.yaml"
SUITE_SUFFIX = ".test.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A selection of rules that is exported and switched on as one."""

    name: str
    title: str
    default: bool
    params: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf:
    """What `each:` may name: see `lists` in pack.yaml. `all` is the variable with the elements that `unless` leaves out as well."""

    name: str
    paths: tuple[str, ...] = ()
    all: str = ""
    unless: str = ""
    of: str = ""
    where: str = ""
    field: str = ""
    let: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """Something that rules judge: `changed` is true where it differs in `now` and `before`. `default`: of every rule that names no inputs."""

    name: str
    changed: str
    default: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What to do about a symptom that no manifest shows."""

    title: str
    symptoms: tuple[str, ...]
    text: str
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A folder of rules with what they share."""

    folder: str
    name: str
    version: str
    kubernetes: str
    containerd: str
    match_constraints: Mapping[str, Any]
    match_conditions: tuple[MatchCondition, ...]
    inputs: Mapping[str, Input]
    only_containers_change: str
    bundles: Mapping[str, Bundle]
    variables: tuple[Variable, ...]
    lists: Mapping[str, ListOf]
    scopes: Mapping[str, str]
    advice: tuple[Advice, ...]
    fixtures: Mapping[str, Mapping[str, Any]]
    rules: tuple[Rule, ...]


def built_in_folder() -> str:
    """The folder of the built-in pack: package data of a wheel, or the repository's own in an editable install."""
    package = Path(__file__).parent
    for folder in (package / "policies", package.parent.parent / "policies"):
        if (folder / PACK_FILE).is_file():
            return str(folder)
    raise PolicyError("the built-in rule pack is missing from this installation; reinstall hostprocess")


def load_pack(folder: str) -> Pack:
    """Reads `pack.yaml` and all rules below `folder`. Raises `PolicyError` for what is missing or not valid."""
    path = os.path.join(folder, PACK_FILE)
    if not os.path.exists(folder):
        raise PolicyError("no such file or folder", path=folder)
    if not os.path.isdir(folder):
        raise PolicyError(f"is a file, and a rule pack is a folder with {PACK_FILE}; policies in files have no rules to list", path=folder)
    if not os.path.isfile(path):
        raise PolicyError(f"no {PACK_FILE} in this folder, so it is not a rule pack", path=folder)
    text = _text(path)
    raw = _checked(text, path, "pack")
    for steps, message in _loose_ends(raw):
        raise fault_at(text, path, steps, message)
    rules: dict[str, Rule] = {}
    for file in rule_files(folder):
        rule = _rule(file, raw)
        if rule.id in rules:
            raise PolicyError(f"the rule {rule.id!r} is also in {rules[rule.id].path}; an id is never used twice", path=file)
        rules[rule.id] = rule
    return Pack(
        folder=folder,
        name=raw["name"],
        version=raw["version"],
        kubernetes=raw["targets"]["kubernetes"],
        containerd=raw["targets"]["containerd"],
        match_constraints=raw["matchConstraints"],
        match_conditions=tuple(MatchCondition(**condition) for condition in raw.get("matchConditions", ())),
        inputs={name: Input(name=name, **about) for name, about in raw.get("inputs", {}).items()},
        only_containers_change=raw.get("onlyContainersChange", ""),
        bundles={name: Bundle(name=name, **bundle) for name, bundle in raw["bundles"].items()},
        variables=tuple(Variable(**variable) for variable in raw["variables"]),
        lists={name: ListOf(name=name, **{**about, "paths": tuple(about.get("paths", ()))}) for name, about in raw["lists"].items()},
        scopes=raw["scopes"],
        advice=tuple(Advice(**{**one, "symptoms": tuple(one["symptoms"]), "references": tuple(one["references"])}) for one in raw.get("advice", ())),
        fixtures=raw["fixtures"],
        rules=tuple(rules.values()),
    )


def rule_files(folder: str) -> Iterator[str]:
    """The rule files below `folder`, sorted: all YAML files but `pack.yaml` and the suites."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.endswith(".yaml") and not name.endswith(SUITE_SUFFIX) and not (name == PACK_FILE and place == folder):
                yield os.path.join(place, name)


def suite_path(rule: Rule) -> str:
    """Where the suite of a rule lies: beside it."""
    return rule.path.removesuffix(".yaml") + SUITE_SUFFIX


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except OSError as error:
        raise PolicyError(f"cannot be read: {error.strerror}", path=path) from None
    except UnicodeDecodeError:
        raise PolicyError("is not UTF-8 text", path=path) from None


def _checked(text: str, path: str, schema: str) -> dict[str, Any]:
    try:
        return load_checked(text, path, schema)
    except InputError as error:
        raise PolicyError(error.message, path=error.path, line=error.line, column=error.column) from None


def _loose_ends(pack: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Names in pack.yaml that lead nowhere: pairs of (steps, message)."""
    variables: set[str] = set()
    for index, variable in enumerate(pack["variables"]):
        if variable["name"] in variables:
            yield ("variables", index), f"there are two variables {variable['name']!r}"
        variables.add(variable["name"])
    if "podTemplate" not in variables:
        yield ("variables",), "needs one named podTemplate, which says where the pod is"
    for name, about in pack["lists"].items():
        if "paths" not in about and ("of" not in about or not {"where", "field"} & about.keys()):
            yield ("lists", name), "needs paths, or of with where or field"
        if about.get("of", name) not in pack["lists"]:
            yield ("lists", name, "of"), _nowhere("list", about["of"], pack["lists"])
        if "field" not in about and name not in variables:
            yield ("lists", name), _nowhere("variable", name, variables)
        if ("all" in about) != ("unless" in about):
            yield ("lists", name), "`all` and `unless` go together"
        if "all" in about and about["all"] not in variables:
            yield ("lists", name, "all"), _nowhere("variable", about["all"], variables)
    for name in pack["scopes"]:
        if name not in variables:
            yield ("scopes", name), _nowhere("variable", name, variables)


def _nowhere(what: str, name: str, known: Iterable[str]) -> str:
    return f"there is no {what} {name!r} in {PACK_FILE}{suggestion(name, known)}"


def _rule(path: str, pack: Mapping[str, Any]) -> Rule:
    text = _text(path)
    raw = _checked(text, path, "rule")
    stem = Path(path).stem
    if raw["id"] != stem:
        raise fault_at(text, path, ("id",), f"must be the name of the file, {stem!r}")
    if (raw["status"] == "retired") != ("replaced-by" in raw):
        raise fault_at(text, path, ("status",), "`retired` and `replaced-by` go together")
    if raw["bundle"] not in pack["bundles"]:
        raise fault_at(text, path, ("bundle",), _nowhere("bundle", raw["bundle"], pack["bundles"]))
    for index, name in enumerate(raw.get("inputs", ())):
        if name not in pack.get("inputs", {}):
            raise fault_at(text, path, ("inputs", index), _nowhere("input", name, pack.get("inputs", {})))
    for index, one in enumerate(raw["validations"]):
        if one.get("each") and one["each"] not in pack["lists"]:
            raise fault_at(text, path, ("validations", index, "each"), _nowhere("list", one["each"], pack["lists"]))
    for place in (("remediation", "fix"), *(("validations", index, "fix") for index in range(len(raw["validations"])))):
        if message := _fix_fault(raw, place):
            raise fault_at(text, path, place, message)
    kind = raw.get("paramKind")
    return Rule(
        id=raw["id"],
        title=raw["title"],
        severity=raw["severity"],
        bundle=raw["bundle"],
        evidence=raw["evidence"],
        enforced_by=tuple(raw["enforced-by"]),
        status=raw["status"],
        since=raw["since"],
        rationale=raw["rationale"].strip(),
        when=raw["when"].strip(),
        validations=tuple(_validation(one, raw["severity"], raw["remediation"].get("fix")) for one in raw["validations"]),
        remediation=raw["remediation"],
        symptoms=tuple(raw["symptoms"]),
        references=tuple(raw["references"]),
        kubernetes=Range(**raw.get("kubernetes", {})),
        containerd=Range(**raw.get("containerd", {})),
        param_kind=ParamKind(api_version=kind["apiVersion"], kind=kind["kind"]) if kind else None,
        inputs=tuple(raw["inputs"]) if "inputs" in raw else tuple(name for name, about in pack.get("inputs", {}).items() if about.get("default")),
        opt_in=raw.get("opt-in", ""),
        replaced_by=raw.get("replaced-by", ""),
        path=path,
    )


def _fix_fault(raw: Any, place: tuple[str | int, ...]) -> str:
    """What the schema cannot say about a fix."""
    owner = raw
    for step in place[:-1]:
        owner = owner[step]
    fix = owner.get("fix")
    if fix is None:
        return ""
    if (fix["op"] == "set") != ("value" in fix):
        return "`op: set` and `value` go together"
    if "safe-if" in fix and fix["safety"] != "safe":
        return "`safe-if` is for `safety: safe`"
    if raw["remediation"]["safety"] == "manual":
        return "a rule whose remediation is manual has no fix"
    fixed = [owner] if place[0] == "validations" else [one for one in raw["validations"] if "fix" not in one]
    if "path" not in fix and not all("path" in one for one in fixed):
        return "needs a `path`, as the validation has none"
    return ""


def _fix(raw: Mapping[str, Any] | None) -> Fix | None:
    if raw is None:
        return None
    return Fix(
        op=raw["op"],
        safe=raw["safety"] == "safe",
        why=" ".join(raw["why"].split()),
        path=raw.get("path", ""),
        value=raw.get("value"),
        safe_if=raw.get("safe-if", "").strip(),
    )


def _validation(raw: Mapping[str, Any], severity: str, fix: Mapping[str, Any] | None) -> RuleValidation:
    path = raw.get("path", ())
    return RuleValidation(
        expression=raw["expression"].strip(),
        severity=raw.get("severity", severity),
        each=raw.get("each", ""),
        message=raw["message"].strip(),
        message_expression=raw.get("messageExpression", "").strip(),
        paths=(path,) if isinstance(path, str) else tuple(path),
        kubernetes=Range(**raw.get("kubernetes", {})),
        containerd=Range(**raw.get("containerd", {})),
        fix=_fix(raw.get("fix", fix)),
    )
