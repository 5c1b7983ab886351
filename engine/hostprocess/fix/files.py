"""Fixes files: their bytes to text and back, so that what is not fixed stays byte by byte, and under their name only when they are whole."""

from __future__ import annotations

import codecs
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from hostprocess.errors import InputError
from hostprocess.fix.lines import Lines, unified
from hostprocess.fix.session import Fixed, Fixer
from hostprocess.kubernetes import yaml_text
from hostprocess.kubernetes.reader import Piece
from hostprocess.kubernetes.source import GZIP, STANDARD_INPUT, encoding_of, standard_input

__all__ = ["FileFix", "fix_file", "unified_diff", "write_fixed"]


@dataclass(slots=True)
class FileFix:
    """A file before and after; `fixed` says what happened to it. `stamp` tells whether another has written it since."""

    path: str
    before: Lines
    after: Lines
    mark: bytes
    encoding: str
    fixed: list[Fixed] = field(default_factory=list)
    stamp: tuple[int, int] = (0, 0)

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return self.before != self.after

    @property
    def data(self) -> bytes:
        """What the file holds, once fixed."""
        return self.mark + self.after.text.encode(self.encoding)


def fix_file(path: str, fixer: Fixer) -> FileFix:
    """Fixes a file, or standard input, without writing it. Raises `InputError` if it cannot be read, or not be written back as it is."""
    name = "<stdin>" if path == STANDARD_INPUT else path
    raw, stamp = _read(path, name)
    encoding, text = _decoded(raw, name)
    before = Lines.of(text)
    made = FileFix(path, before, before, _mark(raw), encoding, stamp=stamp)
    plain = made.before.plain
    if "\r" in plain:
        raise InputError("holds carriage returns that no line feed follows; convert its line ends first", path=name)
    if not plain.strip():
        raise InputError("is empty", path=name)
    is_json = _is_json(plain, name)
    new = list(made.before.lines)
    for first, piece in reversed(list(_pieces(plain, name, is_json))):
        part = made.before.part(first, piece[4])
        fixed = fixer.fix(piece, part, is_json)
        made.fixed.insert(0, fixed)
        new[first : first + len(part.lines)] = fixed.lines.lines
    made.after = Lines(tuple(new))
    return made


def write_fixed(made: FileFix) -> None:
    """Puts the fixed file in the place of the old one, links followed, with its mode. Raises `InputError`."""
    target = os.path.realpath(made.path)
    temporary = ""
    try:
        if _stamp(os.stat(target)) != made.stamp:
            raise InputError("was changed by something else meanwhile, and is left as it is; run again", path=made.path)
        handle, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(target)}.", dir=os.path.dirname(target))
        with open(handle, "wb") as stream:
            stream.write(made.data)
        status = os.stat(target)
        with suppress(OSError, AttributeError):  # only root gives files away, and Windows knows no owners of that kind
            os.chown(temporary, status.st_uid, status.st_gid)
        os.chmod(temporary, status.st_mode & 0o7777)
        os.replace(temporary, target)
        temporary = ""
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", path=made.path) from None
    finally:
        if temporary:
            with suppress(OSError):
                os.unlink(temporary)


def unified_diff(made: FileFix) -> str:
    """What changes, for `patch` and people."""
    return unified(made.before, made.after, "<stdin>" if made.path == STANDARD_INPUT else made.path)


def _read(path: str, name: str) -> tuple[bytes, tuple[int, int]]:
    try:
        if path == STANDARD_INPUT:
            return standard_input().read(), (0, 0)
        if not os.path.isfile(path):
            raise InputError("is not a regular file; use - for standard input" if os.path.exists(path) else "cannot be read: no such file", path=name)
        with open(path, "rb") as stream:
            return stream.read(), _stamp(os.fstat(stream.fileno()))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=name) from None


def _stamp(status: os.stat_result) -> tuple[int, int]:
    return status.st_mtime_ns, status.st_size


def _mark(raw: bytes) -> bytes:
    return next((mark for mark in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) if raw.startswith(mark)), b"")


def _decoded(raw: bytes, name: str) -> tuple[str, str]:
    if raw.startswith(GZIP):
        raise InputError("is compressed; decompress it to have it fixed", path=name)
    encoding = encoding_of(raw[:4])  # the names of two say that a byte order mark is there, or may be
    if encoding == "utf-16":
        encoding = "utf-16-le" if raw.startswith(codecs.BOM_UTF16_LE) else "utf-16-be"
    encoding = encoding.removesuffix("-sig")
    try:
        text = raw[len(_mark(raw)) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"not text in UTF-8 or UTF-16 ({error.reason}); is it a binary file?", path=name) from None
    return encoding, text


def _is_json(text: str, name: str) -> bool:
    """Whether the text is one value of JSON. Raises `InputError` for several, or one that is not valid."""
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except ValueError as error:
        if "Extra data" in str(error) and text.lstrip().startswith("{"):
            raise InputError("holds several JSON values; it is fixed if it is one List, or YAML", path=name) from None
        return False
    except RecursionError:
        raise InputError("nested too deeply", path=name) from None
    return True


def _pieces(text: str, name: str, is_json: bool) -> Iterator[tuple[int, Piece]]:
    """The pieces of a text, as `reader.read_pieces` cuts it, and the number of the line that each begins on, from 0."""
    if is_json:
        yield 0, ("yaml", name, 0, 1, text)
        return
    for document, (line, part) in enumerate(yaml_text.pieces([text])):
        listed = yaml_text.cut_list(part)
        if listed is None:
            yield line - 1, ("yaml", name, document, line, part)
            continue
        api_version, kind, items = listed
        for above, item in items:
            yield line - 1 + above, ("yaml", name, document, line + above, item, kind, api_version)
