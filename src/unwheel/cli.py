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
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn, TextIO

    from .commandline import Arguments
    from .commands import Result, Start, Success
    from .errors import UnwheelError
    from .events import Event
    from .progress import Progress

DONE = 0
REFUSED = 1
OUR_SIDE = 3  # 2, a usage error, is argparse's
INTERRUPTED = 130

# What stays of each wheel that is done, if the others are not.
WRITTEN = {
    "extract": "extracted",
    "install": "installed",
    "pack": "packed",
    "relink": "relinked",
    "sync": "there",
}

# What takes so long that one wants to see how far it is.
DRAWN = ("extract", "install", "sync", "verify")

# What says it in words, in `wording`; the others draw tables.
WORDED = {
    "compare": "compared",
    "extract": "summary",
    "install": "installed",
    "pack": "packed",
    "sync": "synced",
    "verify": "summary",
}


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
        _complain_at_last("interrupted; nothing was left behind")
        return INTERRUPTED
    except BrokenPipeError:  # `| head` has read enough
        _abandon(sys.stdout)
        return OUR_SIDE
    except OSError as error:
        _abandon(sys.stdout)
        _complain_at_last(f"unwheel: {error}")
        return OUR_SIDE


def command() -> NoReturn:
    """
    The command `unwheel`: `main`, and out.

    Whoever calls `main` stays in charge of the process; here it ends at once.
    The interpreter would take itself down piece by piece first, which takes
    as long as extracting a small wheel (4 ms of 25) and does nothing for us:
    threads are home, files closed, output flushed.  Threads of others are
    waited for, and what they have registered to be done at exit is done.
    """
    import atexit
    import gc
    import os

    # Looking for garbage among what was imported takes 1 ms, and there is
    # little of it: what is large is given back when a wheel is done.
    gc.set_threshold(50_000)
    status = main()
    if threading := sys.modules.get("threading"):
        threading._shutdown()
    atexit._run_exitfuncs()
    _flush()
    if sys.stderr is not None:
        sys.stderr.flush()
    os._exit(status)


def _run(arguments: list[str]) -> int:
    if arguments == ["--version"]:
        print(f"unwheel {__version__}")
        return DONE
    from .commandline import read
    from .commands import COMMANDS

    _let_output_escape()
    args = read(arguments)
    if args is None:
        from .options import parse

        args = parse(arguments)
    return _take_all(args, COMMANDS[args.command](args))


# What is told


def _take_all(args: Arguments, start: Start) -> int:
    """Tell every result that *start* brings; return the exit status."""
    statuses: list[int] = []
    try:
        _tell_each(args, start, statuses)
    except KeyboardInterrupt:
        done = statuses.count(DONE)
        if not done or args.command not in WRITTEN:
            raise
        # Of a lock nobody here knows how many wheels it names.
        count = len(args.wheels)
        all_of = "the lock's" if args.command == "sync" else f"{count}"
        _complain(
            f"interrupted; {done} of {all_of} wheels are"
            f" {WRITTEN[args.command]},"
            " nothing was left behind of the others"
        )
        return INTERRUPTED
    return max(statuses, default=DONE)


def _tell_each(args: Arguments, start: Start, statuses: list[int]) -> None:
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

    def __init__(self, args: Arguments) -> None:
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
        self._tell_success(result, wheel)
        return REFUSED if _differs(result) else DONE

    def _tell_refusal(self, error: UnwheelError, wheel: str) -> None:
        from . import wording
        from .report import refusal_to_json

        if self._args.json:
            command = self._args.command
            _print_json(refusal_to_json(error, action=command, wheel=wheel))
        else:
            self._complain(wording.refusal(error, wheel))

    def _tell_success(self, result: Success, wheel: str) -> None:
        if self._args.json:
            _print_json(self._as_object(result))
        elif self._args.command == "list":
            if len(self._wheels) > 1:
                self._say(f"{_printable(wheel)}:")
            self._say(self._as_text(result))
        elif not self._args.quiet or _differs(result):
            self._say(self._as_text(result))
        if not self._args.quiet and not self._args.json:
            self._tell_more(result, wheel)

    def _as_object(self, result: Success) -> dict[str, object]:
        from .report import Report

        if isinstance(result, Report):
            return result.to_json(files=self._args.files)
        # Of each object that of the command: `sync` has reports of `install`.
        return {**result.to_json(), "action": self._args.command}

    def _as_text(self, result: Any) -> str:
        """Draw the *result* as its command does."""
        command = self._args.command
        if command in WORDED:
            from . import wording

            say: Callable[[Any], str] = getattr(wording, WORDED[command])
            return say(result)
        from . import tables

        if command == "relink":
            return tables.group_table(result)
        if "links" in self._args:
            return tables.link_table(result)
        return tables.table(result, whole=not _is_terminal(sys.stdout))

    def _tell_more(self, result: Success, wheel: str) -> None:
        """Tell on standard error what people should know of a success."""
        from . import wording
        from .report import Report

        if isinstance(result, Report) and (told := wording.stand_ins(result)):
            self._complain(told)
        if found := getattr(result, "warnings", ()):
            self._complain(wording.warnings(found, wheel))

    def _hear(self, event: Event) -> None:
        from .events import InstallationRecovered, StagingRemoved

        if isinstance(event, StagingRemoved):
            path = _printable(event.path)
            self._complain(f"removed {path}, left by a run that died")
        elif isinstance(event, InstallationRecovered):
            path = _printable(event.path)
            self._complain(f"{event.outcome} what a dead run left in {path}")
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


def _differs(result: Success) -> bool:
    """Whether it is a comparison, of readers that do not agree."""
    return bool(getattr(result, "differences", False))


def _progress(args: Arguments) -> Progress | None:
    from os import environ

    if args.quiet or args.json or args.command not in DRAWN:
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


def _complain_at_last(text: str) -> None:
    """Say it if that is possible; the exit status says it in any case."""
    try:
        _complain(text)
    except OSError:  # a full disk behind standard error, too
        _abandon(sys.stderr)


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


def _abandon(stream: TextIO | None) -> None:
    """
    Send what is left in *stream* nowhere.

    Nobody reads it, and the interpreter would complain about it on exit.
    """
    import os

    try:
        descriptor = stream.fileno()  # type: ignore[union-attr]
    except (AttributeError, OSError):  # closed, or not a file
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
