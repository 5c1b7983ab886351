"""Exports in folders: what is written, what is never touched, what is left when writing fails; and --check, which compares."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from exporting import ONE, Ran, files, objects, refusal, run
from hostprocess.export.folder import write_files
from hostprocess.export.layout import MARK

BASE = {"base/kustomization.yaml", "base/hostprocess-requirements-error.yaml"}
OVERLAYS = {f"overlays/{name}/{file}" for name in ("audit", "warn", "deny") for file in ("kustomization.yaml", "bindings.yaml")}
OURS = f"{MARK} 0\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an export of one rule."""
    assert run(ONE, "--output", tmp_path / "out").status == 0
    return tmp_path / "out"


# Writing.


def test_a_kustomize_base_with_an_overlay_for_each_set(folder: Path) -> None:
    assert set(files(folder)) == BASE | OVERLAYS
    for place in (folder / "base", *(folder / "overlays").iterdir()):
        kustomization = yaml.safe_load((place / "kustomization.yaml").read_text())
        assert (kustomization["apiVersion"], kustomization["kind"]) == ("kustomize.config.k8s.io/v1beta1", "Kustomization")
        beside = {file.name for file in place.glob("*.yaml")} - {"kustomization.yaml"}
        expected = beside if place.name == "base" else {"../../base", *beside}
        assert set(kustomization["resources"]) == expected
        assert all((place / name).exists() for name in kustomization["resources"])


def test_the_overlays_hold_what_the_streams_hold(folder: Path) -> None:
    base = objects(ONE, kind="ValidatingAdmissionPolicy")
    assert list(yaml.safe_load_all((folder / "base" / "hostprocess-requirements-error.yaml").read_text())) == base
    for name in ("audit", "warn", "deny"):
        found = list(yaml.safe_load_all((folder / "overlays" / name / "bindings.yaml").read_text()))
        assert found == objects(ONE, f"--enforcement={name}", kind="ValidatingAdmissionPolicyBinding")


def test_enforcement_leaves_one_overlay(tmp_path: Path) -> None:
    assert run(ONE, "--enforcement", "deny", "--output", tmp_path / "out").status == 0
    assert set(files(tmp_path / "out")) == BASE | {name for name in OVERLAYS if "/deny/" in name}


def test_a_namespace_and_parameters_come_first_in_the_base(tmp_path: Path) -> None:
    assert run("--select", "allowed-images", "--output", tmp_path / "new" / "out").status == 0
    kustomization = yaml.safe_load((tmp_path / "new" / "out" / "base" / "kustomization.yaml").read_text())
    assert kustomization["resources"] == ["namespace.yaml", "params.yaml", "hostprocess-access-error-configmap.yaml"]


def test_every_file_says_that_it_is_generated_and_how(folder: Path) -> None:
    for text in files(folder).values():
        first, second, rest = text.split("\n", 2)
        assert first.startswith(MARK)
        assert "do not edit" in first
        assert second == f"# Made with: hostprocess export --select {ONE.partition('=')[2]}"
        assert "\r" not in text
        assert rest.endswith("\n")


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    """Whatever the order in which Python's sets and dictionaries of another process come."""
    found = []
    command = [sys.executable, "-c", "from hostprocess.cli import main; main()"]
    for seed in ("1", "2"):
        options = ["--bundle", "access", "--bundle", "containerd", "--exempt-user", "b", "--exempt-user", "a", "--exempt-namespace", "y,x"]
        subprocess.run([*command, "export", *options, "--output", str(tmp_path / seed)], env={**os.environ, "PYTHONHASHSEED": seed}, check=True)
        found.append(files(tmp_path / seed))
    assert found[0] == found[1]
    assert len(found[0]) > len(BASE | OVERLAYS)


# Folders that are there already.


def test_an_empty_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    """It stays the same folder: it may be where a volume is mounted, which nobody can put another folder in the place of."""
    out = tmp_path / "out"
    out.mkdir(mode=0o750)
    before = out.stat()
    assert run(ONE, "--output", out).status == 0
    assert set(files(out)) == BASE | OVERLAYS
    assert (out.stat().st_ino, out.stat().st_mode) == (before.st_ino, before.st_mode)
    assert {one.name for one in out.iterdir()} == {"base", "overlays"}


