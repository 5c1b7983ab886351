"""One run over many manifests: read, judge, collect; in this process or in several. It knows nothing of output formats."""

from __future__ import annotations

import os
import pickle
import tempfile
import weakref
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Protocol, cast

from hostprocess.admission import Circumstances, is_review, key_of, request_for, request_of_review
from hostprocess.errors import HostprocessError, InputError, PolicyError
from hostprocess.evaluate import Decisions
from hostprocess.inventory import Inventory
from hostprocess.kubernetes.fields import parse_path
from hostprocess.kubernetes.location import locate
from hostprocess.kubernetes.reader import Piece, read_piece
from hostprocess.model import Decision, InputProblem, Outcome, Request, Resource, Result, Summary
from hostprocess.presenting import Presenter

__all__ = ["Judge", "Outcomes", "Results", "judge_files", "judge_resources", "look_up"]

_BATCH = 1 << 18  # characters of manifests that are read, and sent to a worker, as one
_AT_ONCE = 32  # resources that go through each step together: a step that is repeated finds its code and data in the processor's cache
_BLOCK = 500  # results that are pickled together
_MEMORY = 8 << 20  # bytes of results kept in memory before they go to a temporary file

Progress = Callable[[int], None]
Settle = Callable[[Result], Result]
"""Says what becomes of a result once those before it are known; called in their order, in the process that collects them."""
Review = Callable[[Request, Decisions], list[InputProblem]]
"""Says what is worth a mention once all policies have spoken about a request."""
DEFAULT_CIRCUMSTANCES = Circumstances()


class Decider(Protocol):
    """An `Evaluator`, or several that are asked as one."""

    inventory: Inventory

    def decide(self, request: Request) -> Decisions: ...

    def looks_up(self) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class Judge:
    """What is needed to judge one resource."""

    evaluator: Decider
    circumstances: Circumstances = DEFAULT_CIRCUMSTANCES
    presenter: Presenter | None = None
    review: Review | None = None

    @property
    def presents(self) -> bool:
        """Whether the objects of its requests are checked when they are presented, or not at all, so that reading must not check them."""
        return self.presenter is not None and (self.presenter.raw or self.circumstances.operation != "CONNECT")

    def request(self, resource: Resource) -> tuple[Request | None, list[InputProblem]]:
        """The request about a resource, and what the API server says about it before any policy; None if it refuses it, or there cannot be one."""
        inventory = self.evaluator.inventory
        try:
            if is_review(resource):
                return request_of_review(resource, inventory), []
            request = request_for(resource, inventory, circumstances=self.circumstances)
            return self.presenter.presented(request, inventory) if self.presenter else (request, [])
        except InputError as error:
            origin = resource.origin
            if error.path:
                return None, [InputProblem(path=error.path, message=error.message, line=error.line, column=error.column)]
            message = f"{f'{resource.kind} {resource.name}'.strip()}: {error.message}"
            place = locate(origin, ())
            return None, [InputProblem(path=origin.path, message=message, line=place.line, column=place.column)]


class Results:
    """Results in order, spooled to a temporary file once they are many, so that memory stays flat. Iterable any number of times."""

    def __init__(self) -> None:
        self._file = cast(IO[bytes], tempfile.SpooledTemporaryFile(max_size=_MEMORY))  # noqa: SIM115 - lives as long as the results
        weakref.finalize(self, self._file.close)
        self._pending: list[Result] = []

    def extend(self, results: Sequence[Result]) -> None:
        """Adds results behind those there are."""
        self._pending += results
        if len(self._pending) >= _BLOCK:
            self._flush()

    def __iter__(self) -> Iterator[Result]:
        self._flush()
        at = 0
        while True:
            self._file.seek(at)
            try:
                block = pickle.load(self._file)
            except EOFError:
                self._file.seek(0, os.SEEK_END)
                return
            at = self._file.tell()
            yield from block

    def _flush(self) -> None:
        if self._pending:
            self._file.seek(0, os.SEEK_END)
            pickle.dump(self._pending, self._file, pickle.HIGHEST_PROTOCOL)
            self._pending = []


