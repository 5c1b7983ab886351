"""Client of the oracle: builds the Go program on the modules of a Kubernetes release and asks it questions. README.md lists the requests."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import IO, Any, Self

from go_program import GoMissing, GoProgram

__all__ = ["CACHE", "MINORS", "MODULE_FILES", "SOURCES", "GoMissing", "Oracle", "OracleError", "build"]

SOURCES = Path(__file__).parent
CACHE = SOURCES.parent.parent / ".oracle"
MODULE_FILES = {"1.37": "go.mod", "1.34": "go-1.34.mod", "1.30": "go-1.30.mod"}
MINORS = tuple(MODULE_FILES)


class OracleError(RuntimeError):
    """The oracle could not be built, did not understand a request, or died."""


def build(minor: str) -> Path:
    """Build the oracle of a minor release of Kubernetes ("1.37") and give the program's path.

    The program is kept in `.oracle/` and built again only when a Go file or the module file has changed. Raises GoMissing, or OracleError with
    what the compiler said.
    """
    return _program().build(minor)


def _program() -> GoProgram:
    return GoProgram("oracle", SOURCES, CACHE, MODULE_FILES, OracleError, prepare=_write_discovery)


def _write_discovery(minor: str, folder: Path) -> None:
    (folder / "discovery.json").write_text(json.dumps(_discovery(minor)), encoding="utf-8")


def _discovery(minor: str) -> list[dict[str, Any]]:
    """The APIResourceLists of the release, which lie in the sources of Kubernetes."""
    modfile = f"-modfile={MODULE_FILES[minor]}"
    _program().go("mod", "download", modfile, "k8s.io/kubernetes")
    folder = Path(_program().go("list", "-m", modfile, "-f", "{{.Dir}}", "k8s.io/kubernetes").strip(), "api", "discovery")
    lists = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("api*__*.json"))]
    return [entry for entry in lists if entry["kind"] == "APIResourceList"]


class Oracle:
    """A running oracle of one minor release; a context manager.

    with Oracle("1.37") as oracle:
        oracle.ask({"op": "cel", "kind": "validation", "expression": "object.metadata.name == 'a'", "object": {...}})
    """

    def __init__(self, minor: str) -> None:
        """Build the program if need be and start it. Raises GoMissing or OracleError."""
        program = build(minor)
        self.minor = minor
        self._process = subprocess.Popen(
            [str(program), "-discovery", str(program.parent / "discovery.json")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send one request and wait for its answer. Raises OracleError if the oracle did not understand it or died."""
        return next(self.ask_many([request]))

    def ask_many(self, requests: Iterable[dict[str, Any]], *, failures: bool = False) -> Iterator[dict[str, Any]]:
        """Send requests while the answers are read; the answers come in the order of the requests. Raises OracleError like `ask`.

        With `failures`, a request that is not understood gives its answer {"failure": text} like any other. The iterator must be read to its end
        or closed before the next question.
        """
        sent: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        stopped = threading.Event()
        failed: list[BaseException] = []
        writer = threading.Thread(target=self._write, args=(requests, sent, stopped, failed), daemon=True)
        writer.start()
        request = sent.get()
        try:
            while request is not None:
                yield self._answer(request, failures)
                request = sent.get()
        finally:
            stopped.set()
            while request is not None and (request := sent.get()) is not None:
                if not self._stdout.closed:
                    self._stdout.readline()  # what was asked already is answered before the next question
            writer.join()
        if failed:
            raise failed[0]

    def _answer(self, request: dict[str, Any], failures: bool) -> dict[str, Any]:
        line = self._stdout.readline()
        if not line:
            raise OracleError(f"the oracle of Kubernetes {self.minor} died with code {self._process.wait()} at {json.dumps(request)[:500]}")
        answer: dict[str, Any] = json.loads(line)
        if "failure" in answer and not failures:
            raise OracleError(f"{answer['failure']}\nin the request {json.dumps(request)[:2000]}")
        return answer

    def _write(
        self, requests: Iterable[dict[str, Any]], sent: SimpleQueue[dict[str, Any] | None], stopped: threading.Event, failed: list[BaseException]
    ) -> None:
        try:
            for request in requests:
                if stopped.is_set():
                    break
                line = json.dumps(request) + "\n"
                sent.put(request)
                self._stdin.write(line)
                self._stdin.flush()
        except BrokenPipeError:
            pass  # the reader finds the end of the answers
        except BaseException as error:
            failed.append(error)
        finally:
            sent.put(None)

    @property
    def _stdin(self) -> IO[str]:
        assert self._process.stdin
        return self._process.stdin

    @property
    def _stdout(self) -> IO[str]:
        assert self._process.stdout
        return self._process.stdout

    def close(self) -> None:
        """Stop the program."""
        with contextlib.suppress(BrokenPipeError):
            self._stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None:
            self._process.kill()  # answers that nobody reads any more would block it, and questions that it does not read us
        self.close()
