"""
Where wheels are installed: the places, and the Python that will run them.

The Python is asked once, by a run of its own unless it is ours; what it says
is a value, and everything after that is judged by the value.
"""

from __future__ import annotations

import os
import sys

from ..errors import DestinationError, Problem, printable
from ..filename import normalise_name
from ..values import value
from . import facts

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from subprocess import Popen
    from typing import Any

SCHEMES = ("purelib", "platlib", "headers", "scripts", "data")

_SHOWN = 400  # characters of what an interpreter complains of


@value
class Interpreter:
    """
    A Python, as it says itself.

    Attributes:
        executable: Its absolute path, as it is run: of a virtual environment
            the link in there, not what that leads to.
        version: "3.12.4".
        implementation: "cpython".
        markers: The variables of environment markers (PEP 508) but "extra".
        tags: The wheel tags it supports, the best first.
        is_virtual: Whether it is a virtual environment (PEP 405).
        managed: Who else installs there (PEP 668): the path of the file that
            says so, and its text; or None.
        path: Its sys.path.
    """

    executable: str
    version: str
    implementation: str
    markers: Mapping[str, str]
    tags: Sequence[str]
    is_virtual: bool
    managed: Sequence[str] | None
    path: Sequence[str]


@value
class Environment:
    """
    Where wheels are installed, and for whom.

    Attributes:
        places: Of each of `SCHEMES` the directory at run time; that of
            headers still lacks the name of the distribution.
        root: What stands for "/" while installing, or None.
        interpreter: What scripts begin with.
        python: The Python that wheels have to suit.
        is_own: Whether the places are those of that Python, where others may
            install, too: no target, prefix or root was given.
    """

    places: Mapping[str, str]
    root: str | None
    interpreter: str
    python: Interpreter
    is_own: bool

    def schemes_of(self, name: str) -> dict[str, str]:
        """Where each scheme of the distribution *name* is at run time."""
        schemes = dict(self.places)
        schemes["headers"] = os.path.join(
            schemes["headers"], normalise_name(name)
        )
        return schemes

    def on_disk(self, path: str) -> str:
        """Where *path*, which is of run time, is now."""
        if self.root is None:
            return path
        return os.path.join(self.root, os.path.splitdrive(path)[1][1:])

    @property
    def sites(self) -> tuple[str, ...]:
        """The directories on the disk that hold .dist-info directories."""
        sites = (self.places["purelib"], self.places["platlib"])
        return tuple(dict.fromkeys(map(self.on_disk, sites)))


def environment_of(
    executable: str | None = None,
    *,
    target: str | None = None,
    prefix: str | None = None,
    root: str | None = None,
    meanwhile: Callable[[], object] | None = None,
) -> Environment:
    """
    Where wheels go, as pip chooses it.

    Args:
        executable: A Python, or the directory of a virtual environment; by
            default the Python that runs us.
        target: A directory for packages, with "bin", "include" and data in
            it; it stands on somebody's PYTHONPATH.
        prefix: What stands for the prefix of the Python.
        root: What stands for "/" on the disk (DESTDIR); nothing that is
            written mentions it.
        meanwhile: Called while another Python thinks, if one is asked: that
            takes as long as to import `installer`.

    Raises:
        DestinationError: INTERPRETER, if it cannot be asked.
        TypeError: If both *target* and *prefix* are given.
    """
    if target is not None and prefix is not None:
        raise TypeError("environment_of: target and prefix")
    home = None if target is None else os.path.abspath(target)
    other = None if prefix is None else os.path.abspath(prefix)
    told = _ask(executable, home, other, meanwhile)
    places = told.pop("places")
    if home is not None:
        places["purelib"] = places["platlib"] = home
    python = Interpreter(**told)
    return Environment(
        places=places,
        root=None if root is None else os.path.abspath(root),
        interpreter=python.executable,
        python=python,
        is_own=target is None and prefix is None and root is None,
    )


def _ask(
    executable: str | None,
    home: str | None,
    prefix: str | None,
    meanwhile: Callable[[], object] | None,
) -> dict[str, Any]:
    """What the Python says, whose keys are those of `facts.facts`."""
    if executable is not None and os.path.isdir(executable):
        executable = _python_of(executable)
    if executable is None or os.path.abspath(executable) == sys.executable:
        told: dict[str, Any] = facts.facts(home, prefix)
    else:
        told = _ask_other(executable, (home, prefix), meanwhile)
    if not told["executable"]:
        raise _unanswered(executable or "", "does not know where it is")
    return told


def _python_of(directory: str) -> str:
    """The Python of a virtual environment."""
    if os.name == "nt":
        return os.path.join(directory, "Scripts", "python.exe")
    return os.path.join(directory, "bin", "python")


_KEYS = {"places", *Interpreter.__match_args__}


def _ask_other(
    executable: str,
    bases: tuple[str | None, str | None],
    meanwhile: Callable[[], object] | None,
) -> dict[str, Any]:
    import subprocess

    import packaging

    # Isolated (-I): nobody's PYTHONPATH is looked at, and not what lies in
    # the current directory, which may come with the wheels.
    words = [executable, "-I", "-c", _text_of_facts()]
    words += [os.path.dirname(packaging.__file__)]
    words += [base or "" for base in bases]
    try:
        child = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except (OSError, ValueError) as error:
        raise _unanswered(executable, str(error)) from error
    output, errors = _heard(child, meanwhile)
    told = _answer(output) if child.returncode == 0 else None
    if told is None:
        complaint = errors.decode("utf-8", "replace").strip()
        raise _unanswered(executable, complaint.rpartition("\n")[2])
    return told


def _heard(
    child: Popen[bytes], meanwhile: Callable[[], object] | None
) -> tuple[bytes, bytes]:
    """All that the *child* prints; it has ended then, also if we fail."""
    with child:
        try:
            if meanwhile is not None:
                meanwhile()
            return child.communicate()
        except BaseException:
            child.kill()
            raise


def _answer(output: bytes) -> dict[str, Any] | None:
    """What was said among all that was printed; None if that is not it."""
    import json

    lines = output.decode("ascii", "replace").splitlines()
    marked = [line for line in lines if line.startswith(facts.MARK)]
    try:
        told = json.loads(marked[-1].removeprefix(facts.MARK))
    except (IndexError, ValueError):
        return None
    return told if told.keys() == _KEYS else None


def _text_of_facts() -> str:
    """The source of `facts`, wherever it was imported from."""
    from importlib.util import find_spec

    spec = find_spec(facts.__name__)
    text = spec.loader.get_source(spec.name) if spec else None  # type: ignore[union-attr]
    if not isinstance(text, str):
        raise _unanswered("", f"there is no source of {facts.__name__}")
    return text


def _unanswered(executable: str, complaint: str) -> DestinationError:
    return DestinationError(
        [
            Problem(
                "INTERPRETER",
                f"{printable(executable)} does not answer as a Python would",
                found=printable(complaint[:_SHOWN]) or "no answer",
                expected="a Python of version 3.9 or later",
            )
        ]
    )
