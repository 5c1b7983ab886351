"""Generated requests: small changes of those of a suite, towards what the policies and the mutant speak of."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hostprocess.cel import parser
from hostprocess.cel.nodes import Const, Node, Select, children
from hostprocess.model import Unknown
from hostprocess.mutation.trial import Trial
from hostprocess.suite.model import Case, JSONObject

__all__ = ["Sample", "Samples"]

Steps = tuple[str | int, ...]
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-/]*")
_IDENTITY = frozenset({"apiVersion", "kind"})
_NESTED = (dict, list)
_KINDS = ("ConfigMap", "Secret", "Service", "ServiceAccount")  # that no policy expects


@dataclass(frozen=True, slots=True)
class Sample:
    """A generated case: that of a suite with another object, stored object or user."""

    trial: Trial
    object: Any
    old_object: Any
    user_info: Any

    def made(self) -> Trial:
        """As a trial whose request nobody has checked."""
        one = self.trial
        request = replace(one.request, object=self.object, old_object=self.old_object, user_info=self.user_info)
        return Trial(one.case, one.evaluator, request, one.base, one.told, one.key)

    def case(self) -> Case:
        """As a case."""
        case = self.trial.case
        changes: dict[str, Any] = {}
        if isinstance(self.old_object, dict) and case.setting.old_object is not None:
            changes["old_object"] = _known(self.old_object)
        if isinstance(self.user_info, dict):
            changes["user_info"] = self.user_info
        return replace(case, object=_known(self.object), setting=replace(case.setting, **changes))


@dataclass(slots=True)
class _Vocabulary:
    """What objects may hold: the values seen below each key, the fields that expressions name, and their constants."""

    below: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    items: dict[str, list[Any]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    texts: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    def see(self, value: Any, key: str) -> None:
        """Takes up an object."""
        if isinstance(value, dict):
            known = self.below.setdefault(key, {})
            for name, one in value.items():
                values = known.setdefault(name, [])
                if len(values) < 40 and one not in values:
                    values.append(one)
                self.see(one, name)
        elif isinstance(value, list):
            listed = self.items.setdefault(key, [])
            for one in value:
                if len(listed) < 40 and one not in listed:
                    listed.append(one)
                self.see(one, key)

    def read(self, expression: str) -> None:
        """Takes up an expression."""
        try:
            parsed = parser.parse(expression)
        except parser.TooDeep:
            return
        todo: list[Node] = [parsed[0]] if parsed else []
        while todo:
            node = todo.pop()
            todo += children(node)
            if isinstance(node, Select):
                self.names.add(node.field)
            elif isinstance(node, Const) and isinstance(node.value, str):
                self.texts.append(node.value)
                self.names.update(_NAME.findall(node.value))
            elif isinstance(node, Const) and isinstance(node.value, int) and not isinstance(node.value, bool):
                self.numbers.append(int(node.value))


class Samples:
    """Any number of samples, always the same for the same cases and expressions. Those that were made are kept."""

    def __init__(self, trials: Sequence[Trial], expressions: Iterable[str], seed: str) -> None:
        self._trials = [one for one in trials if isinstance(one.request.object, dict)]
        self._random = random.Random(seed)
        self._words = _Vocabulary()
        for one in self._trials:
            self._words.see(one.request.object, "")
            self._words.see(one.request.old_object, "")
        for text in dict.fromkeys(expressions):
            self._words.read(text)
        self._names = sorted(self._words.names)
        self._users = [one.request.user_info for one in self._trials if isinstance(one.request.user_info, dict)]
        # Large objects take long to judge, and small ones are told apart as well.
        self._weights = [1 / (10 + len(_places(one.request.object))) ** 2 for one in self._trials]
        self._places: dict[int, list[Steps]] = {}
        self._made: list[Sample] = []

    def first(self, count: int) -> Iterator[Sample]:
        """The first of them."""
        for number in range(count if self._trials else 0):
            if number == len(self._made):
                self._made.append(self._sample())
            yield self._made[number]

    def _sample(self) -> Sample:
        rnd = self._random
        (trial,) = rnd.choices(self._trials, self._weights)
        request = trial.request
        value, old, user = request.object, request.old_object, request.user_info
        (other,) = rnd.choices(self._trials, self._weights)
        if rnd.random() < 0.2 and other.request.kind == request.kind and other.request.subresource == request.subresource:
            value = other.request.object
        for _ in range(rnd.choice((1, 1, 2, 2, 3, 4))):
            value = self._edited(value)
        if isinstance(old, dict):
            old = request.object if rnd.random() < 0.2 else self._edited(old) if rnd.random() < 0.4 else old
        if self._users and not isinstance(user, Unknown) and rnd.random() < 0.2:
            user = self._edited(rnd.choice(self._users))
        return Sample(trial, value, old, user)

    def _edited(self, value: Any) -> Any:
        places = self._places.get(id(value))
        if places is None:
            places = _places(value)
            if any(value is one.request.object for one in self._trials):
                self._places[id(value)] = places
        if not places:
            return value
        told = [one for one in places if one[-1] in self._words.names]
        steps = self._random.choice(told if told and self._random.random() < 0.7 else places)
        return _at(value, steps, self._changed) or value

    def _changed(self, parent: Any, step: str | int, key: str, above: str) -> Any:
        """What holds a value, with another value, or with one more, or without it."""
        rnd = self._random
        value = parent[step]
        if step in _IDENTITY:
            return _with(parent, step, rnd.choice(_KINDS)) if step == "kind" else parent
        doing = rnd.random()
        if doing < 0.25:
            return _without(parent, step)
        if isinstance(value, dict) and doing < 0.75:
            return _with(parent, step, self._grown(value, key))
        if isinstance(value, list) and doing < 0.75:
            return _with(parent, step, self._longer(value, key))
        if isinstance(step, str) and doing < 0.5 and (known := self._words.below.get(above, {}).get(step)):
            return _with(parent, step, rnd.choice(known))
        return _with(parent, step, self._other(value))

    def _grown(self, value: JSONObject, key: str) -> JSONObject:
        """With one more field: one that has been seen there, or that an expression names."""
        rnd, known = self._random, self._words.below.get(key, {})
        seen = [name for name in known if name not in value and name not in _IDENTITY]
        named = [name for name in self._names if name not in value and name not in known]
        if named and (not seen or rnd.random() < 0.2):
            name = rnd.choice(named)
            return {**value, name: self._imagined(name)}
        if not seen:
            return value
        name = rnd.choice(seen)
        return {**value, name: rnd.choice(known[name])}

    def _imagined(self, name: str) -> Any:
        """A value for a field that no object has: one of its kind, as init containers are containers, or anything."""
        alike = [one for one, items in self._words.items.items() if items and name.lower().endswith(one.lower())]
        if alike and self._random.random() < 0.8:
            return [self._varied(self._random.choice(self._words.items[alike[0]]))]
        return self._random.choice((True, False, 0, 1, "x", {}, [], *self._words.texts))

    def _longer(self, value: list[Any], key: str) -> list[Any]:
        rnd = self._random
        known = self._words.items.get(key, [])
        if value and rnd.random() < 0.3:
            return [*value, self._varied(rnd.choice(value))]
        return [*value, self._varied(rnd.choice(known))] if known else value

    def _varied(self, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("name"), str) and self._random.random() < 0.7:
            return {**value, "name": f"{value['name']}-2"}
        return value

    def _other(self, value: Any) -> Any:
        rnd = self._random
        if isinstance(value, bool):
            return not value
        if isinstance(value, int):
            return rnd.choice((value + 1, value - 1, 0, *self._words.numbers))
        if not isinstance(value, str):
            return value
        word = rnd.choice(self._words.texts) if self._words.texts else ""
        middle = rnd.randrange(len(value) + 1)
        return rnd.choice(
            (
                word,
                value.upper(),
                value.lower(),
                value.title(),
                f"{value}{word}",
                f"{word}{value}",
                value[:middle],
                value[middle:],
                f" {value}",
                f"{value}x",
                "",
            )
        )


def _known(value: Any) -> Any:
    """A presented object as it might have been given: without what the API server would have filled in."""
    if isinstance(value, dict):
        return {key: _known(one) for key, one in value.items() if not isinstance(one, Unknown)}
    return [_known(one) for one in value] if isinstance(value, list) else value


def _places(value: Any) -> list[Steps]:
    found: list[Steps] = []
    if isinstance(value, _NESTED):
        _collect(value, (), found)
    return found


def _collect(value: Any, steps: Steps, found: list[Steps]) -> None:
    for key, one in value.items() if isinstance(value, dict) else enumerate(value):
        here = (*steps, key)
        found.append(here)
        if isinstance(one, _NESTED):
            _collect(one, here, found)


def _at(value: Any, steps: Steps, change: Any, key: str = "") -> Any:
    """A copy in which what holds the last step is changed; None if the way ends before."""
    step = steps[0]
    there = step in value if isinstance(value, dict) else isinstance(value, list) and isinstance(step, int) and step < len(value)
    if not there:
        return None
    if len(steps) == 1:
        return change(value, step, step if isinstance(step, str) else key, key)
    below = _at(value[step], steps[1:], change, step if isinstance(step, str) else key)
    return None if below is None else _with(value, step, below)


def _with(parent: Any, step: str | int, value: Any) -> Any:
    if isinstance(parent, dict):
        return {**parent, step: value}
    return [*parent[:step], value, *parent[step + 1 :]]  # type: ignore[operator]


def _without(parent: Any, step: str | int) -> Any:
    if isinstance(parent, dict):
        return {key: one for key, one in parent.items() if key != step}
    return [*parent[:step], *parent[step + 1 :]]  # type: ignore[operator]
