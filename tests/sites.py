"""An environment with distributions in it, and transactions into it."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path

from places import tree_of

from unwheel.private import is_staging
from unwheel.site.distributions import find_installed
from unwheel.site.journal import KEPT, is_journaled
from unwheel.site.transaction import Committed, Transaction

# By scheme and path: content, or "-> target" of a link.
Files = dict[tuple[str, str], "bytes | str"]


class Site:
    """
    A prefix, of the layout that virtual environments have.

    Attributes:
        root: The prefix.
        places: The directories of the scheme.
        packages: site-packages.
    """

    def __init__(self, root: Path) -> None:
        """Lay it out below *root*; nothing but site-packages is made."""
        self.root = root
        self.lay()

    def lay(self) -> None:
        """Say where everything is."""
        self.packages = self.root / "lib/python3.11/site-packages"
        self.packages.mkdir(parents=True, exist_ok=True)
        self.places = {
            "purelib": str(self.packages),
            "platlib": str(self.packages),
            "scripts": str(self.root / "bin"),
            "headers": str(self.root / "include"),
            "data": str(self.root),
        }

    def transaction(
        self, name: str, version: str, files: Files
    ) -> Transaction:
        """All *files* staged, with a dist-info and its RECORD."""
        transaction = Transaction(self.places, "purelib")
        transaction.make()
        self.fill(transaction, name, version, files)
        return transaction

    def fill(
        self, transaction: Transaction, name: str, version: str, files: Files
    ) -> None:
        """Stage *files*, METADATA and RECORD."""
        info = f"{name}-{version}.dist-info"
        files = {**files, ("purelib", f"{info}/METADATA"): version.encode()}
        rows = []
        for (scheme, path), what in files.items():
            staged = Path(transaction.staged(scheme, path))
            staged.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(what, str):
                staged.symlink_to(what.removeprefix("-> "))
            else:
                staged.write_bytes(what)
            rows.append(self.row(scheme, path, what))
        rows.append(f"{info}/RECORD,,\n")
        staged = Path(transaction.staged("purelib", f"{info}/RECORD"))
        staged.write_text("".join(rows))

    def row(self, scheme: str, path: str, what: bytes | str) -> str:
        """That of RECORD."""
        name = os.path.relpath(
            os.path.join(self.places[scheme], path), self.packages
        )
        if isinstance(what, str) or path.endswith(".pyc"):
            return f"{name},,\n"
        digest = base64.urlsafe_b64encode(hashlib.sha256(what).digest())
        return f"{name},sha256={digest.decode().rstrip('=')},{len(what)}\n"

    def install(
        self,
        name: str,
        version: str,
        files: Files,
        overwrite: str = "refuse",
    ) -> Committed:
        """Install, or upgrade."""
        transaction = self.transaction(name, version, files)
        try:
            return transaction.commit(
                record=f"{name}-{version}.dist-info/RECORD",
                replaces=find_installed(self.places, name),
                overwrite=overwrite,
            )
        finally:
            transaction.discard()

    def tree(self) -> dict[str, bytes | str | None]:
        """All that is there."""
        return tree_of(self.root)

    def left(self) -> list[str]:
        """Private directories that are there, by whatever name."""
        return sorted(
            path
            for path in self.tree()
            if is_staging(os.path.basename(path))
            or is_journaled(os.path.basename(path))
            or path.endswith(KEPT)
        )
