"""
What an installation would do, without writing anything.

`installer` goes through the wheel as always, with a destination that notes
names; then what is there is looked at, by the rules of `judging`.
"""

from __future__ import annotations

import io
import os
import stat

from installer import install
from installer.destinations import WheelDestination
from installer.records import RecordEntry
from installer.scripts import Script
from installer.utils import Scheme, get_launcher_kind

from ..errors import DestinationError, Problem, printable
from ..site import owner_of

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import BinaryIO

    from installer.scripts import ScriptSection

    from ..pair import WheelSource
    from ..site import Installed

_PIECE = 1 << 16


class Rehearsal(WheelDestination):
    """
    A destination that only takes notes.

    Args:
        interpreter: As launchers would begin.

    Attributes:
        files: By scheme and path in it the content of all that would be
            written; None of RECORD.
        site: The scheme of RECORD.
    """

    def __init__(self, interpreter: str) -> None:
        self._interpreter = interpreter
        self.files: dict[tuple[str, str], BinaryIO | None] = {}
        self.site = ""

    def write_script(
        self, name: str, module: str, attr: str, section: ScriptSection
    ) -> RecordEntry:
        """Note the script as it would be called here."""
        script = Script(name, module, attr, section)
        path, data = script.generate(self._interpreter, get_launcher_kind())
        self.files["scripts", path] = io.BytesIO(data)
        return RecordEntry(path, None, None)

    def write_file(
        self,
        scheme: Scheme,
        path: str | os.PathLike[str],
        stream: BinaryIO,
        is_executable: bool,  # noqa: ARG002 - it decides nothing
    ) -> RecordEntry:
        """Note the file."""
        name = os.fspath(path)
        self.files[scheme, name] = stream
        return RecordEntry(name, None, None)

    def finalize_installation(
        self,
        scheme: Scheme,
        record_file_path: str,
        records: Iterable[tuple[Scheme, RecordEntry]],  # noqa: ARG002
    ) -> None:
        """Note RECORD."""
        self.site = scheme
        self.files[scheme, record_file_path] = None

    def paths(self, places: Mapping[str, str]) -> dict[str, BinaryIO | None]:
        """The same *files*, by where they would be."""
        real = {
            scheme: os.path.realpath(place) for scheme, place in places.items()
        }
        return {
            os.path.join(real[scheme], *name.split("/")): stream
            for (scheme, name), stream in self.files.items()
        }


def rehearse(
    source: WheelSource, interpreter: str, metadata: Mapping[str, bytes]
) -> Rehearsal:
    """Let `installer` say what it would write."""
    notes = Rehearsal(interpreter)
    install(source, notes, dict(metadata))
    return notes


def check_conflicts(
    files: Mapping[str, BinaryIO | None],
    places: Mapping[str, str],
    replaced: Sequence[Installed],
    overwrite: str,
) -> None:
    """
    See whether *files* could be where they should.

    Args:
        files: By path their content.
        places: The directories of the schemes.
        replaced: What would be replaced.
        overwrite: See `InstallOptions`.

    Raises:
        DestinationError: If not, with every reason.
    """
    owned = frozenset[str]().union(*(old.files for old in replaced))
    problems, conflicts = [], []
    for path in files:
        in_the_way = _in_the_way(path)
        if in_the_way is None or in_the_way[0] in owned:
            continue
        if in_the_way[1] is not None:
            problems.append(in_the_way[1])
        elif overwrite != "all":
            conflicts.append(path)
    infos = [old.dist_info for old in replaced]
    owners = owner_of(places, conflicts, infos)
    problems += _refused(files, conflicts, owners, overwrite)
    if problems:
        raise DestinationError(problems)


def _in_the_way(path: str) -> tuple[str, Problem | None] | None:
    """What is where *path* should be, and the problem if it cannot go."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        while not os.path.lexists(path):
            path = os.path.dirname(path)
        return path, _wrong("EXISTING_FILE", "a file is in the way", path)
    if stat.S_ISDIR(mode):
        return path, _wrong("EXISTING_FOLDER", "a folder is in the way", path)
    return path, None


def _refused(
    files: Mapping[str, BinaryIO | None],
    conflicts: Iterable[str],
    owners: Mapping[str, str],
    overwrite: str,
) -> Iterator[Problem]:
    """Of the *conflicts* those that nobody has allowed."""
    for path in conflicts:
        owner = owners.get(path)
        if owner is None and overwrite == "refuse":
            yield _wrong(
                "UNOWNED_FILE",
                "there is a file that no distribution has",
                path,
                'overwrite="unowned"',
            )
        elif owner is not None and not _is_same(path, files[path]):
            yield _wrong(
                "OWNED_BY_OTHER",
                f"there is a file of {printable(owner)}",
                path,
                'overwrite="all"',
            )


def _is_same(path: str, stream: BinaryIO | None) -> bool:
    """Whether the file *path* is what *stream* has, so that both may."""
    if stream is None or os.path.islink(path):
        return False
    with open(path, "rb") as file:
        stream.seek(0)
        while (piece := file.read(_PIECE)) == stream.read(_PIECE):
            if not piece:
                return True
    return False


def _wrong(
    code: str, message: str, path: str, accept: str | None = None
) -> Problem:
    return Problem(code, message, found=printable(path), accept=accept)
