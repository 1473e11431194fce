"""
PDM's installs, through our engine.

PDM lets plugins set `Core.install_manager_class`.  Ours does what PDM's
`install_wheel` does, with our source, and PDM's destination with our mix-in
before it.  With ``use_uv`` PDM asks no install manager, so not ours either.
"""

from __future__ import annotations

from functools import cache

from .. import __version__
from ..errors import UnwheelError
from .host import (
    UnknownHostError,
    check_parameters,
    load_engine,
    replaced_in,
)
from .settings import SETTINGS, Chosen, choose, refusal

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

_KNOWN = {
    "pdm.installers.manager": {
        "InstallManager.__init__": (
            "self environment use_install_cache rename_pth"
        ),
        "InstallManager.install": "self candidate",
    },
    "pdm.installers.installers": {
        "install_wheel": (
            "wheel environment direct_url install_links rename_pth requested"
        ),
        "install": "source destination additional_metadata",
        "InstallDestination.__init__": (
            "self args link_method rename_pth kwargs"
        ),
        "InstallDestination.write_to_fs": (
            "self scheme path stream is_executable"
        ),
        "PackageWheelSource.__init__": "self package",
        "_get_link_method": "cache_method",
    },
    "pdm.models.cached_package": {
        "CachedPackage.__init__": "self path original_wheel",
        "CachedPackage.add_referrer": "self path",
        "CachedPackage.lock": "self",
    },
    "pdm.models.caches": {"PackageCache.cache_wheel": "self wheel"},
}


def register(core: Any) -> None:
    """
    What PDM calls with itself (entry point group "pdm").

    Raises:
        UnknownHostError: If it is not as we know it; PDM says so, and goes on
            without us.
    """
    from pdm.installers.manager import InstallManager

    for module, known in _KNOWN.items():
        check_parameters(module, known)
    base = core.install_manager_class
    if getattr(base, "install", None) is not InstallManager.install:
        raise UnknownHostError("another plugin installs already")
    _add_settings(core)
    core.install_manager_class = type(
        "UnwheelInstallManager", (Verifying, base), {}
    )


def _add_settings(core: Any) -> None:
    from pdm.project.config import ConfigItem

    for setting in SETTINGS:
        item = ConfigItem(
            f"{setting.about}: {', '.join(setting.choices)}",
            setting.choices[0],
            env_var=setting.variable,
            coerce=setting.check,
        )
        core.add_config(f"unwheel.{setting.name}", item)


