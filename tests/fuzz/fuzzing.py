"""`make fuzz`: damaged inputs of all kinds, for a bounded time. Whatever is raised but the documented errors, or takes too long, is told with its input.

python tests/fuzz/fuzzing.py [--seconds 60] [--seed N] [--target NAME]
"""

from __future__ import annotations

import argparse
import faulthandler
import random
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Flaky
from hypothesis.strategies import SearchStrategy

from hostprocess.errors import HostprocessError

sys.path.insert(0, str(Path(__file__).parent))
from fuzz_inputs import inputs
from fuzz_targets import TARGETS, Target

LONGEST = 10.0
"""Seconds of computing that one input of some kilobytes may take."""
MEMORY = 4 << 30
"""Bytes of address space that the process may have."""
_ROUND = 40  # inputs of one target before the next has its turn
_HANGS = 120  # seconds after which all ends with a traceback


class TooSlow(AssertionError):
    """An input that takes longer than it may."""


def attempt(target: Target, data: bytes) -> None:
    """Runs one input. Raises what is not documented, and `TooSlow`."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        faulthandler.dump_traceback_later(_HANGS, exit=True, file=sys.__stderr__)
        try:
            target(data, Path(folder))
        except HostprocessError as error:
            if not error.message:
                raise AssertionError("an error without a message") from error
        finally:
            faulthandler.cancel_dump_traceback_later()
        if (took := time.process_time() - start) > LONGEST:
            raise TooSlow(f"{took:.1f} seconds")


def fuzz(names: Sequence[str], seconds: float, first: int) -> tuple[Counter[str], list[tuple[str, int, str, bytes]]]:
    """How many inputs each target had, and what was found: target, seed, error, smallest input."""
    end = time.monotonic() + seconds
    counts: Counter[str] = Counter()
    found: list[tuple[str, int, str, bytes]] = []
    strategies = {name: inputs(name) for name in names}
    number = first
    while time.monotonic() < end and len(found) < 10:
        for name in names:
            last, error = _round(TARGETS[name], strategies[name], number, end, counts, name)
            if error is not None:
                found.append((name, number, f"{type(error).__name__}: {error}"[:300], last))
        number += 1
    return counts, found


def _round(target: Target, strategy: SearchStrategy[bytes], number: int, end: float, counts: Counter[str], name: str) -> tuple[bytes, Exception | None]:
    """Some inputs of one target; the last one is the smallest that fails, if any does."""
    last = [b""]

    @seed(number)
    @settings(max_examples=_ROUND, deadline=None, database=None, phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck))
    @given(strategy)
    def one(data: bytes) -> None:
        if time.monotonic() < end:
            last[0] = data
            counts[name] += 1
            attempt(target, data)

    try:
        one()
    except Flaky:  # the time was over while the input was made smaller
        return last[0], AssertionError("fails, but not each time: run it again with this seed and more seconds")
    except Exception as error:  # whatever a stranger's input may raise: that is what is looked for
        return last[0], error
    return b"", None


def main(arguments: Sequence[str]) -> int:
    """Fuzzes, and tells."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--target", choices=sorted(TARGETS), action="append")
    given_ = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    try:
        import resource  # not on Windows

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    except (ImportError, ValueError, OSError):
        pass
    first = random.randrange(1 << 30) if given_.seed is None else given_.seed
    counts, found = fuzz(given_.target or list(TARGETS), given_.seconds, first)
    print(f"seed {first}: " + ", ".join(f"{name} {count}" for name, count in counts.items()))
    for name, number, error, data in found:
        print(f"\n{name}, --seed {number}: {error}\n  {data!r}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
