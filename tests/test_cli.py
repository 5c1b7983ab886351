"""The command line as a user meets it: real processes, real files."""

from __future__ import annotations

import gzip
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from configuring import FAULTY, SOUND, WARNED
from hostprocess import __version__
from hostprocess.api import load_rules

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
COMMAND = [sys.executable, "-m", "hostprocess"]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(*arguments: str, text: str | bytes | None = None) -> subprocess.CompletedProcess[str]:
        given = text.encode() if isinstance(text, str) else text
        done = subprocess.run([*COMMAND, *arguments], input=given if given is not None else b"", capture_output=True, cwd=tmp_path, check=False)
        result = subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in result.stderr
        return result

    return run


@pytest.mark.parametrize(
    ("text", "options", "status"),
    [
        (SOUND, [], 0),
        (FAULTY, [], 1),
        (WARNED, [], 0),
        (WARNED, ["--fail-on", "warn"], 1),
        (WARNED, ["--fail-on", "audit"], 1),
        (FAULTY, ["--ignore", "requires-host-network"], 0),
        (FAULTY, ["--select", "mixed-containers"], 0),
        (FAULTY, ["--select", "mixed-containers,requires-host-network"], 1),
        (FAULTY, ["--bundle", "portability"], 0),
        (FAULTY, ["--kubernetes", "1.21"], 2),
        (FAULTY, ["--kubernetes", "1.22"], 1),
        (SOUND, ["--containerd", "1.5"], 1),
        (FAULTY, ["--runtime", "celpy", "--select", "requires-host-network"], 1),
        (FAULTY, ["--cross-check", "--select", "requires-host-network"], 1),
        (SOUND + "---\n: [\n", [], 2),
        (FAULTY + "---\n: [\n", [], 2),
    ],
)
def test_exit_codes(run: Run, text: str, options: list[str], status: int) -> None:
    result = run("check", "-", *options, text=text)
    assert result.returncode == status, result.stdout + result.stderr


def test_text_shows_place_rule_message_and_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text("# a comment\n---\n" + FAULTY.replace("spec:", "spec:\n  hostNetwork: false"))
    result = run("check", "pod.yaml")
    first = result.stdout.splitlines()
    assert first[0] == "pod.yaml:7:3: Pod kube-system/agent: deny requires-host-network"
    assert first[1].strip() == "hostNetwork must be true if pod contains any hostProcess containers"
    assert first[3] == "        7 |   hostNetwork: false"
    assert "Kubernetes 1.37, containerd 1.7" in first[-1]
    assert "\x1b[" not in result.stdout


def test_color_only_when_asked_or_at_a_terminal(run: Run) -> None:
    assert "\x1b[31;1mdeny" in run("check", "-", "--color", "always", text=FAULTY).stdout
    assert "\x1b[" not in run("check", "-", "--color", "never", text=FAULTY).stdout


