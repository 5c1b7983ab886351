"""How results are counted, written down and put into the document. Needs no cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from decided import Answer, Decider, Difference, differences
from known import load_known
from kube_client import Response
from predicted import Prediction
from record import Record
from results import BEGIN, END, kept, section, with_section

PREFIX = "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: "


def answer(decider: Decider = Decider.POLICIES, code: int = 201, message: str = "", reason: str = "", **rest: Any) -> Answer:
    body = {} if code < 400 else {"message": message, "reason": reason, "details": {"causes": [{"message": message.partition(" is forbidden: ")[2]}]}}
    return Answer(response=Response(code, body), decider=decider, **{"warnings": frozenset(), "failures": (), **rest})


DENIED = answer(code=422, message=f'pods "a" is forbidden: {PREFIX}no', reason="Invalid")
SAID = Prediction(denials=frozenset({(422, "Invalid", f'pods "a" is forbidden: {PREFIX}no')}))


@pytest.mark.parametrize(
    ("theirs", "ours", "what"),
    [
        (DENIED, SAID, []),
        (answer(), Prediction(), []),
        (answer(), SAID, ["verdict"]),
        (DENIED, Prediction(), ["denial"]),
        (DENIED, Prediction(denials=frozenset({(403, "Forbidden", DENIED.response.message)})), ["denial"]),
        (answer(warnings=frozenset({"w"})), Prediction(), ["warnings"]),
        (answer(), Prediction(warnings=frozenset({"w"})), ["warnings"]),
        (answer(), Prediction(unknown=("who?",)), ["unknown"]),
        (answer(), Prediction(refused=("unknown field",)), ["refusal"]),
        (answer(failures=(("p", "b", 0, "no", ("Audit",)),)), Prediction(), ["audit annotation"]),
        (answer(Decider.DECODING, 400), Prediction(), ["decoding"]),
        (answer(Decider.DECODING, 400), Prediction(refused=("unknown field",)), []),
        (answer(Decider.VALIDATION, 422), SAID, []),
        (answer(Decider.OTHER, 500), SAID, ["answer"]),
    ],
)
def test_what_differs(theirs: Answer, ours: Prediction, what: list[str]) -> None:
    assert [one.what for one in differences(theirs, ours, "1.37")] == what


def test_what_is_counted(tmp_path: Path) -> None:
    record = Record("1.37", "v1.37.0")
    known = Difference("answer", (500, "", "resource name may not be empty"), "an answer of policies")
    other = Difference("verdict", "201 admitted", "denied")
    assert record.count_one("part", answer(), []) == []
    assert record.count_one("part", answer(Decider.VALIDATION, 422), []) == []
    assert record.count_one("part", answer(Decider.OTHER, 500), [known]) == []
    assert record.count_one("part", answer(), [known, other]) == [other]
    record.decided("rule", answer())
    record.decided("rule", answer(Decider.VALIDATION, 422))
    record.write(tmp_path)
    written = yaml.safe_load((tmp_path / "1.37.yaml").read_text("utf-8"))
    assert written["requests"] == {"part": {"agree": 1, "refused before policies": 1, "known differences": 1, "differ": 1}}
    assert written["rules"] == {"rule": {"admitted": 1, "built-in validation": 1}}
    assert [one["cases"] for one in written["known differences"]] == [1]


def test_type_checks_are_known_by_each_error() -> None:
    variables = "/v1, Kind=Pod: ERROR: <input>:1:3: undeclared reference to 'variables' (in container '')\n | !(variables.a)"
    both = variables + "\nERROR: <input>:1:9: undefined field 'b'"
    for minor, warning, count in (("1.29", variables, 0), ("1.29", both, 1), ("1.29", "cannot be resolved", 1), ("1.30", variables, 1)):
        assert len(Record(minor).type_faults({"p": [{"warning": warning}]})) == count, (minor, warning)


def test_entries_that_would_cover_everything_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "known.yaml"
    path.write_text("- {what: answer, reason: because}\n", "utf-8")
    with pytest.raises(ValueError, match="neither what the API server says nor what the engine does"):
        load_known("1.37", path)


def test_the_section_takes_the_place_of_the_old_one() -> None:
    text = section(kept() or {"1.37": Record("1.37", "v1.37.0").plain()})
    assert text.startswith(BEGIN)
    assert text.endswith(f"{END}\n")
    once = with_section("# Conformance\n\nA.\n", text)
    assert once == f"# Conformance\n\nA.\n\n{text}"
    assert with_section(once, text) == once
    assert with_section(once.replace("real API", "other"), text) == once
    assert with_section("", text) == text


def test_make_conformance_keeps_the_section(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "conformance"))
    import table
    from compare import Tally

    text = section(kept() or {"1.37": Record("1.37", "v1.37.0").plain()})
    alone = table.document(Tally(), 1)
    assert BEGIN not in alone
    assert table.document(Tally(), 1, with_section("# Old\n", text)) == with_section(alone, text)
