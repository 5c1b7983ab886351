"""`hostprocess fix` as people run it: what it shows, writes, leaves alone and exits with."""

from __future__ import annotations

import codecs
import gzip
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from fixing import findings, run
from hostprocess.fix import files
from support import REPOSITORY

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: ops}
spec:
  # The node is ours.
  hostPID: true   # of old
  nodeSelector: { "kubernetes.io/os" : windows }
  securityContext:
      windowsOptions:
          hostProcess:   yes
          runAsUserName: 'NT AUTHORITY\\LocalService'
  containers:
  - name: agent
    image:   registry.test/agent:1
"""
FIXED = POD.replace("spec:\n", "spec:\n  os:\n    name: windows\n  hostNetwork: true\n").replace("  hostPID: true   # of old\n", "")
DIFF = """\
--- pod.yaml
+++ pod.yaml
@@ -2,8 +2,10 @@
 kind: Pod
 metadata: {name: agent, namespace: ops}
 spec:
+  os:
+    name: windows
+  hostNetwork: true
   # The node is ours.
-  hostPID: true   # of old
   nodeSelector: { "kubernetes.io/os" : windows }
   securityContext:
       windowsOptions:
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pod.yaml").write_text(POD, "utf-8")
    return tmp_path


@pytest.mark.parametrize("option", [(), ("--diff",)])
def test_it_shows_what_would_change_and_exits_with_1(folder: Path, option: tuple[str, ...]) -> None:
    shown = run("pod.yaml", *option)
    assert (shown.status, shown.stdout) == (1, DIFF)
    assert shown.stderr == (
        "would fix 3 places in 1 file: host-pid-ipc, os-name-missing, requires-host-network\n"
        "--unsafe fixes 1 more, which may change what works: service-account-token\n"
        "2 findings remain, see hostprocess check\n"
    )
    assert (folder / "pod.yaml").read_text("utf-8") == POD


def test_the_diff_is_one_that_patch_takes(folder: Path) -> None:
    subprocess.run(["patch", "--silent", "pod.yaml"], input=run("pod.yaml").data, check=True, cwd=folder)
    assert (folder / "pod.yaml").read_text("utf-8") == FIXED


def test_written_and_then_there_is_nothing_to_do(folder: Path) -> None:
    written = run("pod.yaml", "--write")
    assert (written.status, written.stdout) == (0, "")
    assert written.stderr.startswith("fixed 3 places in 1 file: ")
    assert (folder / "pod.yaml").read_text("utf-8") == FIXED
    again = run("pod.yaml")
    assert (again.status, again.stdout) == (0, "")
    assert again.stderr.startswith("nothing to fix\n")
    assert sorted(os.listdir(folder)) == ["pod.yaml"]


def test_the_findings_are_gone_and_no_others_came(folder: Path) -> None:
    before = findings(folder / "pod.yaml")
    run("pod.yaml", "--write")
    after = findings(folder / "pod.yaml")
    assert after < before
    assert {rule for rule, _, _ in before - after} == {"host-pid-ipc", "os-name-missing", "requires-host-network"}


def test_unsafe_fixes_come_when_they_are_asked_for(folder: Path) -> None:
    safe, unsafe = run("pod.yaml").stdout, run("pod.yaml", "--unsafe").stdout
    assert "+  automountServiceAccountToken: false\n" in unsafe
    assert "automountServiceAccountToken" not in safe


def test_rules_can_be_chosen(folder: Path) -> None:
    def changes(*arguments: str) -> list[str]:
        return [line for line in run("pod.yaml", *arguments).stdout.split("\n")[2:] if line[:1] in ("+", "-")]

    assert changes("--select", "host-pid-ipc") == ["-  hostPID: true   # of old"]
    assert changes("--ignore", "host-pid-ipc,os-name-missing") == ["+  hostNetwork: true"]
    wrong = run("pod.yaml", "--select", "host-pid")
    assert wrong.status == 2
    assert "there is no rule 'host-pid'; did you mean 'host-pid-ipc'?" in wrong.stderr