def test_several_outputs_and_files_are_whole(run: Run, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("old")
    result = run("check", "-", "--output", "json=report.json", "--output", "text", text=FAULTY)
    assert result.returncode == 1
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["summary"]["deny"] == 1
    assert report["results"][0]["rule"] == "requires-host-network"
    assert "deny requires-host-network" in result.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.json"]


def test_an_error_leaves_an_old_report_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("old")
    assert run("check", "-", "--output", "json=report.json", "--bundle", "nope", text=FAULTY).returncode == 2
    assert (tmp_path / "report.json").read_text() == "old"


def test_results_and_diagnostics_go_to_different_streams(run: Run) -> None:
    result = run("check", "-", "--output", "json", text=FAULTY + "---\nname: values\n---\n- 1\n")
    assert json.loads(result.stdout)["errors"] == [
        {"path": "<stdin>", "line": 15, "column": 1, "message": "expected a Kubernetes object (a mapping), found a list"}
    ]
    assert "note: <stdin>:13:1: skipped: no apiVersion and kind" in result.stderr
    assert "error: <stdin>:15:1: expected a Kubernetes object" in result.stderr


def test_quiet_prints_findings_only(run: Run) -> None:
    result = run("check", "-", "--quiet", text=SOUND + "---\nname: values\n")
    assert (result.stdout, result.stderr) == ("", "")


def test_show_all_tells_why_a_rule_did_not_apply(run: Run) -> None:
    report = json.loads(
        run("check", "-", "--show-all", "--output", "json", "--select", "requires-host-network", text=SOUND + "---\napiVersion: v1\nkind: ConfigMap\n").stdout
    )
    assert [(one["outcome"], one["resource"]["kind"]) for one in report["results"]] == [("allow", "Pod"), ("skip", "ConfigMap")]
    assert "no resourceRule matches CREATE of configmaps" in report["results"][1]["message"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["check"], "Missing argument 'PATH...'"),
        (["check", "nowhere.yaml"], "nowhere.yaml: no such file or folder"),
        (["check", "*.nope"], "*.nope: no file matches this pattern"),
        (["check", "."], "no manifests in this folder"),
        (["check", "-", "--bundle", "requirement"], "there is no bundle 'requirement'; did you mean 'requirements'?"),
        (["check", "-", "--select", "require-host-network"], "did you mean 'requires-host-network'?"),
        (["check", "-", "--kubernetes", "latest"], "'latest' is not a release; write it as 1.30"),
        (["check", "-", "--kubernetes", "1.99"], "1.99 is newer than 1.37, the newest release that hostprocess"),
        (["check", "-", "--kubernetes", "0.9"], "'0.9' is not a release; write it as 1.30"),
        (["check", "-", "--kubernetes", "1.\u0663\u0660"], "is not a release; write it as 1.30"),
        (["check", "-", "--kubernetes", "1.20"], "--kubernetes 1.20: there are no HostProcess pods before 1.22"),
        (["check", "-", "--containerd", "new"], "--containerd 'new' is not a release; write it as 1.7"),
        (["lint", "-", "--kubernetes", "2.0"], "2.0 is newer than 1.37"),
        (["check", "-", "--policies", ""], "--policies: the path is empty"),
        (["check", "-", "--params", ""], "--params: the path is empty"),
        (["check", ""], "a path is empty"),
        (["rules", "--policies", ""], "--policies: the path is empty"),
        (["test", "--policies", "", "x"], "--policies: the path is empty"),
        (["check", "-", "--expression-timeout", "nan"], "nan is no number of seconds"),
        (["check", "-", "--output", "sarf"], "there is no format 'sarf'; there are text, json"),
        (["check", "-", "--output", "json="], "a file name is missing"),
        (["check", "-", "--output", "json", "--output", "text"], "two formats cannot go to standard output"),
        (["check", "-", "--output", "json=no/such/folder.json"], "cannot be written"),
        (["check", "-", "--runtime", "go"], "there is no runtime 'go'; there are cpp, celpy"),
        (["check", "-", "--params", "nowhere.yaml"], "nowhere.yaml: no such file or folder"),
        (["check", "-", "--policies", "nowhere"], "nowhere"),
        (["check", "-", "--inventory", "nowhere"], "nowhere: no such file or folder"),
        (["check", "-", "--fail-on", "never"], "'never' is not one of"),
        (["check", "-", "--old", "nowhere"], "--old is for --operation UPDATE"),
        (["check", "-", "--operation", "UPDATE", "--old", "nowhere"], "nowhere: no such file or folder"),
        (["check", "-", "--operation", "PATCH"], "'PATCH' is not one of"),
        (["check", "-", "--operation", "CONNECT"], "--operation CONNECT needs --subresource"),
        (["check", "-", "--group", "g"], "--group and --user-extra say more about --user"),
        (["check", "-", "--user", "u", "--user-extra", "x"], "--user-extra 'x': write it as KEY=VALUE"),
        (["check", "-", "--assume-namespace-labels", "=x"], "--assume-namespace-labels '=x': write it as KEY=VALUE"),
        (["check", "-", "--assume-binding", "deny"], "--assume-binding: every policy has a binding"),
        (["check", "-", "--raw", "--field-validation", "warn"], "--raw takes objects as they are written"),
        (["check", "-", "--admission-plugins", "Nope"], "the admission plug-in 'Nope' is not imitated"),
        (["check", "-", "--expression-timeout", "0"], "is not in the range"),
        (["check", "-", "--jobs", "-1"], "-1 is not in the range"),
        (["check", "-", "--cross-check", "--runtime", "tree"], "--cross-check compares cpp and celpy: leave out --runtime tree"),
        (["check", "-", "--subresource", "status"], "--subresource status is requested by UPDATE: add --operation UPDATE"),
        (["check", "-", "--subresource", "eviction", "--operation", "UPDATE"], "--subresource eviction is requested by CREATE"),
        (["check", "-", "--subresource", "eviction"], "a request for pods/eviction is about an object of kind Eviction: give that"),
        (["check", "-", "--subresource", "scale", "--operation", "UPDATE"], "there is no subresource pods/scale; there are attach, binding, "),
        (["check", "-", "--subresource", "log"], "--subresource log is only read, and policies are not asked about that"),
        (["check", "-", "--subresource", "Status"], "there is no subresource 'Status'; did you mean 'status'?"),
        (["check", "-", "--subresource", "foo"], "there is no subresource 'foo', and no policy names it; there are approval, "),
        (["check", "-", "--select", "os-name", "--ignore", "os-name"], "no rule is left to check: "),
        (["check", "-", "--select", "os-name-missing", "--kubernetes", "1.22"], "no rule is left to check: "),
        (["rules", "--policies", "nowhere"], "nowhere: no such file or folder"),
        (
            ["rules", "--policies", "policies.yaml"],
            "policies.yaml: is a file, and a rule pack is a folder with pack.yaml; policies in files have no rules to list",
        ),
        (["rules", "--policies", "."], "no pack.yaml in this folder, so it is not a rule pack"),
        (["explain"], "give either a RULE or --symptom TEXT"),
        (["explain", "host-network"], "there is no rule 'host-network'"),
        (["explain", "--symptom", "the moon is made of cheese"], "no rule and no advice explains this message"),
        (["nope"], "No such command 'nope'"),
        (["check", "-", "--nope"], "No such option"),
    ],
)
def test_wrong_use_gives_one_message_and_exit_code_2(run: Run, tmp_path: Path, arguments: Sequence[str], told: str) -> None:
    if "policies.yaml" in arguments:
        (tmp_path / "policies.yaml").write_text(SOUND)
    result = run(*arguments, text=SOUND)
    assert result.returncode == 2, result.stdout
    assert told in result.stderr


