"""
Poetry's installs, through our engine.

Poetry has no hook for installing a wheel: its executor keeps a
`WheelInstaller` in a private attribute.  When a command that installs begins,
that very object becomes one of ours, and keeps all that Poetry told it.  What
is not exactly as this module knows it is left alone, and that is said.

Build environments, and Poetry's own plugins, have executors of their own;
they stay Poetry's, as does ``poetry self``, which could pull this very module
from under its feet.
"""

from __future__ import annotations

import os
from functools import cache

from poetry.plugins.application_plugin import ApplicationPlugin

from .. import __version__
from ..errors import UnwheelError
from .host import (
    UnknownHostError,
    check_parameters,
    load_engine,
    replaced_in,
)
from .settings import Chosen, SettingError, choose, refusal

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

# Behind Poetry's own listeners, which make the installer.
_LAST = -1000

_KNOWN = {
    "poetry.installation.wheel_installer": {
        "WheelInstaller.__init__": "self env",
        "WheelInstaller.install": "self wheel",
        "WheelDestination._abspath_scheme_dir": "self scheme",
        "WheelDestination.write_to_fs": (
            "self scheme path stream is_executable"
        ),
    },
    "poetry.console.exceptions": {
        "PoetryRuntimeError.__init__": "self reason messages exit_code",
    },
}


class UnwheelPlugin(ApplicationPlugin):  # type: ignore[misc]
    """What Poetry loads (entry point group "poetry.application.plugin")."""

    def activate(self, application: Any) -> None:
        """Wait for a command that installs."""
        from cleo.events.console_events import COMMAND

        application.event_dispatcher.add_listener(COMMAND, _begin, _LAST)


def _begin(event: Any, *_: object) -> None:
    """Take over the installs of the command that *event* is about."""
    from poetry.console.commands.installer_command import InstallerCommand
    from poetry.console.commands.self.self_command import SelfCommand
    from poetry.console.exceptions import PoetryConsoleError

    command = event.command
    if not isinstance(command, InstallerCommand):
        return
    if isinstance(command, SelfCommand):
        return
    try:
        tools = command.poetry.pyproject.data.get("tool", {})
        chosen = choose(tools.get("unwheel", {}), os.environ)
    except SettingError as error:
        raise PoetryConsoleError(str(error)) from None
    if chosen.plugin == "off":
        return
    try:
        _take_over(command.installer.executor, chosen)
    except UnknownHostError as error:
        event.io.write_error_line(
            f"<warning>unwheel: {error}; Poetry installs as ever</warning>"
        )


def _take_over(executor: Any, chosen: Chosen) -> None:
    """
    Make the wheel installer of *executor* one of ours.

    Raises:
        UnknownHostError: If Poetry is not as we know it.
    """
    from poetry.installation.wheel_installer import WheelInstaller

    load_engine()
    for module, known in _KNOWN.items():
        check_parameters(module, known)
    installer: Any = getattr(executor, "_wheel_installer", None)
    if type(installer) is not WheelInstaller:
        raise UnknownHostError("its executor has no WheelInstaller of its own")
    for name in ("_env", "_script_kind", "_bytecode_optimization_levels"):
        if not hasattr(installer, name):
            raise UnknownHostError(f"its WheelInstaller has no {name}")
    installer.__class__ = _installer_class()
    installer.chosen = chosen


@cache
def _installer_class() -> Any:
    """Poetry's `WheelInstaller`, which leaves the installing to ours."""
    from poetry.installation.wheel_installer import WheelInstaller

    class UnwheelInstaller(WheelInstaller):  # type: ignore[misc]
        """
        What Poetry's executor calls, from several threads at once.

        Attributes:
            chosen: The settings in force.
        """

        chosen: Chosen

        def install(self, wheel: Path) -> None:
            """
            Install *wheel*.

            Raises:
                PoetryRuntimeError: If it is refused, or cannot be put there.
            """
            try:
                warnings = _install(self, wheel, self.chosen)
            except UnwheelError as error:
                raise _runtime_error(refusal(error, wheel.name)) from None
            if warnings:  # Poetry tells them when all is done
                self.invalid_wheels[wheel] = warnings
            _logger().info(
                "%s installed by unwheel %s", wheel.name, __version__
            )

    return UnwheelInstaller


def _install(installer: Any, wheel: Path, chosen: Chosen) -> list[str]:
    """
    Install *wheel* as Poetry would; what is wrong with it nevertheless.

    Raises:
        UnwheelError: If it is refused, or cannot be put there.
    """
    from installer import install
    from poetry.__version__ import __version__ as version

    from ..install import WheelSource

    metadata = {"INSTALLER": f"Poetry {version}".encode()}
    with (
        WheelSource.open(wheel, policy=chosen.policy) as source,
        _destination(installer, source) as destination,
    ):
        install(source, destination, metadata)
    return [str(problem) for problem in destination.finished.warnings]


def _destination(installer: Any, source: Any) -> Any:
    """What puts *source* into Poetry's environment."""
    env = installer._env
    places = env.scheme_dict.copy()
    places["headers"] = os.path.join(places["include"], source.distribution)
    return _destination_class()(
        places,
        interpreter=str(env.python),
        script_kind=installer._script_kind,
        bytecode_optimization_levels=installer._bytecode_optimization_levels,
        # Poetry removes another version itself, if it knows of it.
        replaces=replaced_in(places, source.distribution),
        # As Poetry does: parts of name space packages are in several wheels.
        overwrite="all",
    )


@cache
def _destination_class() -> Any:
    """Poetry's destination, which leaves the writing to ours."""
    from poetry.installation.wheel_installer import WheelDestination

    from ..install import BatchMixIn

    class UnwheelDestination(BatchMixIn, WheelDestination):  # type: ignore[misc]
        """See `_destination_class`."""

    return UnwheelDestination


def _runtime_error(text: str) -> Exception:
    """What Poetry shows without a traceback; it would take <> for markup."""
    from cleo.formatters.formatter import Formatter
    from poetry.console.exceptions import PoetryRuntimeError

    error: Exception = PoetryRuntimeError(Formatter.escape(text))
    return error


def _logger() -> Any:
    """One of those that Poetry shows with ``-v``: its name says so."""
    import logging

    return logging.getLogger("poetry.unwheel")