def test_standard_input_goes_to_standard_output(folder: Path) -> None:
    made = run("-", stdin=POD.encode())
    assert (made.status, made.stdout) == (0, FIXED)
    assert made.stderr.startswith("fixed 3 places in 1 file")
    again = run("-", "--quiet", stdin=FIXED.encode())
    assert (again.status, again.stdout, again.stderr) == (0, FIXED, "")
    shown = run("-", "--diff", stdin=POD.encode())
    assert (shown.status, shown.stdout) == (1, DIFF.replace("pod.yaml", "<stdin>"))


def test_what_cannot_be_read_leaves_standard_output_as_it_came(folder: Path) -> None:
    text = POD.replace("hostPID: true", "hostPid: true")
    made = run("-", stdin=text.encode())
    assert (made.status, made.stdout) == (2, text)
    assert "<stdin>:6:3: spec.hostPid" in made.stderr


ENCODINGS = {
    "crlf": POD.replace("\n", "\r\n").encode(),
    "mark": codecs.BOM_UTF8 + POD.encode(),
    "powershell": codecs.BOM_UTF16_LE + POD.replace("\n", "\r\n").encode("utf-16-le"),
    "big": codecs.BOM_UTF16_BE + POD.encode("utf-16-be"),
    "unmarked": POD.encode("utf-16-le"),
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_encodings_and_line_ends_are_kept(folder: Path, name: str) -> None:
    (folder / "pod.yaml").write_bytes(ENCODINGS[name])
    assert run("pod.yaml", "--write").status == 0
    data = (folder / "pod.yaml").read_bytes()
    expected = {
        "crlf": FIXED.replace("\n", "\r\n").encode(),
        "mark": codecs.BOM_UTF8 + FIXED.encode(),
        "powershell": codecs.BOM_UTF16_LE + FIXED.replace("\n", "\r\n").encode("utf-16-le"),
        "big": codecs.BOM_UTF16_BE + FIXED.encode("utf-16-be"),
        "unmarked": FIXED.encode("utf-16-le"),
    }
    assert data == expected[name]


def test_the_mode_is_kept_and_links_are_followed(folder: Path) -> None:
    (folder / "pod.yaml").chmod(0o640)
    (folder / "link.yaml").symlink_to("pod.yaml")
    assert run("link.yaml", "--write").status == 0
    assert (folder / "link.yaml").is_symlink()
    assert (folder / "pod.yaml").read_text("utf-8") == FIXED
    assert stat.S_IMODE((folder / "pod.yaml").stat().st_mode) == 0o640


def test_a_file_that_changed_meanwhile_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = files.write_fixed

    def late(made: files.FileFix) -> None:
        (folder / "pod.yaml").write_text("mine\n", "utf-8")
        write(made)

    monkeypatch.setattr(files, "write_fixed", late)
    made = run("pod.yaml", "--write")
    assert made.status == 2
    assert made.stderr.startswith("error: pod.yaml: was changed by something else meanwhile")
    assert (folder / "pod.yaml").read_text("utf-8") == "mine\n"


def test_what_cannot_be_written_is_told_and_nothing_is_left_over(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.os, "replace", refused)
    made = run("pod.yaml", "--write")
    assert (made.status, made.stderr.split("\n")[0]) == (2, "error: pod.yaml: cannot be written: Permission denied")
    assert (folder / "pod.yaml").read_text("utf-8") == POD
    assert os.listdir(folder) == ["pod.yaml"]


def test_several_documents_and_only_those_at_fault_change(folder: Path) -> None:
    other = "# A comment\napiVersion: v1\nkind: ConfigMap\nmetadata: {name:   c}\ndata: {a:   'b'}\n"
    (folder / "pod.yaml").write_text(f"{other}---\n{POD}---\n# nothing\n---\n{other}...\n---\n{POD}", "utf-8")
    run("pod.yaml", "--write")
    assert (folder / "pod.yaml").read_text("utf-8") == f"{other}---\n{FIXED}---\n# nothing\n---\n{other}...\n---\n{FIXED}"


def test_a_document_that_cannot_be_read_is_an_error_and_the_others_are_fixed(folder: Path) -> None:
    broken = POD.replace("hostPID: true", "hostPID: maybe")
    (folder / "pod.yaml").write_text(f"{broken}---\n{POD}", "utf-8")
    made = run("pod.yaml", "--write")
    assert made.status == 2
    assert "error: pod.yaml:6:3: spec.hostPID" in made.stderr
    assert (folder / "pod.yaml").read_text("utf-8") == f"{broken}---\n{FIXED}"


@pytest.mark.parametrize("head", ["items:\n", "items: # two\n"])
def test_the_items_of_a_list(folder: Path, head: str) -> None:
    """Laid out as kubectl does it, which is read item by item, and otherwise."""

    def listed(text: str) -> str:
        item = "- " + "".join(f"  {line}\n" for line in text.splitlines())[2:]
        return f"apiVersion: v1\nkind: List\n{head}{item}{item}"

    (folder / "pod.yaml").write_text(listed(POD), "utf-8")
    run("pod.yaml", "--write")
    assert (folder / "pod.yaml").read_text("utf-8") == listed(FIXED)


def test_json_is_fixed_as_json(folder: Path) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "annotations": {"microsoft.com/hostprocess-container": "true"}}}
    spec = {
        "nodeSelector": {"kubernetes.io/os": "windows"},
        "securityContext": {"windowsOptions": {"hostProcess": True, "runAsUserName": "NT AUTHORITY\\SYSTEM"}},
        "containers": [{"name": "a", "image": "i"}],
    }
    for indent in (None, 2, "\t"):
        value = {"apiVersion": "v1", "kind": "List", "items": [{**pod, "spec": spec}]}
        (folder / "pods.json").write_text(json.dumps(value, indent=indent), "utf-8")
        assert run("pods.json", "--write").status == 0
        after = json.loads((folder / "pods.json").read_text("utf-8"))
        assert after["items"][0]["spec"] == {**spec, "hostNetwork": True, "os": {"name": "windows"}}
        assert after["items"][0]["metadata"]["annotations"] == {}
    (folder / "pods.json").write_text(json.dumps(pod) * 2, "utf-8")
    made = run("pods.json")
    assert (made.status, made.stderr.split("\n")[0]) == (2, "error: pods.json: holds several JSON values; it is fixed if it is one List, or YAML")