class Verifying:
    """
    Before a class of install managers: installs wheels through our engine.

    What is installed already of the same name goes in the same step, so that
    of PDM's own `overwrite` nothing is left to do but to look.
    """

    if TYPE_CHECKING:
        environment: Any
        use_install_cache: bool
        rename_pth: bool

    def install(self, candidate: Any) -> Any:
        """
        Install a candidate; see `InstallManager.install`.

        Raises:
            InstallationError: If its wheel is refused, or cannot be put there.
        """
        from importlib.metadata import Distribution

        chosen = self._chosen()
        if chosen.plugin == "off" or not self._has_engine():
            return super().install(candidate)  # type: ignore[misc]
        prepared = candidate.prepare(self.environment)
        wheel: Path = prepared.build()
        metadata = _metadata(prepared.direct_url(), candidate.requested)
        editable = bool(candidate.req.editable)
        try:
            place = self._install_wheel(wheel, metadata, chosen, editable)
        except UnwheelError as error:
            raise _installation_error(refusal(error, wheel.name)) from None
        _logger().info("%s installed by unwheel %s", wheel.name, __version__)
        return Distribution.at(place)

    def _chosen(self) -> Chosen:
        config = self.environment.project.config
        names = [setting.name for setting in SETTINGS]
        # PDM itself looks at the environment.
        return choose({name: config[f"unwheel.{name}"] for name in names}, {})

    def _has_engine(self) -> bool:
        try:
            load_engine()
        except UnknownHostError as error:
            _tell_once(self.environment.project.core.ui, str(error))
            return False
        return True

    def _install_wheel(
        self,
        wheel: Path,
        metadata: Mapping[str, bytes],
        chosen: Chosen,
        editable: bool,
    ) -> str:
        """Install *wheel*; where its ``.dist-info`` is then."""
        from pdm.installers.installers import install

        from ..install import WheelSource
        from .pdm_cache import cached, linked_source

        method = self._link_method(wheel, editable)
        if method == "copy":
            source: Any = WheelSource.open(wheel, policy=chosen.policy)
        else:
            package = cached(self._cache(), wheel, chosen.policy)
            source = linked_source(package)
            if method == "symlink":  # PDM counts who leads into its cache
                refer_to = package.path.as_posix().encode()
                metadata = {**metadata, "REFER_TO": refer_to}
        with source, self._destination(source, method) as destination:
            place: str = install(source, destination, metadata)
        if method == "symlink":
            package.add_referrer(place)
        return place

    def _link_method(self, wheel: Path, editable: bool) -> str:
        """How files come out of PDM's cache; a "copy" comes from the wheel."""
        from pdm.installers.installers import _get_link_method

        if not self.use_install_cache or editable:
            return "copy"
        if wheel.name.startswith("editables-"):
            return "copy"
        config = self.environment.project.config
        method: str = _get_link_method(config["install.cache_method"])
        return method

    def _cache(self) -> Any:
        return self.environment.project.package_cache

    def _destination(self, source: Any, method: str) -> Any:
        """What puts *source* into the environment, and replaces the old."""
        from .pdm_cache import linking_class

        environment = self.environment
        places = environment.get_paths(source.distribution)
        make = destination_class() if method == "copy" else linking_class()
        destination = make(
            scheme_dict=places,
            interpreter=str(environment.interpreter.executable),
            script_kind=environment.script_kind,
            link_method=method,
            rename_pth=self.rename_pth,
            replaces=replaced_in(places, source.distribution),
            # As PDM does: parts of name space packages are in several wheels.
            overwrite="all",
        )
        if method != "copy":
            destination.site = source.site
        return destination


def _metadata(
    direct_url: Mapping[str, Any] | None, requested: bool
) -> dict[str, bytes]:
    """The files that PDM adds to every ``.dist-info``."""
    import json

    metadata = {"INSTALLER": b"pdm"}
    if direct_url is not None:
        metadata["direct_url.json"] = json.dumps(direct_url, indent=2).encode()
    if requested:
        metadata["REQUESTED"] = b""
    return metadata


def _installation_error(text: str) -> Exception:
    """What PDM shows; it would take brackets for markup."""
    from pdm.exceptions import InstallationError
    from rich.markup import escape

    error: Exception = InstallationError(escape(text))
    return error


def _tell_once(ui: Any, text: str) -> None:
    mine = object()
    if _TOLD.setdefault(text, mine) is mine:  # of all threads, the first
        ui.warn(f"unwheel: {text}; PDM installs as ever")


_TOLD: dict[str, object] = {}


@cache
def destination_class() -> Any:
    """PDM's destination, which leaves the writing to ours."""
    from pdm.installers.installers import InstallDestination

    from ..install import BatchMixIn

    class UnwheelDestination(BatchMixIn, InstallDestination):  # type: ignore[misc]
        """See `destination_class`."""

        def placed(self, scheme: str, path: str) -> str:  # noqa: ARG002
            """
            The name on the disk; PDM takes ".pdmtmp" away when all is done.

            Before that a .pth file could need what is not there yet.
            """
            is_pth = path.endswith(".pth") and "/" not in path
            return path + ".pdmtmp" if self.rename_pth and is_pth else path

    return UnwheelDestination


def _logger() -> Any:
    """PDM's own, shown with ``-v`` and written to its log."""
    from pdm import termui

    return termui.logger
