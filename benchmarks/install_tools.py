"""
The tools that install: how each is started, and what it is compared with.

All install the same wheels, without dependencies and without network, to a
virtual environment that was made before.  What a row has with and without
byte code, with and without a cache, is in its name.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import install_projects
import tools
from install_places import Room

LOOP = tools.HERE / "install_loop.py"


@dataclass(frozen=True)
class Rival:
    """
    A way to install.

    Attributes:
        name: What the chart calls it.
        checks: As in `tools.Tool`.
        command: The argv; makes, untimed, what it needs in the room.
        base: Which rival of ours does the same.
        compiles: Whether there is byte code afterwards.
    """

    name: str
    checks: str
    command: Callable[[Room], list[str]]
    base: str = "unwheel"
    compiles: bool = False


def _paths(room: Room) -> list[str]:
    return [str(wheel) for wheel in room.wheels]


def _unwheel(room: Room, *arguments: str) -> list[str]:
    return tools.program(
        *("unwheel", "install", "--quiet", "--python", room.python),
        *(*arguments, *_paths(room)),
    )


def _sync(room: Room) -> list[str]:
    lock = install_projects.write_pylock(room)
    return tools.program(
        *("unwheel", "sync", "--quiet", "--python", room.python),
        *("--no-compile", str(lock)),
    )


def _uv(room: Room, *arguments: str) -> list[str]:
    return tools.program(
        *("uv", "pip", "install", "--quiet", "--no-deps", "--no-index"),
        *("--offline", "--no-config", "--python", room.python),
        *(*arguments, *_paths(room)),
    )


def _pip(room: Room, *arguments: str) -> list[str]:
    return [
        *(room.python, "-m", "pip", "install", "--quiet", "--no-deps"),
        *("--no-index", "--no-cache-dir", "--disable-pip-version-check"),
        *("--root-user-action=ignore", *arguments, *_paths(room)),
    ]


def _loop(room: Room, *arguments: str) -> list[str]:
    tools.python_module("installer")
    return [sys.executable, str(LOOP), *arguments, room.python, *_paths(room)]


COPY = "--link-mode=copy"

ALL = (
    Rival("unwheel", "RECORD", lambda r: _unwheel(r, "--no-compile")),
    Rival("unwheel-sync", "RECORD", _sync),
    Rival("uv-copy", "CRC-32", lambda r: _uv(r, "--no-cache", COPY)),
    Rival("uv", "CRC-32", lambda r: _uv(r, "--no-cache")),
    # Its first turn, which does not count, fills the cache.
    Rival("uv-copy-warm", "nothing", lambda r: _uv(r, COPY)),
    Rival("uv-warm", "nothing", _uv),
    Rival("pip", "CRC-32", lambda r: _pip(r, "--no-compile")),
    Rival("installer", "CRC-32", _loop),
    Rival("installer-validate", "RECORD", lambda r: _loop(r, "--validate")),
    Rival(
        "unwheel-compile",
        "RECORD",
        lambda r: _unwheel(r, "--compile"),
        base="unwheel-compile",
        compiles=True,
    ),
    Rival(
        "uv-copy-compile",
        "CRC-32",
        lambda r: _uv(r, "--no-cache", COPY, "--compile-bytecode"),
        base="unwheel-compile",
        compiles=True,
    ),
    Rival(
        "pip-compile",
        "CRC-32",
        lambda r: _pip(r, "--compile"),
        base="unwheel-compile",
        compiles=True,
    ),
    Rival(
        "pdm-unwheel",
        "RECORD",
        lambda r: install_projects.pdm(r, "pdm-unwheel"),
        base="pdm-unwheel",
    ),
    Rival(
        "pdm",
        "CRC-32",
        lambda r: install_projects.pdm(r, "pdm"),
        base="pdm-unwheel",
    ),
    Rival(
        "poetry-unwheel",
        "RECORD",
        lambda r: install_projects.poetry(r, "poetry-unwheel"),
        base="poetry-unwheel",
    ),
    Rival(
        "poetry",
        "CRC-32",
        lambda r: install_projects.poetry(r, "poetry"),
        base="poetry-unwheel",
    ),
)
RIVALS = {rival.name: rival for rival in ALL}
