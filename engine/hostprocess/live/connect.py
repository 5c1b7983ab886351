"""From a kubeconfig to a client: which file, which context, and what may be wrong with them."""

from __future__ import annotations

import os
import ssl
from typing import Any
from urllib.parse import quote, urlsplit

from hostprocess.errors import InputError, UsageError, suggestion
from hostprocess.live.client import Client

__all__ = ["connect"]

JSONObject = dict[str, Any]
_IN_CLUSTER = "KUBERNETES_SERVICE_HOST"
_INSTALL = "--cluster needs the official Python client of Kubernetes, which is not installed: pip install 'hostprocess[cluster]'"


def connect(kubeconfig: str = "", context: str = "") -> Client:
    """A client of the cluster that a context names, by default the current one.

    The file is `kubeconfig`, else those of $KUBECONFIG, else ~/.kube/config, else a pod's own account. Raises `UsageError` without the library, or for
    a context that does not exist, and `InputError` for a file that cannot be used.
    """
    try:
        import yaml
        from kubernetes import config  # slow to load, and not installed by default
        from kubernetes.client import ApiClient, Configuration
        from kubernetes.config.config_exception import ConfigException
    except ImportError as error:
        if (error.name or "").partition(".")[0] == "kubernetes":
            raise UsageError(_INSTALL) from None
        raise UsageError(f"the Python client of Kubernetes cannot be loaded: {error}") from None
    configuration = Configuration()
    configuration.retries = False  # ours know what Kubernetes says
    files = kubeconfig or os.environ.get("KUBECONFIG") or os.path.expanduser("~/.kube/config")
    there = [path for path in files.split(os.pathsep) if path and os.path.exists(path)]
    if not there:
        if kubeconfig or context or not os.environ.get(_IN_CLUSTER):
            words = "there is no such file" if kubeconfig or os.environ.get("KUBECONFIG") else "there is no kubeconfig"
            raise InputError(f"{words}; name one with --kubeconfig FILE, or in $KUBECONFIG", path=files)
        try:
            config.load_incluster_config(configuration)
        except (ConfigException, OSError) as error:
            raise InputError(f"the account of this pod cannot be used: {error}") from None
        return Client(_trusting(ApiClient(configuration)), name="the cluster of this pod", user="the account of this pod", namespace=_own_namespace())
    if kubeconfig and os.path.isdir(kubeconfig):
        raise InputError("is a folder; a kubeconfig is a file", path=kubeconfig)
    path = os.pathsep.join(there)
    try:
        contexts, users, active = _read(path, ConfigException)
        chosen = _chosen(path, contexts, active, context)
        about = chosen.get("context") or {}
        impersonation = _impersonation((users.get(str(about.get("user"))) or {}).get("user") or {})
        config.load_kube_config(config_file=path, context=chosen["name"], client_configuration=configuration, persist_config=False)
        address = urlsplit(str(configuration.host))
        if address.scheme not in ("https", "http") or not address.hostname:
            raise ConfigException(f"the server {configuration.host!r} is no address; it begins with https://")
        client = _trusting(ApiClient(configuration))
    except UsageError:
        raise
    except (ConfigException, yaml.YAMLError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"this kubeconfig cannot be used: {_told(error)}", path=path) from None
    return Client(
        client,
        name=f"the context {chosen['name']!r}",
        user=str(about.get("user") or ""),
        namespace=str(about.get("namespace") or "default"),
        headers=impersonation,
    )


def _trusting(api_client: Any) -> Any:
    """The client, which takes the certificates that kubectl takes.

    Python 3.13 and newer want all that RFC 5280 says to be in them, which those of EKS lack (github.com/kubernetes-client/python/issues/2394), and older
    ones want the root of an authority in the kubeconfig. Source: `Certificate.Verify` of Go's crypto/x509 asks for neither.
    """
    from urllib3.util import ssl_  # a part of the client

    settings = api_client.rest_client.pool_manager.connection_pool_kw
    context = ssl_.create_urllib3_context(cert_reqs=settings["cert_reqs"])
    context.verify_flags = (context.verify_flags & ~ssl.VERIFY_X509_STRICT) | ssl.VERIFY_X509_PARTIAL_CHAIN
    if not settings["ca_certs"] and not settings.get("ca_cert_data"):
        context.load_default_certs()  # urllib3 does so for contexts of its own only
    settings["ssl_context"] = context
    return api_client


def _read(path: str, failure: type[Exception]) -> tuple[list[JSONObject], dict[str, JSONObject], str]:
    """The contexts of a kubeconfig, its users by name, and the current context, which may be none: that matters only if none is named."""
    from kubernetes.config.kube_config import KubeConfigMerger  # the public function fails without a current context

    loaded = KubeConfigMerger(path).config
    if not isinstance(loaded.value, dict):
        raise failure("it is no mapping")
    contexts, users = ([one.value for one in loaded.value[key]] for key in ("contexts", "users"))
    if not contexts:
        raise failure("it holds no contexts")
    return contexts, {str(one["name"]): one for one in users}, str(loaded.value.get("current-context") or "")


def _impersonation(user: JSONObject) -> list[tuple[str, str]]:
    """The headers of a user who acts as another one, which the library leaves out."""
    headers = [("Impersonate-User", user.get("as")), ("Impersonate-Uid", user.get("as-uid"))]
    headers += [("Impersonate-Group", group) for group in user.get("as-groups") or ()]
    headers += [(f"Impersonate-Extra-{quote(key, safe='')}", value) for key, values in (user.get("as-user-extra") or {}).items() for value in values]
    return [(name, str(value)) for name, value in headers if value]


def _chosen(path: str, contexts: list[JSONObject], active: str, wanted: str) -> JSONObject:
    names = [str(one["name"]) for one in contexts]
    name = wanted or active
    if not name:
        raise UsageError(f"{path} has no current context: choose one with --context; there are {', '.join(names)}")
    if name not in names:
        there = suggestion(name, names) or f"; there are {', '.join(names)}"
        raise UsageError(f"{'--context' if wanted else f'the current context of {path}'}: there is no context {name!r}{there}")
    return contexts[names.index(name)]


def _own_namespace() -> str:
    try:
        with open("/var/run/secrets/kubernetes.io/serviceaccount/namespace", encoding="utf-8") as file:
            return file.read().strip() or "default"
    except OSError:
        return "default"


def _told(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{text} is missing" if isinstance(error, KeyError) else text or type(error).__name__
