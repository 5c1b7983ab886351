"""What a configuration can hold. A key is the long name of the option that it stands for; `paths` stands for the arguments."""

from __future__ import annotations

__all__ = [
    *("CHECK", "COMMANDS", "COMMAND_LINE_ONLY", "FILES", "FILE_NAME", "JOINED", "PATHS", "PROJECT_FILE", "SHARED", "UNSET_BY_LIST", "WRITTEN"),
    "outside_reason",
]

FILE_NAME = ".hostprocess.yaml"
PROJECT_FILE = "pyproject.toml"
CHECK = "check"
COMMANDS = (CHECK, "fix", "lint", "test", "export", "mutate")
"""The commands that have a table of their own. Keys outside of the tables are options of `check`."""
PATHS = "paths"
SHARED = frozenset(
    {
        *("policies", "bundle", "select", "ignore", "kubernetes", "containerd", "params", "with-authorizer", "inventory", "namespace"),
        *("exceptions", "allow-exception-annotations", "jobs"),
    }
)
"""Keys that, outside of the tables, are for every command with an option of that name."""
FILES = frozenset({"policies", "params", "inventory", "exceptions", "baseline", "junit", PATHS})
"""Keys whose values are paths, which begin at the folder of the configuration. So do those behind the `=` of formats, and the folder of `export`."""
WRITTEN = frozenset({"output", "coverage-report", "junit", "baseline"})
"""Keys that name files that are written."""
JOINED = frozenset({"admission-plugins"})
"""Keys that may be lists, though the option is one text with commas."""
UNSET_BY_LIST = frozenset({"policies"})
"""Keys that are lists for one command and one text for another: there an empty list in its table unsets what is for all."""
COMMAND_LINE_ONLY = {
    "operation": "it says what this run is about",
    "old": "it says what this run is about",
    "subresource": "it says what this run is about",
    "cluster": "it says what this run is about",
    "context": "it says what this run is about",
    "kubeconfig": "it says what this run is about",
    "all-namespaces": "it says what this run is about",
    "all-objects": "it says what this run is about",
    "node-runtime": "it says what this run is about",
    "no-exceptions": "leave out `exceptions`, or remove the file",
    "write-baseline": "it changes a file",
    "force": "it replaces files",
    "check": "it says what this run is about",
    "last-failed": "it says what this run is about",
    "exitfirst": "it says what this run is about",
    "diff": "it says what this run is about",
    "write": "it changes files",
    "unsafe": "it changes files",
    "debug": "it is for the search of faults",
}
"""Long options that a configuration cannot hold, and why."""


def outside_reason(key: str) -> str:
    """Why a key that is an option is not one of a configuration; empty if it is none."""
    key = key.replace("_", "-").lstrip("-")
    reason = COMMAND_LINE_ONLY.get(key, "")
    return f"--{key} belongs on the command line: {reason}" if reason else ""
