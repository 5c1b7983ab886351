"""Paths to resources: which files there are, and what each of their documents holds."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any

from hostprocess.errors import InputError
from hostprocess.kubernetes import decoding, fields, json_text, yaml_text
from hostprocess.kubernetes.catalogue import kind_of
from hostprocess.kubernetes.kinds import is_built_in, is_list_kind, template_path
from hostprocess.kubernetes.location import locate
from hostprocess.kubernetes.source import STANDARD_INPUT, Spool, open_text
from hostprocess.model import InputProblem, Origin, Resource

__all__ = ["SUFFIXES", "Piece", "expand", "read_file", "read_piece", "read_pieces"]

_RELEASE = "1.37"  # the newest; whoever judges for another release reads without the check, and presents the object for that one
_POLICIES = "admissionregistration.k8s.io"  # whose door is policy.py, with words of its own
SUFFIXES = (".yaml", ".yml", ".json", ".yaml.gz", ".yml.gz", ".json.gz")
_BLOCK = 1 << 20
_JSON = re.compile(r'\s*\{\s*["}]')  # else a brace begins YAML in flow style, or a template


def expand(paths: Sequence[str], seen: set[str] | None = None) -> Iterator[str | InputProblem]:
    """The files that `paths` name: files, folders (searched for manifests, hidden folders left out), glob patterns, `-`.

    What does not exist, and a folder without a manifest, comes as an `InputProblem`. No file comes twice: `seen` holds those there were.
    """
    seen = set() if seen is None else seen
    for path in paths:
        found: list[str | InputProblem] = []
        if path == STANDARD_INPUT or os.path.isfile(path):
            found = [path]
        elif os.path.isdir(path):
            found = _in_folder(path)
            if not found:
                yield InputProblem(path=path, message=f"no manifests in this folder (files that end in {', '.join(SUFFIXES[:3])}, or these with .gz)")
        elif any(character in path for character in "*?[") and not os.path.lexists(path):
            for match in sorted(glob.glob(path, recursive=True)):
                found += _in_folder(match) if os.path.isdir(match) else [match]
            if not found:
                yield InputProblem(path=path, message="no file matches this pattern")
        elif os.path.lexists(path):
            found = [path]  # a pipe or a device, or a link that leads nowhere: opening it tells
        else:
            yield InputProblem(path=path, message="no such file or folder" if path else "a path is empty")
        for file in found:
            if isinstance(file, InputProblem):
                yield file
                continue
            place = file if file == STANDARD_INPUT else os.path.abspath(file)
            if place not in seen:
                seen.add(place)
                yield file


def _in_folder(folder: str) -> list[str | InputProblem]:
    found: list[str | InputProblem] = []

    def unreadable(error: OSError) -> None:
        found.append(InputProblem(path=str(error.filename), message=f"cannot be read: {error.strerror}"))

    for place, folders, files in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for file in (os.path.join(place, name) for name in sorted(files) if name.endswith(SUFFIXES)):
            # To open a pipe is to wait for its writer.
            waits = os.path.exists(file) and not os.path.isfile(file)
            found.append(InputProblem(path=file, message="is a pipe or a device; to read it, name it by itself") if waits else file)
    return found


def read_file(path: str, spool: Spool | None = None) -> Iterator[Resource | InputProblem]:
    """The resources of one file, one by one, with a problem in place of each that cannot be used."""
    for piece in read_pieces(path, spool):
        if isinstance(piece, InputProblem):
            yield piece
        else:
            yield from read_piece(*piece)


Piece = tuple[Any, ...]


def read_pieces(path: str, spool: Spool | None = None, cut: bool = False) -> Iterator[Piece | InputProblem]:
    """Cuts one file into pieces that `read_piece` reads, each on its own: YAML documents, items of Lists that are laid out as kubectl does
    it, or the values of JSON, decoded unless they are only to be `cut`."""
    name = "<stdin>" if path == STANDARD_INPUT else path
    try:
        with open_text(path, spool) as stream:
            start = stream.read(_BLOCK)
            while start and start.isspace() and (more := stream.read(_BLOCK)):
                start += more
            if not start or start.isspace():
                # As kubectl: whatever was to write to the pipe has failed.
                piped = path == STANDARD_INPUT
                yield InputProblem(path=name, message="nothing came, so nothing can be checked" if piped else "the file is empty", note=not piped)
            elif _JSON.match(start):
                for value in json_text.read(_Prefixed(start, stream.read), name, cut):
                    yield "json", name, value
            else:
                for document, (line, text) in enumerate(yaml_text.pieces(_blocks(start, stream.read))):
                    listed = yaml_text.cut_list(text)
                    if listed is None:
                        yield "yaml", name, document, line, text
                        continue
                    api_version, kind, items = listed
                    for above, item in items:
                        yield "yaml", name, document, line + above, item, kind, api_version
    except InputError as error:
        yield _problem(error)


def _blocks(start: str, read: Any) -> Iterator[str]:
    yield start
    while block := read(_BLOCK):
        yield block


class _Prefixed:
    """`read` of a stream of which the start has been read already."""

    def __init__(self, start: str, read: Any) -> None:
        self._start = start
        self._read = read

    def __call__(self, size: int) -> str:
        if self._start:
            start, self._start = self._start, ""
            return start
        block: str = self._read(size)
        return block


def read_piece(syntax: str, path: str, *piece: Any, check: bool = True) -> Iterator[Resource | InputProblem]:
    """The resources of one piece of a file, as `read_pieces` cut it.

    Without `check` the fields of built-in kinds are not checked and their nulls stay: that is for `admitted.present`, which sees to both.
    """
    try:
        yield from (_from_json if syntax == "json" else _from_yaml)(check, path, *piece)
    except InputError as error:
        yield _problem(error)
    except RecursionError:
        yield InputProblem(path=path, message="nested too deeply", line=piece[0].line if syntax == "json" else piece[1])


def _from_yaml(check: bool, path: str, document: int, line: int, text: str, list_kind: str = "", list_version: str = "") -> Iterator[Resource | InputProblem]:
    for value, nulls in yaml_text.load(text, path, line):
        steps: fields.Steps = ()
        if list_kind:  # one item of a List, which is a list of one
            value, steps = _typed_item(value[0], list_kind, list_version), (0,)
        yield from _resources(value, nulls, Origin(path=path, document=document, line=line, text=text, syntax="yaml", steps=steps), check)


def _from_json(check: bool, path: str, piece: json_text.Item) -> Iterator[Resource | InputProblem]:
    for item in json_text.decode(piece, path) if piece.cut else [piece]:
        origin = Origin(path=path, document=item.document, line=item.line, column=item.column, text=item.text, syntax="json")
        value = item.value
        if item.in_list:
            if piece.cut and not item.kind and isinstance(value, dict) and not value.get("kind"):
                yield _at(origin, (), "an item without a kind, in a List whose own kind stands behind its items: check it with --jobs 1")
                continue
            value = _typed_item(value, item.kind, item.api_version)
        yield from _resources(value, item.nulls, origin, check)


def _at_steps(value: Any, steps: tuple[str, ...]) -> Any:
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _typed_item(value: Any, list_kind: str, list_version: str) -> Any:
    """An item of a typed list (`PodList`) may leave out its own kind: `kubectl get --raw` prints such lists."""
    if not isinstance(value, dict) or value.get("kind") or list_kind in ("", "List"):
        return value
    return {**value, "apiVersion": value.get("apiVersion") or list_version, "kind": list_kind.removesuffix("List")}


def _resources(value: Any, nulls: bool, origin: Origin, check: bool) -> Iterator[Resource | InputProblem]:
    if not isinstance(value, dict):
        yield _at(origin, (), f"expected a Kubernetes object (a mapping), found {_named(value)}")
        return
    api_version, kind = value.get("apiVersion"), value.get("kind")
    if not api_version or not kind:
        if (api_version or kind) and isinstance(value.get("metadata"), dict):
            yield _at(origin, (), f"this object has {'an apiVersion, but no kind' if api_version else 'a kind, but no apiVersion'}; it needs both")
            return
        yield _at(origin, (), "skipped: no apiVersion and kind, so this is not a Kubernetes object", note=True)
        return
    if not isinstance(api_version, str) or not isinstance(kind, str):
        yield _at(origin, ("kind" if isinstance(api_version, str) else "apiVersion",), "apiVersion and kind must be strings")
        return
    # kubectl takes any object with a list of `items` for a List (unstructured/helpers.go, decode).
    if "items" in value and (is_list_kind(kind) or isinstance(value["items"], list)):
        yield from _items(value, nulls, origin, api_version, kind, check)
        return
    if (fault := _template_text(value)) is not None:
        yield _at(origin, fault, "this is a Helm template ({{ … }}): render it first: helm template CHART | hostprocess check -")
        return
    faults = _null_containers(value, api_version, kind) if nulls and is_built_in(api_version) else []
    if check:
        known = kind_of(api_version, kind, _RELEASE)
        if known is not None and known.type and known.group != _POLICIES:
            faults += decoding.check(value, known, _RELEASE)
        if nulls and is_built_in(api_version):
            value = _without_nulls(value)
    if faults:
        for steps, message in faults:
            yield _at(origin, steps, f"{fields.format_path(steps)}: {message}")
        return
    yield Resource(object=value, origin=origin)


def _items(value: dict[str, Any], nulls: bool, origin: Origin, api_version: str, kind: str, check: bool) -> Iterator[Resource | InputProblem]:
    items = value["items"]
    if items is None:
        return
    if not isinstance(items, list):
        yield _at(origin, ("items",), f"items: must be a list, not {_named(items)}")
        return
    for index, item in enumerate(items):
        place = Origin(
            path=origin.path, document=origin.document, line=origin.line, column=origin.column, text=origin.text, syntax=origin.syntax,
            steps=(*origin.steps, "items", index),
        )  # fmt: skip
        yield from _resources(_typed_item(item, kind, api_version), nulls, place, check)


def _template_text(value: dict[str, Any]) -> fields.Steps | None:
    metadata = value.get("metadata")
    if isinstance(metadata, dict):
        for key in ("name", "namespace"):
            if "{{" in str(metadata.get(key)):
                return ("metadata", key)
    return None


def _null_containers(value: dict[str, Any], api_version: str, kind: str) -> list[tuple[fields.Steps, str]]:
    steps = template_path(api_version, kind)
    if steps is None:
        return []
    spec = _at_steps(value, (*steps, "spec"))
    if isinstance(spec, dict) and spec.get("containers", ()) is None:
        return [((*steps, "spec", "containers"), "must be a list of containers, not null")]
    return []


def _without_nulls(value: Any) -> Any:
    if value.__class__ is dict:
        return {key: _without_nulls(item) if item.__class__ in (dict, list) else item for key, item in value.items() if item is not None}
    return [_without_nulls(item) if item.__class__ in (dict, list) else item for item in value]


def _at(origin: Origin, steps: fields.Steps, message: str, note: bool = False) -> InputProblem:
    place = locate(origin, steps)
    return InputProblem(path=origin.path, message=message, line=place.line, column=place.column, note=note)


def _problem(error: InputError) -> InputProblem:
    return InputProblem(path=error.path, message=error.message, line=error.line, column=error.column)


def _named(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "null" if value is None else f"the value {value}"
