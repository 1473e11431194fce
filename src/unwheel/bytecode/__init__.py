"""
Compiling what is staged, for the interpreter that will import it.

The door of this room.
"""

from __future__ import annotations

from .compiling import Compilation, Compiled, Compiler
from .here import compile_here

__all__ = ["Compilation", "Compiled", "Compiler", "compile_here"]
