"""The judge: entries, RECORD, links and policy make a plan, or one error."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence

import pytest
from builder import WheelBuilder, digest_of
from places import PLATFORM_TAG, demo

from unwheel import plan as module
from unwheel.backend import EntryTable
from unwheel.errors import (
    MOST_ALIKE,
    InvalidWheelError,
    LimitError,
    RecordError,
    UnsafeMemberError,
    UnwheelError,
)
from unwheel.native import (
    DIRECTORY,
    EXECUTABLE,
    SHA256,
    NativeArchive,
)
from unwheel.plan import NO_DIGEST, Plan, make_plan
from unwheel.policy import Limits, Policy

INFO = "demo-1.0.dist-info"


def judged(builder: WheelBuilder, policy: Policy = Policy()) -> Plan:  # noqa: B008 - frozen
    """The plan of a wheel in memory: nothing here needs a file."""
    archive = NativeArchive.from_bytes(builder.build(), policy.limits)
    return make_plan(archive, builder.filename, policy)


def refused(
    builder: WheelBuilder,
    policy: Policy = Policy(),  # noqa: B008 - frozen
) -> UnwheelError:
    """Why it is refused."""
    with pytest.raises(UnwheelError) as caught:
        judged(builder, policy)
    return caught.value


def told(error: UnwheelError) -> list[tuple[str, str | None]]:
    """Codes and members."""
    return [(problem.code, problem.member) for problem in error.problems]


def ordered(plan: Plan) -> dict[str, tuple[int, bytes]]:
    """Flags and digest of each order, by name."""
    return {
        plan.entries.names[entry]: (
            plan.flags[k],
            plan.digests[32 * k : 32 * k + 32],
        )
        for k, entry in enumerate(plan.orders)
    }


def sha256(data: bytes) -> bytes:
    """As RECORD has it, as bytes."""
    return hashlib.sha256(data).digest()


def test_flags_are_those_of_the_core():
    """
    The plan is pure and does not import them.
    """
    assert (EXECUTABLE, DIRECTORY, SHA256) == (
        module.EXECUTABLE,
        module.DIRECTORY,
        module.SHA256,
    )


def test_every_file_and_directory_is_an_order():
    """
    Files first, with what is known of them; directories have no content.
    """
    plan = judged(demo().directory("e/").file("z", b"z", mode=0o744))

    orders = ordered(plan)
    assert (SHA256, sha256(b"answer = 42\n")) == orders["demo/__init__.py"]
    assert (SHA256 | EXECUTABLE, sha256(b"z")) == orders["z"]
    assert (DIRECTORY, NO_DIGEST) == orders["e/"]
    assert (0, NO_DIGEST) == orders[f"{INFO}/RECORD"]
    assert "e/" == plan.entries.names[plan.orders[-1]]
    assert len(orders) - 1 == plan.files
    assert len(orders) == len(plan.orders) == len(plan.flags)
    assert 32 * len(orders) == len(plan.digests)


def test_links_are_no_orders():
    """
    They are made last, and their text is no file.
    """
    plan = judged(demo(PLATFORM_TAG).link("demo/l", "__init__.py"))

    assert "demo/l" not in ordered(plan)
    [link] = plan.links
    assert ("demo/l", "__init__.py") == (str(link.path), link.target)
    assert plan.files == len(ordered(plan))
    sizes = dict(zip(plan.entries.names, plan.entries.sizes, strict=True))
    assert sum(sizes.values()) - sizes["demo/l"] == plan.size


@pytest.mark.parametrize("level", ["names", "off"])
def test_levels_without_content_ask_for_no_digest(level: str):
    """
    Nothing to compare with.
    """
    plan = judged(demo(), Policy(record=level))

    assert {NO_DIGEST} == {digest for _, digest in ordered(plan).values()}
    assert not any(flags & SHA256 for flags in plan.flags)
    assert (plan.record is None) == (level == "off")


def test_other_digests_are_for_hashlib():
    """
    The order, the algorithm, the digest.
    """
    content = b"answer = 42\n"
    plan = judged(
        demo().row("demo/__init__.py", digest=digest_of(content, "sha512"))
    )

    [(order, algorithm, digest)] = plan.rehash
    assert "demo/__init__.py" == plan.entries.names[plan.orders[order]]
    assert ("sha512", hashlib.sha512(content).digest()) == (algorithm, digest)
    assert 0 == plan.flags[order] & SHA256


@pytest.mark.parametrize(
    ("mode", "host", "expected"),
    [
        (0o644, 3, False),
        (0o755, 3, True),
        (0o001, 3, True),
        (0o010, 3, True),
        (0o755, 0, False),
    ],
)
def test_executable_is_said_by_unix_alone(
    mode: int, host: int, expected: bool
):
    """
    Any of the three bits, of an entry of host 3 (APPNOTE 4.4.2.2).
    """
    plan = judged(demo().file("x", b"x", mode=mode, host=host))

    assert expected == bool(ordered(plan)["x"][0] & EXECUTABLE)


def test_the_order_of_entries_is_that_of_orders():
    """
    Whatever stands between: directories, links.
    """
    builder = demo(PLATFORM_TAG).directory("e/").link("l", "demo")
    plan = judged(builder.file("z", b"z").directory("f/"))

    names = [plan.entries.names[entry] for entry in plan.orders]
    files = [n for n in names if not n.endswith("/")]
    assert [*files, "e/", "f/"] == names
    assert files == [
        n for n in plan.entries.names if not n.endswith("/") and n != "l"
    ]


# ------------------------------------------------------------------ refusals


def test_the_class_is_of_the_first_and_the_problems_are_all():
    """
    Types, names and sizes are judged together.
    """
    error = refused(
        demo()
        .file("../a", b"a")
        .file("b", b"b" * 200)
        .file("d/" * 20 + "c", b"c"),
        Policy(limits=Limits(member_size=150, depth=9)),
    )

    assert UnsafeMemberError is type(error)
    assert {
        ("DOTDOT", "../a"),
        ("TOO_DEEP", "d/" * 20 + "c"),
        ("MEMBER_TOO_LARGE", "b"),
    } <= set(told(error))


def test_metadata_record_and_links_are_judged_together():
    """
    Three rooms, one refusal.
    """
    error = refused(
        demo(PLATFORM_TAG)
        .link("demo/l", "/etc/passwd")
        .row("demo/tool.sh", size=1)
        .info("METADATA", "Name: evil\nVersion: 9\n")
    )

    assert InvalidWheelError is type(error)
    assert [
        ("METADATA_DIFFERS", None),
        ("RECORD_SIZE_DIFFERS", "demo/tool.sh"),
        ("ABSOLUTE", "demo/l"),
    ] == told(error)


def test_a_link_that_cannot_be_read_does_not_hide_the_rest():
    """
    Its refusal is one of several.
    """
    error = refused(
        demo(PLATFORM_TAG)
        .link("demo/long", "x" * 5000)
        .link("demo/l", "/etc/passwd")
    )

    assert {("BAD_TARGET", "demo/long"), ("ABSOLUTE", "demo/l")} <= set(
        told(error)
    )
    assert error.wheel is not None


def test_a_refused_link_says_whom_to_tell():
    """
    The contact of METADATA stands in the message.
    """
    error = refused(
        demo()
        .link("demo/l", "__init__.py")
        .info(
            "METADATA",
            "Name: demo\nVersion: 1.0\nAuthor-email: a@example.org\n",
        )
    )

    assert [("ANY_TAG", "demo/l")] == told(error)
    assert "a@example.org" in str(error)


@pytest.mark.parametrize(
    ("code", "name", "other"),
    [
        ("DUPLICATE", "demo/l", "demo/l"),
        ("HAS_CHILDREN", "demo/l", "demo/l/x"),
        ("BACKSLASH", "demo\\l", "demo/x"),
    ],
)
def test_a_name_that_no_link_can_have_says_so(code, name, other):
    """
    No policy accepts it, and neither does a knob.
    """
    error = refused(
        demo(PLATFORM_TAG).link(name, "__init__.py").file(other, b"")
    )

    [problem] = error.problems
    assert (code, name, None) == (problem.code, problem.member, problem.accept)
    assert problem.message.endswith("; no policy accepts it")


def test_a_wheel_says_for_which_platforms_twice():
    """
    An "any" in WHEEL counts like one in the file name.
    """
    error = refused(
        demo(PLATFORM_TAG)
        .link("demo/l", "__init__.py")
        .info("WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
    )

    assert [("ANY_TAG", "demo/l")] == told(error)


@pytest.mark.parametrize(
    "wheel",
    [
        "demo-1.0-py3-none-any.whl",
        "/a/b/demo-1.0-py3-none-any.whl",
        "a\\b\\demo-1.0-py3-none-any.whl",
    ],
)
def test_the_file_name_is_the_last_component(wheel: str):
    """
    In every system's way to write a path; the caller's words are kept.
    """
    archive = NativeArchive.from_bytes(demo().build(), Limits())

    assert wheel == make_plan(archive, wheel, Policy()).wheel


def test_names_are_judged_before_anything_is_read():
    """
    A hostile name is told even if nothing else can be found.
    """
    error = refused(demo().without("METADATA", "WHEEL").file("../x", b""))

    assert [("DOTDOT", "../x")] == told(error)


# -------------------------------------------------------------------- limits

LIMIT = {
    "total_size": ("TOTAL_TOO_LARGE", 20_000),
    "member_size": ("MEMBER_TOO_LARGE", 10_000),
    "member_ratio": ("MEMBER_RATIO", 20),
    "name_length": ("NAME_TOO_LONG", 30),
    "component_length": ("COMPONENT_TOO_LONG", 30),
    "depth": ("TOO_DEEP", 3),
    "metadata_size": ("MEMBER_TOO_LARGE", 20),
    "record_size": ("MEMBER_TOO_LARGE", 20),
    "entries": ("TOO_MANY_ENTRIES", 5),
    "directory_size": ("DIRECTORY_TOO_LARGE", 100),
}


@pytest.mark.parametrize("knob", LIMIT)
def test_each_limit_is_one_and_says_its_knob(knob: str):
    """
    Exceeded it is a LimitError, and the problem says what to raise.
    """
    code, value = LIMIT[knob]
    builder = (
        demo()
        .file("a/b/c/d", bytes(10_001))
        .file("x" * 31, b"x" * 10_000, method=0)
    )

    error = refused(builder, Policy(limits=Limits(**{knob: value})))

    assert LimitError is type(error)
    assert {code} == {problem.code for problem in error.problems}
    assert {f"limits.{knob}"} == {p.accept for p in error.problems}
    judged(builder)


def test_refuses_more_links_than_are_allowed_before_it_reads_one():
    """
    Each is a member to inflate; none of these can be.
    """
    builder = demo(PLATFORM_TAG)
    for k in range(4):
        builder.link(f"demo/{k}", "x", packed=b"\xff", method=8)

    error = refused(builder, Policy(limits=Limits(links=3)))

    assert LimitError is type(error)
    assert [("TOO_MANY_LINKS", "limits.links", "4 links")] == [
        (p.code, p.accept, p.found) for p in error.problems
    ]


def test_ratio_counts_only_above_its_floor():
    """
    PyPI's rule: more than 50 times the file, and more than 64 MiB.
    """
    builder = demo().file("x", bytes(1 << 20), level=9)

    judged(builder)
    error = refused(builder, Policy(limits=Limits(ratio_floor=(1 << 20) - 1)))
    judged(builder, Policy(limits=Limits(ratio_floor=1 << 21)))

    assert [("TOTAL_RATIO", None)] == told(error)


def test_the_ratio_of_tiny_members_is_allowed():
    """
    A DEFLATE block has a header; a few bytes of run are no bomb.
    """
    judged(demo().file("x", bytes(2000), level=9))


# --------------------------------------------------------------------- speed


class _Columns(EntryTable):
    """A large wheel's facts, without the wheel."""

    def __init__(self, names: Sequence[str], record: bytes) -> None:
        count = len(names)
        self.names = names
        self.names_blob = "".join(f"{n}\0" for n in names).encode()
        self.sizes = (100,) * (count - 1) + (len(record),)
        self.packed_sizes = self.sizes
        self.crc32s = (0,) * count
        self.methods = (0,) * count
        self.attributes = (0o100644 << 16,) * count
        self.made_by = (3 << 8 | 20,) * count
        self.flags = (0,) * count
        self.offsets = (0,) * count
        self.dos_times = (0,) * count
        self.link_fields = ()
        self.timestamps = (None,) * count
        self.archive_size = 100 * count
        self.ascii = True