def test_a_link_to_an_empty_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "there")
    assert run(ONE, "--output", tmp_path / "out").status == 0
    assert (tmp_path / "out").is_symlink()
    assert set(files(tmp_path / "there")) == BASE | OVERLAYS


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    message = refusal(ONE, "--output", tmp_path)
    assert f"--output {tmp_path}: the folder is not empty; --force replaces" in message
    assert files(tmp_path) == {"notes.txt": "mine"}


def test_a_file_is_refused_even_with_force(tmp_path: Path) -> None:
    (tmp_path / "out").write_text(OURS)
    for force in ((), ("--force",)):
        assert f"--output {tmp_path / 'out'}: is a file; name a folder" in refusal(ONE, "--output", tmp_path / "out", *force)
    assert files(tmp_path) == {"out": OURS}


def test_no_folder_is_no_folder() -> None:
    """As when a variable of a script is empty: then it is not the current folder that is meant."""
    assert "--output: the name of a folder is missing" in refusal(ONE, "--output", "", "--force")
    assert "--output: the name of a folder is missing" in refusal(ONE, "--output", "")
    assert "--check: the name of a folder is missing" in refusal("--check", "")


def test_force_is_for_folders() -> None:
    assert "--force is for --output DIR" in refusal(ONE, "--force")


def test_force_replaces_what_is_ours_and_nothing_else(folder: Path) -> None:
    """Stale files of an export go, with the folders that they leave empty; what somebody else put there stays, among our files too."""
    mine = {"notes.txt": "mine", "base/patch.yaml": "mine: too\n", "overlays/prod/kustomization.yaml": OURS + "resources: [../deny]\n", "other/a.yaml": OURS}
    ours = {"base/hostprocess-gone-error.yaml": OURS, "base/kustomization.yaml": OURS, "overlays/audit/gone.yaml": OURS}
    for name, text in {**mine, **ours}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (folder / "empty").mkdir()
    assert run(ONE, "--enforcement", "warn", "--output", folder, "--force").status == 0
    found = files(folder)
    assert set(found) == BASE | {name for name in OVERLAYS if "/warn/" in name} | set(mine)
    assert {name: found[name] for name in mine} == mine
    assert found["base/kustomization.yaml"] != OURS
    assert {path.name for path in (folder / "overlays").iterdir()} == {"warn", "prod"}
    assert (folder / "empty").is_dir()


@pytest.mark.parametrize("text", ["resources: []\n", "", "\xff\xfe"])
def test_a_file_of_somebody_else_in_the_place_of_ours_is_not_replaced(folder: Path, text: str) -> None:
    place = folder / "overlays" / "deny" / "bindings.yaml"
    place.write_bytes(text.encode("latin-1"))
    (folder / "base" / "kustomization.yaml").write_text(OURS)
    assert f"{place} does not come from an export, so it is not replaced" in refusal(ONE, "--output", folder, "--force")
    assert place.read_bytes() == text.encode("latin-1")
    assert (folder / "base" / "kustomization.yaml").read_text() == OURS


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("nowhere")], ids=["folder", "pipe", "broken link"])
def test_what_is_no_file_in_the_place_of_ours_is_not_replaced(folder: Path, make: Callable[[Path], object]) -> None:
    place = folder / "overlays" / "deny" / "bindings.yaml"
    place.unlink()
    make(place)
    assert f"{place} does not come from an export" in refusal(ONE, "--output", folder, "--force")
    assert os.path.lexists(place)


def test_a_file_in_the_place_of_a_folder_of_ours(folder: Path) -> None:
    shutil.rmtree(folder / "overlays")
    (folder / "overlays").write_text("mine")
    before = files(folder)
    assert f"{folder / 'overlays'}" in refusal(ONE, "--output", folder, "--force")
    assert files(folder) == before


# Writing that fails.


def failing(monkeypatch: pytest.MonkeyPatch, module: object, name: str, at: int, number: int) -> None:
    """Lets the call number `at` of a function fail."""
    calls = iter(range(at + 1))
    real = getattr(module, name)

    def fails(*arguments: object, **options: object) -> object:
        if next(calls, None) == at:
            raise OSError(number, os.strerror(number))
        return real(*arguments, **options)

    monkeypatch.setattr(module, name, fails)