NAMES = """apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: names}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [pods, things/restart]}]
  validations: [{expression: size(object.metadata.name) < 3}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: names}
spec: {policyName: names, validationActions: [Deny]}
"""


@pytest.mark.parametrize("options", [["--select", "os-name"], ["--ignore", "os-name"], ["--bundle", "nope"]])
def test_what_chooses_rules_needs_a_pack(run: Run, tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "names.yaml").write_text(NAMES)
    result = run("check", "-", "--policies", "names.yaml", *options, text=SOUND)
    assert result.returncode == 2
    assert result.stderr == f"error: {options[0]}: there are no rules to choose from, as names.yaml is no rule pack (a folder with pack.yaml); leave it out\n"


def test_what_chooses_rules_leaves_policies_beside_a_pack_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "names.yaml").write_text(NAMES)
    given = ["check", "-", "--policies", str(ROOT / "policies"), "--policies", "names.yaml"]
    result = run(*given, "--select", "os-name", text=FAULTY)
    assert "deny validations[0]" in result.stdout
    assert "requires-host-network" not in result.stdout
    assert result.stderr == "note: names.yaml: --select chooses rules of packs: all policies of this file are judged\n"
    assert run(*given, "--select", "os-names", text=FAULTY).returncode == 2


@pytest.mark.parametrize(
    ("release", "status", "told"),
    [
        ("1.25", 2, "error: --kubernetes 1.25: there is no ValidatingAdmissionPolicy before 1.26, so names.yaml cannot be judged for it\n"),
        ("1.28", 1, "note: names.yaml: of Kubernetes 1.28 only the CEL functions are known: all else is as in 1.30"),
        ("1.30", 1, ""),
    ],
)
def test_releases_without_policies(run: Run, tmp_path: Path, release: str, status: int, told: str) -> None:
    (tmp_path / "names.yaml").write_text(NAMES)
    result = run("check", "-", "--policies", "names.yaml", "--kubernetes", release, text=SOUND)
    assert result.returncode == status
    assert result.stderr.startswith(told)
    assert bool(result.stderr) == bool(told)


