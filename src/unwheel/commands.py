"""
What each command does: the call behind it, and the results that it brings.

Nothing is told here, and nothing is imported before it is needed.
"""

from __future__ import annotations

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeAlias

    from .errors import UnwheelError
    from .events import Event
    from .graph import LinkGraph
    from .listing import Listing
    from .packing import PackReport
    from .relinking import RelinkReport
    from .report import Report

    Success: TypeAlias = (
        Report | Listing | LinkGraph | PackReport | RelinkReport
    )
    Result: TypeAlias = Success | UnwheelError
    OnEvent: TypeAlias = Callable[[Event], None] | None
    Start: TypeAlias = Callable[[OnEvent], Iterable[Result]]


def _extract(args: argparse.Namespace) -> Start:
    from .knobs import policy_of
    from .wheel import extract, extract_many

    policy = policy_of(args)

    def into(on_event: OnEvent) -> Iterator[Result]:
        yield _attempt(
            extract,
            args.wheels[0],
            args.into,
            policy=policy,
            threads=args.threads,
            on_event=on_event,
        )

    def each(on_event: OnEvent) -> Iterator[Result]:
        return extract_many(
            args.wheels,
            args.dir,
            policy=policy,
            threads=args.threads,
            on_event=on_event,
        )

    return each if args.into is None else into


def _verify(args: argparse.Namespace) -> Start:
    from .knobs import policy_of
    from .wheel import verify_many

    policy = policy_of(args)
    return lambda on_event: verify_many(
        args.wheels, policy=policy, threads=args.threads, on_event=on_event
    )


def _list(args: argparse.Namespace) -> Start:
    from .knobs import policy_of

    policy = policy_of(args)
    if "links" in args:
        from .graph import list_links

        return _each(args, lambda wheel: list_links(wheel, policy))
    from .listing import list_wheel

    return _each(args, lambda wheel: list_wheel(wheel, policy))


def _pack(args: argparse.Namespace) -> Start:
    from .packing import pack

    return _each(
        args, lambda tree: pack(tree, args.output, links=args.encoding)
    )


def _relink(args: argparse.Namespace) -> Start:
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


def _each(args: argparse.Namespace, work: Callable[[str], Success]) -> Start:
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


COMMANDS: dict[str, Callable[[argparse.Namespace], Start]] = {
    "extract": _extract,
    "verify": _verify,
    "list": _list,
    "pack": _pack,
    "relink": _relink,
}