def test_anchors_that_are_used_elsewhere_are_refused_with_the_reason(folder: Path) -> None:
    text = POD + "    securityContext: &context\n      privileged: true\n  - name: other\n    image: i\n    securityContext: *context\n"
    (folder / "pod.yaml").write_text(text, "utf-8")
    made = run("pod.yaml", "--select", "privileged-field,host-pid-ipc")
    assert "privileged" not in "".join(line for line in made.stdout.split("\n") if line[:1] in "+-")
    assert (
        "note: pod.yaml:16:7: privileged-field is not fixed at spec.containers[0].securityContext.privileged: "
        "spec.containers[0].securityContext carries the anchor &context, and its aliases would change with it\n"
    ) in made.stderr
    assert "is the alias *context: what it stands for is used elsewhere, too" in made.stderr
    assert "-  hostPID: true" in made.stdout


def test_a_fix_that_brings_about_something_else_is_not_made(folder: Path) -> None:
    """With spec.os the API server refuses seccompProfile, which it let pass before."""
    (folder / "pod.yaml").write_text(POD.replace("  securityContext:\n", "  securityContext:\n      seccompProfile: {type: RuntimeDefault}\n"), "utf-8")
    made = run("pod.yaml", "--write")
    assert "os-name-missing is not fixed at spec.os.name: it would bring about os-windows-forbidden-fields" in made.stderr
    text = (folder / "pod.yaml").read_text("utf-8")
    assert "seccompProfile" in text
    assert "os:\n" not in text
    assert "hostNetwork: true" in text
    run("pod.yaml", "--write", "--unsafe")
    text = (folder / "pod.yaml").read_text("utf-8")
    assert "seccompProfile" not in text
    assert "  os:\n    name: windows\n" in text


