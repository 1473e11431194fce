"""
The libraries that our kernels are measured against, where they are installed.

Each inflates whole raw DEFLATE streams in its fastest way.  Ours and zlib-ng
stream; libdeflate, ISA-L and zlib get a buffer for the whole output, once,
before the clock starts: more than they would get in an extractor.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib
from collections.abc import Callable
from typing import Any

from unwheel import native

# From a raw DEFLATE stream to the number of bytes in it.
Inflate = Callable[[bytes], int]

SPAN = 256 << 10
ISAL_STATE_LEN = 1 << 20  # struct inflate_state is below 100 kB


class MissingError(Exception):
    """A library is not installed; the message names it."""


def _library(name: str) -> ctypes.CDLL:
    found = ctypes.util.find_library(name)
    if found is None:
        raise MissingError(f"lib{name} is not installed")
    return ctypes.CDLL(found)


def ours(plain_len: int) -> Inflate:
    """Ours, as an extractor uses it: a window, spans of which go by."""
    del plain_len
    inflater = native.Inflater(fresh=SPAN)
    return inflater.inflate


def libdeflate(plain_len: int) -> Inflate:
    """libdeflate, which only knows whole buffers."""
    library = _library("deflate")
    library.libdeflate_alloc_decompressor.restype = ctypes.c_void_p
    decompressor = ctypes.c_void_p(library.libdeflate_alloc_decompressor())
    plain = ctypes.create_string_buffer(plain_len)
    got = ctypes.c_size_t()
    call = library.libdeflate_deflate_decompress
    call.argtypes = [
        *(ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t),
        *(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p),
    ]

    def inflate(data: bytes) -> int:
        call(
            *(decompressor, data, len(data)),
            *(plain, plain_len, ctypes.byref(got)),
        )
        return got.value

    return inflate


class _ZStream(ctypes.Structure):
    """z_stream of zlib.h."""

    _fields_ = (
        ("next_in", ctypes.c_char_p),
        ("avail_in", ctypes.c_uint),
        ("total_in", ctypes.c_ulong),
        ("next_out", ctypes.c_void_p),
        ("avail_out", ctypes.c_uint),
        ("total_out", ctypes.c_ulong),
        ("msg", ctypes.c_char_p),
        ("state", ctypes.c_void_p),
        ("zalloc", ctypes.c_void_p),
        ("zfree", ctypes.c_void_p),
        ("opaque", ctypes.c_void_p),
        ("data_type", ctypes.c_int),
        ("adler", ctypes.c_ulong),
        ("reserved", ctypes.c_ulong),
    )


def zlib(plain_len: int) -> Inflate:
    """zlib, the whole output in one call, which spares it the window."""
    library = _library("z")
    library.zlibVersion.restype = ctypes.c_char_p
    stream = _ZStream()
    library.inflateInit2_(
        ctypes.byref(stream),
        -15,
        library.zlibVersion(),
        ctypes.sizeof(stream),
    )
    plain = ctypes.create_string_buffer(plain_len)

    def inflate(data: bytes) -> int:
        library.inflateReset(ctypes.byref(stream))
        stream.next_in, stream.avail_in = data, len(data)
        stream.next_out = ctypes.addressof(plain)
        stream.avail_out = plain_len
        library.inflate(ctypes.byref(stream), 4)  # Z_FINISH
        return stream.total_out

    return inflate


class _IsalHead(ctypes.Structure):
    """The first members of struct inflate_state of igzip_lib.h."""

    _fields_ = (
        ("next_out", ctypes.c_void_p),
        ("avail_out", ctypes.c_uint32),
        ("total_out", ctypes.c_uint32),
        ("next_in", ctypes.c_char_p),
        ("read_in", ctypes.c_uint64),
        ("avail_in", ctypes.c_uint32),
    )


def isal(plain_len: int) -> Inflate:
    """ISA-L's stateless decoder."""
    library = _library("isal")
    room = ctypes.create_string_buffer(ISAL_STATE_LEN)
    state = _IsalHead.from_buffer(room)
    plain = ctypes.create_string_buffer(plain_len)

    def inflate(data: bytes) -> int:
        library.isal_inflate_init(room)
        state.next_in, state.avail_in = data, len(data)
        state.next_out = ctypes.addressof(plain)
        state.avail_out = plain_len
        library.isal_inflate_stateless(room)
        return state.total_out

    return inflate


def zlib_ng(plain_len: int) -> Inflate:
    """zlib-ng through its Python package, a span at a time."""
    del plain_len
    module = _module("zlib_ng.zlib_ng")

    def inflate(data: bytes) -> int:
        decoder = module._ZlibDecompressor(wbits=-15)
        total = len(decoder.decompress(data, max_length=SPAN))
        while not decoder.eof:
            total += len(decoder.decompress(b"", max_length=SPAN))
        return total

    return inflate


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingError(f"{name} is not installed") from error


INFLATERS: dict[str, Callable[[int], Inflate]] = {
    "ours": ours,
    "libdeflate": libdeflate,
    "isal": isal,
    "zlib-ng": zlib_ng,
    "zlib": zlib,
}


def libdeflate_crc32() -> Callable[[bytes], int]:
    """libdeflate's CRC-32, from bytes to a number."""
    call = _library("deflate").libdeflate_crc32
    call.argtypes = [ctypes.c_uint32, ctypes.c_char_p, ctypes.c_size_t]
    call.restype = ctypes.c_uint32
    return lambda data: call(0, data, len(data))