@dataclass(slots=True)
class Outcomes:
    """What a run, or a part of one, came to."""

    results: Results = field(default_factory=Results)
    problems: list[InputProblem] = field(default_factory=list)
    counts: Counter[Outcome] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    resources: int = 0
    requests: int = 0
    joined: set[tuple[str, str, str, str]] = field(default_factory=set)
    settle: Settle | None = None

    def add(self, part: _Part) -> None:
        """Adds a part behind those there are."""
        if self.settle:
            part.settle(self.settle)
        self.results.extend(part.results)
        self.problems += part.problems
        self.counts.update(part.counts)
        self.actions.update(part.actions)
        self.resources += part.resources
        self.requests += part.requests
        self.joined |= part.joined

    def summary(self) -> Summary:
        """The counts of the whole."""
        errors = sum(not problem.note for problem in self.problems)
        return Summary(outcomes=self.counts, actions=self.actions, resources=self.resources, requests=self.requests, errors=errors)


@dataclass(slots=True)
class _Part:
    """Like `Outcomes`, small enough to be sent between processes."""

    results: list[Result] = field(default_factory=list)
    problems: list[InputProblem] = field(default_factory=list)
    counts: dict[Outcome, int] = field(default_factory=dict)
    actions: Counter[str] = field(default_factory=Counter)
    resources: int = 0
    requests: int = 0
    joined: set[tuple[str, str, str, str]] = field(default_factory=set)

    def settle(self, settle: Settle) -> None:
        """Replaces the results by what becomes of them, in the counts as well."""
        for index, result in enumerate(self.results):
            settled = settle(result)
            if settled is result:
                continue
            self.results[index] = settled
            for decision, step in ((result.decision, -1), (settled.decision, 1)):
                self.counts[decision.outcome] = self.counts.get(decision.outcome, 0) + step
                if decision.actions:
                    self.actions[decision.actions[0]] += step


def judge_files(
    sources: Iterable[Piece | InputProblem],
    make_judge: Callable[[], Judge],
    *,
    jobs: int = 1,
    progress: Progress | None = None,
    settle: Settle | None = None,
) -> Outcomes:
    """Judges all manifests of `sources`, pieces as `read_pieces` gives them; results come in that order whatever the number of `jobs`.

    Arguments: `jobs` is the number of processes; with more than one the pieces should only be cut. `make_judge` must be picklable if
    `jobs` is more than one, and is called once in each process; `progress` is told the number of characters read since it was last told; `settle` says what
    becomes of each result.
    """
    outcomes = Outcomes(settle=settle)
    pieces = iter(sources)
    if jobs == 1:
        judge = make_judge()
        for batch, size in _batches(pieces):
            outcomes.add(_judge_pieces(judge, batch))
            if progress:
                progress(size)
        return outcomes
    import multiprocessing  # both are slow to import, and one process needs none
    from concurrent.futures import Future, ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    from hostprocess.workers import start

    others = set(multiprocessing.active_children())

    with ProcessPoolExecutor(jobs, initializer=_start_worker, initargs=(make_judge,)) as pool:
        waiting: deque[tuple[int, Future[_Part]]] = deque()

        def take() -> None:
            size, future = waiting.popleft()
            outcomes.add(future.result())
            if progress:
                progress(size)

        try:
            start(pool)
            for batch, size in _batches(pieces):
                waiting.append((size, pool.submit(_work, batch)))
                if len(waiting) > 2 * jobs:
                    take()
            while waiting:
                take()
        except BrokenProcessPool:
            raise HostprocessError(f"one of the {jobs} processes was killed, perhaps as the memory ran out: try fewer --jobs") from None
        except BaseException:
            # Nobody waits for what they are at, which may take seconds. The pool's own thread is waited for: what it has half closed when the
            # interpreter ends makes a traceback.
            for worker in set(multiprocessing.active_children()) - others:
                worker.terminate()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return outcomes


def judge_resources(resources: Iterable[Resource | InputProblem], judge: Judge, *, settle: Settle | None = None) -> Outcomes:
    """Judges resources that have been read already; `settle` as of `judge_files`."""
    outcomes = Outcomes(settle=settle)
    for resource in resources:
        part = _Part()
        _judge(judge, [resource], part)
        outcomes.add(part)
    return outcomes


