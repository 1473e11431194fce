"""
Wheels into an environment, through `installer` and our pair.

As a program, for a process of its own, where calls may be made to fail::

    python installs.py WHEEL ENVIRONMENT LINKS [EDITABLE_ROOT]
"""

from __future__ import annotations

import sys
from pathlib import Path

import installer
from installer.utils import get_launcher_kind

from unwheel import LinkPolicy, Policy
from unwheel.install import SchemeDestination, WheelSource

VERSION = "{}.{}".format(*sys.version_info[:2])
SITE = f"lib/python{VERSION}/site-packages"


def places(root: Path, name: str) -> dict[str, str]:
    """Where the files of *name* go in the venv *root*; as pip has it."""
    return {
        "purelib": f"{root}/{SITE}",
        "platlib": f"{root}/{SITE}",
        "headers": f"{root}/include/site/python{VERSION}/{name}",
        "scripts": f"{root}/bin",
        "data": f"{root}",
    }


def install(wheel: Path, root: Path, policy: Policy) -> None:
    """Install *wheel* into the venv *root*, with its bytecode."""
    with (
        WheelSource.open(wheel, policy=policy) as source,
        SchemeDestination(
            places(root, source.distribution),
            interpreter=f"{root}/bin/python",
            script_kind=get_launcher_kind(),
            bytecode_optimization_levels=(0, 2),
        ) as destination,
    ):
        installer.install(source, destination, {"INSTALLER": b"tests"})


def main(wheel: str, root: str, links: str, editable_root: str = "") -> None:
    """See the module."""
    policy = LinkPolicy.named(links).replace(editable_root=editable_root)
    install(Path(wheel), Path(root), Policy(links=policy))


if __name__ == "__main__":
    main(*sys.argv[1:])
