"""Links in the tree: made, stood in for, recorded, dated."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import stat
import struct
import zipfile
from base64 import urlsafe_b64encode
from importlib import metadata
from pathlib import Path

import pytest
from builder import WheelBuilder
from places import PLATFORM_TAG, Place, demo, open_handles, tree_of

import unwheel
from unwheel import native
from unwheel.errors import (
    DestinationError,
    InvalidWheelError,
    LimitError,
    UnsafeMemberError,
    UnwheelError,
)
from unwheel.policy import Limits, LinkPolicy, Policy
from unwheel.report import LinkFact

INFO = "demo-1.0.dist-info"
LIBRARY = b"\x7fELF, more or less\n" * 3000
PORTABLE = LinkPolicy.named("portable")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def linked(tag: str = PLATFORM_TAG) -> WheelBuilder:
    """A library under three names, and its folder under two."""
    return (
        demo(tag)
        .file("demo/lib/libx.so.1.2", LIBRARY, mode=0o755)
        .link("demo/lib/libx.so.1", "libx.so.1.2")
        .link("demo/lib/libx.so", "libx.so.1")
        .link("demo/lib64", "lib")
    )


def second(
    builder: WheelBuilder, *, wheel: str = "2.0", core: str | None = "2.0"
) -> WheelBuilder:
    """The wheel in version 2 of the format, where LINKS has a meaning."""
    line = f"Wheel-Version: {core}\n" if core else ""
    tags = "".join(
        f"Tag: {tag}\n" for tag in [builder.tag] if "." not in builder.tag
    )
    return builder.info(
        "METADATA", f"Metadata-Version: 2.1\n{line}Name: demo\nVersion: 1.0\n"
    ).info("WHEEL", f"Wheel-Version: {wheel}\nRoot-Is-Purelib: false\n{tags}")


@pytest.fixture
def cannot_link(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that has no symbolic links, as far as the engine sees."""
    monkeypatch.setattr(native.Tree, "can_symlink", lambda _: False)


def outcomes(report: unwheel.Report) -> dict[str, str]:
    return {link.path: link.outcome for link in report.links}


def codes(error: UnwheelError) -> list[tuple[str, str | None, str | None]]:
    return [(p.code, p.member, p.accept) for p in error.problems]


def rows_of(tree: Path) -> dict[str, tuple[str, str]]:
    """RECORD of a tree; each of its names once."""
    text = (tree / INFO / "RECORD").read_text("utf-8")
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == len({row[0] for row in rows})
    return {name: (digest, size) for name, digest, size in rows}


def row_for(content: bytes) -> tuple[str, str]:
    digest = urlsafe_b64encode(hashlib.sha256(content).digest())
    return f"sha256={digest.decode().rstrip('=')}", str(len(content))


def check_record(tree: Path) -> None:
    """
    Every row is what `open` reads of that name, and no name is missing.
    """
    rows = rows_of(tree)
    for name, (digest, size) in rows.items():
        path = tree / name
        assert os.path.lexists(path), name
        if digest:
            assert (digest, size) == row_for(path.read_bytes()), name
        else:
            assert name.endswith("RECORD") or path.is_symlink(), name
    present = {
        name
        for name in tree_of(tree)
        if not (tree / name).is_dir() or (tree / name).is_symlink()
    }
    assert present == set(rows)


# ------------------------------------------------------------- made as links


@pytest.mark.parametrize("policy", ["strict", "portable", "editable"])
def test_links_are_made_and_recorded(place: Place, policy: str):
    """
    One library on the disk, and RECORD says what each name reads as.
    """
    wheel = place.put(linked())

    report = unwheel.extract(wheel, place.dest, policy=Policy(links=policy))

    lib = place.dest / "demo/lib"
    assert ("libx.so.1", "libx.so.1.2") == (
        os.readlink(lib / "libx.so"),
        os.readlink(lib / "libx.so.1"),
    )
    assert "lib" == os.readlink(place.dest / "demo/lib64")
    assert report.installed_record
    check_record(place.dest)
    assert ("", "") == rows_of(place.dest)["demo/lib64"]
    assert row_for(LIBRARY) == rows_of(place.dest)["demo/lib/libx.so"]


def test_the_report_tells_every_link(place: Place):
    """
    For people and for programs.
    """
    wheel = place.put(linked())
    fact = LinkFact(
        "demo/lib/libx.so", "zip", "libx.so.1", "demo/lib/libx.so.1.2", "link"
    )

    extracted = unwheel.extract(wheel, place.dest)
    verified = unwheel.verify(wheel)

    assert fact == next(x for x in extracted.links if x.path == fact.path)
    assert set(verified.links) == set(extracted.links)
    assert {
        "path": "demo/lib/libx.so",
        "encoding": "zip",
        "target": "libx.so.1",
        "resolved": "demo/lib/libx.so.1.2",
        "outcome": "link",
        "reason": None,
        "contact": None,
    } in extracted.to_json()["links"]
    assert not verified.installed_record


