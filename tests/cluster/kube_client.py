"""Speaks HTTPS to an API server as JSON, with the standard library alone: objects by kind, dry runs, impersonation, warnings."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

Json = dict[str, Any]

PATCH_TYPES = {
    "apply": "application/apply-patch+yaml",
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}
WARNING = re.compile(r'\d{3} [^ ]+ "((?:[^"\\]|\\.)*)"', re.DOTALL)
IDLE_SECONDS = 30.0  # the API server closes idle connections after 90


class RequestRefused(RuntimeError):
    """The API server answered with an error where success was required. `response` is its answer."""

    def __init__(self, request: str, response: Response) -> None:
        """`request`: what was asked, for the message."""
        super().__init__(f"{request}: {response.code} {response.message}")
        self.response = response


@dataclass(frozen=True)
class Identity:
    """Who asks: the token of a user of the cluster, and whom that user impersonates, if anybody."""

    token: str = "admin"
    user: str = ""
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def headers(self, tokens: Mapping[str, str]) -> list[tuple[str, str]]:
        """The headers of a request, the token taken from `tokens`. Raises KeyError for a token that is not there."""
        headers = [("Authorization", f"Bearer {tokens[self.token]}")]
        if self.user:
            headers.append(("Impersonate-User", self.user))
        headers += [("Impersonate-Group", group) for group in self.groups]
        if self.uid:
            headers.append(("Impersonate-Uid", self.uid))
        headers += [(f"Impersonate-Extra-{quote(key, safe='')}", value) for key, values in self.extra.items() for value in values]
        return headers


ADMIN = Identity()


def user(name: str, *groups: str) -> Identity:
    """A user, impersonated. The API server adds the group `system:authenticated`."""
    return Identity(user=name, groups=groups)


def service_account(namespace: str, name: str) -> Identity:
    """A service account, impersonated, with the groups that every one has."""
    return Identity(user=f"system:serviceaccount:{namespace}:{name}", groups=("system:serviceaccounts", f"system:serviceaccounts:{namespace}"))


@dataclass(frozen=True)
class Response:
    """An answer of the API server. `body` is an object, a list or, for an error, a Status."""

    code: int
    body: Json
    warnings: tuple[str, ...] = ()
    audit_id: str = ""

    @property
    def ok(self) -> bool:
        """Whether the request succeeded."""
        return self.code < 400

    @property
    def message(self) -> str:
        """The message of the Status; empty for a success."""
        return "" if self.ok else str(self.body.get("message", ""))

    @property
    def reason(self) -> str:
        """The reason of the Status (`Invalid`, `Forbidden`); empty for a success."""
        return "" if self.ok else str(self.body.get("reason", ""))

    @property
    def causes(self) -> list[Json]:
        """`details.causes` of the Status: {reason, message, field}."""
        return [] if self.ok else (self.body.get("details") or {}).get("causes") or []

    @property
    def items(self) -> list[Json]:
        """The items of a list."""
        return self.body.get("items") or []


def warning_texts(headers: Sequence[str]) -> tuple[str, ...]:
    """The texts of `Warning` headers (RFC 7234, section 5.5), unquoted. Headers are as http.client gives them: bytes read as Latin-1."""
    texts = (match[1] for header in headers for match in WARNING.finditer(header.encode("latin-1").decode("utf-8")))
    return tuple(re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL) for text in texts)


@dataclass(frozen=True)
class _Served:
    resource: str
    namespaced: bool


class Client:
    """A client of one API server. Each thread has its own connection, which is kept open; all are closed by `close`.

    Objects are JSON as `json` and `yaml` load it. What the API server refuses is an answer like any other; see `required`.
    """

    def __init__(self, url: str, ca: str, tokens: Mapping[str, str]) -> None:
        """`ca`: its certificate authority as PEM; `tokens`: by the names that an Identity uses."""
        self.url = url
        self.ca = ca
        self.tokens = dict(tokens)
        self._address = urlsplit(url)
        self._tls = ssl.create_default_context(cadata=ca)
        self._threads = threading.local()
        self._connections: list[http.client.HTTPSConnection] = []
        self._served: dict[str, dict[str, _Served]] = {}

    def create(self, obj: Json, *, dry_run: bool = False, identity: Identity = ADMIN, validation: str = "") -> Response:
        """POST an object. `validation` of unknown fields: Strict, Warn (what the API server does otherwise), Ignore.

        Subresources whose objects have a kind of their own (`pods/eviction`) are requests to `path`.
        """
        return self.request("POST", self._path_of(obj), obj, query=_options(dry_run, validation), identity=identity)

    def update(self, obj: Json, *, subresource: str = "", dry_run: bool = False, identity: Identity = ADMIN, validation: str = "") -> Response:
        """PUT an object (without a resourceVersion: unconditionally) or a subresource (`ephemeralcontainers`, `resize`, `status`)."""
        path = self._path_of(obj, name=obj["metadata"]["name"], subresource=subresource)
        return self.request("PUT", path, obj, query=_options(dry_run, validation), identity=identity)

    def patch(
        self,
        api_version: str,
        kind: str,
        name: str,
        patch: Any,
        *,
        namespace: str = "",
        patch_type: str = "merge",
        subresource: str = "",
        dry_run: bool = False,
        identity: Identity = ADMIN,
    ) -> Response:
        """PATCH an object; `patch_type` is one of PATCH_TYPES."""
        path = self.path(api_version, kind, namespace=namespace, name=name, subresource=subresource)
        query = _options(dry_run)
        if patch_type == "apply":
            query |= {"fieldManager": "hostprocess", "force": "true"}
        return self.request("PATCH", path, patch, query=query, identity=identity, content_type=PATCH_TYPES[patch_type])

    def apply(self, obj: Json, *, dry_run: bool = False, identity: Identity = ADMIN) -> Response:
        """Server-side apply, as `kubectl apply --server-side --force-conflicts` does."""
        metadata = obj["metadata"]
        return self.patch(
            obj["apiVersion"],
            obj["kind"],
            metadata["name"],
            obj,
            namespace=metadata.get("namespace", ""),
            patch_type="apply",
            dry_run=dry_run,
            identity=identity,
        )

    def delete(
        self, api_version: str, kind: str, name: str, *, namespace: str = "", dry_run: bool = False, identity: Identity = ADMIN, grace: int | None = None
    ) -> Response:
        """DELETE an object. `grace` 0 deletes a pod at once, where no kubelet would."""
        query = _options(dry_run) | ({} if grace is None else {"gracePeriodSeconds": str(grace)})
        return self.request("DELETE", self.path(api_version, kind, namespace=namespace, name=name), query=query, identity=identity)

    def get(self, api_version: str, kind: str, name: str, *, namespace: str = "", subresource: str = "", identity: Identity = ADMIN) -> Response:
        """GET an object."""
        return self.request("GET", self.path(api_version, kind, namespace=namespace, name=name, subresource=subresource), identity=identity)

    def list(self, api_version: str, kind: str, *, namespace: str = "", selector: str = "", identity: Identity = ADMIN) -> Response:
        """GET the objects of a kind, in a namespace or in all; `selector` is one of labels. See `Response.items`."""
        query = {"labelSelector": selector} if selector else {}
        return self.request("GET", self.path(api_version, kind, namespace=namespace, all_namespaces=not namespace), query=query, identity=identity)

    def allowed(self, identity: Identity, verb: str, resource: str, *, group: str = "", namespace: str = "", name: str = "", subresource: str = "") -> bool:
        """What the authorizer says of an impersonated identity, by a SubjectAccessReview. RBAC objects take effect with some delay."""
        attributes = {"verb": verb, "group": group, "resource": resource, "subresource": subresource, "namespace": namespace, "name": name}
        spec = {"user": identity.user, "groups": list(identity.groups), "resourceAttributes": attributes}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        return bool(self.required(self.create(review)).body["status"]["allowed"])

    @staticmethod
    def required(response: Response, request: str = "request") -> Response:
        """The response, if it is a success. Raises RequestRefused."""
        if not response.ok:
            raise RequestRefused(request, response)
        return response

    def path(self, api_version: str, kind: str, *, namespace: str = "", name: str = "", subresource: str = "", all_namespaces: bool = False) -> str:
        """The path of a kind, as the API server serves it; namespaced kinds are in `default` where nothing is said. Raises LookupError if it is not served."""
        served = self._served.get(api_version, {}).get(kind) or self._discover(api_version).get(kind)
        if served is None:
            raise LookupError(f"the API server does not serve {kind} of {api_version}")
        parts = [_group_path(api_version)]
        if served.namespaced and not all_namespaces:
            parts += ["namespaces", quote(namespace or "default", safe="")]
        parts.append(served.resource)
        parts += [quote(part, safe="/") for part in (name, subresource) if part]
        return "/".join(parts)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        identity: Identity = ADMIN,
        content_type: str = "application/json",
    ) -> Response:
        """Any request; a body that is a text is sent as it is. Raises OSError or http.client.HTTPException when there is no answer."""
        connection = self._connection()
        data = b"" if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
        try:
            connection.putrequest(method, path + (f"?{urlencode(query)}" if query else ""), skip_accept_encoding=True)
            connection.putheader("Accept", "application/json")
            for header, value in identity.headers(self.tokens):
                connection.putheader(header, value.encode())
            if body is not None:
                connection.putheader("Content-Type", content_type)
            connection.putheader("Content-Length", str(len(data)))
            connection.endheaders(data)
            with connection.getresponse() as answer:
                text = answer.read()
                warnings = warning_texts(answer.headers.get_all("Warning", []))
                return Response(answer.status, _body(text), warnings, answer.headers.get("Audit-Id", ""))
        except BaseException:
            connection.close()  # the next request opens it again
            raise
        finally:
            self._threads.used = time.monotonic()

    def close(self) -> None:
        """Close the connections of all threads."""
        for connection in self._connections:
            connection.close()

    def _connection(self) -> http.client.HTTPSConnection:
        connection: http.client.HTTPSConnection | None = getattr(self._threads, "connection", None)
        if connection is None:
            connection = http.client.HTTPSConnection(self._address.hostname or "", self._address.port, context=self._tls, timeout=60)
            self._threads.connection = connection
            self._connections.append(connection)
        elif time.monotonic() - self._threads.used > IDLE_SECONDS:
            connection.close()
        return connection

    def _discover(self, api_version: str) -> dict[str, _Served]:
        response = self.request("GET", _group_path(api_version))
        if response.code == 404:
            return {}
        resources = self.required(response, f"discovery of {api_version}").body["resources"]
        served = {one["kind"]: _Served(one["name"], one["namespaced"]) for one in resources if "/" not in one["name"]}
        self._served[api_version] = served
        return served

    def _path_of(self, obj: Json, *, name: str = "", subresource: str = "") -> str:
        namespace = obj.get("metadata", {}).get("namespace", "")
        return self.path(obj["apiVersion"], obj["kind"], namespace=namespace, name=name, subresource=subresource)


def _group_path(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _options(dry_run: bool, validation: str = "") -> dict[str, str]:
    return ({"dryRun": "All"} if dry_run else {}) | ({"fieldValidation": validation} if validation else {})


def _body(text: bytes) -> Json:
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {"message": text.decode("utf-8", "replace")}


def documents(values: Sequence[Any]) -> Iterator[Json]:
    """The objects of YAML documents in order: empty ones left out, Lists taken apart."""
    for value in values:
        if isinstance(value, dict) and value.get("kind") == "List":
            yield from documents(value.get("items") or [])
        elif value is not None:
            yield value
