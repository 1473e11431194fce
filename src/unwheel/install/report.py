"""
What was done to install one wheel, for people and for programs.
"""

from __future__ import annotations

from ..report import fact_to_json, head_to_json, problem_to_json, well_formed
from ..values import value

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from ..errors import Problem
    from ..report import LinkFact


@value
class InstallReport:
    """
    What was done with one wheel; of a dry run, what would be.

    Attributes:
        wheel: The wheel, as the caller named it.
        name: Of the distribution, as METADATA has it.
        version: Likewise.
        site: The directory on the disk that its .dist-info is in.
        files: How many files were installed: scripts, bytecode, and what an
            installer writes counted, links not.
        size: Bytes of the wheel's files, inflated.
        scripts: The paths of what can be run, on the disk.
        links: What became of each link.
        replaced: The version that was there before, or None.
        removed: How many files of that one are gone and have no successor.
        compiled: How many files of bytecode there are among *files*.
        warnings: What people should know.
        seconds: Wall time since it was opened; of many wheels in one run, the
            waiting for others included.
        dry_run: Whether nothing was written.
    """

    wheel: str
    name: str
    version: str
    site: str
    files: int
    size: int
    scripts: tuple[str, ...]
    links: tuple[LinkFact, ...]
    replaced: str | None
    removed: int
    compiled: int
    warnings: tuple[Problem, ...]
    seconds: float
    dry_run: bool

    def to_json(self) -> dict[str, object]:
        """
        The report, as `json.dumps` takes it.

        Besides the keys of every object (see `unwheel.report`; the command
        `sync` calls the `action` by its own name): one for each
        attribute, with its meaning, null where it is None; `seconds` to the
        microsecond, `links` as objects with the attributes of `LinkFact`,
        `warnings` as `problem_to_json` says.
        """
        return {
            **head_to_json("install", "ok", self.wheel),
            "name": well_formed(self.name),
            "version": well_formed(self.version),
            "site": well_formed(self.site),
            "files": self.files,
            "size": self.size,
            "scripts": [well_formed(path) for path in self.scripts],
            "links": [fact_to_json(link) for link in self.links],
            "replaced": self.replaced,
            "removed": self.removed,
            "compiled": self.compiled,
            "warnings": [problem_to_json(found) for found in self.warnings],
            "seconds": round(self.seconds, 6),
            "dry_run": self.dry_run,
        }