def test_all_that_is_wrong_with_policies_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "names.yaml").write_text(NAMES.replace("CREATE, UPDATE", "CREATE, WRITE").replace("[Deny]", "[Deny, Warn]"))
    result = run("check", "-", "--policies", "names.yaml", text=SOUND)
    assert result.returncode == 2
    first, second = result.stderr.splitlines()
    assert first.startswith("error: names.yaml:6:")
    assert "'WRITE' is not an operation" in first
    assert second.startswith("error: names.yaml:12:")
    assert "Deny and Warn exclude each other" in second


def test_a_run_that_judges_nothing_says_so(run: Run, tmp_path: Path) -> None:
    (tmp_path / "names.yaml").write_text(NAMES)
    told = "note: nothing was judged: no policy is about these requests"
    arguments = ["check", "-", "--policies", "names.yaml"]
    assert run(*arguments, text=DEPLOYMENT).stderr == f"{told}; --show-all tells why\n"
    assert run(*arguments, "--show-all", text=DEPLOYMENT).stderr == f"{told}\n"
    assert run(*arguments, "--quiet", text=DEPLOYMENT).stderr == ""
    assert run(*arguments, text=DEPLOYMENT + "---\n" + SOUND).stderr == ""


def test_a_subresource_that_only_a_policy_knows(run: Run, tmp_path: Path) -> None:
    (tmp_path / "names.yaml").write_text(NAMES)
    arguments = ["check", "-", "--policies", "names.yaml", "--namespace", "n", "--subresource"]
    thing = "{apiVersion: shop.example/v1, kind: Thing, metadata: {name: t}}"
    assert run(*arguments, "restart", text=thing).returncode == 0
    assert "there is no subresource 'stop'" in run(*arguments, "stop", text=thing).stderr


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("binary.yaml", bytes(range(256)) * 10, "is it a binary file?"),
        ("broken.yaml", b"apiVersion: v1\nkind: Pod\nmetadata: {name: x\n", "broken.yaml:4:1: not valid YAML"),
        ("nul.json", b'{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a\\u0000b"}}', "NUL"),
        ("deep.json", b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "nested"),
        ("deep.yaml", b"[" * 10_000, "nested deeper than"),
        ("list.yaml", b"- 1\n- 2\n", "expected a Kubernetes object"),
        ("chart.yaml", b"apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Release.Name }}\n", "render it first"),
        ("damaged.yaml.gz", b"\x1f\x8b\x08\x00nonsense", "damaged gzip data"),
        ("miscased.yaml", SOUND.replace("hostProcess", "hostprocess").encode(), "the name is written 'hostProcess'"),
        ("bare.yaml", SOUND.partition("  containers:")[0].encode(), "containers: Required value"),
        ("quoted.yaml", SOUND.replace("hostProcess: true", "hostProcess: 'true'").encode(), "must be true or false"),
    ],
)
def test_bad_input_is_told_and_the_other_files_are_checked(run: Run, tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "faulty.yaml").write_text(FAULTY)
    result = run("check", ".")
    assert result.returncode == 2
    assert told in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert "deny requires-host-network" in result.stdout


BARE = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: bare, namespace: web}
spec:
  serviceName: bare
  selector: {matchLabels: {a: b}}
  template: {metadata: {labels: {a: b}}, spec: {nodeSelector: {kubernetes.io/os: linux}}}
