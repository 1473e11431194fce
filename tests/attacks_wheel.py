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


def digest(cell: str, code: str) -> Attack:
    """A second field of a row."""
    return Attack(
        lambda b: b.row(FIRST, digest=cell), RecordError, code, FIRST
    )


def size(cell: str, code: str) -> Attack:
    """A third field of a row."""
    return Attack(lambda b: b.row(FIRST, size=cell), RecordError, code, FIRST)


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
    "a drive letter": row("C:/x,,", "RECORD_NAME", "C:/x"),
    "a row that goes up and down": row(
        "demo/../demo/x.py,,", "RECORD_NAME", "demo/../demo/x.py"
    ),
    "a row with a dot": row("./demo/x.py,,", "RECORD_NAME", "./demo/x.py"),
    "a row of a directory": row("demo/,,", "RECORD_NAME", "demo/"),
    "a row without a name": row(",,", "RECORD_NAME", ""),
    "a row with a control character": row(
        "demo/\x1bx,,", "RECORD_NAME", "demo/\x1bx"
    ),
    "a row in another case": row(
        f"Demo/__init__.py,{SHA},12", "NOT_IN_ARCHIVE", "Demo/__init__.py"
    ),
    "a row that is composed otherwise": Attack(
        lambda b: (
            b.file("demo/\u00e9", b"x")
            .without_row("demo/\u00e9")
            .more_rows(f"demo/e\u0301,{SHA},12")
        ),
        RecordError,
        "NOT_IN_ARCHIVE",
        "demo/e\u0301",
    ),
    "two rows that differ": Attack(
        lambda b: b.more_rows(f"{FIRST},sha256={'A' * 43},12"),
        RecordError,
        "RECORD_DUPLICATE",
        FIRST,
    ),
    "RECORD twice in itself": row(
        f"{INFO}/RECORD,,", "RECORD_DUPLICATE", f"{INFO}/RECORD"
    ),
    "a row of one field": row("demo", "RECORD_FIELDS", None),
    "an empty line": row("", "RECORD_FIELDS", None),
    "a quote that stays open": row('"demo/x,,', "RECORD_FIELDS", None),
    "letters after a quote": row('"demo"/x,,', "RECORD_FIELDS", None),
    "a byte order mark": Attack(
        lambda b: b.record(f"\ufeff{FIRST},{SHA},12\n"),
        RecordError,
        "RECORD_NAME",
        f"\ufeff{FIRST}",
    ),
    "UTF-16": Attack(
        lambda b: b.record(f"{FIRST},,\n".encode("utf-16")),
        RecordError,
        "RECORD_NOT_UTF8",
    ),
    "Latin-1": Attack(
        lambda b: b.record("demo/\u00e9,,\n".encode("latin-1")),
        RecordError,
        "RECORD_NOT_UTF8",
    ),
    "more rows than a wheel can need": Attack(
        lambda b: b.record(",,\n" * 11_000), RecordError, "RECORD_ROWS"
    ),
    "a link, for a file": Attack(
        lambda b: b.row(FIRST, digest="symlink=tool.sh", size=""),
        RecordError,
        "RECORD_MISMATCH",
        FIRST,
    ),
    "a link with a size": Attack(
        lambda b: b.row(FIRST, digest="symlink=tool.sh"),
        RecordError,
        "RECORD_SIZE",
        FIRST,
    ),
    "a digest that is not urlsafe": digest(
        "sha256=" + "+/" * 21 + "A", "RECORD_DIGEST"
    ),
    # Its last digit has two bits that are of no byte.
    "a digest spelled in another way": digest(
        SHA[:-1] + chr(ord(SHA[-1]) + 1), "RECORD_DIGEST"
    ),
    "a digest with a space": digest(SHA + " ", "RECORD_DIGEST"),
    "a digest without an algorithm": digest(SHA[7:], "RECORD_DIGEST"),
    "a digest after a colon": digest(SHA.replace("=", ":"), "RECORD_DIGEST"),
    "an algorithm without a digest": digest("sha256=", "RECORD_DIGEST"),
    "two digests": digest(f"{SHA};{SHA}", "RECORD_DIGEST"),
    "no name of an algorithm": digest(SHA[6:], "RECORD_ALGORITHM"),
    "CRC-32": digest("crc32=AAAAAA", "RECORD_WEAK"),
    "SHA-224": digest("sha224=" + "A" * 38, "RECORD_WEAK"),
    "MD5 in capitals": digest("MD5=" + "A" * 22, "RECORD_WEAK"),
    "SHAKE, of any length": digest("shake_256=AA", "RECORD_ALGORITHM"),
    "a negative size": size("-12", "RECORD_SIZE"),
    "a size with a sign": size("+12", "RECORD_SIZE"),
    "a size with a space": size(" 12", "RECORD_SIZE"),
    "a size with an underscore": size("1_2", "RECORD_SIZE"),
    "a size in other digits": size("\u0661\u0662", "RECORD_SIZE"),
    "a size with a point": size("12.0", "RECORD_SIZE"),
    "a size of many digits": size("9" * 21, "RECORD_SIZE"),
    "a size that is right modulo 2^32": size(
        str((1 << 32) + 12), "RECORD_SIZE_DIFFERS"
    ),
    **{
        f"another file's {algorithm}": Attack(
            lambda b, algorithm=algorithm: b.row(
                FIRST, digest=digest_of(b"other", algorithm)
            ),
            MismatchError,
            algorithm.upper(),
            FIRST,
        )
        for algorithm in (
            *("sha384", "sha512", "sha3_256", "sha3_384", "sha3_512"),
            *("blake2b", "blake2s"),
        )
    },
}


