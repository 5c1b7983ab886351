"""Lists of any length, page by page, as the API server hands them out.

Source: k8s.io/apiserver/pkg/registry/generic/registry and pkg/storage/etcd3 (continue tokens, 410 Expired).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hostprocess.live.client import Client, ClusterError

__all__ = ["PAGE", "pages"]

JSONObject = dict[str, Any]
PAGE = 250  # objects; a pod is some 10 kB
_GONE = 410
_RESTARTS = 3


def pages(client: Client, path: str, query: Mapping[str, str] | None = None, *, tell: Callable[[str], None], limit: int = PAGE) -> Iterator[list[JSONObject]]:
    """The objects at a path, page by page, each with its kind. `tell` is told what may be wrong with them.

    A list that takes longer than the API server keeps its old state (five minutes by default) goes on in its newer state, or begins anew and passes over
    what there was: objects come in the order of namespace and name. Raises `ClusterError`.
    """
    token, last, restarts = "", "", 0
    skipping = False
    while True:
        asked = {**(query or {}), "limit": str(limit), **({"continue": token} if token else {})}
        try:
            answer = client.get(path, asked)
        except ClusterError as error:
            if error.code != _GONE or not token or restarts == _RESTARTS:
                raise
            restarts += 1
            token = str((error.status.get("metadata") or {}).get("continue") or "")
            skipping = not token
            how = "it begins anew behind what there was" if skipping else "it goes on in a newer state"
            tell(f"the list took longer than the API server keeps its old state (410 Expired): {how}, so it is not one of a single moment")
            continue
        kind, version = str(answer.get("kind", "")).removesuffix("List"), str(answer.get("apiVersion", ""))
        items = [{"apiVersion": version, "kind": kind, **item} for item in answer.get("items") or ()]
        if skipping:
            items = [item for item in items if _key(item) > last]
        if items:
            last = _key(items[-1])
            skipping = False
            yield items
        token = str((answer.get("metadata") or {}).get("continue") or "")
        if not token:
            return


def _key(item: JSONObject) -> str:
    metadata = item.get("metadata") or {}
    return f"{metadata.get('namespace') or ''}/{metadata.get('name') or ''}"
