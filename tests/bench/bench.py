"""`make bench`: speed and memory as ratios measured in one run. Each number is the best of a few runs of a whole process.

Wall time is compared, so run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import compileall
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from corpus import write_json, write_yaml

import hostprocess

ENGINE = str(Path(sys.executable).with_name("hostprocess"))
READ_YAML = "import sys, yaml\nfor one in yaml.load_all(open(sys.argv[1], encoding='utf-8'), yaml.CSafeLoader): pass"
READ_JSON = "import sys, json\njson.loads(open(sys.argv[1], encoding='utf-8').read())"
ONE = """apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: kube-system}
spec:
  hostNetwork: true
  securityContext: {windowsOptions: {hostProcess: true, runAsUserName: 'NT AUTHORITY\\SYSTEM'}}
  containers: [{name: agent, image: agent}]
"""


# Loads and compiles first: what is measured are the cases, plain and with coverage in turn.
SUITES = """
import time
from hostprocess.api import suite_workbench
from hostprocess.rules import built_in_folder
from hostprocess.suite.formats import find_suites
plain, covering = suite_workbench(), suite_workbench(coverage=True)
suites = [plain.load(file) for file in find_suites([built_in_folder()], plain.formats)]
cases = [(suite.subject, case) for suite in suites for case in suite.cases]
times = {plain: [], covering: []}
for number in range(8):
    for bench, taken in times.items():
        start = time.process_time()
        failed = [case.name for subject, case in cases if bench.runner.run(subject, case)]
        bench.runner.covered()
        assert not failed, failed
        taken += [time.process_time() - start] if number else []
print(len(cases) / min(times[plain]), min(times[covering]) / min(times[plain]))
"""


@dataclass(frozen=True)
class Usage:
    """Seconds of wall time, seconds of processor time, and peak memory in MB of one process and its children."""

    wall: float
    cpu: float
    memory: float


def plain_loop() -> float:
    """Seconds of processor time that a plain loop takes: absolute figures of two machines compare by it."""
    start = time.process_time()
    total = 0
    for number in range(20_000_000):
        total += number * number
    return time.process_time() - start


def run(*command: str) -> Usage:
    """Runs a command in a process of its own and measures it."""
    script = (
        "import resource, subprocess, sys, time\n"
        "start = time.perf_counter()\n"
        "status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode\n"
        "wall = time.perf_counter() - start\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(status, wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)\n"
    )
    output = subprocess.run([sys.executable, "-c", script, *command], check=True, capture_output=True, text=True).stdout.split()
    if output[0] not in ("0", "1"):
        raise SystemExit(f"{' '.join(command)}: exit {output[0]}")
    return Usage(*map(float, output[1:]))


def best(repeat: int, *command: str) -> Usage:
    """The quickest of several runs."""
    return min((run(*command) for _ in range(repeat)), key=lambda usage: usage.wall)


def line(what: str, value: float, goal: float, unit: str, *, at_least: bool = False) -> None:
    """Prints one result beside its goal."""
    met = value >= goal if at_least else value <= goal
    print(f"{what:<62} {value:8.2f}{unit}   goal {'≥' if at_least else '≤'} {goal}{unit}   {'met' if met else 'MISSED'}", flush=True)


def main() -> None:
    """Makes the corpora, runs the comparisons, prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full corpora, for a quick look")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        documents, pods = place / "documents.yaml", place / "pods.json"
        write_yaml(documents, int(5000 * options.scale))
        write_json(pods, int(50_000 * options.scale))
        print(f"{documents.stat().st_size / 1e6:.0f} MB of YAML, {pods.stat().st_size / 1e6:.0f} MB of JSON, {os.cpu_count()} cores")
        print(f"20 million squares in a plain Python loop: {min(plain_loop() for _ in range(3)):.2f} s")

        reading = best(options.repeat, sys.executable, "-c", READ_YAML, str(documents))
        checking = best(options.repeat, ENGINE, "check", "--quiet", str(documents))
        line("YAML: whole check / reading with yaml.CSafeLoader", checking.wall / reading.wall, 1.3, " ×")

        reading = best(options.repeat, sys.executable, "-c", READ_JSON, str(pods))
        checking = best(options.repeat, ENGINE, "check", "--quiet", str(pods))
        line("JSON: whole check / json.loads", checking.wall / reading.wall, 3, " ×")

        two = best(options.repeat, ENGINE, "check", "--quiet", "--jobs", "2", str(pods))
        line("JSON: --jobs 1 / --jobs 2", checking.wall / two.wall, 1.6, " ×", at_least=True)
        one = best(options.repeat, ENGINE, "check", "--quiet", str(documents))
        two = best(options.repeat, ENGINE, "check", "--quiet", "--jobs", "2", str(documents))
        line("YAML: --jobs 1 / --jobs 2", one.wall / two.wall, 1.6, " ×", at_least=True)

        small, large = place / "small.json", place / "large.json"
        write_json(small, int(20_000 * options.scale))
        write_json(large, int(200_000 * options.scale))
        memory = run(ENGINE, "check", "--quiet", str(large)).memory / run(ENGINE, "check", "--quiet", str(small)).memory
        line("memory: 200,000 pods / 20,000 pods", memory, 1.5, " ×")

        single = place / "one.yaml"
        single.write_text(ONE, encoding="utf-8")
        compileall.compile_dir(Path(hostprocess.__file__).parent, quiet=1)  # as pip does when it installs a package
        suites = subprocess.run([sys.executable, "-c", SUITES], check=True, capture_output=True, text=True).stdout
        rate, ratio = map(float, suites.split())
        line("suites of the rules: cases a second of processor time", rate, 5000, "", at_least=True)
        line("suites of the rules: with coverage / without", ratio, 3, " ×")
        line("start-up: CPU of checking one small file", min(run(ENGINE, "check", str(single)).cpu for _ in range(5)), 0.35, " s")


if __name__ == "__main__":
    main()
