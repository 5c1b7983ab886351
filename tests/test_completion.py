"""Shell completion: what a shell is offered, asked as its script asks, and the scripts in the shells that are there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hostprocess.api import load_rules, reporter_names
from hostprocess.cli import cli
from support import write_pack

COMMAND = str(Path(sys.executable).parent / "hostprocess")
RULES = [rule.id for rule in load_rules().rules]


def offered(words: str, folder: Path, shell: str = "bash") -> list[str]:
    """What is offered for the last word; `TYPE,VALUE` each, as the script for bash gets it."""
    split = words.split(" ")
    environment = os.environ | {"_HOSTPROCESS_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(split) - 1)}
    if shell == "fish":
        environment["COMP_CWORD"] = split[-1]
    done = subprocess.run([COMMAND], capture_output=True, text=True, check=False, cwd=folder, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    return [line for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("hostprocess ex", ["plain,explain", "plain,export"]),
        ("hostprocess completion ", ["plain,bash", "plain,zsh", "plain,fish"]),
        ("hostprocess check --fail", ["plain,--fail-on"]),
        ("hostprocess check --fail-on ", ["plain,deny", "plain,warn", "plain,audit"]),
        ("hostprocess check depl", ["file,depl"]),
        ("hostprocess check --params ", ["file,"]),
        ("hostprocess lint po", ["file,po"]),
        ("hostprocess test po", ["file,po"]),
        ("hostprocess export --output bu", ["dir,bu"]),
        ("hostprocess check --config a", ["file,a"]),
        ("hostprocess check --output s", ["plain,sarif"]),
        ("hostprocess check --bundle ", [f"plain,{name}" for name in load_rules().bundles]),
        ("hostprocess check --select requires-host", ["plain,requires-host-network"]),
        ("hostprocess export --ignore requires-host-network,host-", ["plain,requires-host-network,host-"]),
        ("hostprocess check --namespace ", []),
    ],
)
def test_what_is_offered(tmp_path: Path, words: str, expected: list[str]) -> None:
    found = offered(words, tmp_path)
    if expected and expected[0].endswith(",host-"):
        wanted = [rule for rule in RULES if rule.startswith("host-")]
        expected = [f"plain,requires-host-network,{rule}" for rule in wanted]
    assert found == expected


def test_all_rules_and_formats_are_offered(tmp_path: Path) -> None:
    assert offered("hostprocess explain ", tmp_path) == [f"plain,{rule}" for rule in RULES]
    assert offered("hostprocess check --output ", tmp_path) == [f"plain,{name}" for name in reporter_names()]


def test_rules_come_with_their_titles_where_a_shell_shows_them(tmp_path: Path) -> None:
    title = next(rule.title for rule in load_rules().rules if rule.id == "requires-host-network")
    assert offered("hostprocess explain requires-host", tmp_path, "zsh") == ["plain", "requires-host-network", title.replace(":", r"\:")]
    assert any(title in line for line in offered("hostprocess explain requires-host", tmp_path, "fish"))


def test_rules_and_bundles_of_a_pack_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "ours").mkdir()
    write_pack(tmp_path / "ours")
    assert offered("hostprocess check --policies ours --select ", tmp_path) == ["plain,one-container"]
    assert offered("hostprocess export --policies ours --bundle ", tmp_path) == ["plain,base", "plain,extra", "plain,limited"]
    (tmp_path / ".hostprocess.yaml").write_text("policies: ours\n")
    assert offered("hostprocess check --select ", tmp_path) == ["plain,one-container"]
    assert len(offered("hostprocess check --no-config --select ", tmp_path)) == len(RULES)


@pytest.mark.parametrize("text", ["policies: gone\n", "policies: 3\n", "- broken: [\n"])
def test_what_cannot_be_read_breaks_no_terminal(tmp_path: Path, text: str) -> None:
    (tmp_path / ".hostprocess.yaml").write_text(text)
    assert "plain,requires-host-network" in offered("hostprocess check --select requires-host", tmp_path)
    assert offered("hostprocess check --policies gone --select ", tmp_path) == []


def test_every_option_with_a_path_is_completed_as_one() -> None:
    from hostprocess.cli_completion import _Path

    for command in cli.commands.values():
        for parameter in command.params:
            if any(word in (parameter.metavar or "") for word in ("PATH", "FILE", "DIR")) and "FORMAT" not in (parameter.metavar or ""):
                assert isinstance(parameter.type, _Path), (command.name, parameter.name)


# The scripts.

TRIALS = {
    "bash": """
        eval "$(hostprocess completion bash)"
        complete -p hostprocess
        COMP_WORDS=(hostprocess check --select requires-host); COMP_CWORD=3
        _hostprocess_completion hostprocess
        printf '%s\\n' "${COMPREPLY[@]}"
    """,
    "zsh": """
        autoload -Uz compinit && compinit -u
        eval "$(hostprocess completion zsh)"
        print -r -- "for $_comps[hostprocess]"
        _describe() { print -rl -- "${(@P)3}" "${(@P)2}" }
        compadd() { print -rl -- "$@" }
        words=(hostprocess check --select requires-host); CURRENT=4
        _hostprocess_completion hostprocess
    """,
    "fish": """
        hostprocess completion fish | source
        complete hostprocess
        complete --do-complete 'hostprocess check --select requires-host'
    """,
}


@pytest.mark.parametrize("shell", list(TRIALS))
def test_the_script_in_its_shell(tmp_path: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    environment = os.environ | {"PATH": f"{Path(COMMAND).parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path), "ZDOTDIR": str(tmp_path)}
    done = subprocess.run([shell, "-c", TRIALS[shell]], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert "requires-host-network" in done.stdout, done.stdout + done.stderr
    assert {"bash": "-F _hostprocess_completion hostprocess", "zsh": "for _hostprocess_completion", "fish": "complete --no-files hostprocess"}[
        shell
    ] in done.stdout


@pytest.mark.parametrize("shell", list(TRIALS))
def test_the_script_calls_back(shell: str) -> None:
    done = subprocess.run([COMMAND, "completion", shell], capture_output=True, text=True, check=True)
    assert f"_HOSTPROCESS_COMPLETE={shell}_complete" in done.stdout
    assert done.stderr == ""


def test_a_shell_that_is_not_known() -> None:
    done = subprocess.run([COMMAND, "completion", "tcsh"], capture_output=True, text=True, check=False)
    assert (done.returncode, "'tcsh' is not one of 'bash', 'zsh', 'fish'" in done.stderr) == (2, True)
