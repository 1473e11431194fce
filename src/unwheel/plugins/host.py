"""What a plugin has to know of its host: its functions, and its places."""

from __future__ import annotations

from importlib import import_module

from ..errors import UnwheelError

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..install import Installed


class UnknownHostError(Exception):
    """The host is not the one that we were written for; leave it alone."""


def load_engine() -> None:
    """
    Import all that installs.

    Raises:
        UnknownHostError: If something that it needs is missing.
    """
    try:
        from .. import install

        for name in ("BatchMixIn", "Transaction", "WheelSource"):
            getattr(install, name)  # imports its room
    except (ImportError, OSError) as error:
        raise UnknownHostError(
            f"'unwheel[install]' is not whole ({error})"
        ) from None


def check_parameters(module: str, known: Mapping[str, str]) -> None:
    """
    Check that functions of *module* take what they took when we were written.

    A function with another parameter does something else: who replaces it
    without knowing would do what the host did before.

    Args:
        module: Its full name.
        known: For each function, as ``Class.method``, its parameters' names.

    Raises:
        UnknownHostError: If one is missing, or takes something else.
    """
    from inspect import signature

    for path, parameters in known.items():
        try:
            found: object = import_module(module)
            for name in path.split("."):
                found = getattr(found, name)
            names = list(signature(found).parameters)  # type: ignore[arg-type]
        except (ImportError, AttributeError, TypeError, ValueError):
            raise UnknownHostError(f"there is no {module}.{path}") from None
        if names != parameters.split():
            raise UnknownHostError(f"another {module}.{path} than is known")


def replaced_in(places: Mapping[str, str], name: str) -> Sequence[Installed]:
    """
    What is installed as *name*, when what a killed run left is dealt with.

    What has no RECORD is left to the host, which may know how to remove it.
    """
    from ..install import find_installed, recover

    try:
        for site in {places["purelib"], places["platlib"]}:
            recover(site)
        return find_installed(places, name)
    except UnwheelError:  # who installs there will say it
        return ()
