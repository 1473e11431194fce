"""
A destination for the package `installer`: all at once, verified, or nothing.

`installer` asks for one file after the other, and believes each is written
when it goes on.  Here each is only noted, but for the first member of a wheel
of ours, which has the crew begin with all of them.  What was noted becomes
true at the end, or nothing does.
"""

from __future__ import annotations

import hashlib
import io
import os
import weakref

from installer.destinations import SchemeDictionaryDestination
from installer.records import Hash, RecordEntry
from installer.scripts import Script
from installer.utils import SCHEME_NAMES, Scheme

from ..crew import TICK_MS
from ..errors import UnwheelError
from ..faults import named, our_side
from ..places import is_below, name_below
from .claims import Claim
from .finishing import LIBRARIES, Finished, Finishing, Order
from .installation import Installation
from .rows import encoded
from .streams import LinkStream, MemberStream

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, BinaryIO, TypeVar

    from installer.scripts import ScriptSection
    from typing_extensions import Self

    from ..bytecode import Compiler
    from ..site import Installed
    from .rows import Row

    _Base = SchemeDictionaryDestination
    T = TypeVar("T")
else:
    _Base = object


class BatchMixIn(_Base):
    """
    Before a subclass of `SchemeDictionaryDestination`: all or nothing.

    Members of a `WheelSource` of ours are made by the crew, in one pass that
    inflates, verifies and writes; everything else is staged as it comes.  A
    context manager; what is not finished when it ends, or when nobody has it
    any more, is undone.  It serves one wheel at a time.

    Args:
        compiler: Compiles for the interpreter that will import the files;
            without one, this process does, for the `installer`'s levels.
        replaces: What is installed under the name of the wheel, all of it,
            and goes; None if nobody has looked.
        overwrite: Which other files may be replaced, see
            `Transaction.commit`; None is what `overwrite_existing` says.
        deferred: Whether `finalize_installation` only notes what is asked
            for, and `complete` does it.
    """

    def __init__(
        self,
        *args: Any,
        compiler: Compiler | None = None,
        replaces: Sequence[Installed] | None = None,
        overwrite: str | None = None,
        deferred: bool = False,
        **named_args: Any,
    ) -> None:
        super().__init__(*args, **named_args)
        if overwrite is None:
            overwrite = "all" if self.overwrite_existing else "refuse"
        self.compiler = compiler
        self.replaces = replaces
        self.overwrite = overwrite
        self.deferred = deferred
        self.finished: Finished | None = None
        self._work: Installation | None = None
        self._undo: Any = None
        self._order: Order | None = None
        self._finishing: Finishing | None = None
        self._failure: Exception | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.discard()

    # -------------------------------------------------------------- writing

    def placed(self, scheme: str, path: str) -> str:  # noqa: ARG002
        """
        The name that the file *path* gets on the disk, below its scheme.

        A subclass may have another one, but for sources that are compiled;
        RECORD still says *path*.
        """
        return path

    def write_to_fs(
        self,
        scheme: str,
        path: str,
        stream: BinaryIO,
        is_executable: bool,
    ) -> RecordEntry:
        """
        Note, or stage, a file; see `SchemeDictionaryDestination`.

        Returns:
            Its row; of members some facts are filled in at the end.

        Raises:
            FileExistsError: If there is one that may not be replaced.
            ValueError: If *path* leads out of its scheme.
            UnwheelError: If it cannot be staged, or its wheel be installed.
        """
        work = self._work or self._begin()
        name = self.placed(scheme, path)
        member = stream if isinstance(stream, MemberStream) else None
        if member is None or name is not path or not member.is_called(path):
            name = self._below(work, scheme, name)
        target = f"{work.roots[scheme]}/{name}"
        self._refuse_existing(work, target)
        try:
            if member is not None and self._takes(
                work, member, scheme, path, is_executable
            ):
                claim = self._member(work, member, path)
            else:
                claim = self._content(
                    work, scheme, path, stream, is_executable
                )
        except BaseException:
            self.discard()
            raise
        claim.scheme, claim.name = scheme, name
        work.claims.add(target, claim)
        return claim.entry

    def write_script(
        self, name: str, module: str, attr: str, section: ScriptSection
    ) -> RecordEntry:
        """
        Note the script of an entry point; see `SchemeDictionaryDestination`.

        Raises:
            FileExistsError: If there is one that may not be replaced.
        """
        script = Script(name, module, attr, section)
        path, data = script.generate(self.interpreter, self.script_kind)
        with io.BytesIO(data) as stream:
            return self.write_to_fs("scripts", path, stream, True)

    def _begin(self) -> Installation:
        places = {
            str(scheme): self._located(scheme, "")
            for scheme in SCHEME_NAMES
            if scheme in self.scheme_dict
        }
        self.finished = self._order = self._finishing = self._failure = None
        work = Installation(places)
        self._undo = weakref.finalize(self, work.discard)
        self._work = work  # from here `discard` finds both
        return work

    def _below(self, work: Installation, scheme: str, name: str) -> str:
        """
        The plain name of what *name* means in the place of *scheme*.

        Raises:
            ValueError: If it leads out, or is the place itself.
        """
        path = self._located(Scheme(scheme), name)
        place = work.places[scheme]
        if path == place or not is_below(place, path):
            raise ValueError(f"no file in the place of {scheme}: {name}")
        return name_below(place, path)

    def _located(self, scheme: Scheme, name: str) -> str:
        """Where `_path_with_destdir` has it, which takes long to say it."""
        told = type(self)._path_with_destdir
        if told is not SchemeDictionaryDestination._path_with_destdir:
            return os.path.abspath(self._path_with_destdir(scheme, name))
        path = os.path.abspath(os.path.join(self.scheme_dict[scheme], name))
        if self.destdir is None:
            return path
        below = os.path.splitdrive(path)[1].lstrip(os.sep)
        return os.path.abspath(os.path.join(self.destdir, below))

    def _refuse_existing(self, work: Installation, target: str) -> None:
        if self.overwrite == "refuse" and (
            work.claims.is_taken(target)
            or (self._looks_first and work.claims.is_there(target))
        ):
            raise FileExistsError(f"File already exists: {target}")

    @property
    def _looks_first(self) -> bool:
        """
        Whether a file on the disk is refused as soon as it is asked for.

        So `installer` does it.  Who replaces a version, or has deferred all,
        hears of everything that is in the way at the end, and whose it is.
        """
        return not (self.replaces or self.deferred)

    def _takes(
        self,
        work: Installation,
        stream: MemberStream,
        scheme: str,
        path: str,
        is_executable: bool,
    ) -> bool:
        """Whether the crew makes what is in *stream*; it is at work then."""
        if not stream.is_untouched or stream.executable != is_executable:
            return False
        if work.opened is None:
            stream.opened.check()
            is_root = path == stream.path
            work.start(
                stream.opened, scheme if is_root else stream.opened.root_scheme
            )
        return work.opened is stream.opened and work.take(stream.path)

    def _member(
        self, work: Installation, stream: MemberStream, path: str
    ) -> Claim:
        if isinstance(stream, LinkStream):
            return Claim(
                RecordEntry(path, None, None), link=work.link(stream.path)
            )
        opened = stream.opened
        hash_ = None
        # What is not compared while it is written is told when it has been.
        if opened.policy.record == "verify" and stream.digest.startswith(
            f"{self.hash_algorithm}="
        ):
            hash_ = Hash(*stream.digest.split("=", 1))
        size = opened.plan.entries.sizes[stream.index]
        return Claim(RecordEntry(path, hash_, size), index=stream.index)

    def _content(
        self,
        work: Installation,
        scheme: str,
        path: str,
        stream: BinaryIO,
        is_executable: bool,
    ) -> Claim:
        """Content that comes through Python: kept if it is in memory."""
        hasher = hashlib.new(self.hash_algorithm)
        data, aside = None, ""
        if isinstance(stream, io.BytesIO):
            data = stream.read()
            hasher.update(data)
            size = len(data)
        else:
            likely = scheme if scheme in LIBRARIES else LIBRARIES[0]
            work.begin(work.site or likely)
            aside, size = work.put_aside(
                stream, hasher, executable=is_executable
            )
        hash_ = Hash(self.hash_algorithm, encoded(hasher.digest()))
        entry = RecordEntry(path, hash_, size)
        return Claim(entry, is_executable, data=data, aside=aside)

    # -------------------------------------------------------------- the end

    def finalize_installation(
        self,
        scheme: str,
        record_file_path: str,
        records: Iterable[tuple[str, RecordEntry]],
    ) -> None:
        """
        Make all that was noted true: see `complete`.

        Of a deferred one only this is noted, too.
        """
        if self._work is None:
            self._begin()
        self._order = Order(
            site=scheme,
            record=record_file_path,
            rows=list(records),
            scheme_dict=self.scheme_dict,
            algorithm=self.hash_algorithm,
            levels=tuple(self.bytecode_optimization_levels),
            compiler=self.compiler,
            replaces=self.replaces,
            overwrite=self.overwrite,
        )
        if not self.deferred:
            self.complete()

    def ready(self, milliseconds: int = 0) -> bool:
        """
        Whether `complete` has nothing to wait for, after about so long.

        Raises:
            TypeError: If `finalize_installation` was not called.
        """
        work, order = self._work, self._order
        if work is None or order is None:
            raise TypeError("nothing is to be completed")
        if self._failure is not None:
            return True
        try:
            if self._finishing is None:
                if not work.is_done(milliseconds):
                    return False
                self._finishing = Finishing(work, order)
                milliseconds = 0
            return work.is_done(milliseconds)
        except Exception as error:
            self._failure = error  # `complete` raises it
            return True
        except BaseException:
            self.discard()
            raise

    def prepare(self) -> None:
        """
        Wait for the crew; `complete` then has only to move files.

        Raises:
            UnwheelError: If it cannot be completed.
        """
        self._ours(self._prepared)

    def judge(self, also: Sequence[Installed] = ()) -> Sequence[Row]:
        """
        The same, and see that nothing is in the way.

        Args:
            also: What is about to go besides what this one replaces: its
                files are in nobody's way.

        Returns:
            The scheme and the entry of everything that will be installed.

        Raises:
            UnwheelError: If it cannot be completed now.
        """
        return self._ours(lambda: self._prepared().judge(also))

    def _ours(self, work: Callable[[], T]) -> T:
        """Do the *work*, and say of which wheel it is if that fails."""
        try:
            return work()
        except UnwheelError as error:
            if self._wheel:
                named(error, self._wheel)
            raise
        except OSError as error:
            raise our_side(error, self._wheel) from error

    def _prepared(self) -> Finishing:
        while not self.ready(TICK_MS):
            pass
        if self._failure is not None:
            raise self._failure
        assert self._finishing is not None
        self._finishing.prepare()
        return self._finishing

    def complete(self) -> Finished:
        """
        Wait for the crew, judge, and put everything in its place.

        What was verified, linked, compiled and written becomes visible, RECORD
        at last; or nothing does.

        Raises:
            UnwheelError: If the wheel is not what it says, something is in
                the way, or the system refuses.  Then all is as it was.
        """
        try:
            finished = self._prepared().commit()
        except UnwheelError as error:
            if self._wheel:
                named(error, self._wheel)
            raise
        except OSError as error:
            raise our_side(error, self._wheel) from error
        finally:
            self.discard()
        self.finished = finished
        return finished

    def progress(self) -> tuple[int, int]:
        """Plain bytes the crew has done, members it has done."""
        batch = None if self._work is None else self._work.batch
        return (0, 0) if batch is None else batch.progress()

    def discard(self) -> None:
        """
        Undo what is not finished.  May be called twice.

        The destination can be used again.
        """
        if self._work is None:
            return
        try:
            self._work.discard()
            # If that was interrupted, it is done again at the end.
            self._undo.detach()
        finally:
            self._work = self._undo = None

    @property
    def _wheel(self) -> str:
        """The wheel, as the caller named it, if it is one of ours."""
        opened = None if self._work is None else self._work.opened
        return "" if opened is None else opened.path


class SchemeDestination(BatchMixIn, SchemeDictionaryDestination):
    """`SchemeDictionaryDestination`, all or nothing; see `BatchMixIn`."""
