"""``python -m unwheel`` is the command `unwheel`."""

from __future__ import annotations

from .cli import command

command()
