"""
libarchive: the ZIP readers of another hand, for a second opinion.

libarchive-c finds the system's library when it is first asked for.  The
functions are declared here, with types of their own: libarchive-c logs a
warning and goes on, and to libarchive a wrong CRC-32 is a warning.  Here each
warning is a failure.  It only reads; its own ways of writing to a disk are
not used.
"""

from __future__ import annotations

import os
import stat

from .errors import DestinationError, Problem
from .values import value

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

EXTRA = "'unwheel[crosscheck]'"
SYSTEM_PACKAGE = (
    "libarchive13 (Debian, Ubuntu), libarchive (Fedora, Arch, Homebrew)"
)

EOF = 1
OK = 0
WARN = -20
FATAL = -30

# What it calls a malformed archive where the system has a number for that.
_BSD_FILE_TYPE = 79

# Read from the file at once.
_BLOCK = 1 << 17

# Where names are UTF-8 whatever the user's locale; the first that is there.
_UTF8_LOCALES = (b"C.UTF-8", b"en_US.UTF-8", b"UTF-8")
# What a name is made of is LC_CTYPE: bit 0 with glibc and musl, 1 with BSD.
_CTYPE_MASK = 3

_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "link",
}


class ReadingError(Exception):
    """
    What libarchive says of an archive that it does not take as it is.

    Attributes:
        text: Its words.
        os_error: The number of the system's error, or 0.
        fatal: Whether it can say nothing more of the archive.
    """

    def __init__(self, text: str, *, os_error: int = 0, fatal: bool) -> None:
        super().__init__(text)
        self.text = text
        self.os_error = os_error
        self.fatal = fatal


@value
class Header:
    """
    An entry, as libarchive sees it.

    Attributes:
        name: Its bytes; of names that are flagged as UTF-8 it makes the
            composed form (NFC).  None if it can make none of it.
        kind: "file", "directory", "link" or "other".
        mode: POSIX permissions and set-id bits; where the archive has none,
            those that libarchive makes up.
        size: Bytes, inflated; None if it cannot tell before the end.
        target: What a link leads to, else None.
        warning: What it does not like about it, else None.
    """

    name: bytes | None
    kind: str
    mode: int
    size: int | None
    target: bytes | None
    warning: str | None


def spelled_alike(found: bytes | None, stored: bytes) -> bool:
    """Whether *found* is what libarchive makes of the text *stored*."""
    if found == stored:
        return True
    if found is None or stored.isascii():
        return False
    from unicodedata import normalize

    try:
        texts = found.decode("utf-8"), stored.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return normalize("NFC", texts[0]) == normalize("NFC", texts[1])


class _Library:
    """The functions that are used, each with a type of its own."""

    def __init__(self, library: Any) -> None:
        from ctypes import (
            POINTER,
            c_char_p,
            c_int,
            c_int64,
            c_size_t,
            c_uint,
            c_void_p,
        )

        def function(name: str, result: Any, *arguments: Any) -> Any:
            # Not an attribute, which libarchive-c has and has typed.
            found = library[f"archive_{name}"]
            found.restype = result
            found.argtypes = (c_void_p, *arguments)
            return found

        text = c_char_p
        self.new = function("read_new", c_void_p)
        self.new.argtypes = ()
        self.seekable = function("read_support_format_zip_seekable", c_int)
        self.streamable = function("read_support_format_zip_streamable", c_int)
        self.set_option = function(
            "read_set_format_option", c_int, text, text, text
        )
        self.open_fd = function("read_open_fd", c_int, c_int, c_size_t)
        self.open = function(
            "read_open", c_int, c_void_p, c_void_p, c_void_p, c_void_p
        )
        self.next_header = function(
            "read_next_header", c_int, POINTER(c_void_p)
        )
        self.data_block = function(
            "read_data_block",
            c_int,
            POINTER(c_void_p),
            POINTER(c_size_t),
            POINTER(c_int64),
        )
        self.free = function("read_free", c_int)
        self.errno = function("errno", c_int)
        self.error_string = function("error_string", text)
        self.mode = function("entry_mode", c_uint)
        self.size = function("entry_size", c_int64)
        self.size_is_set = function("entry_size_is_set", c_int)
        in_utf8 = "_utf8" if os.name == "nt" else ""
        self.pathname = function(f"entry_pathname{in_utf8}", text)
        self.symlink = function(f"entry_symlink{in_utf8}", text)
        self.locale = _Utf8()


