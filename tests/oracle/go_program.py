"""Programs in Go on the modules of a Kubernetes release: built once, kept, and built again when a source has changed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


class GoMissing(RuntimeError):
    """There is no `go` on the PATH."""


@dataclass(frozen=True)
class GoProgram:
    """A Go program with a module file for each minor release. Files named `api_k130_k134.go` are of the releases in their name, by build tags."""

    name: str
    sources: Path
    cache: Path
    module_files: Mapping[str, str]  # by minor release
    failure: type[RuntimeError]  # raised when it cannot be built
    flags: tuple[str, ...] = ()  # of `go build`
    prepare: Callable[[str, Path], None] | None = None  # puts more into the folder of the program of a minor

    def build(self, minor: str) -> Path:
        """Build the program of a minor release of Kubernetes ("1.37") if need be, and give its path in the cache.

        Raises GoMissing, or `failure` with what the compiler said.
        """
        if minor not in self.module_files:
            raise self.failure(f"no {self.name} for Kubernetes {minor}: there is one for {', '.join(self.module_files)}")
        folder = self.cache / f"{minor}-{self._fingerprint(minor)}"
        program = folder / self.name
        if program.exists():
            return program
        if shutil.which("go") is None:
            raise GoMissing(f"the {self.name} is built with Go, and there is no `go` on the PATH: install Go 1.26 or newer")
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            if not program.exists():
                self._compile(minor, program)
        for old in self.cache.glob(f"{minor}-*"):
            if old != folder:
                shutil.rmtree(old, ignore_errors=True)
        return program

    def go(self, *arguments: str) -> str:
        """Run `go` in the folder of the sources and give what it wrote. Raises `failure` with its errors."""
        run = subprocess.run(["go", *arguments], cwd=self.sources, capture_output=True, text=True, check=False)
        if run.returncode:
            raise self.failure(f"go {arguments[0]} failed:\n{run.stderr.strip()}")
        return run.stdout

    def _compile(self, minor: str, program: Path) -> None:
        if self.prepare:
            self.prepare(minor, program.parent)
        unfinished = program.with_name(f"{self.name}.{os.getpid()}")
        modules = (f"-modfile={self.module_files[minor]}", "-mod=readonly")
        self.go("build", *modules, "-p", "2", "-tags", _tag(minor), *self.flags, "-o", str(unfinished), ".")
        unfinished.replace(program)

    def _fingerprint(self, minor: str) -> str:
        module_file = self.sources / self.module_files[minor]
        files = [*sorted(self.sources.glob("*.go")), *sorted(self.sources.glob("*.s")), module_file, module_file.with_suffix(".sum")]
        digest = hashlib.sha256()
        for file in files:
            if file.name.startswith("api_") and _tag(minor) not in file.name:
                continue  # of another release
            digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
        return digest.hexdigest()[:16]


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Two processes that want the same program: the second waits for the first. The lock goes with the process that holds it."""
    with (folder / "lock").open("w") as lock:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _tag(minor: str) -> str:
    return "k" + minor.replace(".", "")
