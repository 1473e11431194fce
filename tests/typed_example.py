"""
The whole public API in use, checked by ``mypy --strict`` and run by a test::

    python typed_example.py DIRECTORY WHEEL...
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import unwheel
from unwheel import (
    ArchiveError,
    BytesDone,
    CorruptMemberError,
    DestinationError,
    Difference,
    Entry,
    EntryTable,
    Event,
    FileFact,
    InstallationRecovered,
    InvalidWheelError,
    LimitError,
    Limits,
    Link,
    LinkFact,
    LinkGroup,
    LinkPlan,
    LinkPolicy,
    LockError,
    MemberPath,
    MismatchError,
    PackReport,
    Plan,
    Policy,
    Problem,
    RecordError,
    RelinkReport,
    Report,
    SourceError,
    StagingRemoved,
    TreeLink,
    UnsafeMemberError,
    UnsuitableError,
    UnsupportedError,
    UnwheelError,
    Wheel,
    WheelExtracted,
    WheelInstalled,
    WheelPlanned,
    WheelRefused,
    WheelVerified,
    compare,
    extract,
    extract_many,
    pack,
    relink,
    verify,
    verify_many,
)
from unwheel.install import (
    Environment,
    InstallOptions,
    InstallReport,
    environment_of,
    install_many,
)

POLICY = Policy(
    links=LinkPolicy.named("portable").replace(any_tag="refuse"),
    record="verify",
    existing="replace",
    existing_links="inside",
    mtime="archive",
    dedupe="copy",
    portable_names="warn",
    descriptors="signed",
    durable=False,
    limits=Limits(total_size=1 << 34, depth=64),
)


def on_event(event: Event) -> None:
    """Say what happened; a type checker knows every kind of event."""
    if isinstance(event, WheelPlanned):
        print(f"{event.wheel}: {event.members} members, {event.size} bytes")
    elif isinstance(event, BytesDone):
        print(f"{event.wheel}: {event.size} bytes, {event.members} members")
    elif isinstance(event, WheelExtracted):
        print(f"{event.wheel}: in {event.destination}, {event.size} bytes")
    elif isinstance(event, WheelVerified):
        print(f"{event.wheel}: verified, {event.size} bytes")
    elif isinstance(event, WheelRefused):
        print(f"{event.wheel}: {event.reason}")
    elif isinstance(event, WheelInstalled):
        print(f"{event.wheel}: in {event.site}, {event.size} bytes")
    elif isinstance(event, InstallationRecovered):
        print(f"{event.path}: {event.outcome}")
    else:
        removed: StagingRemoved = event
        print(f"{removed.path}: removed")


def fault(error: UnwheelError) -> str:
    """Whose fault it is: the class says so."""
    if isinstance(error, SourceError):
        return f"cannot be read, errno {error.errno}"
    if isinstance(error, DestinationError):
        return f"cannot be written, errno {error.errno}"
    if isinstance(error, LimitError):
        return "larger than we allow"
    if isinstance(error, (UnsupportedError, CorruptMemberError)):
        return "no archive of ours"
    if isinstance(error, ArchiveError):
        return "no archive"
    if isinstance(error, LockError):
        return "not to be followed"
    if isinstance(error, UnsuitableError):
        return "for another Python"
    if isinstance(error, UnsafeMemberError):
        return "an attack"
    if isinstance(error, MismatchError):
        return "not what RECORD says"
    if isinstance(error, (RecordError, InvalidWheelError)):
        return "no wheel"
    return "refused"


def reasons(problems: tuple[Problem, ...]) -> Iterator[str]:
    """Each problem: a code for programs, a sentence for people."""
    for problem in problems:
        knob: str | None = problem.accept
        offset: int | None = problem.offset
        yield f"refused: {problem.code} {problem.member or ''}"
        yield f"  {problem} (at {offset}; accepted by {knob})"


def look(path: Path) -> int:
    """Look at a wheel without judging it; how many executables it has."""
    with Wheel(path, policy=POLICY) as wheel:
        entries: EntryTable = wheel.entries
        first: Entry = entries[0]
        print(f"{wheel.name}: first {first.name}, {first.type}")
        print(wheel.read_text("WHEEL").splitlines()[0])
        targets: dict[str, str] = wheel.link_targets
        for name, target in targets.items():
            print(f"{name} -> {target}")
        executable = [e for e in entries if e.mode & 0o111]
        content: bytes = wheel.read(first.name)
        assert len(content) == first.size
    return len(executable)


def second(path: Path) -> str:
    """Ask for a second opinion."""
    found: list[Difference] = compare(
        path, policy=POLICY, readings=("directory", "headers")
    )
    return "; ".join(
        f"{one.member} {one.field}: {reader} {sees}"
        for one in found
        for reader, sees in one.says
    )


def judge(path: Path) -> int:
    """Have a wheel judged, and nothing done; bytes it would take."""
    with Wheel(path, policy=POLICY) as wheel:
        judged: LinkPlan = wheel.judged_links()
        links: tuple[Link, ...] = judged.links
        print(*(f"{link.path} -> {link.resolved}" for link in links))
        print(*reasons(judged.problems))
        plan: Plan = wheel.plan()
        parent: MemberPath = MemberPath.parse(plan.dist_info)
        print(f"metadata in {parent.parts[0]}")
        return plan.size


def tell(report: Report) -> None:
    """What was done."""
    files: list[FileFact] = list(report.files)
    links: tuple[LinkFact, ...] = report.links
    name, version = Path(report.wheel).name.split("-")[:2]
    print(f"{name} {version}: {len(files)} files, {len(links)} links")
    print(f"{report.size} bytes from {report.archive_size}", end=" ")
    print(f"by {report.publishing} in {report.seconds:.1f} s")
    print(*(f"{fact.sha256} {fact.path} {fact.size}" for fact in files))
    print(*(f"{x.path} -> {x.resolved}: {x.outcome}" for x in links))
    print(f"{report.repeats} repeats, {report.repeated_size} bytes")
    for warning in report.warnings:
        print(warning)


def write(tree: Path, wheel: Path, directory: Path) -> int:
    """Pack a *tree*, and look for what is twice in a *wheel*; bytes saved."""
    packed: PackReport = pack(tree, directory, links="copy")
    copied: tuple[TreeLink, ...] = packed.links
    print(f"{packed.result}: {packed.archive_size} bytes, {len(copied)} links")
    found: RelinkReport = relink(wheel, None, dry_run=True)
    groups: tuple[LinkGroup, ...] = found.groups
    print(*(f"{group.real}: {group.links}" for group in groups))
    return found.archive_size - found.relinked_archive_size


def put(wheels: list[Path], directory: Path) -> int:
    """Say what an installation of *wheels* would do, and do it; files."""
    environment: Environment = environment_of(target=str(directory))
    options = InstallOptions(overwrite="unowned", any_platform=True)
    rehearsal = InstallOptions(dry_run=True, any_platform=True)
    for told in install_many(wheels, environment, options=rehearsal):
        print(type(told).__name__)
    files = 0
    for outcome in install_many(
        wheels, environment, options=options, on_event=on_event
    ):
        if isinstance(outcome, UnwheelError):
            print(f"{outcome.wheel}: {fault(outcome)}")
            continue
        done: InstallReport = outcome
        print(f"{done.name} {done.version} in {done.site}", *done.scripts)
        print(f"{done.compiled} compiled", done.replaced, *done.warnings)
        files += done.files
    return files


def main(directory: Path, wheels: list[Path]) -> int:
    """Extract all *wheels* below *directory*; how many were refused."""
    refused = 0
    outcomes: Iterator[Report | UnwheelError] = extract_many(
        wheels, directory, policy=POLICY, threads=2, on_event=on_event
    )
    for outcome in outcomes:
        if isinstance(outcome, UnwheelError):
            refused += 1
            print(f"{outcome.wheel}: {fault(outcome)}")
            print(*reasons(outcome.problems), sep="\n")
        else:
            tell(outcome)
    for outcome in verify_many(wheels, policy=POLICY):
        print(type(outcome).__name__)
    try:
        report: Report = verify(wheels[0], policy=POLICY, threads=1)
        target = directory / Path(report.wheel).stem
        extract(wheels[0], target, policy=POLICY, on_event=on_event)
        print(look(wheels[0]), judge(wheels[0]), second(wheels[0]))
        print(write(target, wheels[0], directory / "packed"))
        print(put(wheels[:1], directory / "installed"))
    except UnwheelError as error:
        print(error)
    print(unwheel.__version__)
    return refused


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]))