NEW = {"base/kustomization.yaml": OURS + "new\n", "base/a.yaml": OURS + "new\n", "overlays/warn/a.yaml": OURS, "overlays/warn/b.yaml": OURS}
OLD = {"base/kustomization.yaml": OURS + "old\n", "base/a.yaml": OURS + "old\n", "base/b.yaml": OURS + "old\n", "mine.txt": "mine"}
STEPS = [
    *[("fsync", os, number, errno.ENOSPC) for number in range(4)],
    *[("replace", Path, number, errno.EIO) for number in range(4)],
    ("unlink", Path, 0, errno.EPERM),
    ("mkdir", Path, 2, errno.EACCES),
]


@pytest.mark.parametrize(("name", "module", "at", "number"), STEPS, ids=[f"{name}-{at}" for name, _, at, _ in STEPS])
def test_a_write_that_fails_half_way_leaves_the_old_files_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, module: object, at: int, number: int
) -> None:
    """Not only each file: the export, which is either the old or the new one."""
    for path, text in OLD.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    with monkeypatch.context() as patch:
        failing(patch, module, name, at, number)
        with pytest.raises(Exception, match=rf"cannot be written: {os.strerror(number)}; nothing was changed"):
            write_files(str(tmp_path), NEW, force=True)
    assert files(tmp_path) == OLD
    assert {path.name for path in tmp_path.iterdir()} == {"base", "mine.txt"}
    write_files(str(tmp_path), NEW, force=True)
    assert files(tmp_path) == {**NEW, "mine.txt": "mine"}


@pytest.mark.parametrize("at", range(4))
def test_a_new_folder_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    with monkeypatch.context() as patch:
        failing(patch, os, "fsync", at, errno.ENOSPC)
        with pytest.raises(Exception, match=rf"^{tmp_path / 'out'}: cannot be written: {os.strerror(errno.ENOSPC)}; nothing was changed"):
            write_files(str(tmp_path / "out"), NEW)
    assert list(tmp_path.iterdir()) == []


def test_interrupted_while_the_files_take_their_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(str(tmp_path), OLD)
    real, calls = Path.replace, iter((1, 2, 3))

    def replace(path: Path, target: Path) -> Path:
        if next(calls, None) == 2:
            raise KeyboardInterrupt
        return real(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            write_files(str(tmp_path), NEW, force=True)
    assert files(tmp_path) == OLD


@pytest.fixture
def no_rights() -> Iterator[Path]:
    """A folder that may not be written to, by the user that the test is then: not root, who may everything."""
    place = Path(tempfile.mkdtemp())
    write_files(str(place / "old"), OLD)
    for path in (place / "old" / "base", place / "old", place):
        path.chmod(0o555)
    user = os.geteuid()
    try:
        if user == 0:
            os.seteuid(65534)
        yield place
    finally:
        os.seteuid(user)
        for path in (place, place / "old", place / "old" / "base"):
            path.chmod(0o755)
        shutil.rmtree(place)


def test_a_folder_that_may_not_be_written_to(no_rights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hostprocess.export.build._digest", lambda pack, rules: "sha256:0")  # the rules themselves may lie where that user may not read
    before = files(no_rights)
    for name, force in (("new", ()), ("new/er", ()), ("old", ("--force",))):
        message = refusal(ONE, "--output", no_rights / name, *force)
        assert message.startswith(str(no_rights)), message
        assert message.endswith("cannot be written: Permission denied; nothing was changed\n")
        assert ".export-" not in message
    assert files(no_rights) == before


def test_a_rule_that_is_gone_while_it_is_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(path: Path) -> bytes:
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))

    monkeypatch.setattr(Path, "read_bytes", gone)
    assert refusal(ONE, "--output", tmp_path / "new").endswith("pack.yaml: cannot be read any more: No such file or directory\n")


# --check.


def check(folder: Path) -> Ran:
    return run("--check", folder)


def test_a_fresh_export(folder: Path) -> None:
    assert check(folder) == (0, "", "")
    (folder / "base" / "patch.yaml").write_text("mine: too\n")
    (folder / "base" / "README.md").write_text("mine")
    assert check(folder) == (0, "", "")


