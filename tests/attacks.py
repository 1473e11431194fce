"""
Every attack there is: one lie each, and what has to be said of it.

Plain data, for whoever wants to try them: the tests, the fuzzers' seeds, and
scripts that show them to other tools.  Each is an honest wheel in which code
puts one lie; `ATTACKS` has all of them by name::

    for name, attack in ATTACKS.items():
        path = attack.write(directory)

Nothing here depends on the machine.  What leads out of a tree aims at a name
with `EVIL` in it, so who tries a careless tool can look for that afterwards;
what writes through a link or to an absolute place aims below `OUTSIDE`.
"""

from __future__ import annotations

from collections.abc import Mapping

from attack import EVIL as EVIL
from attack import OUTSIDE as OUTSIDE
from attack import Attack
from attacks_container import STRUCTURE
from attacks_content import BOMBS, CONTENT
from attacks_known import ADVISORIES
from attacks_links import LINKS
from attacks_names import CLASHES, KINDS, NAMES, UNPORTABLE
from attacks_wheel import FILENAMES, RECORDS, WHEELS


def _all(**groups: Mapping[str, Attack]) -> dict[str, Attack]:
    """The groups as one, each name after that of its group."""
    return {
        f"{group}: {name}": attack
        for group, attacks in groups.items()
        for name, attack in attacks.items()
    }


ATTACKS = _all(
    advisories=ADVISORIES,
    names=NAMES,
    unportable=UNPORTABLE,
    clashes=CLASHES,
    kinds=KINDS,
    structure=STRUCTURE,
    content=CONTENT,
    limits=BOMBS,
    record=RECORDS,
    wheel=WHEELS,
    filename=FILENAMES,
    links=LINKS,
)
