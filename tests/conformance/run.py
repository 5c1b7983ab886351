"""Compares hostprocess with the API server's own code, part by part, for each minor; writes docs/conformance.md. `make conformance` calls it."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "oracle")]

import part_admitted  # noqa: E402
import part_cel  # noqa: E402
import part_lint  # noqa: E402
import part_pack  # noqa: E402
import part_policies  # noqa: E402
import part_rbac  # noqa: E402
import part_rules  # noqa: E402
import part_triples  # noqa: E402
import table  # noqa: E402
import yaml  # noqa: E402
from client import GoMissing, Oracle, OracleError  # noqa: E402
from compare import Tally, load_known  # noqa: E402
from session import MINORS, SEED, Session  # noqa: E402

PARTS: dict[str, Callable[[Session], None]] = {
    "rules": part_rules.run,
    "admitted": part_admitted.run,
    "pack": part_pack.run,
    "policies": part_policies.run,
    "expressions": part_cel.run,
    "triples": part_triples.run,
    "lint": part_lint.run,
    "rbac": part_rbac.run,
}
KNOWN = HERE / "known_differences.yaml"
MINIMUM = HERE / "minimum.yaml"
DOCUMENT = HERE.parent.parent / "docs" / "conformance.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what the options ask for; gives the exit code: 0 agreement, 1 differences or too few cases, 2 no Go or a program that does not build."""
    options = _options(arguments)
    tally = Tally(known=load_known(KNOWN))
    started = time.monotonic()
    try:
        for minor in options.minor or MINORS:
            with Oracle(minor) as oracle:
                for part in options.part or PARTS:
                    _run(Session(minor, oracle, tally, scale=options.share, seed=options.seed), part)
    except (GoMissing, OracleError) as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 2
    problems = [*map(str, tally.differences[: options.show]), *shortfalls(tally, options)]
    if len(tally.differences) > options.show:
        problems.append(f"and {len(tally.differences) - options.show} more differences; --show N shows more")
    whole = not options.minor and not options.part
    for problem in problems:
        print(problem)
    unused = [f"{one.part}: {one.reason}" for one in tally.known if not one.uses]
    if whole:
        print(*(f"unused entry of {KNOWN.name}: {text}" for text in unused), sep="\n")
        if options.share == 1:
            old = DOCUMENT.read_text("utf-8") if DOCUMENT.exists() else ""
            DOCUMENT.write_text(table.document(tally, options.seed, old), encoding="utf-8")
            print(f"wrote {DOCUMENT.relative_to(HERE.parent.parent)}")
    print(f"{sum(tally.cases.values())} cases, {len(tally.differences)} differences, {time.monotonic() - started:.0f} s, seed {options.seed}")
    return 1 if problems else 0


def _run(session: Session, part: str) -> None:
    started = time.monotonic()
    before = len(session.tally.differences)
    PARTS[part](session)
    count = session.tally.compared(part, session.minor)
    print(f"{session.minor} {part}: {count} cases, {len(session.tally.differences) - before} differences, {time.monotonic() - started:.0f} s", flush=True)


def shortfalls(tally: Tally, options: argparse.Namespace) -> list[str]:
    """What was compared too rarely, by minimum.yaml; the numbers there are for a whole run. Of a share of it half of that will do: what is rare varies."""
    share = options.share if options.share == 1 else options.share / 2
    minimum: dict[str, Any] = yaml.safe_load(MINIMUM.read_text("utf-8"))
    found = []
    for minor in options.minor or MINORS:
        for part in options.part or PARTS:
            least = round(minimum["cases"][part] * share)
            if (count := tally.compared(part, minor)) < least:
                found.append(f"too few cases: {part} on {minor}: {count}, the minimum is {least}")
        if "rules" in (options.part or PARTS):
            found += _rarely(minimum["hits of each rule"] * share, tally.figures.get("hits of rules", {}), minor)
        if "policies" in (options.part or PARTS):
            kinds = tally.figures.get("error kinds", {}).get(minor, {})
            found += [f"too few cases: no policy met the error {kind!r} on {minor}" for kind in minimum["error kinds"] if not kinds.get(kind)]
        for part in ("policies", "triples"):
            if part in (options.part or PARTS):
                seen = tally.figures.get(f"verdicts of {part}", {}).get(minor, {})
                found += [
                    f"too few cases: {part} on {minor}: the API server {verdict} {seen.get(verdict, 0)} times, the minimum is {round(least * share)}"
                    for verdict, least in minimum["verdicts"][part].items()
                    if seen.get(verdict, 0) < round(least * share)
                ]
    return found


def _rarely(least: float, hits: dict[str, dict[str, int]], minor: str) -> list[str]:
    return [
        f"too few cases: the rule {rule} and the API server reported the same {counts[minor]} times on {minor}, the minimum is {least:.0f}"
        for rule, counts in hits.items()
        if minor in counts and counts[minor] < least
    ]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minor", action="append", choices=MINORS, help="only this release; repeatable")
    parser.add_argument("--part", action="append", choices=list(PARTS), help="only this part; repeatable")
    parser.add_argument("--share", type=float, default=1.0, help="share of the generated cases, 1 is the whole run")
    parser.add_argument("--quick", dest="share", action="store_const", const=0.1, help="the same as --share 0.1")
    parser.add_argument("--seed", type=int, default=SEED, help=f"seed of what is generated (default {SEED})")
    parser.add_argument("--show", type=int, default=20, help="how many differences to print")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