def test_fixes_are_safe_only_where_windows_is_chosen(folder: Path) -> None:
    (folder / "pod.yaml").write_text(POD.replace('  nodeSelector: { "kubernetes.io/os" : windows }\n', ""), "utf-8")
    made = run("pod.yaml")
    assert (made.status, made.stdout) == (0, "")
    assert (
        "--unsafe fixes 5 more, which may change what works: host-pid-ipc, os-name-missing, requires-host-network, service-account-token, windows-node-selector"
        in (made.stderr)
    )


def test_what_is_excepted_is_not_fixed(folder: Path) -> None:
    (folder / ".hostprocess-exceptions.yaml").write_text(
        "exceptions:\n- {rule: host-pid-ipc, match: {name: agent}, owner: a, reason: It is looked at by a tool., expires: 2099-01-01}\n", "utf-8"
    )
    assert "-  hostPID" not in run("pod.yaml").stdout
    assert "-  hostPID" in run("pod.yaml", "--no-exceptions").stdout


def test_releases_choose_the_rules(folder: Path) -> None:
    """Before 1.25 nobody is told to say spec.os."""
    assert "+  os:" not in run("pod.yaml", "--kubernetes", "1.24").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pod.yaml", "--diff", "--write"], "--diff shows what --write would change"),
        (["pod.yaml", "-"], "- is for itself"),
        (["none.yaml"], "error: none.yaml: no such file or folder"),
        (["pod.yaml.gz"], "error: pod.yaml.gz: is compressed; decompress it to have it fixed"),
        (["binary.yaml"], "error: binary.yaml: not text in UTF-8 or UTF-16"),
        (["mac.yaml"], "error: mac.yaml: holds carriage returns that no line feed follows"),
        (["chart.yaml"], "it looks like a Helm template"),
        (["pod.yaml", "--policies", "pod.yaml"], "pod.yaml is no rule pack"),
        (["pod.yaml", "--policies", ""], "--policies: the path is empty"),
        (["pipe"], "error: pipe: is not a regular file; use - for standard input"),
    ],
)
def test_bad_input_has_one_clear_message(folder: Path, arguments: list[str], message: str) -> None:
    (folder / "pod.yaml.gz").write_bytes(gzip.compress(POD.encode()))
    (folder / "binary.yaml").write_bytes(b"\xff\xfe\xfd\xdc")
    (folder / "mac.yaml").write_bytes(POD.replace("\n", "\r").encode())
    (folder / "chart.yaml").write_text("apiVersion: v1\nkind: Pod\n{{- if .Values.x }}\nspec: {}\n{{- end }}\n", "utf-8")
    os.mkfifo(folder / "pipe")
    made = run(*arguments)
    assert made.status == 2
    assert message in made.stderr
    assert (folder / "pod.yaml").read_text("utf-8") == POD


def test_compressed_files_in_a_folder_are_left_with_a_note(folder: Path) -> None:
    (folder / "old.yaml.gz").write_bytes(gzip.compress(POD.encode()))
    made = run(".", "--write")
    assert made.status == 0
    assert "note: ./old.yaml.gz: is compressed" in made.stderr
    assert (folder / "pod.yaml").read_text("utf-8") == FIXED


def test_the_examples_are_better_afterwards(tmp_path: Path) -> None:
    for path in sorted((REPOSITORY / "examples").glob("*.yaml")):
        copy = tmp_path / path.name
        copy.write_bytes(path.read_bytes())
        before = findings(copy)
        assert run(copy, "--write").status == 0
        assert findings(copy) <= before
        assert run(copy).status == 0


def test_explain_tells_of_fixes() -> None:
    told = subprocess.run([sys.executable, "-m", "hostprocess", "explain", "requires-host-network"], capture_output=True, text=True, check=True).stdout
    assert "hostprocess fix sets the field that is named to true (safe under a condition)." in " ".join(told.split())
