"""
Byte-compilation in this process, as the package `installer` does it.
"""

from __future__ import annotations

import os
import py_compile
import sys

from .compiling import Compiled

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Sequence


# What sources do to a compiler; it is no reason to refuse a wheel.
_NO_BYTECODE = (
    py_compile.PyCompileError,
    ValueError,
    RecursionError,
    OSError,
)


def compile_here(
    files: Sequence[tuple[str, str]], levels: Sequence[int]
) -> list[Compiled]:
    """
    Compile *files* for the running interpreter.

    Args:
        files: See `Compiler.submit`.
        levels: Of optimization; -1 is that of this process.

    Returns:
        What became of each.
    """
    return [_compiled(source, path, levels) for source, path in files]


def _compiled(source: str, path: str, levels: Sequence[int]) -> Compiled:
    pycs: list[str] = []
    for level in levels:
        pyc = _name(source, level)
        try:
            py_compile.compile(source, pyc, path, doraise=True, optimize=level)
        except _NO_BYTECODE as error:
            return Compiled(source, tuple(pycs), str(error) or "not compiled")
        pycs.append(pyc)
    return Compiled(source, tuple(pycs))


def _name(source: str, level: int) -> str:
    """
    Where imports will look; they ask for no other name than this.

    Not by importlib: PYTHONPYCACHEPREFIX would lead out of the staging.
    """
    folder, name = os.path.split(source)
    if level < 0:
        level = sys.flags.optimize
    tag = sys.implementation.cache_tag
    suffix = f".opt-{level}" if level else ""
    return os.path.join(
        folder, "__pycache__", f"{name.removesuffix('.py')}.{tag}{suffix}.pyc"
    )