"""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--kubernetes", "1.33"], 1), (["--kubernetes", "1.34"], 2), (["--operation", "UPDATE", "--old", "bare.yaml"], 0)],
)
def test_a_stateful_set_without_containers(run: Run, tmp_path: Path, arguments: list[str], code: int) -> None:
    """Releases before 1.34 ask the policies, which cannot look into a null; the others take it only in place of one that has none either."""
    (tmp_path / "bare.yaml").write_text(BARE)
    result = run("check", "bare.yaml", *arguments)
    assert result.returncode == code
    assert "bare.yaml:7:" in result.stderr
    assert ("refuses it before it asks any policy" if code == 2 else "takes this StatefulSet, which can make no pods") in result.stderr


def test_encodings_of_windows(run: Run, tmp_path: Path) -> None:
    (tmp_path / "powershell.yaml").write_bytes(FAULTY.replace("\n", "\r\n").encode("utf-16"))
    (tmp_path / "marked.yaml").write_bytes(b"\xef\xbb\xbf" + FAULTY.encode())
    (tmp_path / "packed.yaml.gz").write_bytes(gzip.compress(FAULTY.encode()))
    result = run("check", ".")
    assert result.stdout.count("deny requires-host-network") == 3, result.stderr


def test_an_unreadable_file_does_not_hide_the_others(run: Run, tmp_path: Path) -> None:
    (tmp_path / "link.yaml").symlink_to(tmp_path / "gone.yaml")
    (tmp_path / "faulty.yaml").write_text(FAULTY)
    result = run("check", ".")
    assert result.returncode == 2
    assert "link.yaml: cannot be read: No such file or directory" in result.stderr
    assert "deny requires-host-network" in result.stdout


def heeding() -> None:
    """In the new process: what runs in the background of a shell script inherits that Ctrl-C is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_exits_with_130(tmp_path: Path) -> None:
    fifo = tmp_path / "never.yaml"
    os.mkfifo(fifo)
    process = subprocess.Popen([*COMMAND, "check", str(fifo)], stderr=subprocess.PIPE, text=True, preexec_fn=heeding)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors.strip()) == (130, "interrupted")


