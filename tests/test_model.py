"""The value of an input that nobody gave."""

from __future__ import annotations

import copy
import pickle

from hostprocess.model import UNKNOWN, Unknown


def test_an_unknown_says_what_was_not_given() -> None:
    value = Unknown("the user is not known: give --user")
    assert (value.what, repr(value)) == ("the user is not known: give --user", "Unknown('the user is not known: give --user')")
    assert value == Unknown(value.what)
    assert value != UNKNOWN
    assert hash(value) == hash(Unknown(value.what))


def test_unknowns_survive_copies_and_workers() -> None:
    assert pickle.loads(pickle.dumps(UNKNOWN)) is UNKNOWN
    assert copy.deepcopy(UNKNOWN) is UNKNOWN
    assert pickle.loads(pickle.dumps(Unknown("a"))) == Unknown("a")
