"""
What a Python says of itself, as the installers of wheels need it.

This file is also run by other interpreters, from its text: it imports nothing
of ours, and nothing at the top that an old Python lacks.  `packaging` is
loaded from where we have it, without a path to our other packages.
"""

from __future__ import annotations

import os
import sys
import sysconfig

MARK = "unwheel facts: "  # before what is for us: a sitecustomize may print


def facts(home: str | None, prefix: str | None) -> dict[str, object]:
    """
    All of it, as `json.dumps` takes it; `environment.Interpreter` has it.

    Args:
        home: The base of a layout of its own, or None.
        prefix: Another prefix than that of this Python, or None.
    """
    from packaging import tags

    return {
        "executable": sys.executable or "",
        "version": "{}.{}.{}".format(*sys.version_info[:3]),
        "implementation": sys.implementation.name,
        "markers": _markers(),
        "tags": [str(tag) for tag in tags.sys_tags()],
        "is_virtual": _is_virtual(),
        "managed": None if _is_virtual() else _managed(),
        "path": [os.path.abspath(path) for path in sys.path if path],
        "places": _places(home, prefix),
    }


def _markers() -> dict[str, str]:
    """
    The variables of markers, as the specification of dependencies has them.

    packaging has them, too, in a module that brings a parser with it.
    """
    import platform

    return {
        "implementation_name": sys.implementation.name,
        "implementation_version": _implementation(),
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "sys_platform": sys.platform,
    }


def _implementation() -> str:
    """The version of the implementation, as text."""
    info = sys.implementation.version
    version = f"{info.major}.{info.minor}.{info.micro}"
    if info.releaselevel == "final":
        return version
    return version + info.releaselevel[0] + str(info.serial)


def _is_virtual() -> bool:
    """Whether this is a virtual environment (PEP 405)."""
    return sys.prefix != sys.base_prefix


def _managed() -> list[str] | None:
    """The file of who manages this Python, with its text (PEP 668)."""
    path = os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return [path, file.read(1 << 16)]
    except OSError:
        return None


def _places(home: str | None, prefix: str | None) -> dict[str, str]:
    """
    Where each scheme goes, as pip has it; headers still lack the name.

    In a virtual environment headers go to a place of their own, since its
    "include" may be a link to that of the Python it was made of.
    """
    base = home or prefix
    paths = sysconfig.get_paths(
        _scheme(home, prefix),
        vars=dict.fromkeys(_BASES, base) if base else {},
    )
    headers = paths["include"]
    if _is_virtual():
        version = "python{}.{}".format(*sys.version_info[:2])
        headers = os.path.join(base or sys.prefix, "include", "site", version)
    return {
        "purelib": paths["purelib"],
        "platlib": paths["platlib"],
        "headers": headers,
        "scripts": paths["scripts"],
        "data": paths["data"],
    }


# All that the paths of a scheme may begin with.
_BASES = (
    "installed_base",
    "base",
    "installed_platbase",
    "platbase",
    "prefix",
    "exec_prefix",
    "userbase",
)


def _scheme(home: str | None, prefix: str | None) -> str:
    """
    Name the scheme of sysconfig.

    A prefix that is given is not one that a system redirects: Debian's
    "posix_local" would add "local", and macOS ignore it.
    """
    preferred = getattr(sysconfig, "get_preferred_scheme", _plain_scheme)
    name = preferred("home" if home else "prefix")
    if prefix and name in ("posix_local", "osx_framework_library"):
        return "posix_prefix"
    return name


def _plain_scheme(key: str) -> str:
    """What Python 3.10 prefers, for those before it."""
    return "nt" if os.name == "nt" else "posix_" + key


def _load(name: str, directory: str) -> None:
    """Have the package *name* imported from its *directory* alone."""
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(
        name,
        os.path.join(directory, "__init__.py"),
        submodule_search_locations=[directory],
    )
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


def _main(packaging: str, home: str | None, prefix: str | None) -> None:
    import json

    _load("packaging", packaging)
    # In ASCII, whatever the encoding of the output is.
    sys.stdout.write("\n" + MARK + json.dumps(facts(home, prefix)) + "\n")


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2] or None, sys.argv[3] or None)
