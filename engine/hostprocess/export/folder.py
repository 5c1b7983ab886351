"""Writes the files of an export, whole or not at all, and finds out whether those that lie there are what an export gives."""

from __future__ import annotations

import difflib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from hostprocess.errors import InputError, UsageError
from hostprocess.export.layout import MARK, command_of

__all__ = ["Exported", "differences", "find_exports", "write_files"]

_BASE = Path("base") / "kustomization.yaml"
Exported = tuple[Path, str]
"""A folder with an export, and the arguments that made it."""


def write_files(folder: str, files: Mapping[str, str], *, force: bool = False) -> None:
    """Writes `files` (text by path) into `folder`: all of them are written aside before the first takes its place.

    A folder that is there already must be empty, unless `force` is given: then files of an earlier export are replaced, or removed where this one has
    no such file. What did not come from an export is never touched. Raises `UsageError` for a folder that cannot be taken, `InputError` for one that
    cannot be written.
    """
    root = Path(folder)
    if root.exists() and not root.is_dir():
        raise UsageError(f"--output {folder}: is a file; name a folder, or - for standard output")
    try:
        if root.is_dir() and any(root.iterdir()):
            if not force:
                raise UsageError(f"--output {folder}: the folder is not empty; --force replaces the files of an earlier export in it")
            _replace(root, files)
        else:
            _write_new(root, files)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}; nothing was changed", path=str(error.filename or folder)) from None


def _write_new(root: Path, files: Mapping[str, str]) -> None:
    parent = root.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=parent))
    try:
        _write(aside, files)
        aside.chmod(0o777 & ~_umask())
        if root.exists():
            root.rmdir()  # it is empty
        aside.replace(root)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _replace(root: Path, files: Mapping[str, str]) -> None:
    for name in files:
        if (root / name).is_dir() or ((root / name).exists() and not _is_ours(root / name)):
            raise UsageError(f"{root / name} does not come from an export, so it is not replaced; move it away, or choose another folder")
    old = {path.relative_to(root).as_posix() for path in _ours(root)}
    aside = Path(tempfile.mkdtemp(prefix=".export-", dir=root))
    try:
        _write(aside, files)
        for name in files:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
        for name in files:
            (aside / name).replace(root / name)
        for name in sorted(old - files.keys()):
            (root / name).unlink()
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    for path, folders, names in os.walk(root, topdown=False):
        if not folders and not names and Path(path) != root and any(name.startswith(Path(path).relative_to(root).as_posix() + "/") for name in old):
            os.rmdir(path)


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="\n") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())


def _umask() -> int:
    # There is no way to ask without setting it.
    current = os.umask(0o022)
    os.umask(current)
    return current


def _is_ours(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(len(MARK)) == MARK
    except (OSError, UnicodeDecodeError):
        return False


def _ours(root: Path) -> list[Path]:
    """The files of an export below the folders that an export has."""
    folders = [root / "base", *sorted((root / "overlays").glob("*"))]
    return sorted(path for folder in folders for path in folder.glob("*.yaml") if path.is_file() and _is_ours(path))


def find_exports(folder: str) -> list[Exported]:
    """The exports in a folder and the folders below it. Raises `UsageError` if there is none, `InputError` for one that does not tell how it was made."""
    root = Path(folder)
    if not root.is_dir():
        raise UsageError(f"--check {folder}: {'is a file' if root.exists() else 'there is no such folder'}; name the folder of an export")
    found: list[Exported] = []
    for path, folders, _ in os.walk(root):
        folders.sort()
        file = Path(path) / _BASE
        if file.is_file() and _is_ours(file):
            command = command_of(file.read_text("utf-8"))
            if command is None:
                raise InputError("does not tell how it was made; export again", path=str(file))
            found.append((Path(path), command))
    if not found:
        raise UsageError(f"--check {folder}: there is no export in it; make one with hostprocess export --output {folder}")
    return found


def differences(root: Path, files: Mapping[str, str]) -> Iterator[str]:
    """How the files of an export differ from `files`, as the lines of a unified diff."""
    known = {path.relative_to(root).as_posix() for path in _ours(root)}
    for name in sorted(known | files.keys()):
        path = root / name
        old = path.read_text("utf-8") if path.is_file() else ""
        new = files.get(name, "")
        if old != new:
            before, after = (str(path) if text else os.devnull for text in (old, new))
            yield from difflib.unified_diff(old.splitlines(), new.splitlines(), before, after, lineterm="")