def test_importlib_finds_every_file(place: Place):
    """
    As pip does to uninstall, and integrity checkers do to check.
    """
    unwheel.extract(place.put(linked()), place.dest)

    found = next(iter(metadata.distributions(path=[str(place.dest)])))
    files = {str(path): path for path in found.files or ()}

    assert "demo/lib/libx.so" in files
    assert "demo/lib64" in files
    assert len(LIBRARY) == files["demo/lib/libx.so"].size
    assert LIBRARY == files["demo/lib/libx.so"].read_binary()


def test_a_tree_without_links_keeps_its_record(place: Place):
    """
    Bit for bit.
    """
    wheel = place.put(demo())

    report = unwheel.extract(wheel, place.dest)

    with zipfile.ZipFile(wheel) as archive:
        assert (
            archive.read(f"{INFO}/RECORD")
            == (place.dest / INFO / "RECORD").read_bytes()
        )
    assert not report.installed_record


def test_the_knob_keeps_record_as_it_was(place: Place):
    """
    For who wants the bytes of the wheel, links or not.
    """
    wheel = place.put(linked())
    policy = Policy(
        links=LinkPolicy.named("strict").replace(installed_record=False)
    )

    unwheel.extract(wheel, place.dest, policy=policy)

    with zipfile.ZipFile(wheel) as archive:
        assert (
            archive.read(f"{INFO}/RECORD")
            == (place.dest / INFO / "RECORD").read_bytes()
        )


def test_a_link_to_a_name_with_a_colon(place: Place):
    """
    Is as good as the name: a stream on Windows, a name elsewhere.
    """
    wheel = place.put(
        demo(PLATFORM_TAG).file("demo/ab:c", b"x").link("demo/l", "ab:c")
    )

    report = unwheel.extract(wheel, place.dest)
    with pytest.raises(UnsafeMemberError) as caught:
        unwheel.verify(wheel, policy=Policy(portable_names="refuse"))

    assert "ab:c" == os.readlink(place.dest / "demo/l")
    assert {"COLON"} == {p.code for p in report.warnings}
    assert {"COLON"} == {p.code for p in caught.value.problems}


# ------------------------------------------------------- no links to be had


@pytest.mark.usefixtures("cannot_link")
@pytest.mark.parametrize("policy", ["strict", "verbatim"])
def test_a_host_without_links_refuses_before_writing(place: Place, policy):
    """
    With every link named; `portable` would take the wheel.
    """
    wheel = place.put(linked())

    with place.untouched(), pytest.raises(DestinationError) as caught:
        unwheel.extract(wheel, place.dest, policy=Policy(links=policy))

    assert {
        ("HOST_CANNOT", name, 'links="portable"')
        for name in ("demo/lib/libx.so", "demo/lib/libx.so.1", "demo/lib64")
    } == set(codes(caught.value))


@pytest.mark.usefixtures("cannot_link")
def test_hard_links_stand_in(place: Place):
    """
    One library still, for the disk and for the loader: nothing to warn of.
    """
    wheel = place.put(linked())

    report = unwheel.extract(
        wheel, place.dest, policy=Policy(links="portable")
    )

    lib = place.dest / "demo/lib"
    assert {
        "demo/lib/libx.so": "hardlink",
        "demo/lib/libx.so.1": "hardlink",
        "demo/lib64": "tree",
    } == outcomes(report)
    assert 6 == (lib / "libx.so").stat().st_nlink
    assert LIBRARY == (place.dest / "demo/lib64/libx.so.1").read_bytes()
    assert not [p for p in place.dest.rglob("*") if p.is_symlink()]
    assert () == report.warnings
    check_record(place.dest)


@pytest.mark.usefixtures("cannot_link")
def test_copies_stand_in_and_are_told(place: Place):
    """
    The loader takes a copy for another library.
    """
    wheel = place.put(linked().info("AUTHORS", "x"))
    policy = Policy(links=PORTABLE.replace(stand_ins=("copy",)))

    report = unwheel.extract(wheel, place.dest, policy=policy)

    lib = place.dest / "demo/lib"
    assert {"copy", "tree"} == set(outcomes(report).values())
    assert 1 == (lib / "libx.so").stat().st_nlink
    assert os.access(lib / "libx.so", os.X_OK)
    assert {
        ("COPIED_LIBRARY", f"demo/{folder}/{name}")
        for folder, names in (
            ("lib", ["libx.so", "libx.so.1"]),
            ("lib64", ["libx.so", "libx.so.1", "libx.so.1.2"]),
        )
        for name in names
    } == {(p.code, p.member) for p in report.warnings}
    check_record(place.dest)