# ------------------------------------------------------------- the wheel


def wheel_file(text: str) -> Build:
    """A WHEEL of its own."""
    return lambda b: b.info("WHEEL", text)


def invalid(code: str, build: Build, member: str | None = None) -> Attack:
    """A sound archive that is no wheel."""
    return Attack(build, InvalidWheelError, code, member)


def metadata(text: str, code: str) -> Attack:
    """A METADATA of its own."""
    return invalid(code, lambda b: b.info("METADATA", text))


def in_dist_info(name: str) -> Build:
    """All metadata in a directory of another name."""

    def build(builder: WheelBuilder) -> WheelBuilder:
        for file in ("METADATA", "WHEEL", "RECORD"):
            builder.file(f"{name}/{file}", b"x")
        return builder.without("METADATA", "WHEEL", "RECORD")

    return build


def entry_point(
    name: str, code: str = "ENTRY_POINT_NAME", group: str = "console_scripts"
) -> Attack:
    """A script that an installer would write, under that *name*."""
    return invalid(
        code,
        lambda b: b.info(
            "entry_points.txt", f"[{group}]\ndemo = demo:f\n{name} = demo:f\n"
        ),
        f"{INFO}/entry_points.txt",
    )


def entry_points(text: str) -> Attack:
    """An entry_points.txt that some reader takes for a script outside."""
    return invalid(
        "ENTRY_POINT_NAME",
        lambda b: b.info("entry_points.txt", text),
        f"{INFO}/entry_points.txt",
    )