class _Archive:
    """What the judge asks of an archive."""

    def __init__(self, contents: dict[str, bytes], table: EntryTable) -> None:
        self.entries = table
        self.contents = contents

    def read(self, index: int, limit: int) -> bytes:
        """The few members that Python sees."""
        del limit
        return self.contents[self.entries.names[index]]

    def digest(self, index: int, *algorithms: str) -> dict[str, bytes]:
        """Nobody asks."""
        raise NotImplementedError(index, algorithms)

    def close(self) -> None:
        """Nothing to close."""


def test_twelve_thousand_members_are_judged_quickly():
    """
    Some passes in C, not 12,000 objects: far from what an object each takes.
    """
    digest = digest_of(b"x" * 100)
    names = [f"demo/d{k % 300}/module_{k}.py" for k in range(12_000)]
    rows = "".join(f"{name},{digest},100\n" for name in names)
    own = [f"{INFO}/METADATA", f"{INFO}/WHEEL", f"{INFO}/RECORD"]
    rows += f"{own[0]},{digest},100\n{own[1]},{digest},100\n{own[2]},,\n"
    contents = {
        own[0]: b"Name: demo\nVersion: 1.0\n",
        own[1]: b"Wheel-Version: 1.0\nTag: py3-none-any\n",
        own[2]: rows.encode(),
    }
    table = _Columns([*names, *own], rows.encode())
    archive = _Archive(contents, table)
    times = []

    for _ in range(5):
        begun = time.process_time()
        plan = make_plan(archive, "demo-1.0-py3-none-any.whl", Policy())
        times.append(time.process_time() - begun)

    assert 12_003 == plan.files
    assert min(times) < 0.2  # 0.02 on a quiet machine


def test_names_alone_are_not_refused_for_the_number_of_weak_digests():
    """
    Of more than are told, too, none is about a name.
    """
    builder = demo()
    for k in range(MOST_ALIKE + 1):
        builder.row(f"f{k}", "md5=x").file(f"f{k}")

    assert {"RECORD_WEAK", "MORE_PROBLEMS"} == {
        problem.code for problem in refused(builder).problems
    }
    judged(builder, Policy(record="names"))


def test_a_record_error_is_whole():
    """
    Rows that are bad and members without a row: all in one error.
    """
    error = refused(
        demo().more_rows("../x,,", "demo/ghost,,").without_row("demo/tool.sh")
    )

    assert RecordError is type(error)
    assert {
        ("RECORD_NAME", "../x"),
        ("NOT_IN_ARCHIVE", "demo/ghost"),
        ("NOT_IN_RECORD", "demo/tool.sh"),
    } == set(told(error))