def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "many.yaml").write_text("---\n".join([FAULTY] * 2000))
    done = subprocess.run(f"{' '.join(COMMAND)} check many.yaml | head -n 1", shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


@pytest.mark.parametrize("command", ["check faulty.yaml", "rules"])
def test_closed_or_full_output(tmp_path: Path, command: str) -> None:
    (tmp_path / "faulty.yaml").write_text(FAULTY)
    closed = subprocess.run(f"{' '.join(COMMAND)} {command} >&-", shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (closed.returncode, closed.stderr) == (1 if "check" in command else 0, "")
    full = subprocess.run(f"{' '.join(COMMAND)} {command} >/dev/full", shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (full.returncode, full.stderr) == (2, "error: the output cannot be written: No space left on device\n")


def test_a_pipe_in_a_folder_is_not_waited_for(run: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "sound.yaml").write_text(SOUND)
    result = run("check", ".")
    assert (result.returncode, "pipe.yaml: is a pipe or a device; to read it, name it by itself" in result.stderr) == (2, True)


def test_ctrl_c_does_not_wait_for_workers(tmp_path: Path) -> None:
    (tmp_path / "many.yaml").write_text("---\n".join([FAULTY] * 20_000))
    command = [*COMMAND, "check", "many.yaml", "--jobs", "2", "--output", "json=report.json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, start_new_session=True, preexec_fn=heeding)
    time.sleep(2)
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=20)
    assert (process.returncode, output, errors.strip()) == (130, "", "interrupted")
    assert [path.name for path in tmp_path.iterdir()] == ["many.yaml"]


def helped(folder: Path) -> subprocess.Popen[str]:
    """A run with two processes that help, at work."""
    (folder / "many.yaml").write_text("---\n".join([FAULTY] * 30_000))
    command = [*COMMAND, "check", "many.yaml", "--jobs", "2", "--output", "json=report.json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, start_new_session=True)
    for _ in range(100):
        time.sleep(0.1)
        if len(workers(process)) == 2:
            return process
    raise AssertionError("no process helps")


def workers(process: subprocess.Popen[str]) -> list[int]:
    return [int(one) for one in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def gone(process: int) -> bool:
    for _ in range(100):
        try:
            if Path(f"/proc/{process}/stat").read_text().split(")")[-1].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.1)
    return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes as Linux shows them")
@pytest.mark.parametrize(("sent", "status"), [(signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_processes_that_help_end_with_the_one_they_help(tmp_path: Path, sent: signal.Signals, status: int) -> None:
    process = helped(tmp_path)
    helping = workers(process)
    process.send_signal(sent)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output, errors) == (status, "", "")
    assert all(map(gone, helping))
    assert sent == signal.SIGKILL or [path.name for path in tmp_path.iterdir()] == ["many.yaml"]


@pytest.mark.skipif(multiprocessing.get_start_method() != "fork", reason="only a forked process has the handlers of its parent")
def test_a_signal_in_the_first_steps_of_a_process_that_helps_is_not_lost() -> None:
    script = """
import os, signal, sys
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from hostprocess.workers import become_worker, start

signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.SIGTERM))
with ProcessPoolExecutor(1, initializer=become_worker) as pool:
    start(pool)
    try:
        ended = pool.submit(len, "abc").exception(timeout=20)
    except BrokenProcessPool as error:  # it is known already
        ended = error
    print(type(ended).__name__)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "BrokenProcessPool\n", "")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes as Linux shows them")
def test_a_process_that_helped_and_was_killed(tmp_path: Path) -> None:
    process = helped(tmp_path)
    os.kill(workers(process)[-1], signal.SIGKILL)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (2, "")
    assert errors == "error: one of the 2 processes was killed, perhaps as the memory ran out: try fewer --jobs\n"
    assert [path.name for path in tmp_path.iterdir()] == ["many.yaml"]


def test_hostile_text_does_not_reach_the_terminal(run: Run) -> None:
    hostile = FAULTY.replace("name: agent, namespace", 'name: "a\\e[2J\\u202e\\r", namespace')
    result = run("check", "-", text=hostile)
    assert "\x1b" not in result.stdout
    assert "\u202e" not in result.stdout
    assert "a\\x1b[2J\\u202e\\r" in result.stdout


def test_a_namespace_among_the_inputs_is_looked_up(run: Run) -> None:
    labels = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: kube-system\n  labels: {pod-security.kubernetes.io/enforce: %s}\n"
    select = ["--select", "privileged-namespace"]
    assert run("check", "-", *select, text=SOUND + "---\n" + labels % "baseline").returncode == 1
    assert run("check", "-", *select, text=SOUND + "---\n" + labels % "privileged").returncode == 0
    unknown = run("check", "-", *select, text=SOUND)
    assert unknown.returncode == 1
    assert "unknown privileged-namespace" in unknown.stdout
    assert "the Namespace 'kube-system' was not given: add it with --inventory" in unknown.stdout


def test_inventory_is_looked_up_and_not_judged(run: Run, tmp_path: Path) -> None:
    (tmp_path / "cluster.yaml").write_text(
        f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: kube-system, labels: {{pod-security.kubernetes.io/enforce: privileged}}}}\n---\n{FAULTY}"
    )
    result = run("check", "-", "--select", "privileged-namespace,requires-host-network", "--inventory", "cluster.yaml", text=SOUND)
    assert result.returncode == 0, result.stdout


def test_params_switch_on_the_access_bundle(run: Run, tmp_path: Path) -> None:
    (tmp_path / "access.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\ndata:\n  allowedNamespaces: |\n    kube-*\n  allowedImages: registry.example.com/*\n"
    )
    namespace = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: kube-system}\n"
    result = run("check", "-", "--params", "access.yaml", text=SOUND + namespace)
    assert "deny allowed-images" in result.stdout
    assert "allowed-namespaces" not in result.stdout


@pytest.mark.parametrize("form", ["table", "json", "markdown"])
def test_rules_lists_every_rule(run: Run, form: str) -> None:
    output = run("rules", "--format", form).stdout
    assert all(rule.id in output for rule in load_rules().rules)
    if form == "json":
        assert len(json.loads(output)) == len(load_rules().rules)


def test_explain_shows_why_how_and_examples(run: Run) -> None:
    output = run("explain", "requires-host-network").stdout
    for part in ("HostProcess pods must use the host network", "How to fix it", "An example that fails", "An example that passes", "https://kubernetes.io/"):
        assert part in output


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("Error: hostNetwork is required if Pod contains HostProcess containers", "requires-host-network"),
        ("failed to create user process token: failed to logon user: Access is denied.: unknown", "containerd must run as a service account"),
        ("HOSTNETWORK must be true if pod contains any   hostProcess containers", "requires-host-network"),
        ("hostProcess containers are disallowed by cluster policy", "--allow-privileged"),
    ],
)
def test_explain_finds_what_a_message_means(run: Run, message: str, found: str) -> None:
    result = run("explain", "--symptom", message)
    assert result.returncode == 0, result.stderr
    assert found in result.stdout


def test_lint_is_clean_and_finds_faults(run: Run, tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    rule = (ROOT / "policies/network/requires-host-network.yaml").read_text()
    pack.mkdir()
    (pack / "pack.yaml").write_text((ROOT / "policies/pack.yaml").read_text())
    (pack / "requires-host-network.yaml").write_text(rule)
    suite = (ROOT / "policies/network/requires-host-network.test.yaml").read_text()
    (pack / "requires-host-network.test.yaml").write_text(suite)
    assert run("lint", "pack").stdout == "1 rules, no problems\n"
    (pack / "requires-host-network.test.yaml").write_text("rule: requires-host-network\nbase: hostprocess-pod\ncases:\n  - {name: sound, expect: allow}\n")
    result = run("lint", "pack")
    assert result.returncode == 2
    assert "has no case in which this validation fails" in result.stdout
    (pack / "requires-host-network.yaml").write_text(rule.replace("severity: error", "severty: error"))
    result = run("lint", "pack")
    assert result.returncode == 2
    assert "did you mean 'severity'?" in result.stderr


def test_examples_have_the_faults_they_claim(run: Run) -> None:
    report = json.loads(run("check", str(EXAMPLES), "--output", "json").stdout)
    assert report["errors"] == []
    found: dict[str, set[str]] = {}
    for one in report["results"]:
        if one["outcome"] == "deny":
            found.setdefault(Path(one["source"]["path"]).name, set()).add(one["rule"])
    assert found == {
        "cni-agent.yaml": {"mixed-containers", "host-port-mismatch"},
        "csi-node.yaml": {"named-pipe-mount", "os-windows-forbidden-fields"},
        "device-plugin.yaml": {"requires-host-network", "container-account"},
        "kube-proxy.yaml": {"user-name-escape"},
        "metrics-exporter.yaml": {"user-required", "sandbox-mount-point-syntax"},
        "mixed.yaml": {"mixed-containers", "service-account-domain"},
        "nightly-maintenance.yaml": {"host-process-value-mismatch", "mixed-containers", "linux-node-selector", "run-as-non-root"},
    }
    assert len(list(EXAMPLES.iterdir())) >= 8


def test_help_of_every_command(run: Run) -> None:
    for command in ([], ["check"], ["rules"], ["explain"], ["lint"]):
        result = run(*command, "--help")
        assert result.returncode == 0
        assert "Usage:" in result.stdout


def test_nothing_on_standard_input_is_an_error(run: Run) -> None:
    result = run("check", "-", text="")
    assert (result.returncode, result.stderr) == (2, "error: <stdin>: nothing came, so nothing can be checked\n")


DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {replicas: 7, template: {spec: {containers: [{name: web, image: web}]}}}
"""


def test_policies_of_others_are_evaluated_for_the_default_targets(run: Run, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(
        """apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: replicas}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]
  validations: [{expression: object.spec.replicas <= 5, messageExpression: "'too many: ' + string(object.spec.replicas)"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: replicas}
spec: {policyName: replicas, validationActions: [Deny]}
"""
    )
    result = run("check", "-", "--policies", "policy.yaml", text=DEPLOYMENT)
    assert result.returncode == 1
    assert "too many: 7" in result.stdout
    assert result.stdout.endswith(f"1 resource, 1 judged: 1 deny (hostprocess {__version__}, Kubernetes 1.37, containerd 1.7)\n")


FOREIGN = """apiVersion: admissionregistration.k8s.io/v1beta1
kind: ValidatingAdmissionPolicy
metadata: {name: others}
spec:
  matchConstraints:
    namespaceSelector: {matchLabels: {team: a}}
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [UPDATE], resources: [pods]}
  validations:
    - expression: object.spec.hostNetwork == oldObject.spec.hostNetwork || request.userInfo.username == 'bob'
      reason: Forbidden
"""


def test_the_options_of_requests(run: Run, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(FOREIGN)
    (tmp_path / "old.yaml").write_text(SOUND.replace("hostNetwork: true", "hostNetwork: false\n  hostPID: true"))
    options = ["--policies", "policy.yaml", "--operation", "update", "--old", "old.yaml", "--assume-namespace-labels", "team=a"]
    result = run("check", "-", *options, text=SOUND)
    assert (result.returncode, "without one a policy does nothing" in result.stderr) == (2, True)
    options += ["--assume-binding", "deny"]
    result = run("check", "-", *options, text=SOUND)
    assert (result.returncode, "no such key: hostNetwork" in result.stdout) == (1, False)
    assert "the user who makes the request is not known: name it with --user" in result.stdout
    for user, status in (("bob", 0), ("eve", 1)):
        assert run("check", "-", *options, "--user", user, text=SOUND).returncode == status
    result = run("check", "-", *options, "--user", "eve", "--output", "json", text=SOUND)
    (found,) = json.loads(result.stdout)["results"]
    assert (found["operation"], found["outcome"], found["code"]) == ("UPDATE", "error", 422)


def test_what_kubectl_prints(run: Run, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(FOREIGN.replace("UPDATE", "CREATE").replace("object.spec.hostNetwork == oldObject.spec.hostNetwork", "false"))
    options = ["--policies", "policy.yaml", "--assume-binding", "deny", "--assume-namespace-labels", "team=a", "--user", "eve"]
    result = run("check", "-", *options, text=SOUND)
    denied = "ValidatingAdmissionPolicy 'others' with binding 'assumed' denied request: failed expression: false || request.userInfo.username == 'bob'"
    assert f'Error from server (Forbidden): error when creating "<stdin>": pods "agent" is forbidden: {denied}\n' in result.stdout
    result = run("check", "-", *[option.replace("deny", "warn") for option in options], text=SOUND)
    assert "    Warning: Validation failed for ValidatingAdmissionPolicy 'others' with binding 'assumed': failed expression: false ||" in result.stdout
    assert result.returncode == 0


def test_field_validation(run: Run) -> None:
    misspelt = SOUND.replace("  os:", "  hostnetwork: true\n  os:")
    assert run("check", "-", text=misspelt).returncode == 2
    result = run("check", "-", "--field-validation", "warn", text=misspelt)
    assert (result.returncode, "note: <stdin>:" in result.stderr) == (0, True)
    result = run("check", "-", "--field-validation", "ignore", text=misspelt)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_while_the_command_is_loaded(tmp_path: Path) -> None:
    """An import that takes long enough to be hit: that of a module that the command line needs."""
    (tmp_path / "click.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nimport time\ntime.sleep(10)\n")
    done = subprocess.run(
        [*COMMAND, "check", "x.yaml"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        timeout=30,
        preexec_fn=heeding,
    )
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "interrupted")
