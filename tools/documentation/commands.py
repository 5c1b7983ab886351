"""Runs the commands of the guides, and writes what they print into them: `make docs`. With `--check` it writes nothing and tells what differs.

A ```console block whose lines begin with `$ ` is a session: each such line is a command, and what follows is what it prints. A block below a comment
`<!-- file: NAME -->` is written to that file first; one below `<!-- include: PATH -->` shows a file of the repository. All sessions of a document run
in one shell, in an empty folder with the checkout as `hostprocess/`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
GUIDES = tuple(ROOT / "docs" / name for name in ("quick-start.md", "plug-ins.md"))
PROMPT = "$ "
_MARK = "=== output of a command ==="
_INCLUDE = re.compile(r"<!-- include: (\S+) -->")
_FENCE = re.compile(r"(`{3,})([a-z]*)")
_FILE = re.compile(r"<!-- file: (\S+) -->")
_NOT_OURS = re.compile(r"_?_?(editable__)?_?hostprocess|pip($|-)|.*\.pth$|__pycache__")
_VENV = "python3 -m venv .venv"


@dataclass
class Part:
    """Lines of a document: text between blocks, or the inside of a block between its `fence` lines. `about` is the comment above it."""

    lines: list[str] = field(default_factory=list)
    fence: str = ""
    language: str = ""
    about: str = ""

    @property
    def is_session(self) -> bool:
        """Whether these are commands and what they print."""
        return self.language == "console" and any(line.startswith(PROMPT) for line in self.lines)


def parts_of(text: str) -> list[Part]:
    """Cuts a document at its fences."""
    parts = [Part()]
    for line in text.splitlines():
        last = parts[-1]
        if last.fence and line == last.fence:
            parts.append(Part())
        elif not last.fence and (opened := _FENCE.fullmatch(line)):
            above = last.lines[-1] if last.lines else ""
            parts.append(Part(fence=opened[1], language=opened[2], about=above))
        else:
            last.lines.append(line)
    return parts


def run_guide(path: Path, folder: Path) -> str:
    """The text of a guide with what its commands print now. `folder` is empty; what they make stays there."""
    parts = parts_of(path.read_text("utf-8"))
    outputs = iter(_run(list(_script(parts)), folder))
    for part in parts:
        if part.is_session:
            commands = [line for line in part.lines if line.startswith(PROMPT)]
            part.lines = [line for command in commands for line in (command, *next(outputs))]
        elif shown := _INCLUDE.fullmatch(part.about):
            part.lines = (ROOT / shown[1]).read_text("utf-8").splitlines()
    lines = [line for part in parts for line in ([part.fence + part.language, *part.lines, part.fence] if part.fence else part.lines)]
    return "\n".join(lines) + "\n"


def _script(parts: Sequence[Part]) -> Iterator[str]:
    """The lines of the shell script: files as they are named, and each command with its mark."""
    for part in parts:
        if file := _FILE.fullmatch(part.about):
            text = "".join(f"{one}\n" for one in part.lines)
            yield f"mkdir -p $(dirname {file[1]}); cat > {file[1]} << 'END OF FILE'\n{text}END OF FILE"
        for command in [line.removeprefix(PROMPT) for line in part.lines if line.startswith(PROMPT)] if part.is_session else []:
            run = command.replace("pip install", "pip install --no-deps")  # they are there: `_environment`
            # `$?` is what the command before gave.
            yield f"echo '{_MARK}'; (exit ${{status:-0}}); {run}\nstatus=$?"
            if command == _VENV:
                yield 'cp libraries.pth "$(.venv/bin/python -c "import site; print(site.getsitepackages()[0])")"'


def _run(script: Sequence[str], folder: Path) -> list[list[str]]:
    """What each command printed, to both streams."""
    (folder / "hostprocess").symlink_to(ROOT)
    environment = _environment(folder)
    done = subprocess.run(
        ["bash", "-s"], input="exec 2>&1\n" + "\n".join(script), cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8", timeout=600
    )
    before, *outputs = done.stdout.split(f"{_MARK}\n")
    if before:
        raise RuntimeError(before)
    return [output.rstrip("\n").splitlines() for output in outputs]


def _environment(folder: Path) -> dict[str, str]:
    """A new virtual environment takes the libraries from ours, but not the package: that is built and installed. CI and colours are unknown to it."""
    libraries = folder / "libraries"
    libraries.mkdir()
    for entry in Path(next(path for path in sys.path if path.endswith("site-packages"))).iterdir():
        if not _NOT_OURS.match(entry.name):
            (libraries / entry.name).symlink_to(entry)
    (folder / "libraries.pth").write_text(f"{libraries}\n")
    tools = folder / "tools"
    tools.mkdir()
    (tools / "python3").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (tools / "python3").chmod(0o755)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HOSTPROCESS_", "GITHUB_", "GITLAB_", "PYTHON", "VIRTUAL_ENV", "COVERAGE"))}
    kept.pop("CI", None)
    paths = [str(tools), *(one for one in os.environ["PATH"].split(os.pathsep) if Path(one) != Path(sys.executable).parent)]
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    return {**kept, **quiet, "PATH": os.pathsep.join(paths), "LC_ALL": "C.UTF-8", "COLUMNS": "120"}


def main(arguments: Sequence[str]) -> int:
    """Writes the guides anew, or compares them."""
    differ = 0
    for path in GUIDES:
        with tempfile.TemporaryDirectory() as folder:
            text = run_guide(path, Path(folder))
        if text != path.read_text("utf-8"):
            differ += 1
            if "--check" in arguments:
                print(f"{path.relative_to(ROOT)}: the commands print something else now: run `make docs`", file=sys.stderr)
            else:
                path.write_text(text, "utf-8")
    return 1 if differ and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