@pytest.mark.usefixtures("cannot_link")
def test_whom_to_tell_stands_beside_a_stand_in(place: Place):
    """
    The people who made the wheel may not know (topic 1945).
    """
    wheel = place.put(
        linked().info(
            "METADATA",
            "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
            "Author-email: a@example.org\n",
        )
    )

    report = unwheel.extract(
        wheel, place.dest, policy=Policy(links="portable")
    )

    assert {"a@example.org"} == {link.contact for link in report.links}
    assert {"HOST_CANNOT"} == {link.reason for link in report.links}


def test_a_target_that_is_far_too_long_is_judged_with_the_others(place: Place):
    """
    Whoever leads to that link leads to one that is refused, not to nothing.
    """
    wheel = place.put(
        demo(PLATFORM_TAG)
        .link("demo/a", "./" * 3000 + "tool.sh")
        .link("demo/b", "a")
    )

    with place.untouched(), pytest.raises(LimitError) as caught:
        unwheel.extract(wheel, place.dest)

    assert [
        ("BAD_TARGET", "demo/a", "limits.link_target_length"),
        ("BAD_TARGET", "demo/b", 'links="text"'),
    ] == [(p.code, p.member, p.accept) for p in caught.value.problems]
    assert "longer than is allowed" in str(caught.value)


def test_a_link_of_another_host_is_judged_with_the_others(place: Place):
    """
    All reasons at once, each with what would accept it.
    """
    wheel = place.put(
        demo(PLATFORM_TAG)
        .file("demo/a", b"tool.sh", kind=stat.S_IFLNK, host=0)
        .link("demo/b", "nowhere")
    )

    with place.untouched(), pytest.raises(UnsafeMemberError) as caught:
        unwheel.extract(wheel, place.dest)

    assert [
        ("AMBIGUOUS_HOST", "demo/a", "-> tool.sh", 'links="text"'),
        ("DANGLING", "demo/b", "-> nowhere", 'links="verbatim"'),
    ] == [(p.code, p.member, p.found, p.accept) for p in caught.value.problems]


@pytest.mark.usefixtures("cannot_link")
@pytest.mark.parametrize(
    "budget", [{"max_copied_size": 1000}, {"max_copied_entries": 3}]
)
def test_stand_ins_have_a_budget(place: Place, budget):
    """
    Folders in folders in folders grow exponentially.
    """
    wheel = place.put(linked())
    policy = Policy(links=PORTABLE.replace(**budget))

    with place.untouched(), pytest.raises(LimitError) as caught:
        unwheel.extract(wheel, place.dest, policy=policy)

    assert {("COPY_BUDGET", 'links="portable"')} == {
        (p.code, p.accept) for p in caught.value.problems
    }


def test_the_file_system_is_probed_once(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """
    Per device, not per wheel; and never for a wheel without links.
    """
    probed = []
    real = native.Tree.can_symlink
    monkeypatch.setattr(
        native.Tree, "can_symlink", lambda t: probed.append(t) or real(t)
    )
    wheels = [
        place.put(demo()),
        *(
            WheelBuilder(name, "1.0", PLATFORM_TAG)
            .file(f"{name}/a", b"a")
            .link(f"{name}/b", "a")
            .write(place.wheels)
            for name in ("one", "two", "three")
        ),
    ]

    reports = list(unwheel.extract_many(wheels, place.out))

    assert all(isinstance(report, unwheel.Report) for report in reports)
    assert 1 == len(probed)


# --------------------------------------------------------- text and verbatim


def test_text_is_what_zipfile_writes(place: Place):
    """
    To the byte; the reason says why it is no link.
    """
    wheel = place.put(
        linked("py3-none-any")
        .link("demo/up", "../..")
        .link("demo/none", "nowhere")
        .link("demo/abs", "/etc/passwd")
        .link("demo/nul", b"a\0b")
    )

    report = unwheel.extract(wheel, place.dest, policy=Policy(links="text"))

    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place.out / "other")
    assert tree_of(place.out / "other") == tree_of(place.dest)
    assert not os.access(place.dest / "demo/lib/libx.so", os.X_OK)
    assert {"text"} == set(outcomes(report).values())
    assert 7 == len(report.links)
    assert not report.installed_record


def test_verbatim_keeps_what_is_stored(place: Place):
    """
    To look at, and to pack again; nothing is followed.
    """
    targets = {
        "demo/up": "../../..",
        "demo/none": "nowhere",
        "demo/abs": "/etc/passwd",
        "demo/self": "self",
    }
    builder = linked("py3-none-any")
    for path, target in targets.items():
        builder.link(path, target)
    wheel = place.put(builder)

    report = unwheel.extract(
        wheel, place.dest, policy=Policy(links="verbatim")
    )

    for path, target in targets.items():
        assert target == os.readlink(place.dest / path)
    assert {"verbatim"} == set(outcomes(report).values())
    with zipfile.ZipFile(wheel) as archive:
        assert (
            archive.read(f"{INFO}/RECORD")
            == (place.dest / INFO / "RECORD").read_bytes()
        )


# ------------------------------------------------------------------- PEP 778


@pytest.mark.parametrize(
    "rows",
    [
        "demo/libx.so,demo/libx.so.1\ndemo/libx.so.1,demo/libx.so.1.2\n",
        "demo/libx.so.1.2,demo/libx.so.1\ndemo/libx.so.1,demo/libx.so\n",
    ],
)
@pytest.mark.parametrize("tag", [PLATFORM_TAG, "py3-none-any"])
def test_the_file_links_in_both_orders(place: Place, rows: str, tag: str):
    """
    The prose of PEP 778 and its example; `any` is what it was made for.
    """
    wheel = place.put(
        second(demo(tag)).file("demo/libx.so.1.2", LIBRARY).info("LINKS", rows)
    )
    policy = Policy(links=LinkPolicy.named("strict").replace(wheel2=True))

    report = unwheel.extract(wheel, place.dest, policy=policy)

    assert "libx.so.1" == os.readlink(place.dest / "demo/libx.so")
    assert "libx.so.1.2" == os.readlink(place.dest / "demo/libx.so.1")
    assert {"links"} == {link.encoding for link in report.links}
    check_record(place.dest)


def test_version_2_has_to_be_asked_for(place: Place):
    """
    As pip, uv and installer refuse it.
    """
    wheel = place.put(second(demo()).info("LINKS", "a,demo/tool.sh\n"))

    with place.untouched(), pytest.raises(InvalidWheelError) as caught:
        unwheel.extract(wheel, place.dest)

    assert [("WHEEL_VERSION_UNKNOWN", None, "links.wheel2=True")] == codes(
        caught.value
    )


def test_links_in_version_1_is_a_file(place: Place):
    """
    A plain one, and a note that it means nothing.
    """
    wheel = place.put(demo().info("LINKS", "a,demo/tool.sh\n"))

    report = unwheel.extract(wheel, place.dest)

    assert ["LINKS_IGNORED"] == [p.code for p in report.warnings]
    assert () == report.links
    assert (place.dest / INFO / "LINKS").is_file()


@pytest.mark.parametrize("name", ["refuse", "text"])
def test_policies_that_make_no_links_refuse_the_file(place: Place, name):
    """
    A file's worth of links cannot be left out.
    """
    wheel = place.put(second(demo()).info("LINKS", "demo/a,demo/tool.sh\n"))
    policy = Policy(links=LinkPolicy.named(name).replace(wheel2=True))

    with place.untouched(), pytest.raises(UnsafeMemberError) as caught:
        unwheel.extract(wheel, place.dest, policy=policy)

    assert [("LINK_REFUSED", "demo/a")] == [
        (p.code, p.member) for p in caught.value.problems
    ]


def test_verbatim_takes_the_file_for_a_file(place: Place):
    """
    Whatever its version is.
    """
    wheel = place.put(second(demo()).info("LINKS", "demo/a,demo/tool.sh\n"))

    report = unwheel.extract(
        wheel, place.dest, policy=Policy(links="verbatim")
    )

    assert () == report.links
    assert not (place.dest / "demo/a").exists()


@pytest.mark.parametrize(
    ("rows", "refused"),
    [
        ("demo/a,demo/tool.sh\n", []),
        ("demo/a,demo/__init__.py\n", ["LINKS_CONFLICT"]),
        ("demo/b,demo/tool.sh\n", ["LINKS_CONFLICT"]),
        ("", ["LINKS_CONFLICT"]),
    ],
)
def test_two_encodings_say_the_same(place: Place, rows: str, refused):
    """
    Or the wheel is refused: two tools would make two trees of it.
    """
    wheel = place.put(
        second(demo(PLATFORM_TAG))
        .link("demo/a", "tool.sh")
        .info("LINKS", rows)
    )
    policy = Policy(links=LinkPolicy.named("strict").replace(wheel2=True))

    if refused:
        with place.untouched(), pytest.raises(UnsafeMemberError) as caught:
            unwheel.extract(wheel, place.dest, policy=policy)
        told = {(p.code, p.accept) for p in caught.value.problems}
        assert {(code, 'links="verbatim"') for code in refused} == told
        policy = Policy(links="verbatim")
    unwheel.extract(wheel, place.dest, policy=policy)

    assert "tool.sh" == os.readlink(place.dest / "demo/a")


def test_record_does_not_list_what_is_no_member(place: Place):
    """
    A link of LINKS is none: its row would be of a file that is not there.
    """
    wheel = place.put(
        second(demo())
        .info("LINKS", "demo/a,demo/tool.sh\n")
        .more_rows("demo/a,,")
    )
    policy = Policy(links=LinkPolicy.named("strict").replace(wheel2=True))

    with place.untouched(), pytest.raises(UnwheelError) as caught:
        unwheel.extract(wheel, place.dest, policy=policy)

    assert [("NOT_IN_ARCHIVE", "demo/a")] == [
        (p.code, p.member) for p in caught.value.problems
    ]


def test_a_wheel_of_version_2_by_its_extension(place: Place):
    """
    PEP 777; the directory it goes to is named without it.
    """
    wheel = place.put(
        second(demo(PLATFORM_TAG)).info("LINKS", "demo/a,demo/tool.sh\n")
    )
    wheel = wheel.rename(f"{wheel}x")
    policy = Policy(links=LinkPolicy.named("strict").replace(wheel2=True))

    (report,) = unwheel.extract_many([wheel], place.out, policy=policy)
    (refusal,) = unwheel.extract_many([wheel], place.root / "second")

    assert isinstance(report, unwheel.Report)
    assert "tool.sh" == os.readlink(
        place.out / f"demo-1.0-{PLATFORM_TAG}/demo/a"
    )
    assert [("FILENAME", None, "links.wheel2=True")] == codes(refusal)


def test_who_looks_at_a_wheel_of_version_2_need_not_know_it(place: Place):
    """
    What `plan` takes, the other questions take too.
    """
    wheel = place.put(second(demo(PLATFORM_TAG)))
    wheel = wheel.rename(f"{wheel}x")

    with unwheel.Wheel(wheel, policy=Policy(links="verbatim")) as opened:
        assert ".whlx" == opened.filename.extension
        assert INFO == opened.dist_info
        assert () == opened.links


# ----------------------------------------------------------------- wheel-axle


def axle() -> WheelBuilder:
    return (
        demo(PLATFORM_TAG)
        .file("demo/libx.so.1", LIBRARY)
        .info("symlinks.txt", "demo/libx.so,libx.so.1,0\ndemo/also,.,1\n")
    )


def test_links_of_wheel_axle_are_told(place: Place):
    """
    Its run time makes them; who scans a wheel should know.
    """
    report = unwheel.extract(place.put(axle()), place.dest)

    assert [("AXLE_LINKS", 'links.encodings=("axle",)')] == [
        (p.code, p.accept) for p in report.warnings
    ]
    assert not (place.dest / "demo/libx.so").exists()


def test_links_of_wheel_axle_are_made_if_asked(place: Place):
    """
    And its run time finds nothing to do.
    """
    wheel = place.put(
        demo(PLATFORM_TAG)
        .file("demo/libx.so.1", LIBRARY)
        .info("symlinks.txt", "demo/libx.so,libx.so.1,0\n")
    )
    policy = Policy(
        links=LinkPolicy.named("strict").replace(encodings=("axle",))
    )

    report = unwheel.extract(wheel, place.dest, policy=policy)

    assert "libx.so.1" == os.readlink(place.dest / "demo/libx.so")
    assert ["axle"] == [link.encoding for link in report.links]
    assert b"" == (place.dest / INFO / "axle.done").read_bytes()
    check_record(place.dest)


def test_a_link_of_wheel_axle_can_be_text(place: Place):
    """
    No entry has that text, so it is written from the row.
    """
    wheel = place.put(
        demo(PLATFORM_TAG).info("symlinks.txt", "demo/sub/l,../nowhere,0\n")
    )
    policy = Policy(
        links=LinkPolicy.named("text").replace(encodings=("axle",)), mtime=7
    )

    report = unwheel.extract(wheel, place.dest, policy=policy)

    text = place.dest / "demo/sub/l"
    assert (b"../nowhere", 7) == (text.read_bytes(), text.stat().st_mtime)
    assert {"demo/sub/l": "text"} == outcomes(report)
    assert not (place.dest / INFO / "axle.done").exists()


@pytest.mark.parametrize(
    ("rows", "kind", "code", "accept"),
    [
        (
            "demo/l,x\n",
            UnsafeMemberError,
            "LINKS_FIELDS",
            "links.encodings=()",
        ),
        ("demo/l,x,0\n" * 3, LimitError, "TOO_MANY_LINKS", "limits.links"),
    ],
)
def test_a_file_of_wheel_axle_that_is_refused(
    place: Place, rows: str, kind: type[UnwheelError], code: str, accept: str
):
    """
    Says who would take the wheel.
    """
    wheel = place.put(demo(PLATFORM_TAG).info("symlinks.txt", rows))
    policy = Policy(
        links=LinkPolicy.named("strict").replace(encodings=("axle",)),
        limits=Limits(links=2),
    )

    with place.untouched(), pytest.raises(kind) as caught:
        unwheel.extract(wheel, place.dest, policy=policy)

    assert (code, accept) == (
        caught.value.problems[0].code,
        caught.value.problems[0].accept,
    )


def test_no_link_makes_a_second_distribution(place: Place):
    """
    Two .dist-info folders are refused; a link to a folder is one as well.
    """
    wheel = place.put(
        demo(PLATFORM_TAG)
        .file("demo/METADATA", b"Name: pip\nVersion: 99\n")
        .link("pip-99.dist-info", "demo")
    )

    with place.untouched(), pytest.raises(UnsafeMemberError) as caught:
        unwheel.extract(wheel, place.dest)

    assert [("IN_METADATA", "pip-99.dist-info", 'links="verbatim"')] == codes(
        caught.value
    )


# ------------------------------------------------------------- inter-package


@pytest.mark.parametrize("existing", ["merge", "replace"])
def test_a_link_to_another_wheel_needs_it_to_stay(place: Place, existing: str):
    """
    Where all that is there is replaced, the link would dangle.
    """
    other = WheelBuilder("other", "1.0", PLATFORM_TAG).file("other/x", b"x")
    unwheel.extract(place.put(other), place.dest)
    wheel = place.put(demo(PLATFORM_TAG).link("demo/l", "../other/x"))
    policy = Policy(
        links=LinkPolicy.named("strict").replace(inter_package=True),
        existing=existing,
    )

    if existing == "merge":
        unwheel.extract(wheel, place.dest, policy=policy)
        assert b"x" == (place.dest / "demo/l").read_bytes()
    else:
        with place.untouched(), pytest.raises(UnsafeMemberError) as caught:
            unwheel.extract(wheel, place.dest, policy=policy)
        assert ["OTHER_WHEEL"] == [p.code for p in caught.value.problems]


# ------------------------------------------------------------------ editable


@pytest.fixture
def project(place: Place) -> Path:
    source = place.root / "project/src/demo"
    source.mkdir(parents=True)
    (source / "__init__.py").write_text("answer = 42\n")
    return place.root / "project"


def editable(project: Path) -> WheelBuilder:
    """What a build backend makes for PEP 660: a link to the source."""
    return WheelBuilder("demo", "1.0").link("demo", f"{project}/src/demo")


def test_an_editable_wheel_links_to_its_project(place: Place, project: Path):
    """
    A change of the source is seen at once; RECORD has the link alone.
    """
    wheel = place.put(editable(project))
    policy = Policy(
        links=LinkPolicy.named("editable").replace(editable_root=str(project))
    )

    report = unwheel.extract(wheel, place.dest, policy=policy)
    (project / "src/demo/new.py").write_text("new = 1\n")

    assert f"{project}/src/demo" == os.readlink(place.dest / "demo")
    assert "new = 1\n" == (place.dest / "demo/new.py").read_text()
    assert ("", "") == rows_of(place.dest)["demo"]
    assert {"demo": "link"} == outcomes(report)
    assert f"{project}/src/demo" == report.links[0].resolved


@pytest.mark.usefixtures("cannot_link")
def test_a_pth_file_stands_for_a_package_folder(place: Place, project: Path):
    """
    A path line, which PEP 829 keeps; and RECORD removes it again.
    """
    wheel = place.put(editable(project))
    policy = Policy(
        links=LinkPolicy.named("editable").replace(editable_root=str(project))
    )

    report = unwheel.extract(wheel, place.dest, policy=policy)

    name = "__editable__.demo-1.0.pth"
    assert f"{project}/src\n" == (place.dest / name).read_text()
    assert {"demo": "pth"} == outcomes(report)
    assert row_for(f"{project}/src\n".encode()) == rows_of(place.dest)[name]
    check_record(place.dest)


def test_an_editable_wheel_can_be_looked_at(place: Place, project: Path):
    """
    What is absolute can be judged without a destination.
    """
    wheel = place.put(editable(project))
    there = Policy(
        links=LinkPolicy.named("editable").replace(editable_root=str(project))
    )
    elsewhere = Policy(links=there.link_policy.replace(editable_root="/proc"))

    (verified,) = unwheel.verify(wheel, policy=there).links
    with unwheel.Wheel(wheel, policy=there) as opened:
        (planned,) = opened.links
        (judged,) = opened.judged_links().links
    with pytest.raises(UnsafeMemberError) as caught:
        unwheel.verify(wheel, policy=elsewhere)

    real = str((project / "src/demo").resolve())
    assert ("link", real) == (verified.outcome, verified.resolved)
    assert real == planned.text == judged.text
    assert ["EDITABLE_ROOT"] == [p.code for p in caught.value.problems]


@pytest.mark.usefixtures("cannot_link")
@pytest.mark.parametrize("name", ["two\nlines", "end ", "\udcff"])
def test_a_folder_that_no_line_can_name_is_refused(place: Place, name: str):
    """
    `site` ends a line at each separator, and strips what is behind.
    """
    source = place.root.resolve() / name / "demo"
    source.mkdir(parents=True)
    (place.root / "alias").symlink_to(source.parent)
    wheel = place.put(
        WheelBuilder("demo", "1.0").link("demo", f"{place.root}/alias/demo")
    )
    links = LinkPolicy.named("editable").replace(editable_root=str(place.root))

    with place.untouched(), pytest.raises(UnsafeMemberError) as caught:
        unwheel.extract(wheel, place.dest, policy=Policy(links=links))

    assert ["EDITABLE_ROOT"] == [p.code for p in caught.value.problems]


@pytest.mark.usefixtures("cannot_link")
@pytest.mark.parametrize("name", ["pth", "PTH", "pth/below"])
def test_no_link_has_the_name_of_our_pth_file(
    place: Place, project: Path, name: str
):
    """
    A wheel that asks for one would lose it, or its report would lie.
    """
    target = "../" * name.count("/") + "x.py"
    name = "__editable__.demo-1.0." + name
    wheel = place.put(
        editable(project)
        .file("x.py", b"")
        .info("symlinks.txt", f"{name},{target},0\n")
    )
    policy = Policy(
        links=LinkPolicy.named("editable").replace(
            editable_root=str(project), encodings=("axle",)
        )
    )

    with place.untouched(), pytest.raises(UnsafeMemberError) as caught:
        unwheel.extract(wheel, place.dest, policy=policy)

    assert [("DUPLICATE", name, None)] == codes(caught.value)


@pytest.mark.usefixtures("cannot_link")
def test_a_pth_file_names_no_folder_that_ends_in_space(place: Place):
    """
    `site` takes the space off the line, and that is another folder.
    """
    project = place.root / "project "
    (project / "src/demo").mkdir(parents=True)
    (project / "demo").mkdir()
    policy = Policy(
        links=LinkPolicy.named("editable").replace(editable_root=str(project))
    )
    wheel = place.put(
        WheelBuilder("demo", "1.0").link("demo", f"{project}/demo")
    )

    with place.untouched(), pytest.raises(UnsafeMemberError) as caught:
        unwheel.extract(wheel, place.dest, policy=policy)
    unwheel.extract(place.put(editable(project)), place.dest, policy=policy)

    assert [("EDITABLE_ROOT", "demo", None)] == codes(caught.value)
    pth = place.dest / "__editable__.demo-1.0.pth"
    assert f"{project}/src\n" == pth.read_text()


@pytest.mark.parametrize("root", ["", "elsewhere", "project/src/demo/sub"])
def test_an_editable_link_stays_below_the_root(
    place: Place, project: Path, root: str
):
    """
    Which the caller names: the wheel cannot vouch for itself.
    """
    for name in ("elsewhere", "project/src/demo/sub"):
        (place.root / name).mkdir(exist_ok=True)
    wheel = place.put(editable(project))
    policy = Policy(
        links=LinkPolicy.named("editable").replace(
            editable_root=str(place.root / root) if root else ""
        )
    )

    with place.untouched(), pytest.raises(UnsafeMemberError) as caught:
        unwheel.extract(wheel, place.dest, policy=policy)

    code = "EDITABLE_ROOT" if root else "ABSOLUTE"
    assert [code] == [p.code for p in caught.value.problems]


# --------------------------------------------------------------------- times


# 2001-02-03 04:05:06, as DOS has it, and as seconds (UTC).
DOS = {"dos_date": 21 << 9 | 2 << 5 | 3, "dos_time": 4 << 11 | 5 << 5 | 3}
DOS_SECONDS = 981_173_106


def stamp(seconds: int) -> list[tuple[int, bytes]]:
    """An extended timestamp (0x5455) with the time of modification."""
    return [(0x5455, struct.pack("<Bi", 1, seconds))]


def dated() -> WheelBuilder:
    """Entries with a DOS time, or with an extended timestamp as well."""
    return (
        linked()
        .directory("demo/empty/", extra=stamp(1_000_000_003))
        .file("demo/dos", b"dos", **DOS)
        .file("demo/both", b"both", extra=stamp(1_000_000_001), **DOS)
        .link("demo/dos-link", "dos", **DOS)
        .link("demo/both-link", "both", extra=stamp(1_000_000_002), **DOS)
    )


@pytest.mark.parametrize("mtime", [86400, "SOURCE_DATE_EPOCH"])
def test_one_time_for_all(
    place: Place, mtime, monkeypatch: pytest.MonkeyPatch
):
    """
    Whatever was made: files, links, directories, RECORD.
    """
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    wheel = place.put(dated())

    unwheel.extract(wheel, place.dest, policy=Policy(mtime=mtime))

    found = {
        name: int((place.dest / name).lstat().st_mtime)
        for name in tree_of(place.dest)
    }
    assert {86400} == set(found.values()), found


