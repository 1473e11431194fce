#!/usr/bin/env python3
"""
What pypa/installer does in one process: install_loop.py [--validate] PYTHON
WHEEL...

As its own command does, but into the environment of PYTHON, and all wheels.
"""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile


def main() -> int:
    """Install them, one after the other."""
    arguments = sys.argv[1:]
    validate = arguments[0] == "--validate"
    python, *wheels = arguments[validate:]
    prefix = str(Path(python).parent.parent)
    places = sysconfig.get_paths(
        "posix_prefix", vars={"base": prefix, "platbase": prefix}
    )
    for wheel in wheels:
        with WheelFile.open(Path(wheel)) as source:
            if validate:
                source.validate_record(validate_contents=True)
            destination = SchemeDictionaryDestination(
                {
                    **places,
                    "headers": f"{prefix}/include/{source.distribution}",
                },
                interpreter=python,
                script_kind="posix",
            )
            install(source, destination, {"INSTALLER": b"installer\n"})
    return 0


if __name__ == "__main__":
    sys.exit(main())