def lower_case(name: str, version: str) -> Attack:
    """Letters that are those of ASCII once somebody has folded them."""
    return Attack(
        lambda _: WheelBuilder("kiwi", "1.post1").info(
            "METADATA", f"Name: {name}\nVersion: {version}\n"
        ),
        InvalidWheelError,
        "METADATA_DIFFERS",
        called="kiwi-1.post1-py3-none-any.whl",
    )


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
    "no .dist-info": invalid(
        "DIST_INFO_MISSING",
        lambda b: b.without("METADATA", "WHEEL", "RECORD"),
    ),
    ".dist-info further in": invalid(
        "DIST_INFO_MISSING",
        lambda b: b.without("METADATA", "WHEEL", "RECORD").file(
            f"demo/{INFO}/METADATA", b"x"
        ),
    ),
    ".dist-info in capitals": invalid(
        "DIST_INFO_NAME",
        lambda b: b.without("METADATA", "WHEEL", "RECORD").file(
            "demo-1.0.DIST-INFO/METADATA", b"x"
        ),
    ),
    ".dist-info of another version": invalid(
        "DIST_INFO_NAME", in_dist_info("demo-1.1.dist-info")
    ),
    ".dist-info without a version": invalid(
        "DIST_INFO_NAME", in_dist_info("demo.dist-info")
    ),
    ".dist-info without a name": invalid(
        "DIST_INFO_NAME", in_dist_info("-1.0.dist-info")
    ),
    ".dist-info and nothing else": invalid(
        "DIST_INFO_NAME", in_dist_info(".dist-info")
    ),
    "another distribution's metadata in .data": invalid(
        "DIST_INFO_MANY",
        lambda b: b.file(f"demo-1.0.data/purelib/{OTHER}/METADATA", b"x"),
        f"demo-1.0.data/purelib/{OTHER}/METADATA",
    ),
    "its own metadata once more in .data": invalid(
        "DIST_INFO_MANY",
        lambda b: b.file(f"demo-1.0.data/platlib/{INFO}/RECORD", b"x"),
        f"demo-1.0.data/platlib/{INFO}/RECORD",
    ),
    "a file twice, once in .data": invalid(
        "DATA_CLASH",
        lambda b: b.file(f"demo-1.0.data/purelib/{FIRST}", b"evil"),
        f"demo-1.0.data/purelib/{FIRST}",
    ),
    "a file twice in .data": invalid(
        "DATA_CLASH",
        lambda b: b.file("demo-1.0.data/purelib/x.py", b"1").file(
            "demo-1.0.data/platlib/x.py", b"2"
        ),
        "demo-1.0.data/platlib/x.py",
    ),
    "a file in .data where a directory is": invalid(
        "DATA_CLASH",
        lambda b: b.file("demo-1.0.data/purelib/demo", b"x"),
        "demo-1.0.data/purelib/demo",
    ),
    "a file where .data needs a directory": invalid(
        "DATA_CLASH",
        lambda b: b.file("x", b"x").file("demo-1.0.data/platlib/x/y", b"y"),
        "x",
    ),
    "a file twice, once in another's .data": invalid(
        "DATA_CLASH",
        lambda b: b.file(f"other-2.0.data/purelib/{FIRST}", b"evil"),
        f"other-2.0.data/purelib/{FIRST}",
    ),
    "metadata in another's .data": invalid(
        "DIST_INFO_MANY",
        lambda b: b.file(f"other-2.0.data/purelib/{OTHER}/METADATA", b"x"),
        f"other-2.0.data/purelib/{OTHER}/METADATA",
    ),
    "a script in a directory of another's .data": invalid(
        "SCRIPT_DIRECTORY",
        lambda b: b.file("other-2.0.data/scripts/sub/x", b"#!"),
        "other-2.0.data/scripts/sub/x",
    ),
    "data that says which interpreter it is": invalid(
        "SCRIPT_OVERWRITES_PYTHON",
        lambda b: b.file("demo-1.0.data/data/pyvenv.cfg", b"home = /tmp"),
        "demo-1.0.data/data/pyvenv.cfg",
    ),
    "data without a key": invalid(
        "DATA_KEY",
        lambda b: b.file("demo-1.0.data/x", b"x"),
        "demo-1.0.data/x",
    ),
    "a key in another case": invalid(
        "DATA_KEY",
        lambda b: b.file("demo-1.0.data/Scripts/x", b"x"),
        "demo-1.0.data/Scripts",
    ),
    "a script of a version of the interpreter": invalid(
        "SCRIPT_OVERWRITES_PYTHON",
        lambda b: b.file("demo-1.0.data/scripts/python3.13t", b"#!"),
        "demo-1.0.data/scripts/python3.13t",
    ),
    "a script that is the interpreter on Windows": invalid(
        "SCRIPT_OVERWRITES_PYTHON",
        lambda b: b.file("demo-1.0.data/scripts/PythonW.EXE", b"MZ"),
        "demo-1.0.data/scripts/PythonW.EXE",
    ),
    "data that is the interpreter": invalid(
        "SCRIPT_OVERWRITES_PYTHON",
        lambda b: b.file("demo-1.0.data/data/bin/python", b"#!"),
        "demo-1.0.data/data/bin/python",
    ),
    "data that is the interpreter on Windows": invalid(
        "SCRIPT_OVERWRITES_PYTHON",
        lambda b: b.file("demo-1.0.data/data/python.exe", b"MZ"),
        "demo-1.0.data/data/python.exe",
    ),
    "the interpreter, in another's .data": invalid(
        "SCRIPT_OVERWRITES_PYTHON",
        lambda b: b.file("other-2.0.data/scripts/python", b"#!"),
        "other-2.0.data/scripts/python",
    ),
    "an entry point that is the interpreter": entry_point(
        "python3", "SCRIPT_OVERWRITES_PYTHON"
    ),
    "an entry point that leaves": entry_point("../../unwheel-evil"),
    "an entry point that is absolute": entry_point(f"{OUTSIDE}/x"),
    "an entry point in a directory": entry_point("sub/x"),
    "an entry point with a backslash": entry_point("..\\unwheel-evil"),
    "an entry point on another drive": entry_point("C:unwheel-evil"),
    "an entry point of windows that leaves": entry_point(
        "../unwheel-evil", group="gui_scripts"
    ),
    "an entry point in an indented group": invalid(
        "ENTRY_POINT_NAME",
        lambda b: b.info(
            "entry_points.txt",
            "[x]\na = b\n  [console_scripts]\n  ../unwheel-evil = demo:f\n",
        ),
        f"{INFO}/entry_points.txt",
    ),
    "an entry point in a group of two brackets": entry_points(
        "[[console_scripts]]\n../unwheel-evil = demo:f\n"
    ),
    "an entry point in a group behind a bracket": entry_points(
        "[]console_scripts]\n../unwheel-evil = demo:f\n"
    ),
    "an entry point that is a comment to others": entry_points(
        "[console_scripts]\n;x/../../unwheel-evil = demo:f\n"
    ),
    "an entry point before a colon": entry_points(
        "[console_scripts]\n../unwheel-evil : demo:f\n"
    ),
    "an entry point of all groups": entry_points(
        "[DEFAULT]\n../unwheel-evil = demo:f\n[console_scripts]\nx = x:f\n"
    ),
    "another version in METADATA": metadata(
        "Name: demo\nVersion: 1.1\n", "METADATA_DIFFERS"
    ),
    "no name in METADATA": metadata("Version: 1.0\n", "METADATA_FIELDS"),
    "an empty name in METADATA": metadata(
        "Name:\nVersion: 1.0\n", "METADATA_FIELDS"
    ),
    "no version in METADATA": metadata("Name: demo\n", "METADATA_FIELDS"),
    "two versions in METADATA": metadata(
        "Name: demo\nVersion: 1.0\nVersion: 1.0\n", "METADATA_FIELDS"
    ),
    "a name in the body of METADATA": metadata(
        "Version: 1.0\n\nName: demo\n", "METADATA_FIELDS"
    ),
    "METADATA that is not UTF-8": invalid(
        "HEADERS_NOT_UTF8",
        lambda b: b.info("METADATA", b"Name: demo\nVersion: 1.0\nX: \xff\n"),
    ),
    "METADATA with a NUL": metadata(
        "Name: demo\0\nVersion: 1.0\n", "HEADERS_NUL"
    ),
    "WHEEL with a NUL": invalid(
        "HEADERS_NUL", wheel_file("Wheel-Version: 1.0\nTag: \0\n")
    ),
    "an empty METADATA": metadata("", "METADATA_FIELDS"),
    "an empty WHEEL": invalid("WHEEL_VERSION", wheel_file("")),
    "two versions": invalid(
        "WHEEL_VERSION", wheel_file("Wheel-Version: 1.0\nWheel-Version: 1.0\n")
    ),
    "a version of one number": invalid(
        "WHEEL_VERSION", wheel_file("Wheel-Version: 1\n")
    ),
    "a version of three numbers": invalid(
        "WHEEL_VERSION", wheel_file("Wheel-Version: 1.0.0\n")
    ),
    "a version of no numbers": invalid(
        "WHEEL_VERSION", wheel_file("Wheel-Version: 1.x\n")
    ),
    "a version of the past": invalid(
        "WHEEL_VERSION_UNKNOWN", wheel_file("Wheel-Version: 0.1\n")
    ),
    "METADATA of another version of the format": invalid(
        "WHEEL_VERSION",
        lambda b: b.info(
            "METADATA", "Name: demo\nVersion: 1.0\nWheel-Version: 2.0\n"
        ),
    ),
    "two names in two cases": metadata(
        "Name: demo\nVersion: 1.0\nNAME: evil\n", "METADATA_FIELDS"
    ),
    "a second name behind a bare CR": metadata(
        "Name: demo\nVersion: 1.0\nX: y\rName: evil\n", "METADATA_FIELDS"
    ),
    "a folded name": metadata(
        "Name: de\n mo\nVersion: 1.0\n", "METADATA_DIFFERS"
    ),
    "a name behind a space": metadata(
        " Name: demo\nVersion: 1.0\n", "METADATA_FIELDS"
    ),
    "a name of letters that look alike": metadata(
        "Name: d\u0435mo\nVersion: 1.0\n", "METADATA_DIFFERS"
    ),
    "a name with a Kelvin sign": lower_case("\u212aiwi", "1.post1"),
    "a version with a long s": lower_case("kiwi", "1.po\u017ft1"),
    "a second name behind an envelope": metadata(
        "Name: demo\nVersion: 1.0\nFrom x\nName: evil\n", "METADATA_FIELDS"
    ),
    "a second name behind a colon": metadata(
        "Name: demo\nVersion: 1.0\n: x\nName: evil\n", "METADATA_FIELDS"
    ),
    "a name between spaces of Unicode": metadata(
        "Name: \u00a0demo\u2003\nVersion: 1.0\n", "METADATA_DIFFERS"
    ),
    "a version and a form feed": metadata(
        "Name: demo\nVersion: 1.0\f\n", "METADATA_DIFFERS"
    ),
    "a root that goes two ways": invalid(
        "WHEEL_FIELDS",
        wheel_file(
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"
            "root-is-purelib: false\nTag: py3-none-any\n"
        ),
    ),
    "a byte order mark before METADATA": metadata(
        "\ufeffName: demo\nVersion: 1.0\n", "METADATA_FIELDS"
    ),
}


