"""
Fuzz what Python judges, guided by coverage: guided.py HARNESS [LIBFUZZER...]

Needs atheris, which is libFuzzer for Python and takes its options.  A harness
is a module of this directory with a function `check`, which takes any bytes
and raises if what the project promises of them is not so.

HARNESS may be the path of a program of that name which calls this one: to
merge corpora, libFuzzer starts itself again, by this path.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parent.parent))

from unwheel import UnwheelError


def check_refusal(error: UnwheelError) -> None:
    """A refusal says why, in words that a terminal can show."""
    assert error.problems
    assert all(problem.code.isupper() for problem in error.problems)
    assert str(error).isprintable()


def main() -> None:
    """Let atheris see every branch of the package, and play."""
    import atheris

    program, *options = sys.argv[1:]
    with atheris.instrument_imports(include=["unwheel"]):
        package = importlib.import_module("unwheel")
        for module in pkgutil.iter_modules(package.__path__):
            if module.name != "__main__":
                importlib.import_module(f"unwheel.{module.name}")
    check = importlib.import_module(Path(program).name).check
    atheris.Setup([program, *options], check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
