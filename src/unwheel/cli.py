"""
The command line, and the only place that prints.

Start-up stays light: nothing is imported before it is needed, `--version`
needs nothing at all.  What people read goes through `printable`; programs
read the objects that `report` documents.
"""

from __future__ import annotations

import sys

from . import __version__

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TypeAlias

    from .errors import UnwheelError
    from .events import Event
    from .listing import Listing
    from .progress import Progress
    from .report import Report

    Result: TypeAlias = Report | Listing | UnwheelError
    OnEvent: TypeAlias = Callable[[Event], None] | None
    Start: TypeAlias = Callable[[OnEvent], Iterable[Result]]

DONE = 0
REFUSED = 1
OUR_SIDE = 3  # 2, a usage error, is argparse's
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run the command that *argv* (by default, `sys.argv[1:]`) names.

    Returns:
        The exit status, as ``unwheel --help`` lists them.

    Raises:
        SystemExit: After a usage error, or after ``--help``.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    try:
        try:
            return _run(arguments)
        finally:  # here, where a failure can still be told
            _flush()
    except KeyboardInterrupt:
        _complain("interrupted; nothing was left behind")
        return INTERRUPTED
    except BrokenPipeError:  # `| head` has read enough
        _abandon_output()
        return OUR_SIDE
    except OSError as error:
        _abandon_output()
        _complain(f"unwheel: {error}")
        return OUR_SIDE


def _run(arguments: list[str]) -> int:
    if arguments == ["--version"]:
        print(f"unwheel {__version__}")
        return DONE
    from .options import parse

    _let_output_escape()
    args = parse(arguments)
    start = {"extract": _extract, "verify": _verify, "list": _list}
    return _take_all(args, start[args.command](args))


# What is done


def _extract(args: argparse.Namespace) -> Start:
    from .knobs import policy_of
    from .wheel import extract, extract_many

    policy = policy_of(args)

    def into(on_event: OnEvent) -> Iterator[Result]:
        yield _attempt(
            lambda: extract(
                args.wheels[0],
                args.into,
                policy=policy,
                threads=args.threads,
                on_event=on_event,
            )
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
    from functools import partial

    from .knobs import policy_of
    from .listing import list_wheel

    work = partial(list_wheel, policy=policy_of(args))
    return lambda _: (_attempt(partial(work, path)) for path in args.wheels)


def _attempt(work: Callable[[], Result]) -> Result:
    from .errors import UnwheelError

    try:
        return work()
    except UnwheelError as error:
        return error


# What is told


def _take_all(args: argparse.Namespace, start: Start) -> int:
    """Tell every result that *start* brings; return the exit status."""
    statuses: list[int] = []
    try:
        _tell_each(args, start, statuses)
    except KeyboardInterrupt:
        extracted = statuses.count(DONE) if args.command == "extract" else 0
        if not extracted:
            raise
        _complain(
            f"interrupted; {extracted} of {len(args.wheels)} wheels are"
            " extracted, nothing was left behind of the others"
        )
        return INTERRUPTED
    return max(statuses, default=DONE)


def _tell_each(
    args: argparse.Namespace, start: Start, statuses: list[int]
) -> None:
    from .errors import UnwheelError

    with _Voice(args) as voice:
        results = start(voice.on_event)
        try:
            for result in results:
                status = voice.tell(result)
                statuses.append(status)
        except UnwheelError as error:  # of the run, not of one wheel
            statuses.append(voice.tell(error))
        finally:
            # The crew must be home, and its staging gone, before we say so.
            if close := getattr(results, "close", None):
                close()


class _Voice:
    """How results are told: to people, or with --json to programs."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self._wheels: list[str] = args.wheels
        self._told = 0
        self._progress = _progress(args)
        self.on_event = None if args.quiet or args.json else self._hear

    def __enter__(self) -> _Voice:
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.__exit__()

    def tell(self, result: Result) -> int:
        """Tell the next *result*; return the exit status it means."""
        from .errors import DestinationError, UnwheelError

        wheel = self._wheels[min(self._told, len(self._wheels) - 1)]
        self._told += 1
        if isinstance(result, UnwheelError):
            self._tell_refusal(result, result.wheel or wheel)
            ours = isinstance(result, DestinationError)
            return OUR_SIDE if ours else REFUSED
        self._tell_success(result)
        return DONE

    def _tell_refusal(self, error: UnwheelError, wheel: str) -> None:
        from . import wording
        from .report import refusal_to_json

        if self._args.json:
            command = self._args.command
            _print_json(refusal_to_json(error, action=command, wheel=wheel))
        else:
            self._complain(wording.refusal(error, wheel))

    def _tell_success(self, result: Report | Listing) -> None:
        from . import wording
        from .report import Report

        if not isinstance(result, Report):
            self._tell_listing(result)
        elif self._args.json:
            _print_json(result.to_json(files=self._args.files))
        elif not self._args.quiet:
            self._say(wording.summary(result))
            self._warn(result)

    def _tell_listing(self, listing: Listing) -> None:
        from . import wording

        if self._args.json:
            _print_json(listing.to_json())
            return
        if len(self._wheels) > 1:
            self._say(f"{_printable(listing.wheel)}:")
        whole = not _is_terminal(sys.stdout)
        self._say(wording.table(listing, whole_digests=whole))
        if not self._args.quiet:
            self._warn(listing)

    def _warn(self, result: Report | Listing) -> None:
        from .wording import warnings

        if result.warnings:
            self._complain(warnings(result))

    def _hear(self, event: Event) -> None:
        from .events import StagingRemoved

        if isinstance(event, StagingRemoved):
            path = _printable(event.path)
            self._complain(f"removed {path}, left by a run that died")
        elif self._progress is not None:
            self._progress(event)

    def _say(self, text: str) -> None:
        # Above the bars if both are on the terminal; a pipe sees no bars.
        above = self._progress if _is_terminal(sys.stdout) else None
        if above is None or not above.say(text):
            print(text, flush=True)

    def _complain(self, text: str) -> None:
        if self._progress is None or not self._progress.say(text):
            _complain(text)


def _progress(args: argparse.Namespace) -> Progress | None:
    from os import environ

    if args.quiet or args.json or args.command == "list":
        return None
    if not _is_terminal(sys.stderr) or environ.get("TERM") == "dumb":
        return None
    from .progress import Progress

    return Progress(args.wheels)


# Where it is printed


def _print_json(told: dict[str, object]) -> None:
    from json import dumps

    print(dumps(told), flush=True)


def _complain(text: str) -> None:
    if sys.stderr is not None:  # print() would take stdout instead
        print(text, file=sys.stderr, flush=True)


def _printable(text: str) -> str:
    from .errors import printable

    return printable(text)


def _is_terminal(stream: object) -> bool:
    isatty = getattr(stream, "isatty", None)
    return isatty is not None and bool(isatty())


def _let_output_escape() -> None:
    """Let a name that the terminal's encoding lacks be spelled out."""
    if reconfigure := getattr(sys.stdout, "reconfigure", None):
        reconfigure(errors="backslashreplace")


def _flush() -> None:
    if sys.stdout is not None:
        sys.stdout.flush()


def _abandon_output() -> None:
    """
    Send what is left of standard output nowhere.

    Nobody reads it, and the interpreter would complain about it on exit.
    """
    import os

    try:
        descriptor = sys.stdout.fileno()
    except (AttributeError, OSError):  # closed, or not a file
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