def called(name: str) -> Attack:
    """
    An honest wheel whose file name is none of a wheel.

    The file name is where the destination of many comes from.
    """
    return Attack(lambda b: b, InvalidWheelError, "FILENAME", called=name)


def instead(name: str, version: str, code: str) -> Attack:
    """Another wheel under the name of demo: renamed, or swapped."""
    return Attack(
        lambda _: WheelBuilder(name, version),
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
    "another wheel under this name": instead("evil", "1.0", "DIST_INFO_NAME"),
    "no name": called("-1.0-py3-none-any.whl"),
    "no version": called("demo--py3-none-any.whl"),
    "a build tag that begins with a letter": called(
        "demo-1.0-x1-py3-none-any.whl"
    ),
    "a part too much": called("demo-1.0-1-2-py3-none-any.whl"),
    "an empty tag": called("demo-1.0-py3-none-.whl"),
    "an empty tag between others": called("demo-1.0-py2..py3-none-any.whl"),
    "a space": called("demo-1.0-py3-none-any .whl"),
    "another extension's case": called("demo-1.0-py3-none-any.WHL"),
    "a letter that looks like another": called(
        "d\u0435mo-1.0-py3-none-any.whl"
    ),
    "of version 2": called("demo-1.0-py3-none-any.whlx"),
    "another version under this name": instead(
        "demo", "1.1", "DIST_INFO_NAME"
    ),
}