class _Utf8:
    """
    A locale for this thread alone, in which names are UTF-8.

    libarchive gives names in the charset of the locale, and of a name that
    the user's lacks (any but ASCII, under ``LC_ALL=C``) it gives nothing.
    Where the system has none, names are what libarchive makes of them.
    """

    def __init__(self) -> None:
        self._locale: Any = None
        if os.name != "posix":
            return
        import ctypes

        system = ctypes.CDLL(None)
        new = system["newlocale"]
        new.restype = ctypes.c_void_p
        new.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
        self._use = system["uselocale"]
        self._use.restype = ctypes.c_void_p
        self._use.argtypes = (ctypes.c_void_p,)
        for name in _UTF8_LOCALES:
            self._locale = self._locale or new(_CTYPE_MASK, name, None)

    def enter(self) -> Any:
        """Take it on; what has to be given to `leave`."""
        return self._use(self._locale) if self._locale else None

    def leave(self, before: Any) -> None:
        """Put it off."""
        if before:
            self._use(before)


_loaded: list[_Library] = []


def load() -> _Library:
    """
    The library, opened once.

    Raises:
        DestinationError: EXTRA_MISSING; the message says what to install.
    """
    if not _loaded:
        _loaded.append(_load())
    return _loaded[0]


def _load() -> _Library:
    try:
        from libarchive import ffi

        return _Library(ffi.libarchive)
    except ModuleNotFoundError as error:
        missing, install = "libarchive-c", f"pip install {EXTRA}"
        reason: Exception = error
    except (OSError, AttributeError, TypeError, ImportError) as error:
        # libarchive-c takes the program itself for the library where it finds
        # none, and then misses its functions.
        missing, install = "the system's libarchive", SYSTEM_PACKAGE
        reason = error
    problem = Problem(
        "EXTRA_MISSING",
        f"a second opinion needs {missing}: install {install}",
    )
    raise DestinationError([problem]) from reason


