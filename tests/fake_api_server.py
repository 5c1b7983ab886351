"""A small API server on loopback: lists with pages, and whatever goes wrong with real ones, when a test asks for it."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

__all__ = ["Asked", "FakeApiServer", "kubeconfig", "status"]

Json = dict[str, Any]
LISTS = {
    "/apis/batch/v1": ("cronjobs", "jobs"),
    "/apis/apps/v1": ("deployments", "daemonsets", "statefulsets", "replicasets"),
    "/api/v1": ("replicationcontrollers", "podtemplates", "pods"),
}
KINDS = {
    "cronjobs": "CronJob", "jobs": "Job", "deployments": "Deployment", "daemonsets": "DaemonSet", "statefulsets": "StatefulSet", "replicasets": "ReplicaSet",
    "replicationcontrollers": "ReplicationController", "podtemplates": "PodTemplate", "pods": "Pod", "nodes": "Node", "runtimeclasses": "RuntimeClass",
    "namespaces": "Namespace",
}  # fmt: skip


class Asked:
    """One request. `number` counts those for the same path, from 1."""

    def __init__(self, path: str, query: Mapping[str, str], headers: Mapping[str, str], number: int) -> None:
        self.path = path
        self.query = query
        self.headers = headers
        self.number = number


Answer = tuple[int, Any, Mapping[str, str]]
Fault = Callable[[Asked], Answer | None]


def status(code: int, message: str, **metadata: Any) -> Json:
    """The body of an error, as API servers send it."""
    return {"kind": "Status", "apiVersion": "v1", "metadata": metadata, "status": "Failure", "message": message, "code": code}


class FakeApiServer:
    """Serves the objects of `stored`, by the path of their list. `fault` may answer in its stead; an answer of code 0 closes the connection."""

    def __init__(self, stored: Mapping[str, list[Json]] | None = None, fault: Fault | None = None, version: str = "1.37", page: int = 0) -> None:
        self.stored = {f"{group}/{name}": [] for group, names in LISTS.items() for name in names}
        self.stored |= {"/api/v1/namespaces": [], "/apis/node.k8s.io/v1/runtimeclasses": []}
        self.stored |= stored or {}
        self.fault = fault
        self.version = version
        self.page = page
        self.asked: list[Asked] = []
        self.url = ""

    def answer(self, asked: Asked) -> Answer:
        """What is sent back."""
        if self.fault and (found := self.fault(asked)):
            return found
        if asked.path == "/version":
            major, minor = self.version.split(".")
            return 200, {"major": major, "minor": minor, "gitVersion": f"v{self.version}.0"}, {}
        values = self.stored.get(asked.path)
        if values is None:
            above, _, name = asked.path.rpartition("/")
            found = next((one for one in self.stored.get(above, ()) if one["metadata"]["name"] == name), None)
            return (200, found, {}) if found else (404, status(404, f"{asked.path} not found"), {})
        start = int(asked.query.get("continue", "0"))
        end = start + min(int(asked.query.get("limit", "500")), self.page or 500)
        resource = asked.path.rpartition("/")[2]
        rest = {"continue": str(end)} if end < len(values) else {}
        version = asked.path.removeprefix("/apis/").removeprefix("/api/").split("/namespaces/")[0].removesuffix(f"/{resource}")
        body = {"kind": f"{KINDS[resource]}List", "apiVersion": version, "metadata": {"resourceVersion": "1", **rest}, "items": values[start:end]}
        return 200, body, {}

    @contextmanager
    def running(self, tls: ssl.SSLContext | None = None) -> Iterator[FakeApiServer]:
        """Serves while the block runs."""
        counts: dict[str, int] = {}
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                counts[parts.path] = counts.get(parts.path, 0) + 1
                query = {key: values[0] for key, values in parse_qs(parts.query).items()}
                asked = Asked(parts.path, query, dict(self.headers.items()), counts[parts.path])
                server.asked.append(asked)
                code, body, headers = server.answer(asked)
                if code == 0:
                    self.close_connection = True
                    return
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(code)
                for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)
                if headers.get("Connection") == "close":
                    self.close_connection = True

            def log_message(self, format: str, *args: Any) -> None:
                """Says nothing."""

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Handshakes that fail are what a test is about."""

        with Quiet(("127.0.0.1", 0), Handler) as http:
            if tls:
                http.socket = tls.wrap_socket(http.socket, server_side=True, do_handshake_on_connect=False)
            self.url = f"{'https' if tls else 'http'}://127.0.0.1:{http.server_address[1]}"
            thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            thread.start()
            try:
                yield self
            finally:
                http.shutdown()
                thread.join()


def kubeconfig(folder: Path, url: str, *, user: Json | None = None, cluster: Json | None = None, **context: str) -> Path:
    """A kubeconfig with the contexts `here`, which is the current one, and `there`."""
    names = {"cluster": "c", "user": "somebody", **context}
    value = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": url, **(cluster or {})}}],
        "users": [{"name": "somebody", "user": user or {"token": "secret"}}],
        "contexts": [{"name": name, "context": names} for name in ("here", "there")],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(value), "utf-8")
    return path
