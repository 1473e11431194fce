"""
Odd and sound: RECORD, METADATA, WHEEL and file names as they occur.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attack import FIRST, INFO, SHA, Build
from builder import STORED, WheelBuilder, digest_of
from places import PLATFORM_TAG
from sound_case import Sound, member

from unwheel import Limits, Policy

CONTENT = {FIRST: b"answer = 42\n", "demo/tool.sh": b"#!/bin/sh\n"}


# -------------------------------------------------------------------- RECORD


def rows(
    change: Callable[[list[str]], Iterable[str]], end: str = "\n"
) -> Sound:
    """The true rows of RECORD, after a *change*, each with that *end*."""

    def build(builder: WheelBuilder) -> WheelBuilder:
        true = builder.record_bytes().decode().splitlines()
        return builder.record("".join(row + end for row in change(true)))

    return Sound(build)


def quoted(row: str) -> str:
    """The row with quotes around each field."""
    return ",".join(f'"{cell}"' for cell in row.split(","))


def by(algorithm: str) -> Sound:
    """A RECORD with digests of another algorithm."""
    return Sound(
        lambda _: WheelBuilder("demo", "1.0", algorithm=algorithm).file(
            FIRST, CONTENT[FIRST]
        )
    )


RECORDS = {
    "CRLF": rows(list, "\r\n"),
    "no end of the last line": Sound(
        lambda b: b.record(b.record_bytes().rstrip(b"\n"))
    ),
    "mixed ends of lines": Sound(
        lambda b: b.record(b.record_bytes().replace(b"\n", b"\r\n", 2))
    ),
    "ends of lines of old Macs": Sound(
        lambda b: b.record(b.record_bytes().replace(b"\n", b"\r"))
    ),
    "rows backwards": rows(reversed),
    "rows sorted": rows(sorted),
    "everything in quotes": rows(lambda true: map(quoted, true)),
    "some of it in quotes": rows(lambda true: [quoted(true[0]), *true[1:]]),
    "no sizes": rows(lambda true: [r.rpartition(",")[0] + "," for r in true]),
    "no size of one": Sound(lambda b: b.row(FIRST, size="")),
    "a size with a zero before it": Sound(lambda b: b.row(FIRST, size="012")),
    "no row of its own": Sound(lambda b: b.without_row(f"{INFO}/RECORD")),
    "a digest of its own, which nothing can be": Sound(
        lambda b: b.row(f"{INFO}/RECORD", digest=SHA, size=1)
    ),
    "SHA-384": by("sha384"),
    "SHA-512": by("sha512"),
    "SHA3-256": by("sha3_256"),
    "SHA3-384": by("sha3_384"),
    "SHA3-512": by("sha3_512"),
    "BLAKE2b": by("blake2b"),
    "BLAKE2s": by("blake2s"),
    "several algorithms": Sound(
        lambda b: b.row(FIRST, digest=digest_of(CONTENT[FIRST], "sha512")).row(
            "demo/tool.sh",
            digest=digest_of(CONTENT["demo/tool.sh"], "blake2b"),
        )
    ),
    "a digest with a dash and an underscore": member(b"103"),
    "a comma in a name": Sound(lambda b: b.file("demo/a,b.py", b"x")),
    "a quote in a name": Sound(
        lambda b: b.file('demo/a"b.py', b"x"), warnings=("RESERVED_CHARACTER",)
    ),
    "a name of other letters": Sound(lambda b: b.file("demo/\u4e2d.py", b"x")),
    "a signature": Sound(
        lambda b: b.info("RECORD.jws", b"{}").without_row(f"{INFO}/RECORD.jws")
    ),
    "another signature": Sound(
        lambda b: b.info("RECORD.p7s", b"\x30").without_row(
            f"{INFO}/RECORD.p7s"
        )
    ),
    "a signature that it lists": Sound(lambda b: b.info("RECORD.jws", b"{}")),
    "directories, which it does not list": Sound(
        lambda b: b.directory("demo/").directory(f"{INFO}/")
    ),
    "stored": Sound(
        lambda b: b.info("RECORD", b.record_bytes(), method=STORED)
    ),
    "first in the archive": Sound(
        lambda _: WheelBuilder("demo", "1.0").info(
            "RECORD",
            WheelBuilder("demo", "1.0").record_bytes(),
        )
    ),
    "a file without content": Sound(lambda b: b.file("demo/py.typed", b"")),
    "a name with spaces around it": Sound(
        lambda b: b.file("demo/ a.py", b"x")
    ),
    "names in quotes that need none": rows(
        lambda true: ['"' + r.replace(",", '",', 1) for r in true]
    ),
    "no digest of the signature": Sound(
        lambda b: b.info("RECORD.jws", b"{}").row(
            f"{INFO}/RECORD.jws", digest="", size=""
        )
    ),
    "deflated, with a descriptor": Sound(
        lambda b: b.info("RECORD", b.record_bytes(), descriptor="signed")
    ),
    "with ZIP64": Sound(
        lambda b: b.info("RECORD", b.record_bytes(), zip64=True)
    ),
}


# ---------------------------------------------------------- METADATA, WHEEL


def metadata(text: str | bytes) -> Sound:
    """A METADATA of its own."""
    return Sound(lambda b: b.info("METADATA", text))


PLAIN = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"

METADATA = {
    **{
        f"version {version}": metadata(
            f"Metadata-Version: {version}\nName: demo\nVersion: 1.0\n"
        )
        for version in ("1.0", "1.1", "1.2", "2.0", "2.2", "2.3", "2.4", "2.5")
    },
    "no version": metadata("Name: demo\nVersion: 1.0\n"),
    "CRLF": metadata(PLAIN.replace("\n", "\r\n")),
    "no end of the last line": metadata(PLAIN.rstrip()),
    "another order": metadata("Version: 1.0\nName: demo\n"),
    "lower case": metadata(PLAIN.lower().replace("demo", "Demo")),
    "spaces around values": metadata("Name:   demo  \nVersion:\t1.0\t\n"),
    "no spaces": metadata("Name:demo\nVersion:1.0\n"),
    "folded": metadata(
        PLAIN + "Description: one\n        two\n\n        three\nx: y\n"
    ),
    "folded with bars": metadata(PLAIN + "License: one\n       |two\n"),
    "a body": metadata(PLAIN + "\n# demo\n\nName: evil\nVersion: 2\n"),
    "a body in another encoding": metadata(PLAIN.encode() + b"\n\xff\xfe\0"),
    "a body that begins at once": metadata(PLAIN + "\n\n\nText\n"),
    "a body of CRLF": metadata(
        (PLAIN + "\nName: evil\n").replace("\n", "\r\n")
    ),
    "a line that is no header": metadata(PLAIN + "# end\nName: evil\n"),
    "authors of other letters": metadata(
        PLAIN + "Author: Zo\u00eb \U0001f40d\nAuthor-email: \u4e2d@x.org\n"
    ),
    "many fields": metadata(
        PLAIN + "".join(f"Classifier: Topic :: {k}\n" for k in range(500))
    ),
    "PEP 639": metadata(
        PLAIN + "License-Expression: MIT\n"
        "License-File: LICENSE\nLicense-File: third/LICENSE\n"
    ),
    "unknown fields": metadata(PLAIN + "X-Y_z.1: a\nUnknown: UNKNOWN\n"),
    "empty fields": metadata(PLAIN + "Home-page:\nSummary: \n"),
    "the name in another case": metadata("Name: DeMo\nVersion: 1.0\n"),
    "the version in another form": metadata("Name: demo\nVersion: v1.0.0\n"),
    "the version of a whole number": metadata("Name: demo\nVersion: 1\n"),
    "as large as a description may be": metadata(PLAIN + "\n" + "x" * 99_999),
    "stored": Sound(lambda b: b.info("METADATA", PLAIN, method=STORED)),
    "ends of lines of old Macs": metadata(PLAIN.replace("\n", "\r")),
    "what is needed": metadata(
        PLAIN + "Requires-Dist: x[y]>=1; python_version < '3'\n"
        "Provides-Extra: y\nRequires-Python: >=3.8,!=3.9.*\n"
    ),
    "what is dynamic": metadata(
        PLAIN.replace("2.1", "2.2") + "Dynamic: Version\n"
    ),
    "what is imported": metadata(
        PLAIN.replace("2.1", "2.5") + "Import-Name: demo\n"
    ),
    "a description in Markdown": metadata(
        PLAIN + "Description-Content-Type: text/markdown; charset=UTF-8\n\n"
        "# demo: a demo\n\n    code: x\n"
    ),
    "colons in values": metadata(PLAIN + "Project-URL: a, https://x:1/y\n"),
    "a tab to fold with": metadata(PLAIN + "Summary: one\n\ttwo\n"),
}


def wheel_file(text: str, *warnings: str) -> Sound:
    """A WHEEL of its own."""
    return Sound(lambda b: b.info("WHEEL", text), warnings=warnings)


WHEEL = (
    "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\n"
    "Tag: py3-none-any\n"
)

WHEELS = {
    "CRLF": wheel_file(WHEEL.replace("\n", "\r\n")),
    "another order": wheel_file(
        "".join(f"{line}\n" for line in reversed(WHEEL.split("\n")[:-1]))
    ),
    "an empty line at the end": wheel_file(WHEEL + "\n"),
    "a body": wheel_file(WHEEL + "\nWheel-Version: 2.0\n"),
    "lower case": wheel_file(WHEEL.lower()),
    "no end of the last line": wheel_file(WHEEL.rstrip()),
    "unknown headers": wheel_file(WHEEL + "X-Built-By: me\n"),
    "two generators": wheel_file(WHEEL + "Generator: y\n"),
    "no generator": wheel_file(WHEEL.replace("Generator: x\n", "")),
    "no Root-Is-Purelib": wheel_file(
        WHEEL.replace("Root-Is-Purelib: true\n", "")
    ),
    "Root-Is-Purelib in capitals": wheel_file(WHEEL.replace("true", "TRUE")),
    "not purelib, for any platform": wheel_file(
        WHEEL.replace("true", "false")
    ),
    "a tag twice": wheel_file(WHEEL + "Tag: py3-none-any\n"),
    "a newer minor version": wheel_file(
        WHEEL.replace("1.0", "1.9"), "WHEEL_VERSION_NEWER"
    ),
    "a version with zeros": wheel_file(WHEEL.replace("1.0", "01.00")),
    "no tags": wheel_file("Wheel-Version: 1.0\n", "TAGS_DIFFER"),
    "other tags": wheel_file(
        WHEEL.replace("py3-none-any", "cp311-cp311-linux_x86_64"),
        "TAGS_DIFFER",
    ),
    "compressed tags": Sound(
        lambda b: b.info(
            "WHEEL", WHEEL.replace("py3-none-any", "py2.py3-none-any")
        ),
        tag="py2.py3-none-any",
    ),
    "a line for each tag": Sound(
        lambda b: b,
        tag="cp310.cp311-abi3.none-manylinux_2_28_x86_64.linux_x86_64",
    ),
    "tags in capitals": wheel_file(WHEEL.replace("py3", "PY3")),
}


def called(
    name: str, version: str, tag: str = "py3-none-any", build: str = ""
) -> Sound:
    """An honest wheel of that name and version."""
    return Sound(
        lambda _: WheelBuilder(name, version, tag).file("x.py", b"x"),
        called=f"{name}-{version}-{build}-{tag}.whl" if build else None,
    )


def info_of(dist_info: str, name: str = "demo_pkg") -> Sound:
    """A wheel whose metadata directory is in another normal form."""

    def build(_: WheelBuilder) -> WheelBuilder:
        wheel = WheelBuilder(*dist_info.rsplit("-", 1)).file("x.py", b"x")
        return wheel.info("METADATA", f"Name: {name}\nVersion: 1.0\n")

    return Sound(build, called=f"{name}-1.0-py3-none-any.whl")


FILENAMES = {
    "a build tag": called("demo", "1.0", build="1"),
    "a build tag with letters": called("demo", "1.0", build="20240101abc"),
    "a build tag with an underscore": called("demo", "1.0", build="1_x.2"),
    "an epoch": called("demo", "1!1.0"),
    "a local version": called("demo", "1.0+cu118"),
    "a local version of parts": called("demo", "1.0+cu118.with.parts"),
    "a local version with an underscore": called("demo", "1.0+cu_118"),
    "a pre-release": called("demo", "1.0rc1"),
    "a post-release of a development release": called(
        "demo", "1.0a2.post3.dev4"
    ),
    "a version of many parts": called("demo", "2024.01.02.03.04.05"),
    "a version of one part": called("demo", "7"),
    "a version that no standard knows": called("demo", "2004d"),
    "a name with dots": called("zope.interface", "1.0"),
    "a name in capitals": called("PyYAML", "6.0"),
    "a name with two underscores": called("ruamel__yaml", "1.0"),
    "a name of one letter": called("q", "1.0"),
    "a name of digits": called("2to3", "1.0"),
    "a long name": called("x" * 100, "1.0"),
    "a name that begins with py": called("py", "1.0"),
    "tags of many Pythons": called(
        "demo", "1.0", "py2.py3.cp39.pp39-none-any"
    ),
    "tags of many platforms": called(
        "demo",
        "1.0",
        "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64"
        ".musllinux_1_1_x86_64",
    ),
    "tags of macOS": called(
        "demo", "1.0", "cp311-cp311-macosx_11_0_universal2"
    ),
    "tags of Windows": called("demo", "1.0", "cp311-cp311-win_arm64"),
    "tags of the stable interface": called(
        "demo", "1.0", "cp38-abi3-linux_aarch64"
    ),
    "tags without a GIL": called("demo", "1.0", "cp314-cp314t-linux_x86_64"),
    "tags of WebAssembly": called(
        "demo", "1.0", "cp312-cp312-pyodide_2024_0_wasm32"
    ),
    "tags in capitals": called("demo", "1.0", "PY3-None-ANY"),
    ".dist-info in capitals": info_of("DEMO_PKG-1.0"),
    ".dist-info with a dot": info_of("demo.pkg-1.0"),
    ".dist-info of an equal version": info_of("demo_pkg-1.0.0"),
    ".dist-info of a version with a letter": info_of("demo_pkg-v1.0"),
}


# ------------------------------------------------------------------- members


def data(*names: str, warnings: tuple[str, ...] = ()) -> Sound:
    """Files of .data."""

    def build(builder: WheelBuilder) -> WheelBuilder:
        for name in names:
            builder.file(f"demo-1.0.data/{name}", b"x")
        return builder

    return Sound(build, warnings=warnings)


def info(name: str, text: str | bytes = "x\n") -> Sound:
    """A further file of .dist-info."""
    return Sound(lambda b: b.info(name, text))


DATA = {
    "a script": data("scripts/tool"),
    "a script that begins like the interpreter": data(
        "scripts/python-tool", "scripts/python3-config", "scripts/pythonx.py"
    ),
    "a script of a batch": data("scripts/tool.bat", "scripts/tool.exe"),
    "data of the system": data("data/share/man/man1/demo.1", "data/etc/x"),
    "data that is a program": data("data/bin/tool", "data/Scripts/tool.exe"),
    "data that is called like the interpreter": data(
        "data/share/python", "data/python", "data/lib/python3"
    ),
    "headers": data("headers/demo/x.h", "headers/x.h"),
    "purelib": data("purelib/other.py", "purelib/demo/other.py"),
    "platlib": data("platlib/other.so"),
    "all of them": data(
        "scripts/tool",
        "data/x",
        "headers/x.h",
        "purelib/x.py",
        "platlib/x.so",
    ),
    "directories": Sound(
        lambda b: (
            b.directory("demo-1.0.data/")
            .directory("demo-1.0.data/scripts/")
            .file("demo-1.0.data/scripts/x", b"x")
        )
    ),
    "the same name in two schemes": data("scripts/x", "data/x", "headers/x"),
    "data where a file of the root is": data("data/demo/__init__.py"),
    "another's .data": Sound(
        lambda b: b.file("other-1.0.data/data/x", b"x"),
        warnings=("DATA_NAME",),
    ),
    "its own .data in capitals": Sound(
        lambda b: b.file("Demo-1.0.data/data/x", b"x"),
        warnings=("DATA_NAME",),
    ),
    "a package called like a .data": Sound(
        lambda b: b.file("stats.data/anything/x", b"x"),
        warnings=("DATA_NAME",),
    ),
    "entry points": info(
        "entry_points.txt",
        "[console_scripts]\ndemo = demo:main\ndemo-2.x = demo:main [extra]\n"
        "\n[gui_scripts]\nDemo Tool = demo:main\n\n[other]\n../x = y\n",
    ),
    "entry points of CRLF": info(
        "entry_points.txt", "[console_scripts]\r\ndemo = demo:main\r\n"
    ),
    "entry points with comments": info(
        "entry_points.txt",
        "# ../x = y\n[console_scripts]\n; x = y\ndemo = demo:main\n",
    ),
    "entry points of nothing": info("entry_points.txt", ""),
    "entry points in no encoding": info(
        "entry_points.txt", b"[x]\n\xff = y\n"
    ),
    "entry points beside a script": Sound(
        lambda b: b.info(
            "entry_points.txt", "[console_scripts]\ntool = demo:main\n"
        ).file("demo-1.0.data/scripts/tool", b"#!python\n")
    ),
    "licenses": info("licenses/third/party/LICENSE"),
    "bills of materials": info("sboms/demo.cdx.json", "{}"),
    "what older tools left": info("top_level.txt", "demo\n"),
    "an empty mark": info("zip-safe", ""),
    "where it came from": info("direct_url.json", "{}"),
    "who installed it": info("INSTALLER", "pip"),
    "metadata in JSON": info("metadata.json", "{}"),
    "a signature in PEP 427's form": info("RECORD.jws", "{}"),
    "a folder in it that is called alike": info(f"{INFO}/METADATA"),
}


# --------------------------------------------------------------------- knobs


def turned(
    build: Build, *warnings: str, tag: str = "", **knobs: object
) -> Sound:
    """What the default refuses, and a knob accepts."""
    return Sound(
        build,
        tag=tag or "py3-none-any",
        policy=Policy(**knobs),
        warnings=warnings,
    )


def other_digest(builder: WheelBuilder) -> WheelBuilder:
    """A RECORD that is not true of one file."""
    return builder.row("demo/tool.sh", digest=SHA)


KNOBS = {
    "another digest, only told": turned(other_digest, "SHA256", record="warn"),
    "another SHA-512, only told": turned(
        lambda b: b.row(FIRST, digest=digest_of(b"", "sha512")),
        "SHA512",
        record="warn",
    ),
    "another digest, where names count": turned(other_digest, record="names"),
    "another digest, where nothing counts": turned(other_digest, record="off"),
    "another size, only told": turned(
        lambda b: b.row(FIRST, size=1), "RECORD_SIZE_DIFFERS", record="warn"
    ),
    "MD5, where names count": turned(
        lambda b: b.row(FIRST, digest="md5=" + "A" * 22), record="names"
    ),
    "MD5, only told": turned(
        lambda b: b.row(FIRST, digest="md5=" + "A" * 22),
        "RECORD_WEAK",
        record="warn",
    ),
    "a file that RECORD lacks, only told": turned(
        lambda b: b.without_row(FIRST), "NOT_IN_RECORD", record="warn"
    ),
    "a row that has no file, only told": turned(
        lambda b: b.more_rows("demo/x,,"), "NOT_IN_ARCHIVE", record="warn"
    ),
    "no RECORD at all": turned(lambda b: b.without("RECORD"), record="off"),
    "no RECORD, only told": turned(
        lambda b: b.without("RECORD"), "RECORD_MISSING", record="warn"
    ),
    "a RECORD of nonsense": turned(
        lambda b: b.record(b"\xff\0"), record="off"
    ),
    "more than fifty times": turned(
        lambda b: b.file("demo/x", bytes(90_000)),
        limits=Limits(ratio=1000, ratio_floor=0),
    ),
    "a deeper name": turned(
        lambda b: b.file("d/" * 200 + "x", b"x"), limits=Limits(depth=201)
    ),
    "a link of a long target": turned(
        lambda b: b.link("demo/l", "./" * 2500 + "tool.sh"),
        limits=Limits(link_target_length=6000),
        links="text",
        tag=PLATFORM_TAG,
    ),
    "a large METADATA": turned(
        lambda b: b.info("METADATA", PLAIN + "\n" + "x" * 5000),
        limits=Limits(metadata_size=6000),
    ),
}
