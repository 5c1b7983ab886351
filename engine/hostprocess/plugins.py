"""The plug-in manager: the built-in plug-in first, then those of the entry-point group `hostprocess`."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, cast

import pluggy

from hostprocess import hookspecs
from hostprocess.errors import UsageError
from hostprocess.evaluate import EvaluatePolicy
from hostprocess.marker import PROJECT, hookimpl

__all__ = ["BUILT_IN", "collect", "hookimpl", "installed", "make_manager", "manager", "wrapped_evaluation"]

BUILT_IN = ("hostprocess.built_in",)
NO_PLUGINS = "HOSTPROCESS_NO_PLUGINS"
"""The environment variable that, set to anything, keeps plug-ins of other packages out."""


def make_manager(plugins: Iterable[Any] = (), built_in: Iterable[str] = BUILT_IN) -> pluggy.PluginManager:
    """A manager with the built-in plug-in, installed ones and `plugins`. Raises `UsageError` for a plug-in that does not load or fit."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    for name in built_in:
        manager.register(importlib.import_module(name), name)
    try:
        if not os.environ.get(NO_PLUGINS):
            _load_installed(manager)
        for plugin in plugins:
            manager.register(plugin)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise UsageError(f"the plug-in {manager.get_name(error.plugin) or error.plugin!r} does not fit: {error}") from None
    return manager


def _load_installed(manager: pluggy.PluginManager) -> None:
    try:
        manager.load_setuptools_entrypoints(PROJECT)
    except pluggy.PluginValidationError:
        raise
    except Exception as error:  # whatever the import of a stranger's module may raise
        raise UsageError(f"a plug-in of the group {PROJECT!r} does not load: {error}; uninstall it, or set {NO_PLUGINS}=1") from None


def collect(manager: pluggy.PluginManager, hook: str) -> dict[str, Any]:
    """Merges the mappings that a hook gives. Raises `UsageError` for a name given by two plug-ins, with both of them."""
    caller: pluggy.HookCaller = getattr(manager.hook, hook)
    owners: dict[str, str] = {}
    merged: dict[str, Any] = {}
    for implementation in caller.get_hookimpls():
        given = cast(Mapping[str, Any], implementation.function() or {})
        for name, value in given.items():
            if name in owners:
                raise UsageError(f"{hook}: both {owners[name]} and {implementation.plugin_name} give {name!r}; uninstall one of them")
            owners[name] = implementation.plugin_name
            merged[name] = value
    return merged


@cache
def manager() -> pluggy.PluginManager:
    """The manager of this process, without plug-ins of a run."""
    return make_manager()


def installed(hook: str) -> dict[str, Any]:
    """What all plug-ins of this process give for a hook; see `collect`."""
    return collect(manager(), hook)


def wrapped_evaluation(plugins: Sequence[object] = ()) -> EvaluatePolicy | None:
    """The hook `evaluate_policy` with those plug-ins of the run, the last outermost; None if nobody but this package answers it: a call through the
    plug-in manager costs as much as an expression."""
    hook = (make_manager(plugins) if plugins else manager()).hook.evaluate_policy
    names = [one.plugin_name for one in hook.get_hookimpls()]
    return None if names == list(BUILT_IN) else hook
