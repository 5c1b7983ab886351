"""Writes the files of an export, whole or not at all, and finds out whether those that lie there are what an export gives."""

from __future__ import annotations

import contextlib
import difflib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from hostprocess.compile import BINDING_SETS
from hostprocess.errors import InputError, UsageError
from hostprocess.export.layout import MARK, command_of

__all__ = ["Exported", "differences", "find_exports", "write_files"]

_ASIDE = ".export-"
_FOLDERS = ("base", *(f"overlays/{name}" for name in BINDING_SETS))
"""Where an export has its files."""
Exported = tuple[Path, str]
"""A folder with an export, and the arguments that made it."""


def write_files(folder: str, files: Mapping[str, str], *, force: bool = False) -> None:
    """Writes `files` (text by path) into `folder`: all of them are written aside before the first takes its place.

    A folder that is there already must be empty, unless `force` is given: then files of an earlier export are replaced, or removed where this one has
    no such file. What did not come from an export is never touched. Raises `UsageError` for a folder that cannot be taken, `InputError` for one that
    cannot be written: then it holds what it held before.
    """
    if not folder:
        raise UsageError("--output: the name of a folder is missing; give one, or - for standard output")
    root = Path(folder)
    try:
        if root.exists() and not root.is_dir():
            raise UsageError(f"--output {folder}: is a file; name a folder, or - for standard output")
        if not root.is_dir():
            _write_new(root, files)
            return
        if not force and any(root.iterdir()):
            raise UsageError(f"--output {folder}: the folder is not empty; --force replaces the files of an earlier export in it")
        _write_into(root, files)
    except OSError as error:
        place = str(error.filename2 or error.filename or folder)
        shown = folder if _ASIDE in place else place
        raise InputError(f"cannot be written: {error.strerror}; nothing was changed", path=shown) from None


def _write_new(root: Path, files: Mapping[str, str]) -> None:
    parent = root.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    with _aside(parent) as aside:
        made = aside / root.name
        made.mkdir()
        _write(made, files)
        made.replace(root)


def _write_into(root: Path, files: Mapping[str, str]) -> None:
    for name in files:
        if os.path.lexists(root / name) and not _is_ours(root / name):
            raise UsageError(f"{root / name} does not come from an export, so it is not replaced; move it away, or choose another folder")
    old = {path.relative_to(root).as_posix() for path in _ours(root)}
    with _aside(root) as aside, contextlib.ExitStack() as undo:
        _write(aside / "new", files)
        for name in sorted(old):
            (aside / "old" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, aside / "old" / name)
        for name in files:
            _make_folders(root, name, undo)
        # Each file is replaced at once: whoever reads meanwhile finds the old one or the new one. The way back is known before the step is taken.
        for name in [*files, *sorted(old - files.keys())]:
            if name in old:
                undo.callback((aside / "old" / name).replace, root / name)
            else:
                undo.callback((root / name).unlink, missing_ok=True)
            if name in files:
                (aside / "new" / name).replace(root / name)
            else:
                (root / name).unlink()
        undo.pop_all()
    for folder in {(root / name).parent for name in old}:
        with contextlib.suppress(OSError):  # most hold something
            folder.rmdir()


def _make_folders(root: Path, name: str, undo: contextlib.ExitStack) -> None:
    for folder in reversed([root / one for one in Path(name).parents][:-1]):
        if not folder.is_dir():
            folder.mkdir()
            undo.callback(folder.rmdir)


@contextlib.contextmanager
def _aside(parent: Path) -> Iterator[Path]:
    """A folder that is gone at the end, on the same file system, so that what was written in it can be moved."""
    made = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=parent))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="\n") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())


def _is_ours(path: Path) -> bool:
    if not path.is_file():  # what is none may not even be opened: a pipe waits
        return False
    with path.open("rb") as file:
        return file.read(len(MARK)) == MARK.encode()


def _ours(root: Path) -> list[Path]:
    """The files of an export below the folders that an export has."""
    return sorted(path for folder in _FOLDERS if (root / folder).is_dir() for path in _listed(root / folder) if path.suffix == ".yaml" and _is_ours(path))


def _listed(folder: Path) -> list[Path]:
    return [folder / name for name in os.listdir(folder)]  # Path.glob passes over what may not be read


def find_exports(folder: str) -> list[Exported]:
    """The exports in a folder and the folders below it.

    Raises `UsageError` if there is none, `InputError` for one that does not tell how it was made, or cannot be read.
    """
    if not folder:
        raise UsageError("--check: the name of a folder is missing")
    root = Path(folder)
    if not root.is_dir():
        raise UsageError(f"--check {folder}: {'is a file' if root.exists() else 'there is no such folder'}; name the folder of an export")
    found: list[Exported] = []
    with _reading(root):
        for path, folders, _ in os.walk(root, onerror=_raise):
            folders.sort()
            if ours := _ours(Path(path)):
                found.append((Path(path), _command(ours)))
    if not found:
        raise UsageError(f"--check {folder}: there is no export in it; make one with hostprocess export --output {folder}")
    return found


def _command(ours: Iterable[Path]) -> str:
    """How an export was made, as one of its files tells: the first may be damaged or gone."""
    commands = [command for path in ours if (text := _text(path)) is not None and (command := command_of(text)) is not None]
    if not commands:
        raise InputError("does not tell how it was made; export again", path=str(next(iter(ours))))
    return commands[0]


def differences(root: Path, files: Mapping[str, str]) -> Iterator[str]:
    """How the files of an export differ from `files`, as the lines of a unified diff. Raises `InputError` for what cannot be read."""
    with _reading(root):
        known = {path.relative_to(root).as_posix() for path in _ours(root)}
        for name in sorted(known | files.keys()):
            path = root / name
            old = _text(path) if path.is_file() else ""
            new = files.get(name, "")
            if old is None:
                yield f"{path}: is not UTF-8, so it does not come from an export"
            elif old != new:
                before, after = (str(path) if text else os.devnull for text in (old, new))
                yield from difflib.unified_diff(old.splitlines(), new.splitlines(), before, after, lineterm="")


def _text(path: Path) -> str | None:
    """The text of a file, with the line ends of Unix; None if it is no text."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        return None


def _raise(error: OSError) -> None:
    raise error


@contextlib.contextmanager
def _reading(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=str(error.filename or root)) from None
