"""
Attacks by what a wheel says of itself: RECORD, WHEEL, names.
"""

from __future__ import annotations

from attack import (
    FIRST,
    INFO,
    OUTSIDE,
    SHA,
    Attack,
    Build,
)
from builder import (
    WheelBuilder,
    digest_of,
)

from unwheel import (
    InvalidWheelError,
    MismatchError,
    RecordError,
)


def row(text: str, code: str, member: str | None) -> Attack:
    """One more row of RECORD."""
    return Attack(lambda b: b.more_rows(text), RecordError, code, member)


RECORDS = {
    "a row outside the tree": row(
        f"../../unwheel-evil,{SHA},1", "RECORD_NAME", "../../unwheel-evil"
    ),
    "an absolute row": row(f"{OUTSIDE},{SHA},1", "RECORD_NAME", OUTSIDE),
    "a row with a backslash": row(
        f"demo\\x,{SHA},1", "RECORD_NAME", "demo\\x"
    ),
    "a row of a file that is not there": row(
        f"demo/ghost.py,{SHA},1", "NOT_IN_ARCHIVE", "demo/ghost.py"
    ),
    "a row twice": row(f"{FIRST},{SHA},12", "RECORD_DUPLICATE", FIRST),
    "a row of two fields": row("demo/x,", "RECORD_FIELDS", None),
    "a row of four fields": row("demo/x,,,", "RECORD_FIELDS", None),
    "a file that is not listed": Attack(
        lambda b: b.without_row(FIRST), RecordError, "NOT_IN_RECORD", FIRST
    ),
    "another file's digest": Attack(
        lambda b: b.row("demo/tool.sh", digest=SHA),
        MismatchError,
        "SHA256",
        "demo/tool.sh",
    ),
    "MD5": Attack(
        lambda b: b.row(FIRST, digest=digest_of(b"answer = 42\n", "md5")),
        RecordError,
        "RECORD_WEAK",
        FIRST,
    ),
    "SHA-1": Attack(
        lambda b: b.row(FIRST, digest=digest_of(b"answer = 42\n", "sha1")),
        RecordError,
        "RECORD_WEAK",
        FIRST,
    ),
    "no algorithm there is": Attack(
        lambda b: b.row(FIRST, digest="rot13=abc"),
        RecordError,
        "RECORD_ALGORITHM",
        FIRST,
    ),
    "SHA256 in capitals": Attack(
        lambda b: b.row(FIRST, digest=SHA.replace("sha256", "SHA256")),
        RecordError,
        "RECORD_ALGORITHM",
        FIRST,
    ),
    "padded": Attack(
        lambda b: b.row(FIRST, digest=SHA + "="),
        RecordError,
        "RECORD_DIGEST",
        FIRST,
    ),
    "hexadecimal": Attack(
        lambda b: b.row(FIRST, digest="sha256=" + "0" * 64),
        RecordError,
        "RECORD_DIGEST",
        FIRST,
    ),
    "digest of another length": Attack(
        lambda b: b.row(FIRST, digest=SHA[:-4]),
        RecordError,
        "RECORD_DIGEST",
        FIRST,
    ),
    "no digest": Attack(
        lambda b: b.row(FIRST, digest=""),
        RecordError,
        "RECORD_NO_DIGEST",
        FIRST,
    ),
    "another size": Attack(
        lambda b: b.row(FIRST, size=11),
        RecordError,
        "RECORD_SIZE_DIFFERS",
        FIRST,
    ),
    "a size that is none": Attack(
        lambda b: b.row(FIRST, size="0x0c"), RecordError, "RECORD_SIZE", FIRST
    ),
    "not UTF-8": Attack(
        lambda b: b.record(b"\xff,,\n"), RecordError, "RECORD_NOT_UTF8"
    ),
    "not there": Attack(
        lambda b: b.without("RECORD"),
        RecordError,
        "RECORD_MISSING",
        f"{INFO}/RECORD",
    ),
    "empty": Attack(
        lambda b: b.record(b""), RecordError, "NOT_IN_RECORD", FIRST
    ),
}


# ------------------------------------------------------------- the wheel


def wheel_file(text: str) -> Build:
    """A WHEEL of its own."""
    return lambda b: b.info("WHEEL", text)


def invalid(code: str, build: Build, member: str | None = None) -> Attack:
    """A sound archive that is no wheel."""
    return Attack(build, InvalidWheelError, code, member)


OTHER = "other-2.0.dist-info"

WHEELS = {
    "two .dist-info": invalid(
        "DIST_INFO_MANY",
        lambda b: b.file(f"{OTHER}/METADATA", b"x"),
    ),
    "two that differ in case": invalid(
        "DIST_INFO_MANY", lambda b: b.file("x-1.DIST-INFO/METADATA", b"x")
    ),
    "no METADATA": invalid(
        "METADATA_MISSING",
        lambda b: b.without("METADATA"),
        f"{INFO}/METADATA",
    ),
    "no WHEEL": invalid(
        "WHEEL_MISSING", lambda b: b.without("WHEEL"), f"{INFO}/WHEEL"
    ),
    "another name in METADATA": invalid(
        "METADATA_DIFFERS",
        lambda b: b.info(
            "METADATA", "Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n"
        ),
    ),
    "two names in METADATA": invalid(
        "METADATA_FIELDS",
        lambda b: b.info(
            "METADATA",
            "Metadata-Version: 2.1\nName: demo\nName: evil\nVersion: 1.0\n",
        ),
    ),
    "a wheel of the future": invalid(
        "WHEEL_VERSION_UNKNOWN", wheel_file("Wheel-Version: 2.0\n")
    ),
    "no version": invalid("WHEEL_VERSION", wheel_file("Tag: py3-none-any\n")),
    "a place to install to that is none": invalid(
        "DATA_KEY",
        lambda b: b.file("demo-1.0.data/evil/x", b"x"),
        "demo-1.0.data/evil",
    ),
    "a script that is the interpreter": invalid(
        "SCRIPT_OVERWRITES_PYTHON",
        lambda b: b.file("demo-1.0.data/scripts/python3", b"#!"),
        "demo-1.0.data/scripts/python3",
    ),
    "a script in a directory": invalid(
        "SCRIPT_DIRECTORY",
        lambda b: b.file("demo-1.0.data/scripts/sub/x", b"#!"),
        "demo-1.0.data/scripts/sub/x",
    ),
}


def called(name: str) -> Attack:
    """
    An honest wheel whose file name is none of a wheel.

    The file name is where the destination of many comes from.
    """
    return Attack(lambda b: b, InvalidWheelError, "FILENAME", called=name)


def instead(wheel: WheelBuilder, code: str) -> Attack:
    """Another wheel under the name of demo: renamed, or swapped."""
    return Attack(
        lambda _: wheel,
        InvalidWheelError,
        code,
        called="demo-1.0-py3-none-any.whl",
    )


FILENAMES = {
    "a ZIP": called("demo.zip"),
    "no tags": called("demo-1.0.whl"),
    "a ZIP in the end": called("demo-1.0-py3-none-any.whl.zip"),
    "a dot": called(".-1.0-py3-none-any.whl"),
    "two dots": called("..-1.0-py3-none-any.whl"),
    "a line break": called("demo-1.0-py3-none-any\n.whl"),
    "another wheel under this name": instead(
        WheelBuilder("evil", "1.0"), "DIST_INFO_NAME"
    ),
}
