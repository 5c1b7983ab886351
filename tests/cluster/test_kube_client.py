"""What of the client needs no cluster."""

from __future__ import annotations

from pathlib import Path

import kube_cluster
import pytest
from kube_client import Identity, documents, service_account, user, warning_texts


def test_warnings_are_unquoted() -> None:
    headers = ['299 - "plain"', r'299 - "a \"quoted\" \\ text, with, commas"', '299 - "Übergröße"'.encode().decode("latin-1")]
    assert warning_texts(headers) == ("plain", r'a "quoted" \ text, with, commas', "Übergröße")
    assert warning_texts(['299 - "one", 299 agent "two"']) == ("one", "two")
    assert warning_texts([]) == ()


def test_headers_of_an_identity() -> None:
    tokens = {"admin": "t0", "user": "t1"}
    assert Identity("user").headers(tokens) == [("Authorization", "Bearer t1")]
    assert user("jane", "a", "b").headers(tokens)[1:] == [("Impersonate-User", "jane"), ("Impersonate-Group", "a"), ("Impersonate-Group", "b")]
    assert service_account("shop", "default").headers(tokens)[1] == ("Impersonate-User", "system:serviceaccount:shop:default")
    assert Identity(user="j", uid="7", extra={"example.com/a": ["x"]}).headers(tokens)[2:] == [
        ("Impersonate-Uid", "7"),
        ("Impersonate-Extra-example.com%2Fa", "x"),
    ]
    with pytest.raises(KeyError):
        Identity("nobody").headers(tokens)


def test_documents_are_taken_apart() -> None:
    assert list(documents([{"kind": "A"}, None, {"kind": "List", "items": [{"kind": "B"}, {"kind": "C"}]}])) == [{"kind": "A"}, {"kind": "B"}, {"kind": "C"}]


def test_a_release_without_a_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(kube_cluster.ClusterError, match=r"no cluster for Kubernetes 1\.20: there is one for 1\.37, 1\.30, 1\.29"):
        kube_cluster.build("1.20")
    monkeypatch.setattr(kube_cluster, "CACHE", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(kube_cluster.GoMissing, match="install Go"):
        kube_cluster.build("1.37")
