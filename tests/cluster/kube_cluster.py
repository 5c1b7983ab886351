"""Starts the cluster, a real kube-apiserver with its etcd in one process, and speaks to it. README.md tells how to use it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import yaml

SOURCES = Path(__file__).parent
sys.path[:0] = [str(SOURCES.parent / "oracle")]

from go_program import GoMissing, GoProgram  # noqa: E402
from kube_client import Client, Json, Response, documents  # noqa: E402
from sentinel import InputSentinel, Sentinel  # noqa: E402

__all__ = ["CACHE", "MINORS", "Cluster", "ClusterError", "GoMissing", "build"]

CACHE = SOURCES.parent.parent / ".cluster"
MODULE_FILES = {"1.37": "go.mod", "1.30": "go-1.30.mod", "1.29": "go-1.29.mod"}
MINORS = tuple(MODULE_FILES)
NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
START_SECONDS = 120


class ClusterError(RuntimeError):
    """The cluster could not be built, did not start or died."""


def build(minor: str) -> Path:
    """Build the cluster of a minor release of Kubernetes ("1.37") and give the program's path.

    The program is kept in `.cluster/` and built again only when a Go file or the module file has changed. Raises GoMissing, or ClusterError with
    what the compiler said.
    """
    return GoProgram("cluster", SOURCES, CACHE, MODULE_FILES, ClusterError, flags=("-ldflags=-s -w",)).build(minor)


class Cluster(Client):
    """A running cluster of one minor release; a context manager. In it is what the API server makes itself, and a ServiceAccount `default` in each Namespace.

    with Cluster("1.37") as cluster:
        cluster.namespace("shop")
        cluster.apply_all(yaml_text)
        cluster.wait_until_enforced()
        answer = cluster.create(pod, dry_run=True)
    """

    def __init__(self, minor: str, *flags: str) -> None:
        """Build the program if need be, start it and wait until it serves. `flags` of kube-apiserver take the place of those of the same name.

        Raises GoMissing, or ClusterError with the end of the API server's log.
        """
        program = build(minor)
        self.minor = minor
        self.folder = Path(tempfile.mkdtemp(prefix="hostprocess-cluster-"))
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the program
        self._process = subprocess.Popen(
            [str(program), "-timeout", f"{START_SECONDS}s", "-folder", str(self.folder), "--", *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,  # Ctrl-C is for this process; the program ends with its standard input
        )
        try:
            ready = self._ready()
            super().__init__(ready["url"], ready["ca"], ready["tokens"])
            self.until(lambda: all(self.apply(_account(name)).ok for name in NAMESPACES))  # which come some time after the start
        except BaseException:
            self._stop()
            raise
        self.version: str = ready["version"]
        self.policies = f"admissionregistration.k8s.io/{'v1beta1' if minor == '1.29' else 'v1'}"
        self._sentinel = Sentinel(self, self.policies)
        self._inputs: InputSentinel | None = None
        self._audit: dict[str, Json] = {}
        self._audit_read = 0
        self._audit_lock = threading.Lock()

    def namespace(self, name: str, labels: Mapping[str, str] | None = None) -> None:
        """Create a Namespace and its ServiceAccount `default`, as no controller does it here. Raises RequestRefused."""
        self.apply_all([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(labels or {})}}])

    def apply_all(self, objects: str | Sequence[Any]) -> list[Response]:
        """Apply objects in order: a YAML text of several documents, or what was read of one; Namespaces get their ServiceAccount `default`.

        Gives the answers, with their warnings. Raises RequestRefused at the first that is refused.
        """
        loaded = list(yaml.safe_load_all(objects)) if isinstance(objects, str) else objects
        answers = []
        for obj in documents(loaded):
            answers.append(self.required(self.apply(obj), f"{obj['kind']} {obj['metadata']['name']}"))
            if obj["kind"] == "Namespace" and obj["apiVersion"] == "v1":
                self.required(self.apply(_account(obj["metadata"]["name"])), f"ServiceAccount default of {obj['metadata']['name']}")
        return answers

    def wait_until_enforced(self, timeout: float = 30.0) -> None:
        """Wait until the policy plug-in knows what was written before: policies, bindings, Namespaces and ConfigMaps as parameters, deletions too.

        Parameters of other kinds and RBAC objects come by informers of their own: `until` asks for their effect. Raises NotEnforced.
        """
        self._sentinel.wait(timeout)

    def wait_for_inputs(self) -> None:
        """Wait until the policy plug-in knows Namespaces, and ConfigMaps and RuntimeClasses as parameters, that were written before. Raises NotEnforced."""
        if self._inputs is None:
            self._inputs = InputSentinel(self, self.policies)
            self._inputs.prepare()
            self.wait_until_enforced()
        self._inputs.wait()

    @staticmethod
    def until(condition: Callable[[], Any], timeout: float = 30.0) -> Any:
        """Call `condition` until it gives something true, and give that. Raises TimeoutError."""
        deadline = time.monotonic() + timeout
        while not (result := condition()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not true after {timeout:g} s")
            time.sleep(0.05)
        return result

    def type_checking(self, policy: str, timeout: float = 30.0) -> list[Json]:
        """`status.typeChecking.expressionWarnings` of a policy, once its present version was checked; empty if all is well. Raises TimeoutError."""

        def checked() -> Json | None:
            body = self.required(self.get(self.policies, "ValidatingAdmissionPolicy", policy), f"policy {policy}").body
            status: Json = body.get("status", {})
            return status if "typeChecking" in status and status.get("observedGeneration") == body["metadata"]["generation"] else None

        return self.until(checked, timeout)["typeChecking"].get("expressionWarnings") or []

    def audit_event(self, audit_id: str, timeout: float = 5.0) -> Json:
        """The audit event of a request that is no read (`Response.audit_id`); its `annotations` are those of policies too. Raises TimeoutError."""

        def found() -> Json | None:
            with self._audit_lock:
                if audit_id not in self._audit:
                    self._read_audit()
                return self._audit.get(audit_id)

        event: Json = self.until(found, timeout)
        return event

    def _read_audit(self) -> None:
        """Reads the events that have come since."""
        with (self.folder / "audit.log").open("rb") as log:
            log.seek(self._audit_read)
            lines = [line for line in log if line.endswith(b"\n")]  # the last may be half written
        self._audit_read += sum(map(len, lines))
        events = [json.loads(line) for line in lines]
        self._audit |= {event["auditID"]: event for event in events if event["stage"] == "ResponseComplete"}

    def _ready(self) -> Json:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise ClusterError(f"the cluster of Kubernetes {self.minor} ended with code {self._process.wait()}:\n{self.log_end()}")
        ready: Json = json.loads(line)
        return ready

    def log_end(self, size: int = 3000) -> str:
        """The end of the log of the API server."""
        length = os.fstat(self._log.fileno()).st_size
        # Without a seek: the program writes where this file stands.
        return os.pread(self._log.fileno(), size, max(0, length - size)).decode("utf-8", "replace").strip()

    def close(self) -> None:
        """Stop the program; nothing of it remains."""
        super().close()
        self._stop()

    def _stop(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)  # where the program could not

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _account(namespace: str) -> Json:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": namespace}}
