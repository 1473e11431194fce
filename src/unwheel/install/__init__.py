"""
Wheels into environments: what installers build upon.

Importing it costs nothing; each room imports what it needs.
"""

from __future__ import annotations
