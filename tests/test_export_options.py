"""What `hostprocess export` is asked for: rules, releases, a pack of one's own; and what it cannot do, said clearly and with exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest

import hostprocess
from exporting import ONE, objects, policies, refusal, run, written
from support import rule_text, write_pack

PACK = hostprocess.load_rules()
DEFAULT = {name for name, bundle in PACK.bundles.items() if bundle.default}


def exported_rules(*arguments: object) -> set[str]:
    """The rules whose ids stand in front of a message."""
    found = {one["message"][1:].partition("]")[0] for spec in policies(*arguments).values() for one in spec["validations"]}
    noted = {name for one in objects(*arguments, kind="ValidatingAdmissionPolicy") for name in _rules(one)}
    assert found == noted
    return found


def _rules(policy: dict[str, dict[str, dict[str, str]]]) -> list[str]:
    return policy["metadata"]["annotations"]["hostprocess.windows.policy/rules"].split()


def of_bundles(*names: str) -> set[str]:
    """Those that hold in Kubernetes 1.37 with containerd 1.7."""
    holding = [rule for rule in PACK.rules if rule.kubernetes.holds("1.37") and rule.containerd.holds("1.7") and rule.status != "retired"]
    return {rule.id for rule in holding if rule.bundle in names and not rule.opt_in}


# Which rules.


def test_the_bundles_that_are_on_by_default() -> None:
    assert exported_rules("--kubernetes=1.37") == of_bundles(*DEFAULT)


@pytest.mark.parametrize("names", [("access",), ("requirements", "containerd")])
def test_bundles_by_name(names: tuple[str, ...]) -> None:
    assert exported_rules("--kubernetes=1.37", *[f"--bundle={name}" for name in names]) == of_bundles(*names)


def test_bundles_with_commas() -> None:
    assert exported_rules("--kubernetes=1.37", "--bundle=access, containerd,") == of_bundles("access", "containerd")


def test_rules_by_name_whatever_their_bundle() -> None:
    wanted = {"allowed-images", "requires-host-network"}
    assert exported_rules("--select=allowed-images", "--select", "requires-host-network") == wanted
    assert exported_rules("--select=allowed-images, requires-host-network") == wanted


def test_not_these_rules() -> None:
    ignored = {"requires-host-network", "mixed-containers"}
    assert exported_rules("--bundle=requirements", "--ignore", ",".join(ignored)) == exported_rules("--bundle=requirements") - ignored


def test_the_rule_that_asks_the_authorizer() -> None:
    assert exported_rules("--bundle=access", "--with-authorizer") == of_bundles("access") | {"requester-authorized"}
    assert exported_rules("--bundle=containerd", "--with-authorizer") == of_bundles("containerd")
    (spec,) = policies("--with-authorizer", "--select=requester-authorized").values()
    assert spec == policies("--bundle=access", "--with-authorizer")["access-error"] | {"validations": spec["validations"], "variables": spec["variables"]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bundle", "requirments"], "there is no bundle 'requirments'; did you mean 'requirements'?"),
        (["--bundle", "zzz"], "there is no bundle 'zzz'; there are access, containerd, "),
        (["--select", "requires-host-netwrk"], "there is no rule 'requires-host-netwrk'; did you mean 'requires-host-network'?"),
        (["--ignore", "requires-host-netwrk"], "there is no rule 'requires-host-netwrk'; did you mean 'requires-host-network'?"),
        ([ONE, "--ignore", "requires-host-network"], "there is no rule to export"),
        (["--enforcement", "denny"], "'denny' is not one of 'deny', 'warn', 'audit'"),
        (["--workloads", "none"], "'none' is not one of 'deny', 'warn', 'off'"),
        (["--params-missing", "warn"], "'warn' is not one of 'allow', 'deny'"),
        (["--format", "json"], "No such option '--format'"),
        (["--enforcment", "deny"], "'--enforcement'"),
        (["deny"], "Got unexpected extra argument (deny)"),
        (["--policies", ""], "--policies: the path is empty"),
        (["--containerd", "new"], "--containerd 'new' is not a release; write it as 1.7"),
        (["--policies", "/nowhere"], "/nowhere: no such file or folder"),
        ([ONE, "--policies", "a\nb"], "--policies: a name is one line"),
    ],
)
def test_what_does_not_exist(arguments: list[str], message: str) -> None:
    assert message in refusal(*arguments)


def test_a_rule_that_was_asked_for_and_does_not_hold_is_told() -> None:
    """Nobody may take a rule for enforced that is not."""
    later = next(rule for rule in PACK.rules if rule.kubernetes.since > "1.30")
    ran = run(ONE, "--select", later.id)
    assert ran.status == 0
    assert ran.stderr == f"note: {later.id} is left out: it does not hold in Kubernetes 1.30 with containerd 1.7\n"
    assert run(ONE, "--select", later.id, "--ignore", later.id).stderr == ""
    assert run(ONE).stderr == ""


def test_containerd_chooses_rules() -> None:
    old, new = (exported_rules("--bundle=containerd", "--containerd", release) for release in ("1.6", "1.7.2"))
    assert old != new
    assert exported_rules("--bundle=containerd", "--containerd", "v1.7") == new


# Which releases.


@pytest.mark.parametrize(
    ("release", "version"),
    [("1.28", "v1beta1"), ("1.29", "v1beta1"), ("1.28..1.29", "v1beta1"), ("1.30", "v1"), ("v1.31.4", "v1"), ("1.30..1.34", "v1"), ("1.37", "v1")],
)
def test_the_version_of_the_objects(release: str, version: str) -> None:
    found = {one["apiVersion"] for one in objects(ONE, "--kubernetes", release)}
    assert found == {f"admissionregistration.k8s.io/{version}"}


def test_the_oldest_release_with_v1_is_the_default() -> None:
    assert objects(ONE) == objects(ONE, "--kubernetes=1.30")


@pytest.mark.parametrize(
    ("release", "message"),
    [
        ("1.25", "cannot be exported for 1.25: it has no ValidatingAdmissionPolicy"),
        ("1.26", "cannot be exported for 1.26: its v1alpha1 knows neither variables nor matchConditions; 1.28 is the first"),
        ("1.27", "cannot be exported for 1.27: its v1alpha1 knows no variables; 1.28 is the first"),
        ("1.27..1.29", "cannot be exported for 1.27: its v1alpha1 knows no variables"),
        ("1.29..1.30", "1.30 and newer take admissionregistration.k8s.io/v1, older ones only v1beta1; export twice, for 1.29 and 1.30"),
        ("1.28..1.34", "export twice, for 1.28..1.29 and 1.30..1.34"),
        ("1.34..1.30", "the range ends before it begins; write 1.30..1.34"),
        ("1.38", "1.38 is newer than 1.37, the newest release that is known"),
        ("1.30..1.99", "1.99 is newer than 1.37"),
        ("2.0", "'2.0' is not a release; write it as 1.30, or 1.30..1.34"),
        ("1.30...1.31", "is not a release"),
        ("1.30..", "is not a release"),
        ("1.30,1.31", "is not a release"),
        ("", "'' is not a release"),
        ("latest", "is not a release"),
    ],
)
def test_releases_that_cannot_be_exported_for(release: str, message: str) -> None:
    said = refusal("--kubernetes", release)
    assert said.startswith("--kubernetes ")
    assert message in said


@pytest.fixture
def changing(tmp_path: Path) -> str:
    """A pack with a rule that holds since 1.32, one that held before and one that always does."""
    rules = {"ever": rule_text("ever")}
    for name in ("since", "before"):
        rules[name] = rule_text(name, ('since: "0.1.0"', f'since: "0.1.0"\nkubernetes: {{{name}: "1.32"}}'))
    return write_pack(tmp_path, {f"area/{name}.yaml": text for name, text in rules.items()})


@pytest.mark.parametrize(
    ("release", "rules"),
    [
        ("1.31", {"before", "ever"}),
        ("1.32", {"since", "ever"}),
        ("1.30..1.31", {"before", "ever"}),
        ("1.32..1.34", {"since", "ever"}),
        ("1.31..1.33", {"ever"}),
    ],
)
def test_a_range_has_the_rules_that_hold_in_all_of_it(changing: str, release: str, rules: set[str]) -> None:
    assert exported_rules("--policies", changing, "--kubernetes", release) == rules
    ends = {name for end in release.split("..") for name in exported_rules("--policies", changing, "--kubernetes", end)}
    said = run("--policies", changing, "--kubernetes", release).stderr
    assert said == (
        "note: left out, because they do not hold in all of 1.31..1.33: before, since; export each release for itself to have them\n" if ends - rules else ""
    )


# A pack of one's own. What a release takes in a new policy is what the release before it knew.

FUNCTIONS = [
    ("sets.contains([1], [1])", "1.29", "1.30"),
    ("isIP(string('1.1.1.1'))", "1.30", "1.31"),
    ("!format.named('dns1123Label').value().validate('a').hasValue()", "1.31", "1.32"),
    ("isSemver(string('1.0.0'))", "1.33", "1.34"),
    ("lists.range(2) == [0, 1]", "1.34", "1.35"),
    ("[1, 2].includes(1)", "1.37", ""),
]


def using(tmp_path: Path, expression: str) -> str:
    rule = rule_text("calls", ("evidence: documented", "evidence: apiserver"), ("expression: size(variables.containers) < 2", f'expression: "{expression}"'))
    return write_pack(tmp_path, {"area/calls.yaml": rule})


@pytest.mark.parametrize(("expression", "refused", "taken"), FUNCTIONS, ids=[each[0].partition("(")[0] for each in FUNCTIONS])
def test_a_rule_with_a_function_that_a_release_does_not_take(tmp_path: Path, expression: str, refused: str, taken: str) -> None:
    pack = using(tmp_path, expression)
    said = refusal("--policies", pack, "--kubernetes", refused)
    assert f"the policy hostprocess-base-error would be refused by Kubernetes {refused}: spec.validations[0].expression (rule calls): " in said
    if taken:
        (spec,) = policies("--policies", pack, "--kubernetes", taken).values()
        assert expression in spec["validations"][0]["expression"]


def test_the_lowest_release_of_a_range_decides(tmp_path: Path) -> None:
    pack = using(tmp_path, "lists.range(2) == [0, 1]")
    said = refusal("--policies", pack, "--kubernetes", "1.30..1.37")
    assert "would be refused by Kubernetes 1.30: spec.validations[0].expression (rule calls): " in said
    assert "undeclared reference to 'lists'" in said
    assert run("--policies", pack, "--kubernetes", "1.35..1.37").status == 0


def test_names_of_a_pack_that_no_object_can_have(tmp_path: Path) -> None:
    """The API server would refuse the objects, so the export does."""
    pack = write_pack(tmp_path, None, ("name: mine", "name: my own pack"))
    assert "would be refused by Kubernetes 1.30: metadata.labels" in refusal("--policies", pack)


def test_parameters_that_cannot_be_there(tmp_path: Path) -> None:
    rules = {"area/limits.yaml": rule_text("limits", ("bundle: base", "bundle: limited"), ("< 2", "< variables.maximum"))}
    pack = write_pack(tmp_path, rules, ("namespace: config", "namespace: Config_1"))
    assert "there cannot be a ConfigMap Config_1/limits of v1" in refusal("--policies", pack, "--bundle", "limited")


def test_a_folder_that_is_no_pack(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(written(ONE))
    assert "pack.yaml" in refusal("--policies", tmp_path)
