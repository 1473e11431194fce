"""
Archives that look odd and are sound: they have to be taken.

As important as the attacks: each is a variation that the standards allow, and
that some reader could stumble over.  `SOUND` has all of them by name::

    for name, sound in SOUND.items():
        path = sound.write(directory)
"""

from __future__ import annotations

from collections.abc import Mapping

from sound_case import Sound as Sound
from sound_container import (
    ATTRIBUTES,
    DESCRIPTORS,
    ENDS,
    EXTRAS,
    HEADERS,
    INSIDE,
    TIMES,
    WRITERS,
    ZIP64,
)
from sound_content import DEFLATERS, SIZES, STREAMS
from sound_links import LINKS
from sound_names import NAMES, UNPORTABLE
from sound_wheel import (
    DATA,
    FILENAMES,
    KNOBS,
    METADATA,
    RECORDS,
    WHEELS,
)


def _all(**groups: Mapping[str, Sound]) -> dict[str, Sound]:
    """The groups as one, each name after that of its group."""
    return {
        f"{group}: {name}": sound
        for group, sounds in groups.items()
        for name, sound in sounds.items()
    }


SOUND = _all(
    attributes=ATTRIBUTES,
    data=DATA,
    deflaters=DEFLATERS,
    descriptors=DESCRIPTORS,
    ends=ENDS,
    extras=EXTRAS,
    filenames=FILENAMES,
    headers=HEADERS,
    inside=INSIDE,
    knobs=KNOBS,
    links=LINKS,
    metadata=METADATA,
    names=NAMES,
    records=RECORDS,
    sizes=SIZES,
    streams=STREAMS,
    times=TIMES,
    unportable=UNPORTABLE,
    wheels=WHEELS,
    writers=WRITERS,
    zip64=ZIP64,
)
