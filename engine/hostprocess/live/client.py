"""Requests to an API server: answers as JSON, patience with a server that is busy, and words for each way to fail.

The official client brings addresses, proxies, certificates and tokens. Its models are left aside: they would drop the fields that they do not know.
"""

from __future__ import annotations

import json
import random
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from hostprocess.errors import HostprocessError
from hostprocess.live.credentials import expired

__all__ = ["Client", "ClusterError"]

JSONObject = dict[str, Any]
_BUSY = frozenset({408, 429, 500, 502, 503, 504})
_ATTEMPTS = 5
_FIRST_ATTEMPTS = 3  # a server that was never there is told of sooner than one that went away
_DELAY = 0.5  # seconds before the second attempt; doubled for each one after
_LONGEST = 60.0  # seconds: who is told to wait for longer is not waited for
_TIMEOUT = (10.0, 60.0)  # seconds to connect, and between two bytes


class ClusterError(HostprocessError):
    """The API server refuses a request, or cannot be asked. `code` is that of its answer, 0 if there was none; `status` is its body."""

    def __init__(self, message: str, *, code: int = 0, status: JSONObject | None = None, expiry: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.status = status or {}
        self.expiry = expiry

    def __reduce__(self) -> tuple[object, ...]:
        return (ClusterError, (self.message,))

    @property
    def ends(self) -> bool:
        """Whether no other request can succeed either."""
        return self.code in (0, 401)


class Client:
    """A client of one API server. `name` says in messages where it comes from, `user` who asks; `namespace` is the one of the context."""

    def __init__(self, api_client: Any, *, name: str, user: str, namespace: str, headers: Sequence[tuple[str, str]] = (), delay: float = _DELAY) -> None:
        self._configuration = api_client.configuration
        self._pool = api_client.rest_client.pool_manager
        self.name = name
        self.user = user
        self.namespace = namespace
        self._headers = headers
        self._delay = delay
        self._answered = False

    @property
    def host(self) -> str:
        """The address of the API server."""
        return str(self._configuration.host).rstrip("/")

    def get(self, path: str, query: Mapping[str, str] | None = None) -> JSONObject:
        """The object or list at a path. Raises `ClusterError` once patience is at its end."""
        attempts = _ATTEMPTS if self._answered else _FIRST_ATTEMPTS
        for attempt in range(1, attempts + 1):
            try:
                return self._once(path, query)
            except _TryAgainError as failure:
                wait = failure.after if failure.after is not None else self._delay * 2 ** (attempt - 1) * random.uniform(0.75, 1.25)
                if attempt == attempts or wait > _LONGEST:
                    asked = f"; it asks to wait for {wait:g} seconds" if wait > _LONGEST else f"; {attempts} attempts failed"
                    raise ClusterError(f"{failure.error.message}{asked}", code=failure.error.code, status=failure.error.status) from None
                time.sleep(wait)
        raise AssertionError("unreachable")

    def _once(self, path: str, query: Mapping[str, str] | None) -> JSONObject:
        import urllib3  # a part of the client

        url = self.host + path + (f"?{urlencode(query)}" if query else "")
        headers = urllib3.HTTPHeaderDict({"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "hostprocess", **self._authorization()})
        for name, value in self._headers:
            headers.add(name, value)
        try:
            answer = self._pool.request(
                "GET",
                url,
                headers=headers,
                preload_content=False,
                retries=False,
                redirect=False,
                timeout=urllib3.Timeout(connect=_TIMEOUT[0], read=_TIMEOUT[1]),
            )
            try:
                text = answer.read(decode_content=True)
            finally:
                answer.release_conn()
        except (urllib3.exceptions.HTTPError, OSError, ssl.SSLError) as error:
            raise self._not_reached(error) from None
        except ValueError as error:  # an address that is none
            raise ClusterError(f"the server {self.host!r} of {self.name} cannot be asked: {error}") from None
        body = _json(text)
        if answer.status == 200:
            if body is None:
                raise ClusterError(f"{self.host} answers with something else than JSON: is it an API server of Kubernetes?")
            self._answered = True
            return body
        refused = self._refused(answer.status, body or {})
        if answer.status in _BUSY:
            raise _TryAgainError(refused, _seconds(answer.headers.get("Retry-After")))
        raise refused

    def _authorization(self) -> dict[str, str]:
        """The headers that say who asks; asked for anew each time, as tokens are renewed."""
        try:
            settings = self._configuration.auth_settings()
        except Exception as error:  # whatever the plug-in of a cloud raises
            raise ClusterError(f"there are no credentials for {self.name}: {' '.join(str(error).split())}", code=401) from None
        return {one["key"]: one["value"] for one in settings.values() if one["in"] == "header" and one["value"]}

    def _refused(self, code: int, body: JSONObject) -> ClusterError:
        message = " ".join(str(body.get("message") or "").split())
        if code == 401:
            why = self._expiry()
            hint = f": {why}; log in again" if why else ", which may be wrong or expired; log in again, or choose another --context"
            return ClusterError(f"{self.host} answers 401 Unauthorized: it does not accept the credentials of {self._who()}{hint}", code=401)
        words = f"{self.host} answers {code}" + (f": {message}" if message else "")
        return ClusterError(words, code=code, status=body)

    def _not_reached(self, error: BaseException) -> Exception:
        tls = next((one for one in _chain(error) if isinstance(one, ssl.SSLError)), None)
        if tls is not None and not isinstance(tls, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return ClusterError(self._about_tls(tls))
        # Who refuses a client certificate may hang up without a word.
        why = f"; {expiry}" if tls is not None and (expiry := self._expiry()) else ""
        return _TryAgainError(ClusterError(f"{self.host} ({self.name}) cannot be reached: {_reason(error)}{why}"))

    def _about_tls(self, error: ssl.SSLError) -> str:
        begins = f"no TLS connection to {self.host} ({self.name})"
        if isinstance(error, ssl.SSLCertVerificationError):
            told = error.verify_message or str(error)
            return f"{begins}: the certificate of the server is not trusted: {told}; is certificate-authority-data of the kubeconfig that of this cluster?"
        if "WRONG_VERSION_NUMBER" in str(error) or "HTTP_REQUEST" in str(error):
            return f"{begins}: the server does not speak TLS; is the address right?"
        if "alert" in str(error).lower():
            why = self._expiry() or "it may be expired, or from another cluster"
            return f"{begins}: the server does not accept the client certificate of {self._who()}: {why}"
        return f"{begins}: {error.reason or error}"

    def _expiry(self) -> str:
        try:
            authorization = next(iter(self._authorization().values()), "")
        except ClusterError:
            authorization = ""
        return expired(self._configuration.cert_file, authorization)

    def _who(self) -> str:
        return f"the user {self.user!r} ({self.name})" if self.user and not self.user.startswith("the ") else self.user or self.name


class _TryAgainError(Exception):
    def __init__(self, error: ClusterError, after: float | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.after = after


def _json(text: bytes) -> JSONObject | None:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _seconds(header: str | None) -> float | None:
    return float(header) if header and header.isdecimal() else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and those it stems from: the library puts them into arguments too."""
    seen: list[BaseException] = [error]
    for one in seen:
        for other in (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args):
            if isinstance(other, BaseException) and other not in seen:
                seen.append(other)
    return iter(seen)


def _reason(error: BaseException) -> str:
    import urllib3  # as above

    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return "its name is not known"
    system = next((one for one in _chain(error) if isinstance(one, OSError) and one.strerror), None)
    if system is not None:
        return str(system.strerror)
    if isinstance(error, urllib3.exceptions.ConnectTimeoutError):
        return f"no answer within {_TIMEOUT[0]:g} seconds"
    if isinstance(error, urllib3.exceptions.ReadTimeoutError):
        return f"it fell silent for {_TIMEOUT[1]:g} seconds"
    if isinstance(error, urllib3.exceptions.ProtocolError):
        return "the connection broke off"
    return " ".join(str(error).split())
