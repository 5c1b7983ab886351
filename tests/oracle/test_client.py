"""The client of the oracle, with a program in its place that needs no Go."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import client
import pytest

ECHO = """#!{python}
import json, os, sys
for line in sys.stdin:
    request = json.loads(line)
    if request["op"] == "die":
        os._exit(3)
    answer = {{"failure": "no"}} if request["op"] == "fail" else {{"text": request["text"]}}
    print(json.dumps(answer), flush=True)
"""


@pytest.fixture
def oracle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[client.Oracle]:
    program = tmp_path / "oracle"
    program.write_text(ECHO.format(python=sys.executable), encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(client, "build", lambda minor: program)
    with client.Oracle("1.37") as running:
        yield running


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the program in place of the oracle is a script with a shebang")


def echo(text: str) -> dict[str, str]:
    return {"op": "echo", "text": text}


def test_answers_come_in_order_however_large(oracle: client.Oracle) -> None:
    texts = [str(i) * 20_000 for i in range(50)]
    assert [answer["text"] for answer in oracle.ask_many(map(echo, texts))] == texts


def test_a_failure_is_raised_and_the_next_question_has_its_own_answer(oracle: client.Oracle) -> None:
    with pytest.raises(client.OracleError, match=r"^no\n"):
        list(oracle.ask_many([echo("a"), {"op": "fail"}, echo("b"), echo("c")]))
    assert oracle.ask(echo("d")) == {"text": "d"}
    assert list(oracle.ask_many([{"op": "fail"}, echo("e")], failures=True)) == [{"failure": "no"}, {"text": "e"}]


def test_an_iterator_left_early_keeps_the_answers_in_step(oracle: client.Oracle) -> None:
    answers = oracle.ask_many(map(echo, "abcdef"))
    assert next(answers) == {"text": "a"}
    answers.close()
    assert oracle.ask(echo("g")) == {"text": "g"}


def test_what_the_requests_raise_is_raised(oracle: client.Oracle) -> None:
    def requests() -> Iterator[dict[str, str]]:
        yield echo("a")
        raise ValueError("broken generator")

    with pytest.raises(ValueError, match="broken generator"):
        list(oracle.ask_many(requests()))
    assert oracle.ask(echo("b")) == {"text": "b"}


def test_leaving_with_an_error_waits_for_no_answers(oracle: client.Oracle) -> None:
    def give_up() -> None:
        with oracle:
            kept.append(oracle.ask_many(echo("a" * 200_000) for _ in range(1000)))  # as a traceback keeps it
            next(kept[0])
            raise KeyError("given up")

    def leave() -> None:
        with pytest.raises(KeyError):
            give_up()

    kept: list[Iterator[dict[str, object]]] = []
    thread = threading.Thread(target=leave, daemon=True)
    thread.start()
    thread.join(timeout=60)
    assert not thread.is_alive()


def test_a_dead_oracle_is_told(oracle: client.Oracle) -> None:
    with pytest.raises(client.OracleError, match=r"died with code 3 at \{\"op\": \"die\"\}"):
        oracle.ask({"op": "die"})


def test_without_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "CACHE", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(client.GoMissing, match="install Go"):
        client.build("1.37")
    with pytest.raises(client.OracleError, match=r"no oracle for Kubernetes 1\.20: there is one for 1\.37, 1\.34, 1\.30"):
        client.build("1.20")