class Reader:
    """
    An archive as libarchive reads it, entry by entry; a context manager.

    The entries come in the order of their data.  Nothing of its size but the
    central directory (about 200 bytes for each entry) is kept in memory.

    Args:
        descriptor: Of the file, at its start; it stays the caller's.
        streaming: Believe the local headers as they come, and never seek, as
            from a pipe; else believe the central directory, and nothing else.

    Raises:
        ReadingError: If it does not take it for a ZIP archive.
        DestinationError: EXTRA_MISSING.
    """

    def __init__(self, descriptor: int, *, streaming: bool = False) -> None:
        from ctypes import c_int64, c_size_t, c_void_p

        self._handle: Any = None
        self._library = load()
        self._entry = c_void_p()
        self._data, self._length = c_void_p(), c_size_t()
        self._offset = c_int64()
        self._source: _Stream | None = None
        self._handle = self._library.new()
        if not self._handle:
            raise MemoryError("out of memory")
        try:
            self._open(descriptor, streaming)
        except BaseException:
            self.close()
            raise

    def _open(self, descriptor: int, streaming: bool) -> None:
        library, handle = self._library, self._handle
        # One of the two alone: with both it streams what it cannot seek in.
        if streaming:
            self._check(library.streamable(handle))
            self._source = _Stream(descriptor)
            read = self._source.callback
            self._check(library.open(handle, None, None, read, None))
            return
        self._check(library.seekable(handle))
        # What macOS hides in "__MACOSX/" are files like others.
        self._check(library.set_option(handle, b"zip", b"mac-ext", None))
        self._check(library.open_fd(handle, descriptor, _BLOCK))

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give everything back.  May be called twice."""
        handle, self._handle = self._handle, None
        if handle:
            self._library.free(handle)

    def next(self) -> Header | None:
        """
        The next entry, or None if there is no other.

        Raises:
            ReadingError: If it cannot go on.
        """
        from ctypes import byref

        before = self._library.locale.enter()
        try:
            result = self._library.next_header(
                self._handle, byref(self._entry)
            )
            self._check_source()
            if result == EOF:
                return None
            if result not in (OK, WARN):
                raise self._error(fatal=True)
            return self._header(None if result == OK else self._text())
        finally:
            self._library.locale.leave(before)

    def _header(self, warning: str | None) -> Header:
        library, entry = self._library, self._entry
        mode = library.mode(entry)
        return Header(
            name=library.pathname(entry),
            kind=_KINDS.get(stat.S_IFMT(mode), "other"),
            mode=stat.S_IMODE(mode),
            size=library.size(entry) if library.size_is_set(entry) else None,
            target=library.symlink(entry) if stat.S_ISLNK(mode) else None,
            warning=warning,
        )

    def blocks(self) -> Iterator[bytes]:
        """
        The content of the last entry that came, in pieces.

        Raises:
            ReadingError: After all that libarchive gives of it.
        """
        from ctypes import byref, string_at

        size = 0
        where = byref(self._data), byref(self._length), byref(self._offset)
        while True:
            self._data.value, self._length.value = None, 0
            result = self._library.data_block(self._handle, *where)
            self._check_source()
            if result == EOF:
                return
            if result == OK and self._offset.value != size:
                raise ReadingError("it leaves bytes out", fatal=False)
            if self._data.value and self._length.value:
                # Also of a block that it warns of: what is wrong is told by
                # those who know more.
                data = string_at(self._data.value, self._length.value)
                size += len(data)
                yield data
            if result != OK:
                raise self._error(fatal=result == FATAL)

    # --------------------------------------------------------------- errors

    def _check(self, result: int) -> None:
        self._check_source()
        if result != OK:
            raise self._error(fatal=True)

    def _check_source(self) -> None:
        if self._source is not None and self._source.failure is not None:
            raise self._source.failure

    def _error(self, *, fatal: bool) -> ReadingError:
        import errno

        number = self._library.errno(self._handle)
        if number == errno.ENOMEM:
            raise MemoryError(self._text())
        # Those that it uses to say what it thinks of the archive.
        own = (-1, 0, errno.EILSEQ, errno.EINVAL, _BSD_FILE_TYPE)
        os_error = 0 if number in own else number
        return ReadingError(self._text(), os_error=os_error, fatal=fatal)

    def _text(self) -> str:
        text = self._library.error_string(self._handle) or b"no reason given"
        return str(text.decode("ascii", "backslashreplace")).rstrip(".")


class _Stream:
    """
    A file that comes piece by piece, and only forward.

    To libarchive the same as a pipe: it is given a function that reads, none
    that seeks and none that skips.
    """

    def __init__(self, descriptor: int) -> None:
        from ctypes import (
            CFUNCTYPE,
            POINTER,
            addressof,
            c_ssize_t,
            c_void_p,
            cast,
            create_string_buffer,
            memmove,
        )

        self.failure: BaseException | None = None
        buffer = create_string_buffer(_BLOCK)

        def read(_archive: Any, _data: Any, pointer: Any) -> int:
            try:
                data = os.read(descriptor, _BLOCK)
                memmove(buffer, data, len(data))
                pointer[0] = addressof(buffer)
                return len(data)
            except BaseException as error:  # C cannot pass it on
                self.failure = error
                return -1

        kind = CFUNCTYPE(c_ssize_t, c_void_p, c_void_p, POINTER(c_void_p))
        self._kept = kind(read)
        self.callback = cast(self._kept, c_void_p)
