"""
What each command does: the call behind it, and the results that it brings.

Nothing is told here, and nothing is imported before it is needed.
"""

from __future__ import annotations

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeAlias

    from .commandline import Arguments
    from .comparing import Comparison
    from .errors import UnwheelError
    from .events import Event
    from .graph import LinkGraph
    from .install import (
        Environment,
        InstallOptions,
        InstallReport,
        Unchanged,
    )
    from .listing import Listing
    from .packing import PackReport
    from .policy import Policy
    from .relinking import RelinkReport
    from .report import Report

    Success: TypeAlias = (
        Report
        | Listing
        | LinkGraph
        | Comparison
        | PackReport
        | RelinkReport
        | InstallReport
        | Unchanged
    )
    Result: TypeAlias = Success | UnwheelError
    OnEvent: TypeAlias = Callable[[Event], None] | None
    Start: TypeAlias = Callable[[OnEvent], Iterable[Result]]


def _extract(args: Arguments) -> Start:
    from .wheel import extract, extract_many

    policy = _policy(args)

    def into(on_event: OnEvent) -> Iterator[Result]:
        yield _attempt(
            extract,
            args.wheels[0],
            args.into,
            policy=policy,
            backend=args.backend,
            threads=args.threads,
            on_event=on_event,
        )

    def each(on_event: OnEvent) -> Iterator[Result]:
        return extract_many(
            args.wheels,
            args.dir,
            policy=policy,
            backend=args.backend,
            threads=args.threads,
            on_event=on_event,
        )

    return each if args.into is None else into


def _verify(args: Arguments) -> Start:
    from .wheel import verify_many

    policy = _policy(args)
    return lambda on_event: verify_many(
        args.wheels,
        policy=policy,
        backend=args.backend,
        threads=args.threads,
        on_event=on_event,
    )


def _list(args: Arguments) -> Start:
    policy = _policy(args)
    if "links" in args:
        from .graph import list_links

        return _each(args, lambda wheel: list_links(wheel, policy))
    from .listing import list_wheel

    return _each(args, lambda wheel: list_wheel(wheel, policy))


def _compare(args: Arguments) -> Start:
    from .comparing import compare_readings

    policy = _policy(args)
    return _each(
        args, lambda wheel: compare_readings(wheel, policy, args.readings)
    )


def _pack(args: Arguments) -> Start:
    from .packing import pack

    return _each(
        args, lambda tree: pack(tree, args.output, links=args.encoding)
    )


def _relink(args: Arguments) -> Start:
    from .relinking import MIN_SIZE, relink

    return _each(
        args,
        lambda wheel: relink(
            wheel,
            args.output,
            encoding=args.encoding or "zip",
            min_size=args.min_size or MIN_SIZE,
            dry_run=args.dry_run,
        ),
    )


def _install(args: Arguments) -> Start:
    from .install import install_many

    def into(on_event: OnEvent) -> Iterator[Result]:
        yield from install_many(
            args.wheels,
            _environment(args),
            policy=_policy(args),
            options=_options(args),
            threads=args.threads,
            on_event=on_event,
        )

    return into


def _sync(args: Arguments) -> Start:
    from .install import InstallOptions, SyncChoice, sync
    from .sync_usage import choice_of, chosen_options

    def into(on_event: OnEvent) -> Iterator[Result]:
        yield from sync(
            args.wheels[0],
            _environment(args),
            wheels=args.directories,
            choice=SyncChoice(**choice_of(args)),
            policy=_policy(args),
            options=InstallOptions(**chosen_options(args)),
            threads=args.threads,
            on_event=on_event,
        )

    return into


def _environment(args: Arguments) -> Environment:
    from .install import environment_of

    return environment_of(
        args.python,
        target=args.target,
        prefix=args.prefix,
        root=args.root,
        meanwhile=_load_installer,
    )


def _load_installer() -> None:
    """
    Import what installing needs, if it is there.

    If not, that is told when it is needed.
    """
    from contextlib import suppress

    with suppress(ImportError):
        from .install import running  # noqa: F401


def _options(args: Arguments) -> InstallOptions:
    from .install import InstallOptions
    from .install_usage import chosen_options

    file = args.direct_url
    return InstallOptions(
        **chosen_options(args),
        direct_url=None if file is None else _content(file),
    )


def _content(path: str) -> bytes:
    """
    What is in a small file that the caller named.

    Raises:
        DestinationError: If it cannot be read.
    """
    from .errors import DestinationError, Problem, printable

    try:
        with open(path, "rb") as file:
            return file.read(_MOST_CONTENT)
    except (OSError, ValueError) as error:
        problem = Problem(
            "DIRECT_URL",
            f"{printable(path)} cannot be read",
            found=getattr(error, "strerror", None),
        )
        raise DestinationError([problem]) from error


def _policy(args: Arguments) -> Policy:
    """The policy of *args*; the knobs are there if one is turned."""
    from .commandline import asks_for_policy
    from .policy import Policy

    if not asks_for_policy(args):
        return Policy()
    from .knobs import policy_of

    return policy_of(args)


def _each(args: Arguments, work: Callable[[str], Success]) -> Start:
    """Do the *work* for one wheel after the other."""
    return lambda _: (_attempt(work, wheel) for wheel in args.wheels)


def _attempt(
    work: Callable[..., Result], *args: object, **options: object
) -> Result:
    from .errors import UnwheelError

    try:
        return work(*args, **options)
    except UnwheelError as error:
        return error


_MOST_CONTENT = 1 << 20  # bytes; of a direct_url.json a fraction is too much

COMMANDS: dict[str, Callable[[Arguments], Start]] = {
    "extract": _extract,
    "install": _install,
    "sync": _sync,
    "verify": _verify,
    "list": _list,
    "compare": _compare,
    "pack": _pack,
    "relink": _relink,
}
