"""Bytes to text: files, standard input, gzip, the encodings that shells write. It knows nothing of YAML or JSON."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import sys
import tempfile
import weakref
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast

from hostprocess.errors import InputError

__all__ = ["GZIP", "STANDARD_INPUT", "Spool", "encoding_of", "holds_any", "open_text", "standard_input"]

STANDARD_INPUT = "-"
_BLOCK = 1 << 20  # bytes that are searched at a time
_PIPE_BLOCK = 1 << 16
GZIP = b"\x1f\x8b"
_SPOOL_MEMORY = 4 << 20  # bytes kept in memory before standard input goes to a temporary file


class Spool:
    """What gives its bytes only once (standard input, named pipes), copied to temporary files, so that it can be read in two passes."""

    def __init__(self, stream: IO[bytes] | None = None) -> None:
        self._stream = stream
        self._files: dict[str, IO[bytes]] = {}
        self._failed: dict[str, OSError | UnicodeDecodeError] = {}

    def open(self, path: str = STANDARD_INPUT) -> IO[bytes]:
        """The bytes from the start."""
        file = self._files.get(path)
        if path in self._failed:
            raise self._failed[path]
        if file is None:
            file = cast(IO[bytes], tempfile.SpooledTemporaryFile(max_size=_SPOOL_MEMORY))  # noqa: SIM115 - lives as long as the spool
            weakref.finalize(self, file.close)
            try:
                if path == STANDARD_INPUT:
                    _copy(self._stream or standard_input(), file)
                else:
                    with open(path, "rb") as pipe:
                        _copy(pipe, file)
            except (OSError, UnicodeDecodeError) as error:
                self._failed[path] = error  # the rest of it would pass for the whole the next time
                raise
            self._files[path] = file
        file.seek(0)
        return file


def _copy(stream: IO[bytes], file: IO[bytes]) -> None:
    """Copies text, and stops at what is none: /dev/zero has no end. Raises `UnicodeDecodeError`."""
    start = stream.read(_PIPE_BLOCK)
    encoding = encoding_of(start[:4])
    decoder = codecs.getincrementaldecoder(encoding)()
    block = start
    while block:
        if not start.startswith(GZIP):
            decoder.decode(block)
            if not block.strip(b"\0"):
                raise UnicodeDecodeError(encoding, block, 0, len(block), "nothing but NUL bytes")
        file.write(block)
        block = stream.read(_PIPE_BLOCK)


@contextmanager
def open_text(path: str, spool: Spool | None = None) -> Iterator[IO[str]]:
    """Opens `path` (`-` is standard input) as text with `\\n` line ends.

    Understands gzip, UTF-8 with and without byte order mark, and UTF-16 as PowerShell redirects write it. Raises
    `InputError` for what is unreadable or not text, also while the text is being read.
    """
    with _open_bytes(path, spool) as raw:
        text = io.TextIOWrapper(raw, encoding=encoding_of(_peek(raw, 4)), errors="strict", newline=None)
        try:
            yield text
        finally:
            text.detach()


def holds_any(path: str, words: frozenset[str], spool: Spool | None = None) -> bool:
    """Whether a file holds one of these ASCII words, as far as its bytes tell; no for what is unreadable."""
    try:
        with _open_bytes(path, spool) as raw:
            start = _peek(raw, 4)
            encoding = encoding_of(start)
            if encoding == "utf-16":
                encoding = "utf-16-le" if start.startswith(codecs.BOM_UTF16_LE) else "utf-16-be"
            wanted = [word.encode("utf-8" if encoding == "utf-8-sig" else encoding) for word in words]
            overlap = max(map(len, wanted)) - 1
            rest = b""
            while block := raw.read(_BLOCK):
                block = rest + block
                if any(word in block for word in wanted):
                    return True
                rest = block[-overlap:]
    except InputError:
        pass
    return False


@contextmanager
def _open_bytes(path: str, spool: Spool | None) -> Iterator[IO[bytes]]:
    name = "<stdin>" if path == STANDARD_INPUT else path
    spool = spool or Spool()  # held by this name: its files close with it
    owned: list[IO[bytes]] = []
    try:
        if path == STANDARD_INPUT or (os.path.exists(path) and not os.path.isfile(path)):
            raw = spool.open(path)
        else:
            raw = open(path, "rb")  # noqa: SIM115 - closed below
            owned.append(raw)
        if _peek(raw, 2) == GZIP:
            raw = cast(IO[bytes], gzip.GzipFile(fileobj=raw, mode="rb"))
            owned.append(raw)
        yield raw
    except UnicodeDecodeError as error:
        raise InputError(f"not text in UTF-8 or UTF-16 ({error.reason}); is it a binary file?", path=name) from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"damaged gzip data: {error}", path=name) from None
    except OSError as error:
        raise InputError(f"cannot be read: {os.strerror(error.errno) if error.errno else error}", path=name) from None
    finally:
        for stream in reversed(owned):
            stream.close()


def standard_input() -> IO[bytes]:
    """Raises `OSError` if there is none."""
    if sys.stdin is None:
        raise OSError("standard input is closed")
    return sys.stdin.buffer


def _peek(stream: IO[bytes], count: int) -> bytes:
    start = stream.read(count)
    stream.seek(0)
    return start


def encoding_of(start: bytes) -> str:
    """The encoding of a text by its first four bytes."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # Text without a mark: the first character of a manifest is ASCII, so the other byte of its pair is NUL.
    if len(start) >= 2 and start[0] and not start[1] and (len(start) < 4 or (start[2] and not start[3])):
        return "utf-16-le"
    if len(start) >= 2 and not start[0] and start[1]:
        return "utf-16-be"
    return "utf-8-sig"