def test_a_stale_export_is_shown_as_a_diff_with_the_command_that_makes_it_again(folder: Path) -> None:
    place = folder / "base" / "hostprocess-requirements-error.yaml"
    place.write_text(place.read_text().replace("failurePolicy: Fail", "failurePolicy: Ignore"))
    status, diff, said = check(folder)
    assert status == 1
    assert diff.splitlines()[:2] == [f"--- {place}", f"+++ {place}"]
    assert [line for line in diff.splitlines()[2:] if line[0] in "+-"] == ["-  failurePolicy: Ignore", "+  failurePolicy: Fail"]
    assert said == f"{folder} is stale; make it again: hostprocess export --select requires-host-network --output {folder} --force\n"


def test_files_that_are_missing_or_too_many(folder: Path) -> None:
    (folder / "overlays" / "deny" / "bindings.yaml").unlink()
    (folder / "base" / "hostprocess-gone-error.yaml").write_text(OURS + "a: b\n")
    status, diff, _ = check(folder)
    assert status == 1
    assert f"--- {os.devnull}\n+++ {folder}/overlays/deny/bindings.yaml\n" in diff
    assert f"--- {folder}/base/hostprocess-gone-error.yaml\n+++ {os.devnull}\n" in diff
    assert "-a: b" in diff.splitlines()


@pytest.mark.parametrize("name", ["base/kustomization.yaml", "base/*.yaml"])
def test_an_export_without_its_base_is_stale_and_not_overlooked(folder: Path, name: str) -> None:
    run(ONE, "--kubernetes=1.29", "--output", folder / "v1beta1")
    for path in folder.glob(name):
        path.unlink()
    status, diff, said = check(folder)
    assert status == 1
    assert "+kind: Kustomization" in diff.splitlines()
    assert said.startswith(f"{folder} is stale")


def test_a_folder_of_exports_tells_which_are_stale(tmp_path: Path) -> None:
    for name, release in (("one's", "1.30"), ("two", "1.29")):
        run(ONE, "--kubernetes", release, "--output", tmp_path / name)
    assert check(tmp_path) == (0, "", "")
    (tmp_path / "one's" / "base" / "kustomization.yaml").unlink()
    status, _, said = check(tmp_path)
    assert (status, len(said.splitlines())) == (1, 1)
    assert """ --output '/""" in said  # as a shell takes it


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("export --frobnicate", "made with options that do not exist any more: No such option"),
        ("export --kubernetes", "made with options that do not exist any more"),
        ("export --select 'gone", "does not tell how it was made"),
        ("export --help", "does not tell how it was made"),
        ("", "does not tell how it was made"),
        ("check", "does not tell how it was made"),
        ("export --select gone-rule", "cannot be made again: there is no rule 'gone-rule'"),
        ("export --policies /nowhere", "cannot be made again: /nowhere: no such file or folder"),
    ],
)
def test_an_export_that_cannot_be_made_again(folder: Path, line: str, message: str) -> None:
    for path in folder.rglob("*.yaml"):
        path.write_text(path.read_text().replace("export --select requires-host-network", line))
    said = refusal("--check", folder)
    assert said.startswith(str(folder))
    assert message in said


def test_nothing_to_check(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: b\n")
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "kustomization.yaml").write_text("resources: []\n")
    assert f"--check {tmp_path}: there is no export in it; make one with" in refusal("--check", tmp_path)
    assert f"--check {tmp_path}/no: there is no such folder" in refusal("--check", tmp_path / "no")
    assert f"--check {tmp_path}/a.yaml: is a file" in refusal("--check", tmp_path / "a.yaml")


def test_a_file_that_is_no_text_is_a_difference(folder: Path) -> None:
    (folder / "base" / "kustomization.yaml").write_bytes(b"\xff\xfe")
    status, diff, _ = check(folder)
    assert status == 1
    assert f"{folder}/base/kustomization.yaml: is not UTF-8" in diff


@pytest.mark.parametrize("closed", ["old/base", "old"])
def test_what_may_not_be_read_is_not_passed_over(no_rights: Path, closed: str) -> None:
    os.seteuid(os.getuid())
    (no_rights / closed).chmod(0)
    os.seteuid(65534 if os.getuid() == 0 else os.getuid())
    assert f"{closed}: cannot be read: Permission denied" in refusal("--check", no_rights)


def test_check_takes_no_other_options(folder: Path) -> None:
    assert "--check takes the options that the export was made with: leave out --kubernetes" in refusal("--check", folder, "--kubernetes", "1.31")
    assert "leave out --exempt-user" in refusal("--exempt-user", "a", "--check", folder)
