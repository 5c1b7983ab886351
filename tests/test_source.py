"""Bytes to text: encodings, gzip, line ends, standard input, and one clear error for all that is no text."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import sys
import threading
from pathlib import Path

import pytest

from hostprocess.errors import InputError
from hostprocess.kubernetes.reader import read_file
from hostprocess.kubernetes.source import Spool, holds_any, open_text

TEXT = "kind: Pod\nname: Grüße 🪟\n"
CRLF = TEXT.replace("\n", "\r\n")


def read(path: Path | str, spool: Spool | None = None) -> str:
    with open_text(str(path), spool) as stream:
        return stream.read()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(TEXT.encode(), id="utf-8"),
        pytest.param(codecs.BOM_UTF8 + TEXT.encode(), id="utf-8 with mark"),
        pytest.param(codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), id="utf-16-le with mark"),
        pytest.param(codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), id="utf-16-be with mark"),
        pytest.param(TEXT.encode("utf-16-le"), id="utf-16-le"),
        pytest.param(TEXT.encode("utf-16-be"), id="utf-16-be"),
        pytest.param(CRLF.encode(), id="CRLF"),
        pytest.param(TEXT.replace("\n", "\r").encode(), id="CR"),
        pytest.param(codecs.BOM_UTF8 + CRLF.encode(), id="CRLF with mark"),
        pytest.param(codecs.BOM_UTF16_LE + CRLF.encode("utf-16-le"), id="PowerShell redirect"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_text_is_the_same_whatever_the_encoding(tmp_path: Path, data: bytes, packed: bool) -> None:
    file = tmp_path / "pod.yaml"
    file.write_bytes(gzip.compress(data) if packed else data)
    assert read(file) == TEXT
    assert read("-", Spool(io.BytesIO(file.read_bytes()))) == TEXT


@pytest.mark.parametrize(("data", "text"), [(b"", ""), (b"a", "a"), (b"{}", "{}"), ("{}".encode("utf-16-le"), "{}"), ("a".encode("utf-16-be"), "a")])
def test_short_files(tmp_path: Path, data: bytes, text: str) -> None:
    (tmp_path / "pod.yaml").write_bytes(data)
    assert read(tmp_path / "pod.yaml") == text


def test_gzip_of_several_members_is_one_text(tmp_path: Path) -> None:
    (tmp_path / "pod.gz").write_bytes(gzip.compress(b"a: 1\n") + gzip.compress(b"b: 2\n"))
    assert read(tmp_path / "pod.gz") == "a: 1\nb: 2\n"


PACKED = gzip.compress(os.urandom(5000))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(range(128, 256)), "is it a binary file?", id="binary"),
        pytest.param("name: Grüße".encode("latin-1"), "not text in UTF-8 or UTF-16", id="latin-1"),
        pytest.param(codecs.BOM_UTF16_LE + "abc".encode("utf-16-le")[:-1], "not text in UTF-8 or UTF-16", id="half a character"),
        pytest.param(b"a: \xed\xa0\x80", "not text in UTF-8 or UTF-16", id="lone surrogate"),
        pytest.param(PACKED[:2000], "damaged gzip data", id="gzip cut off"),
        pytest.param(PACKED[:12], "damaged gzip data", id="gzip cut off in its head"),
        pytest.param(PACKED[:2000] + b"\0" * 100 + PACKED[2100:], "damaged gzip data", id="gzip with a hole"),
        pytest.param(gzip.compress(b"a") + b"rest", "damaged gzip data", id="gzip with something behind it"),
        pytest.param(gzip.compress(b"\xff\xfe\xfd"), "not text in UTF-8 or UTF-16", id="binary in gzip"),
    ],
)
def test_what_is_no_text_is_one_clear_error(tmp_path: Path, data: bytes, message: str) -> None:
    file = tmp_path / "pod.yaml"
    file.write_bytes(data)
    with pytest.raises(InputError, match=message) as caught:
        read(file)
    assert caught.value.path == str(file)


def test_an_error_of_standard_input_names_it() -> None:
    with pytest.raises(InputError) as caught:
        read("-", Spool(io.BytesIO(b"\x1f\x8b\x08")))
    assert caught.value.path == "<stdin>"


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file or directory"):
        read(tmp_path / "none.yaml")


def test_a_folder_in_place_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path)


def test_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "link.yaml").symlink_to(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="cannot be read: No such file or directory"):
        read(tmp_path / "link.yaml")


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "pod.yaml").write_text("a: 1")
    monkeypatch.setattr("builtins.open", refuse)  # tests may run as root, who is refused nothing
    with pytest.raises(InputError, match="cannot be read: Permission denied"):
        read(tmp_path / "pod.yaml")


def test_standard_input_is_read_in_two_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    spool = Spool()
    assert [read("-", spool), read("-", spool)] == [TEXT, TEXT]


def test_standard_input_without_a_spool_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"apiVersion: v1\nkind: Pod\n")))
    assert len(list(read_file("-"))) == 1


def test_large_standard_input_goes_to_a_file_and_back() -> None:
    text = "a: 1\n" * 1_200_000
    spool = Spool(io.BytesIO(text.encode()))
    assert read("-", spool) == text
    assert read("-", spool) == text


class Endless(io.RawIOBase):
    """Bytes without an end, as of /dev/zero, /dev/urandom or a broken pipe line."""

    def __init__(self, block: bytes) -> None:
        self.block = block
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        self.given += len(self.block)
        assert self.given < 64 << 20, "it is copied until the disk is full"
        return self.block


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (bytes(1 << 16), "nothing but NUL bytes"),
        (bytes(range(1, 256)) * 100, "invalid start byte"),
        (codecs.BOM_UTF16_LE + b"\x00\xd8" * 100, "illegal UTF-16 surrogate"),
    ],
)
def test_an_endless_stream_that_is_no_text_does_not_fill_the_disk(block: bytes, message: str) -> None:
    spool = Spool(Endless(block))  # type: ignore[arg-type]
    with pytest.raises(InputError) as caught:
        read("-", spool)
    assert str(caught.value).startswith("<stdin>: not text in UTF-8 or UTF-16 (")
    assert message in str(caught.value)


def test_what_failed_once_fails_again() -> None:
    spool = Spool(io.BytesIO(b"kind: Pod\n" * 10_000 + b"\xff"))
    for _ in range(2):
        with pytest.raises(InputError, match="not text"):
            read("-", spool)


def test_standard_input_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="standard input is closed"):
        read("-")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are of Unix")
def test_a_pipe_is_read_in_two_passes(tmp_path: Path) -> None:
    """`check <(kubectl get pods -o yaml)`: a pipe gives its bytes once, and a second opening would wait for ever."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(TEXT.encode(),))
    writer.start()
    spool = Spool()
    assert [read(pipe, spool), read(pipe, spool)] == [TEXT, TEXT]
    writer.join()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("before", [0, (1 << 20) - 4, 1 << 20, (1 << 19) - 3])
def test_holds_any_finds_a_word_wherever_it_stands(tmp_path: Path, encoding: str, packed: bool, before: int) -> None:
    content = ("a" * before + "kind: Namespace\n" + "b" * 100).encode(encoding)
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(content) if packed else content)
    assert holds_any(str(path), frozenset({"RuntimeClass", "Namespace"}))
    assert not holds_any(str(path), frozenset({"RuntimeClass", "namespace"}))


def test_holds_any_of_what_is_unreadable(tmp_path: Path) -> None:
    assert not holds_any(str(tmp_path / "gone"), frozenset({"a"}))
    (tmp_path / "damaged").write_bytes(b"\x1f\x8bnonsense")
    assert not holds_any(str(tmp_path / "damaged"), frozenset({"a"}))
