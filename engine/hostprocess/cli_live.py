"""The options of `hostprocess check` about a running cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
from click.core import ParameterSource

from hostprocess.cli_options import not_empty
from hostprocess.errors import UsageError

__all__ = ["check_live", "live_options", "live_policies", "opened_cluster"]

_OPTIONS = (
    click.option("--cluster", is_flag=True, help="Check the pods and workloads of a running cluster instead of files."),
    click.option("--context", default="", callback=not_empty, metavar="NAME", help="With --cluster: the context of the kubeconfig (default: the current one)."),
    click.option("--kubeconfig", default="", callback=not_empty, metavar="FILE", help="With --cluster: the kubeconfig (default: as of kubectl)."),
    click.option("--all-namespaces", "-A", is_flag=True, help="With --cluster: all namespaces (default: --namespace, or that of the context)."),
    click.option("--all-objects", is_flag=True, help="With --cluster: also what another object controls, as the pods of a Deployment."),
    click.option("--node-runtime", is_flag=True, help="With --cluster: the containerd releases are those that Windows nodes report."),
)
_NEEDING = ("context", "kubeconfig", "all_namespaces", "all_objects", "node_runtime")
_NOT_WITH = ("old", "subresource", "raw", "field_validation", "admission_plugins")


def live_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def opened_cluster(options: Mapping[str, Any], paths: Sequence[str], open_cluster: Callable[..., Any]) -> Any:
    """The cluster that the options name; None without --cluster. Raises `UsageError` for what does not go together."""
    if not options["cluster"]:
        if given := [name for name in _NEEDING if options[name]]:
            raise UsageError(f"{_option(given[0])} is for --cluster")
        return None
    if paths and _from_command_line("paths"):
        raise UsageError("--cluster reads from a cluster, and PATHs from files: give one or the other")
    if given := [name for name in _NOT_WITH if _from_command_line(name)]:
        raise UsageError(f"{_option(given[0])} is about manifests: what a cluster has stored is judged as it is; leave it out")
    if options["all_namespaces"] and options["namespace"] and _from_command_line("namespace"):
        raise UsageError("--namespace and --all-namespaces contradict each other")
    if options["operation"].upper() not in ("CREATE", "DELETE"):
        raise UsageError(f"--operation {options['operation'].upper()}: what a cluster has stored is judged as it would be created, or deleted")
    if options["node_runtime"] and options["containerd"] and _from_command_line("containerd"):
        raise UsageError("--containerd and --node-runtime contradict each other")
    return open_cluster(
        kubeconfig=options["kubeconfig"],
        context=options["context"],
        namespace=options["namespace"] if _from_command_line("namespace") else "",  # a configuration names that of manifests
        all_namespaces=options["all_namespaces"],
        owned=options["all_objects"],
        node_runtime=options["node_runtime"],
    )


def live_policies(load: Callable[..., Any], cluster: Any, arguments: Mapping[str, Any]) -> tuple[Any, dict[str, Any] | None]:
    """The policies of a run, for the release of the cluster unless one was named; and those for each containerd release of its nodes, if asked for."""
    arguments = {**arguments, "kubernetes": arguments["kubernetes"] or cluster.kubernetes, "cluster": cluster}
    if cluster.pools is None:
        return load(**arguments), None
    several = {release: load(**{**arguments, "containerd": release}) for release in cluster.pools.nodes}
    return next(reversed(several.values())), several


def check_live(check_cluster: Callable[..., Any], cluster: Any, policies: tuple[Any, dict[str, Any] | None], arguments: Mapping[str, Any]) -> Any:
    """The report about a cluster."""
    given = {name: value for name, value in arguments.items() if name not in ("old", "subresource", "raw", "field_validation", "admission_plugins")}
    # Objects name their namespace; the option says which ones are read.
    return check_cluster(cluster, policies[0], by_release=policies[1], **{**given, "namespace": ""})


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _from_command_line(name: str) -> bool:
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE
