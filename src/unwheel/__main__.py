"""``python -m unwheel`` is the command `unwheel`."""

from __future__ import annotations

from .cli import command

if __name__ == "__main__":  # whoever imports all there is goes on
    command()