@pytest.mark.parametrize("text", [None, "", "soon", "-1", "1.5", "\u0661"])
def test_an_epoch_that_is_no_number_is_an_error_of_the_caller(
    place: Place, text, monkeypatch: pytest.MonkeyPatch
):
    """
    A typing error must not make today's times.
    """
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    if text is not None:
        monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    wheel = place.put(demo())

    with place.untouched(), pytest.raises(TypeError, match="SOURCE_DATE"):
        unwheel.extract(
            wheel, place.dest, policy=Policy(mtime="SOURCE_DATE_EPOCH")
        )


def test_the_times_of_the_archive(place: Place):
    """
    Of files and links; of the directories that are entries.
    """
    wheel = place.put(dated())
    with unwheel.Wheel(wheel) as opened:
        times = {
            name.rstrip("/"): opened.entries.mtime(k)
            for k, name in enumerate(opened.entries.names)
        }

    unwheel.extract(wheel, place.dest, policy=Policy(mtime="archive"))

    del times[f"{INFO}/RECORD"]  # written anew, so of today
    assert {
        "demo/dos": DOS_SECONDS,
        "demo/dos-link": DOS_SECONDS,
        "demo/both": 1_000_000_001,
        "demo/both-link": 1_000_000_002,
        "demo/empty": 1_000_000_003,
    }.items() <= times.items()
    for name, seconds in times.items():
        assert seconds == int((place.dest / name).lstat().st_mtime), name


def test_the_owner_of_the_archive_is_nobody_here(place: Place):
    """
    Whoever extracts owns it all, root too, and no name is anyone else's.
    """
    owner = [(0x7875, b"\1\4\x39\x30\0\0\4\x39\x30\0\0")]  # 12345:12345
    wheel = place.put(
        demo(PLATFORM_TAG)
        .file("demo/file", b"file", extra=owner)
        .link("demo/link", "file", extra=owner)
    )

    unwheel.extract(wheel, place.dest)

    us = os.lstat(place.dest)
    for name in ("demo/file", "demo/link"):
        found = os.lstat(place.dest / name)
        assert (us.st_uid, us.st_gid) == (found.st_uid, found.st_gid), name


def test_the_time_of_a_link_is_its_own(place: Place):
    """
    Setting it must not reach what it leads to.
    """
    target = place.root / "target"
    target.write_bytes(b"")
    os.utime(target, (5, 5))
    wheel = place.put(demo(PLATFORM_TAG).link("demo/l", f"{target}"))

    unwheel.extract(
        wheel, place.dest, policy=Policy(links="verbatim", mtime=86400)
    )

    assert 86400 == int((place.dest / "demo/l").lstat().st_mtime)
    assert 5 == int(target.stat().st_mtime)


# ------------------------------------------------------------------ failures


@pytest.mark.parametrize("call", ["symlink", "put"])
def test_a_failure_leaves_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch, call: str
):
    """
    Also when all files are there already.
    """

    def fail(*_: object) -> None:
        raise DestinationError([native.os_problem(28, "cannot write")])

    monkeypatch.setattr(native.Tree, call, fail)
    wheel = place.put(linked())
    handles = open_handles()

    with place.untouched(), pytest.raises(DestinationError):
        unwheel.extract(wheel, place.dest)

    assert handles == open_handles()


@pytest.mark.parametrize(
    ("code", "path"),
    [
        ("RESERVED_NAME", ".unwheel-0123456789abcdef"),
        ("CASE_CLASH", "demo/TOOL.sh"),
        ("DEVICE_NAME", "demo/aux.so"),
        ("BACKSLASH", "demo\\x"),
    ],
)
def test_names_that_only_links_have_are_judged_as_all(
    place: Place, code: str, path: str
):
    """
    A row of LINKS makes a name as an entry does.
    """
    wheel = place.put(
        second(demo()).info("LINKS", f"{path},demo/__init__.py\n")
    )
    policy = Policy(
        links=LinkPolicy.named("strict").replace(wheel2=True),
        portable_names="refuse",
    )

    with place.untouched(), pytest.raises(UnsafeMemberError) as caught:
        unwheel.extract(wheel, place.dest, policy=policy)

    assert code in {p.code for p in caught.value.problems}


def test_fields_that_could_be_links_are_told(place: Place):
    """
    PKWARE's and ASi's: read by nobody who takes wheels apart, us included.
    """
    wheel = place.put(
        demo()
        .file("demo/a", b"b", extra=[(0x000D, bytes(12) + b"/etc/passwd")])
        .file("demo/c", b"d", extra=[(0x756E, bytes(14) + b"a")])
    )

    report = unwheel.extract(wheel, place.dest)

    assert [("LINK_FIELD", "demo/a"), ("LINK_FIELD", "demo/c")] == [
        (p.code, p.member) for p in report.warnings
    ]
    assert b"b" == (place.dest / "demo/a").read_bytes()
