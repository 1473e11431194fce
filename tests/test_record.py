"""RECORD: well-formed or refused with every reason, then judged."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unwheel import record as module
from unwheel.errors import MOST_ALIKE, RecordError
from unwheel.policy import Limits
from unwheel.record import (
    ALGORITHMS,
    Record,
    content_problems,
    judge,
    names_problems,
    record_missing,
    unlisted,
)

DIST = "a-1.dist-info"
OWN = f"{DIST}/RECORD"
SHA256 = hashlib.sha256(b"x").digest()


def encoded(digest):
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def cell(algorithm="sha256", content=b"x"):
    return f"{algorithm}={encoded(hashlib.new(algorithm, content).digest())}"


def written(*rows, end="\n"):
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=end).writerows(rows)
    return out.getvalue().encode()


def problems_of(data, limits=None):
    with pytest.raises(RecordError) as refusal:
        Record.parse(data, limits or Limits())
    return refusal.value.problems


def codes(problems):
    return [p.code for p in problems]


GOOD = ("a.py", cell(), "1")
PLAIN = Record(
    names=frozenset({"a.py", "b/c.py", OWN}),
    sha256={"a.py": SHA256, "b/c.py": SHA256},
    other={},
    unhashed={OWN},
    sizes={"a.py": 1, "b/c.py": 20},
    symlinks={},
)
PLAIN_ROWS = (GOOD, ("b/c.py", cell(), "20"), (OWN, "", ""))


# ------------------------------------------------------------------ reading


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_reads_columns_with_any_line_end(end):
    """
    With and without one after the last row.
    """
    data = written(*PLAIN_ROWS, end=end)

    assert PLAIN == Record.parse(data)
    assert PLAIN == Record.parse(data.removesuffix(end.encode()))


def test_reads_quoted_names():
    """
    A comma in a name is quoted, as CSV does it.
    """
    record = Record.parse(written(("a,b'.py", cell(), "3"), GOOD))

    assert {"a,b'.py": 3, "a.py": 1} == record.sizes


def test_reads_every_algorithm():
    """
    "sha256 or better", by hashlib's names.
    """
    rows = [(name, cell(name), "1") for name in ALGORITHMS]

    record = Record.parse(written(*rows))

    assert {"sha256": SHA256} == record.sha256
    assert {
        name: (name, hashlib.new(name, b"x").digest())
        for name in ALGORITHMS
        if name != "sha256"
    } == record.other


def test_the_sizes_of_digests_are_those_of_hashlib():
    """
    The table is data; hashlib is the authority.
    """
    assert ALGORITHMS == {
        name: hashlib.new(name).digest_size for name in ALGORITHMS
    }


def test_reads_the_links_of_pybi():
    """
    "NAME,symlink=TARGET,", the target verbatim.
    """
    record = Record.parse(written(("bin/a", "symlink=../x=y", "")))

    assert {"bin/a": "../x=y"} == record.symlinks
    assert frozenset({"bin/a"}) == record.names


def test_reads_names_that_are_not_ascii():
    """
    RECORD is UTF-8.
    """
    assert {"\u00e9.py": 1} == Record.parse(
        written(("\u00e9.py", cell(), "1"))
    ).sizes


def test_an_empty_record_lists_nothing():
    """
    It is well-formed; that it lists nothing is for `judge` to say.
    """
    assert frozenset() == Record.parse(b"").names


DIGIT = encoded(SHA256)
REFUSED = [
    ("RECORD_NOT_UTF8", b"\xe9.py,,\n"),
    ("RECORD_FIELDS", b"a.py,\n"),
    ("RECORD_FIELDS", b"a.py,,,\n"),
    ("RECORD_FIELDS", b"a.py,,\n\n"),
    ("RECORD_FIELDS", b"a,,b,,\n"),
    ("RECORD_FIELDS", b'"a.py,,\n'),
    ("RECORD_FIELDS", b'"a"b,,\n'),
    ("RECORD_DUPLICATE", written(GOOD, GOOD)),
    ("RECORD_NAME", written(("../a.py", cell(), "1"))),
    ("RECORD_NAME", written(("/a.py", cell(), "1"))),
    ("RECORD_NAME", written(("a/", "", ""))),
    ("RECORD_NAME", written(("a\nb", "", ""))),
    ("RECORD_NAME", written(("", cell(), "1"))),
    ("RECORD_NAME", "\ufeffa.py,,\n".encode()),
    ("RECORD_DIGEST", written(("a", DIGIT, "1"))),
    ("RECORD_DIGEST", written(("a", f"sha256={DIGIT}=", "1"))),
    ("RECORD_DIGEST", written(("a", f"sha256={DIGIT[:-1]}", "1"))),
    ("RECORD_DIGEST", written(("a", f"sha256={DIGIT}A", "1"))),
    ("RECORD_DIGEST", written(("a", f"sha256={DIGIT[:-1]}h", "1"))),
    ("RECORD_DIGEST", written(("a", f"sha256=+{DIGIT[1:]}", "1"))),
    ("RECORD_DIGEST", written(("a", f"sha256=\n{DIGIT[1:]}", "1"))),
    ("RECORD_DIGEST", written(("a", f"sha256=\u00e9{DIGIT[1:]}", "1"))),
    ("RECORD_DIGEST", written(("a", "sha256=" + SHA256.hex(), "1"))),
    ("RECORD_DIGEST", written(("a", f"sha512={DIGIT}", "1"))),
    ("RECORD_DIGEST", written(("a", "symlink", ""))),
    ("RECORD_WEAK", written(("a", cell("md5"), "1"))),
    ("RECORD_WEAK", written(("a", cell("sha1"), "1"))),
    ("RECORD_WEAK", written(("a", cell("sha224"), "1"))),
    ("RECORD_ALGORITHM", written(("a", f"sha257={DIGIT}", "1"))),
    ("RECORD_ALGORITHM", written(("a", f"SHA256={DIGIT}", "1"))),
    ("RECORD_ALGORITHM", written(("a", f"={DIGIT}", "1"))),
    ("RECORD_SIZE", written(("a", cell(), "-1"))),
    ("RECORD_SIZE", written(("a", cell(), "+1"))),
    ("RECORD_SIZE", written(("a", cell(), "1_0"))),
    ("RECORD_SIZE", written(("a", cell(), " 1"))),
    ("RECORD_SIZE", written(("a", cell(), "0x1"))),
    ("RECORD_SIZE", written(("a", cell(), "\u0661"))),
    ("RECORD_SIZE", written(("a", cell(), "9" * 5000))),
    ("RECORD_SIZE", written(("a", "symlink=b", "1"))),
]


@pytest.mark.parametrize(("code", "data"), REFUSED)
def test_refuses_a_record_that_is_malformed(code, data):
    """
    Each by its code; the good row is read without it.
    """
    assert [code] == codes(problems_of(data))
    assert ["a.py"] == list(Record.parse(written(GOOD)).sha256)


@pytest.mark.parametrize(
    ("code", "data"), [row for row in REFUSED if row[0] != "RECORD_NOT_UTF8"]
)
def test_finds_what_is_odd_among_what_is_not(code, data):
    """
    A bad row last, after good ones that are read in columns.
    """
    many = written(*((f"m{i}.py", cell(), "7") for i in range(50)))

    assert [code] == codes(problems_of(many + data))


def test_refuses_a_nul():
    """
    Some versions of csv refuse it, others leave it to us.
    """
    assert problems_of(b"a\0b.py,,\n")[0].code in (
        "RECORD_FIELDS",
        "RECORD_NAME",
    )


def test_reports_every_row_that_is_wrong():
    """
    In the order of the rows, with the member.
    """
    data = written(
        GOOD, ("../x", cell("md5"), "z"), GOOD, ("b", "sha256=", "1")
    )

    assert [
        ("RECORD_NAME", "../x"),
        ("RECORD_WEAK", "../x"),
        ("RECORD_SIZE", "../x"),
        ("RECORD_DUPLICATE", "a.py"),
        ("RECORD_DIGEST", "b"),
    ] == [(p.code, p.member) for p in problems_of(data)]


def test_one_row_does_not_make_up_for_another():
    """
    Four fields in one and two in the next are not three in each.
    """
    assert ["RECORD_FIELDS"] * 2 == codes(problems_of(b"a,,,\nb,\n"))


def test_one_cell_does_not_make_up_for_another():
    """
    A prefix twice in one row and missing in the next is no bulk digest.
    """
    twice = "sha256=sha256=" + "A" * 36
    none = "A" * 50

    assert ["RECORD_DIGEST", "RECORD_DIGEST"] == codes(
        problems_of(written(("a", twice, "1"), ("b", none, "1")))
    )


def test_refuses_more_rows_than_a_wheel_may_have_entries():
    """
    Before any row becomes an object; so do fields without end.
    """
    limits = replace(Limits(), entries=3)
    rows = [(f"{i}", cell(), "1") for i in range(4)]

    assert 3 == len(Record.parse(written(*rows[:3]), limits).names)
    assert [("RECORD_ROWS", "4 rows", "at most 3")] == [
        (p.code, p.found, p.expected)
        for p in problems_of(written(*rows), limits)
    ]
    assert ["RECORD_ROWS"] == codes(problems_of(b"," * 100, limits))


def test_refuses_a_million_rows_for_a_handful_of_entries():
    """
    A small wheel must not keep us busy; one that lost entries may have rows.
    """
    for rows, code in ((10_010, "RECORD_FIELDS"), (10_011, "RECORD_ROWS")):
        with pytest.raises(RecordError) as refusal:
            Record.parse(b"x\n" * rows, entries=1)
        assert code == refusal.value.problems[0].code


def test_of_a_kind_of_problem_the_first_thousand_are_told():
    """
    The number of the others is; problems of other kinds are not lost.
    """
    rows = b"../a,md5=x,\n" * 3000 + b"b,,-1\n"

    problems = problems_of(rows)

    told = Counter(codes(problems))
    assert told == {
        "RECORD_NAME": MOST_ALIKE,
        "RECORD_DUPLICATE": MOST_ALIKE,
        "RECORD_WEAK": MOST_ALIKE,
        "RECORD_SIZE": 1,
        "MORE_PROBLEMS": 3,
    }
    assert {"2000 more", "1999 more"} == {
        p.found for p in problems if p.code == "MORE_PROBLEMS"
    }


def test_the_limits_on_names_are_those_of_the_caller():
    """
    They hold for rows as for entries.
    """
    limits = replace(Limits(), component_length=3)

    (problem,) = problems_of(written(GOOD), limits)

    assert ("RECORD_NAME", "limits.component_length") == (
        problem.code,
        problem.accept,
    )


def test_names_that_are_known_are_not_judged_again():
    """
    Only if RECORD has no others.
    """
    data = written((".x./y", cell(), "1"))

    known = Record.parse(data, known={".x./y"})

    assert known == Record.parse(data)
    assert ["RECORD_NAME"] == codes(problems_of(written(("../y", "", ""))))


NAME = st.text(
    alphabet=st.characters(
        exclude_categories=["C"], exclude_characters='/\\.: "'
    ),
    min_size=1,
    max_size=8,
)
ROW = st.tuples(
    st.one_of(
        st.just(""),
        st.binary(min_size=32, max_size=32).map(
            lambda d: "sha256=" + encoded(d)
        ),
        st.binary(min_size=64, max_size=64).map(
            lambda d: "sha512=" + encoded(d)
        ),
    ),
    st.one_of(st.just(""), st.integers(0, 2**64 - 1).map(str)),
)


@settings(deadline=None)  # machines are shared
@given(st.dictionaries(NAME, ROW, max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_round_trip(rows, end):
    """
    What a CSV writer wrote is what is read.
    """
    data = written(*((n, d, s) for n, (d, s) in rows.items()), end=end)

    record = Record.parse(data)

    back = dict.fromkeys(record.unhashed, "")
    back |= {n: "sha256=" + encoded(d) for n, d in record.sha256.items()}
    back |= {n: f"{a}={encoded(d)}" for n, (a, d) in record.other.items()}
    assert {n: d for n, (d, _) in rows.items()} == back
    assert {n: int(s) for n, (_, s) in rows.items() if s} == record.sizes
    assert frozenset(rows) == record.names


TORN = st.one_of(
    st.sampled_from(
        [",", "\n", "\r", '"', "a", "/", "..", "sha256=", "md5=", "1", "-"]
    ),
    st.sampled_from([cell(), ",".join(GOOD) + "\n", "A", "=", "\u00e9"]),
)


@settings(deadline=None)  # machines are shared
@given(st.lists(TORN, max_size=12).map("".join))
def test_columns_and_rows_agree(text):
    """
    The quick way reads what the careful one reads, or leaves it to that.
    """

    def outcome(function, *arguments):
        try:
            return function(*arguments)
        except RecordError as error:
            return error.problems

    assert outcome(module._from_rows, text, Limits()) == outcome(
        Record.parse, text.encode()
    )


# ------------------------------------------------------------------ judging

MEMBERS = ["a.py", "b/c.py", OWN]
SIZES = [1, 20, 300]


def judged(record, members=MEMBERS, sizes=SIZES, links=None):
    return [
        (p.code, p.member)
        for p in judge(record, members, sizes, DIST, links=links or {})
    ]


def test_a_record_that_says_what_is_there_is_accepted():
    """
    RECORD itself needs no digest, nor a row.
    """
    bare = replace(PLAIN, names=PLAIN.names - {OWN}, unhashed=set())

    assert [] == judged(PLAIN)
    assert [] == judged(bare)


@pytest.mark.parametrize("name", ["RECORD.jws", "RECORD.p7s"])
def test_signatures_need_no_row(name):
    """
    PEP 427 has them unlisted; a member elsewhere of that name is listed.
    """
    assert [] == judged(PLAIN, [*MEMBERS, f"{DIST}/{name}"], [*SIZES, 5])
    assert [("NOT_IN_RECORD", f"pkg/{name}")] == judged(
        PLAIN, [*MEMBERS, f"pkg/{name}"], [*SIZES, 5]
    )
    assert f"{DIST}/{name}" in unlisted(DIST)


def test_refuses_a_file_that_is_not_listed():
    """
    Whoever put it there, the author did not.
    """
    actual = judged(PLAIN, [*MEMBERS, "evil.py"], [*SIZES, 1])

    assert [("NOT_IN_RECORD", "evil.py")] == actual


def test_refuses_a_row_without_a_file():
    """
    At uninstall, such rows delete what others have installed.
    """
    actual = judged(PLAIN, ["a.py", OWN], [1, 300])

    assert [("NOT_IN_ARCHIVE", "b/c.py")] == actual


def test_refuses_another_size():
    """
    Unless the row leaves it open.
    """
    unsized = replace(PLAIN, sizes={"b/c.py": 20})

    assert [("RECORD_SIZE_DIFFERS", "a.py")] == judged(
        PLAIN, sizes=[2, 20, 300]
    )
    assert [] == judged(unsized, sizes=[2, 20, 300])


def test_refuses_a_row_without_a_digest():
    """
    Only RECORD may have such a row.
    """
    bare = replace(PLAIN, sha256={"a.py": SHA256}, unhashed={OWN, "b/c.py"})

    assert [("RECORD_NO_DIGEST", "b/c.py")] == judged(bare)


def test_the_names_alone_can_be_judged():
    """
    As the package index does: neither sizes nor digests matter then.
    """
    bare = replace(PLAIN, sha256={}, unhashed=set(PLAIN.names), sizes={})

    assert [] == names_problems(bare, MEMBERS, DIST)
    assert [] != content_problems(bare, MEMBERS, SIZES, DIST, links={})


def test_every_problem_names_a_level_that_accepts_it():
    """
    A published wheel that fails must still be installable by choice.
    """
    problems = judge(PLAIN, ["x", "a.py"], [1, 5], DIST, links={})

    assert {'record="warn"'} == {p.accept for p in problems}
    assert ("RECORD_MISSING", 'record="off"') == (
        record_missing(DIST).code,
        record_missing(DIST).accept,
    )


def link_record(text, size=""):
    return Record.parse(written(("l", text, size)))


def link_codes(record, payload=b"x"):
    problems = judge(record, ["l"], [len(payload)], DIST, links={"l": payload})
    return codes(problems)


@pytest.mark.parametrize("text", [cell(), cell("sha512"), "symlink=x"])
def test_the_row_of_a_link_is_about_its_target(text):
    """
    A digest of the target's text, or the text itself as pybi has it.
    """
    assert [] == link_codes(link_record(text))
    assert ["RECORD_MISMATCH"] == link_codes(link_record(text), b"y")


def test_the_row_of_a_link_may_not_be_without_either():
    """
    A missing digest would let any target through.
    """
    assert ["RECORD_MISMATCH"] == link_codes(link_record(""))
    assert ["NOT_IN_RECORD"] == link_codes(Record.parse(b""))


def test_refuses_a_link_row_for_a_file():
    """
    An unpacker that trusts RECORD would make a link here.
    """
    record = link_record("symlink=x")

    assert [("RECORD_MISMATCH", "l")] == judged(record, ["l"], [1])
