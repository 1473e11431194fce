"""
PDM's cache of unpacked wheels: filled whole or not at all, and with links.

PDM unpacks a wheel into its final place, unverified, and what it finds there
later it takes for whole; and it walks past links.  The layout stays PDM's: it
finds what we put there, and we find what it did.
"""

from __future__ import annotations

import os
from functools import cache
from io import BytesIO, FileIO

from ..errors import DestinationError

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path
    from typing import Any

    from ..install import Installed
    from ..policy import Policy

    Row = tuple[str, str, str]


def cached(packages: Any, wheel: Path, policy: Policy) -> Any:
    """
    The `CachedPackage` of *wheel*, unpacked and verified unless it is there.

    Args:
        packages: PDM's `PackageCache`.
        wheel: A wheel.
        policy: What is allowed.

    Raises:
        UnwheelError: If the wheel is refused, or the cache cannot be written.
    """
    from pdm.models.cached_package import CachedPackage

    from ..wheel import extract

    package = CachedPackage(
        packages.root / f"{wheel.name}.cache", original_wheel=wheel
    )
    if not package.path.exists():
        package.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            extract(wheel, package.path, policy=policy)
        except DestinationError:
            if not package.path.exists():  # else another one was faster
                raise
    with package.lock():  # that of a PDM without us, which may be unpacking
        return package


def linked_source(package: Any) -> Any:
    """The files and links of a `CachedPackage`, as the source of a wheel."""
    from installer.records import parse_record_file
    from installer.utils import parse_metadata_file
    from pdm.installers.installers import PackageWheelSource

    class LinkedSource(PackageWheelSource):  # type: ignore[misc]
        """See `linked_source`."""

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *exc: object) -> None:
            pass

        @property
        def site(self) -> str:
            """The scheme that its root goes to."""
            wheel = parse_metadata_file(self.read_dist_info("WHEEL"))
            pure = wheel["Root-Is-Purelib"] == "true"
            return "purelib" if pure else "platlib"

        def get_contents(self) -> Iterator[tuple[Row, Any, bool]]:
            """Every file and every link, with its row in RECORD."""
            record = self.read_dist_info("RECORD").splitlines()
            rows: dict[str, Row] = {
                row[0]: row for row in parse_record_file(record)
            }
            root = str(self.package.path)
            for path in _contents(root, self.package.cache_files):
                name = os.path.relpath(path, root).replace(os.sep, "/")
                row = rows.get(name, (name, "", ""))
                with _opened(path, row) as stream:
                    yield row, stream, os.access(path, os.X_OK)

    return LinkedSource(package)


def _contents(root: str, not_its: Collection[str]) -> Iterator[str]:
    """All files and links below *root*, but those of the cache itself."""
    for folder, folders, files in os.walk(root):
        links = [n for n in folders if os.path.islink(f"{folder}/{n}")]
        for name in sorted([*files, *links]):
            if folder != root or name not in not_its:
                yield os.path.join(folder, name)


class _File(FileIO):
    """A file of the cache; PDM makes links to its `name`."""

    row: Row


class _Folder(BytesIO):
    """A link to a folder, which cannot be opened, but has a `name`."""

    name: str
    row: Row


def _opened(path: str, row: Row) -> _File | _Folder:
    stream: _File | _Folder
    if os.path.isdir(path):
        stream = _Folder()
        stream.name = path
    else:
        stream = _File(path)
    stream.row = row
    return stream


@cache
def linking_class() -> Any:
    """
    PDM's destination, which makes its links where our transaction stages.

    A context manager.  What PDM does with a file, it does: only the place
    is another one, until all is there.
    """
    from installer.records import RecordEntry
    from pdm.installers.installers import InstallDestination

    from ..install import Transaction

    class LinkingDestination(InstallDestination):  # type: ignore[misc]
        """
        See `linking_class`.

        Attributes:
            site: The scheme that RECORD goes to.
            replaces: See `Transaction.commit`.
            overwrite: Likewise.
        """

        site = "purelib"

        def __init__(
            self,
            *args: Any,
            replaces: Sequence[Installed],
            overwrite: str,
            **named: Any,
        ) -> None:
            super().__init__(*args, **named)
            self.replaces = replaces
            self.overwrite = overwrite

        def __enter__(self) -> Any:
            places = {name: self.scheme_dict[name] for name in _SCHEMES}
            self.transaction = Transaction(places, self.site)
            self.transaction.make()
            return self

        def __exit__(self, *exc: object) -> None:
            self.transaction.discard()

        def _path_with_destdir(self, scheme: str, path: str) -> Path:
            """Where *path* is staged; entry points may be called anything."""
            from pathlib import Path

            name = os.path.normpath(path)
            if os.path.isabs(name) or name.split(os.sep)[0] in ("..", "."):
                raise ValueError(f"{path} is outside of its directory")
            return Path(self.transaction.staged(scheme, name))

        def write_to_fs(
            self, scheme: str, path: str, stream: Any, is_executable: bool
        ) -> Any:
            """Stage one file, or the link that *stream* is of."""
            row: Row | None = getattr(stream, "row", None)
            if row is None:
                return super().write_to_fs(scheme, path, stream, is_executable)
            if os.path.islink(stream.name):
                target = self._path_with_destdir(scheme, path)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(os.readlink(stream.name))
            else:  # its mode is that of the cache
                super().write_to_fs(scheme, path, stream, False)
            return RecordEntry.from_elements(path, *row[1:])

        def finalize_installation(
            self, scheme: str, record_file_path: str, records: Any
        ) -> None:
            """Write RECORD, and put everything where it belongs."""
            super().finalize_installation(scheme, record_file_path, records)
            self.transaction.commit(
                record=record_file_path,
                replaces=self.replaces,
                overwrite=self.overwrite,
            )

    return LinkingDestination


_SCHEMES = ("purelib", "platlib", "headers", "scripts", "data")