def look_up(sources: Iterable[Piece | InputProblem], kinds: frozenset[str]) -> Iterator[Resource]:
    """The objects of these kinds among the inputs: the first pass of a run whose policies look something up.

    What cannot be read is left for the second pass to report.
    """
    for piece in sources:
        if isinstance(piece, InputProblem) or not any(kind in _text(piece) for kind in kinds):
            continue
        for resource in read_piece(*piece):
            if isinstance(resource, Resource) and resource.kind in kinds and isinstance(resource.object.get("metadata"), dict):
                yield resource


def _batches(pieces: Iterator[Piece | InputProblem]) -> Iterator[tuple[list[Piece | InputProblem], int]]:
    batch: list[Piece | InputProblem] = []
    size = 0
    for piece in pieces:
        batch.append(piece)
        size += _size(piece)
        if size >= _BATCH:
            yield batch, size
            batch, size = [], 0
    if batch:
        yield batch, size


def _text(piece: Piece) -> str:
    text: str = piece[2].text if piece[0] == "json" else piece[4]
    return text


def _size(piece: Piece | InputProblem) -> int:
    return 0 if isinstance(piece, InputProblem) else len(_text(piece))


_worker: Judge | PolicyError | None = None


def _start_worker(make_judge: Callable[[], Judge]) -> None:
    from hostprocess.workers import become_worker  # in worker processes only

    become_worker()
    global _worker
    try:
        _worker = make_judge()
    except PolicyError as error:
        _worker = error


def _work(batch: list[Piece | InputProblem]) -> _Part:
    if isinstance(_worker, PolicyError):
        raise _worker
    return _judge_pieces(cast(Judge, _worker), batch)


def _judge_pieces(judge: Judge, pieces: Sequence[Piece | InputProblem]) -> _Part:
    part = _Part()
    read = _read_pieces(judge, pieces)
    while several := list(islice(read, _AT_ONCE)):
        _judge(judge, several, part)
    return part


def _read_pieces(judge: Judge, pieces: Sequence[Piece | InputProblem]) -> Iterator[Resource | InputProblem]:
    for piece in pieces:
        if isinstance(piece, InputProblem):
            yield piece
        else:
            yield from read_piece(*piece, check=not judge.presents)


def _judge(judge: Judge, resources: Sequence[Resource | InputProblem], part: _Part) -> None:
    requests = [(None, [one]) if isinstance(one, InputProblem) else judge.request(one) for one in resources]
    for resource, (request, problems) in zip(resources, requests, strict=True):
        part.problems += problems
        if isinstance(resource, Resource):
            _judge_one(judge, resource, request, part)


def _judge_one(judge: Judge, resource: Resource, request: Request | None, part: _Part) -> None:
    if request is None:
        part.resources += 1
        return
    if judge.circumstances.old_objects is not None:
        part.joined.add(key_of(resource.object, judge.circumstances.namespace))
    decisions = judge.evaluator.decide(request)
    counts = part.counts
    part.resources += 1
    part.requests += decisions.matched
    counts[Outcome.ALLOW] = counts.get(Outcome.ALLOW, 0) + decisions.allowed
    counts[Outcome.SKIP] = counts.get(Outcome.SKIP, 0) + decisions.skipped
    for decision in decisions.findings:
        counts[decision.outcome] = counts.get(decision.outcome, 0) + 1
        if decision.actions:
            part.actions[decision.actions[0]] += 1
    results = [_result(decision, request) for decision in (*decisions.findings, *decisions.passed)]
    part.results += sorted(results, key=lambda result: (result.line, result.column))
    if judge.review:
        part.problems += judge.review(request, decisions)


def _result(decision: Decision, request: Request) -> Result:
    resource = request.resource
    steps = parse_path(decision.fields[0]) if decision.fields else ("metadata", "name")
    place = locate(resource.origin, steps)
    return Result(
        decision=decision,
        path=resource.origin.path,
        document=resource.origin.document,
        line=place.line,
        column=place.column,
        excerpt=place.excerpt,
        api_version=resource.api_version,
        kind=resource.kind,
        namespace=resource.namespace,
        name=resource.name,
        operation=request.operation,
        before=place.before,
        after=place.after,
    )
