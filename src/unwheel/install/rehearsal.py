"""
What an installation would write, without writing anything.

`installer` goes through the wheel as always, with a destination that notes
names; then what is there is looked at, by the rules of a transaction.
"""

from __future__ import annotations

import os

from installer.destinations import WheelDestination
from installer.records import RecordEntry
from installer.scripts import Script
from installer.utils import Scheme, get_launcher_kind

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

    from installer.scripts import ScriptSection


class Rehearsal(WheelDestination):
    """
    A destination that only takes notes.

    Attributes:
        files: The scheme and the path in it of all that would be written.
        site: The scheme of RECORD.
        record: Its path there.
    """

    def __init__(self, interpreter: str) -> None:
        self._interpreter = interpreter
        self.files: list[tuple[str, str]] = []
        self.site = "purelib"
        self.record = ""

    def write_script(
        self, name: str, module: str, attr: str, section: ScriptSection
    ) -> RecordEntry:
        """Note the script as it would be called here."""
        script = Script(name, module, attr, section)
        path, _ = script.generate(self._interpreter, get_launcher_kind())
        return self._noted("scripts", path)

    def write_file(
        self,
        scheme: Scheme,
        path: str | os.PathLike[str],
        stream: BinaryIO,  # noqa: ARG002 - its content is verified elsewhere
        is_executable: bool,  # noqa: ARG002
    ) -> RecordEntry:
        """Note the file."""
        return self._noted(scheme, os.fspath(path))

    def finalize_installation(
        self,
        scheme: Scheme,
        record_file_path: str,
        records: Iterable[tuple[Scheme, RecordEntry]],  # noqa: ARG002
    ) -> None:
        """Note RECORD."""
        self.site, self.record = scheme, record_file_path
        self.files.append((scheme, record_file_path))

    def _noted(self, scheme: str, path: str) -> RecordEntry:
        self.files.append((scheme, path))
        return RecordEntry(path, None, None)
