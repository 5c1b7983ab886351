"""The fuzzer itself: it finds faults that are put in, makes them small, and its sound inputs reach what they are for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import hostprocess
from hostprocess.errors import InputError

sys.path.insert(0, str(Path(__file__).parent))
import fuzz_inputs
import fuzz_targets
import fuzzing

pytestmark = pytest.mark.slow


def planted(monkeypatch: pytest.MonkeyPatch, target: fuzz_targets.Target) -> list[tuple[str, int, str, bytes]]:
    monkeypatch.setitem(fuzzing.TARGETS, "reader", target)  # type: ignore[arg-type]
    return fuzzing.fuzz(["reader"], 3, 1)[1]


def test_an_error_that_is_not_documented_is_found_with_its_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def target(data: bytes, folder: Path) -> None:
        if b"}" in data:
            raise ValueError("no")

    name, number, error, data = planted(monkeypatch, target)[0]
    assert (name, number, error) == ("reader", 1, "ValueError: no")
    assert b"}" in data


def test_documented_errors_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def target(data: bytes, folder: Path) -> None:
        raise InputError("so it is")

    assert planted(monkeypatch, target) == []


def test_an_error_without_words_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def target(data: bytes, folder: Path) -> None:
        raise InputError("")

    assert "an error without a message" in planted(monkeypatch, target)[0][2]


def test_what_takes_too_long_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzzing, "LONGEST", 0.0)
    assert planted(monkeypatch, lambda data, folder: None)[0][2].startswith("TooSlow")


@pytest.mark.parametrize("name", sorted(fuzz_targets.TARGETS))
def test_sound_inputs_are_taken(name: str, tmp_path: Path) -> None:
    for number, data in enumerate(fuzz_inputs.corpora()[name][:6]):
        folder = tmp_path / str(number)
        folder.mkdir()
        fuzzing.attempt(fuzz_targets.TARGETS[name], data)
        if name in ("kyverno", "kaptest"):
            fuzz_targets._convert(data, folder, f"{name}-test.yaml" if name == "kyverno" else "kaptest.yaml")
            assert len(hostprocess.run_suites([str(folder)]).results) == (1 if name == "kyverno" else 2)
        if name == "suites" and not number:
            assert len(hostprocess.run_suites([str(fuzz_targets._run(data, folder, "a.test.yaml"))]).results) == 4


def test_the_command_ends_in_time_and_tells(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzzing, "MEMORY", -1)  # the tests go on in this process
    assert fuzzing.main(["--seconds", "2", "--seed", "3", "--target", "expressions"]) == 0
    assert capsys.readouterr().out.startswith("seed 3: expressions ")
