"""Links: judged by one table, whoever asks, wherever they are to be."""

from __future__ import annotations

import ast
from itertools import product

import pytest

from unwheel.encodings import AskedLink
from unwheel.filename import WheelFilename
from unwheel.links import OUTCOMES, LinkPlan, resolve
from unwheel.outcomes import letter_of
from unwheel.paths import MemberPath
from unwheel.policy import LINK_POLICIES, Limits, LinkPolicy
from unwheel.verdicts import split_place

DIST = "foo-1.dist-info"
DATA = "foo-1.data"
WHEELS = {
    "PLATFORM": "foo-1-cp311-cp311-manylinux_2_17_x86_64.whl",
    "ANY_TAG": "foo-1-py3-none-any.whl",
    "WINDOWS_TAG": "foo-1-py3-none-win32.win_amd64.whl",
}
SIZES = {
    "pkg/libx.so.1": 100,
    "pkg/sub/a.py": 10,
    "other/deep/b.py": 20,
    "other/empty/": 0,
    "top.py": 1,
    f"{DIST}/METADATA": 5,
    f"{DATA}/data/lib/liby.so.1": 50,
    f"{DATA}/scripts/run": 7,
}


class Place:
    """
    A host of which a test says what it can do and what it has.

    It keeps what it was asked.
    """

    def __init__(self, links=True, hardlinks=True, editables=None, owned=()):
        self._links = links
        self._hardlinks = hardlinks
        self._editables = editables or {}
        self._owned = owned
        self.asked = []

    def can_link(self):
        self.asked.append("can_link")
        return self._links

    def can_hardlink(self):
        self.asked.append("can_hardlink")
        return self._hardlinks

    def editable(self, folder, text):
        self.asked.append((folder, text))
        return self._editables.get((folder, text))

    def owned(self, path):
        self.asked.append(path)
        return path in self._owned


def asked_for(links, encoding="zip"):
    return [
        AskedLink(
            path,
            target if isinstance(target, bytes) else target.encode(),
            encoding,
        )
        for path, target in links.items()
    ]


def plan(
    links,
    sizes=SIZES,
    *,
    name=WHEELS["PLATFORM"],
    policy="strict",
    encoding="zip",
    host=None,
    **options,
):
    """
    What becomes of *links*, by path, in a wheel that also has *sizes*.
    """
    asked = asked_for(links, encoding)
    entries = {link.path: len(link.target) for link in asked}
    if isinstance(policy, str):
        policy = LinkPolicy.named(policy)
    return resolve(
        asked,
        {**(entries if encoding == "zip" else {}), **sizes},
        policy=policy,
        filename=WheelFilename.parse(name) if name else None,
        dist_info=DIST,
        host=host,
        **options,
    )


def one(links, **options):
    """
    The first of *links*, all of which are accepted.
    """
    result = plan(links, **options)
    assert () == result.problems
    return result.links[0]


def refusal(links, **options):
    """
    The first problem of *links*: the code, and what would accept it.
    """
    result = plan(links, **options)
    return result.problems[0].code, result.problems[0].accept


# ------------------------------------------------------------------ the table

# LINKS.md 5.3, row by row, as it stands there: of each cell the outcomes by
# strict / portable / editable / text / verbatim; of each row the cells of a
# platform wheel where links can be made, where not; of an "any" or Windows
# wheel, likewise.  Independent of OUTCOMES, to find an error in it.
GOOD = ("L/L/L/T/V", "X/H/H/T/X", "X/L/L/T/V", "X/H/H/T/X")
BAD = ("X/X/X/T/V", "X/X/X/T/X", "X/X/X/T/V", "X/X/X/T/X")
NOWHERE_BUT_TEXT = ("X/X/X/T/X",) * 4
NEVER = ("X/X/X/X/X",) * 4
ROWS = {
    "file in the wheel": ("FILE", {"pkg/l": "libx.so.1"}, GOOD),
    "file in the same scheme": (
        "FILE",
        {f"{DATA}/data/lib/l": "liby.so.1"},
        GOOD,
    ),
    "chain": ("CHAIN", {"pkg/l": "m", "pkg/m": "libx.so.1"}, GOOD),
    "folder": (
        "FOLDER",
        {"pkg/l": "../other"},
        ("L/L/L/T/V", "X/H/X/T/X", "X/L/L/T/V", "X/H/X/T/X"),
    ),
    "own folder": ("ANCESTOR", {"pkg/l": "."}, BAD),
    "folder above": ("ANCESTOR", {"pkg/sub/l": ".."}, BAD),
    "dangling": ("DANGLING", {"pkg/l": "missing"}, BAD),
    "itself": ("CYCLE", {"pkg/l": "l"}, BAD),
    "cycle": ("CYCLE", {"pkg/l": "m", "pkg/m": "l"}, BAD),
    "chain of 17": (
        "TOO_DEEP",
        {
            **{f"pkg/l{i}": f"l{i + 1}" for i in range(16)},
            "pkg/l16": "libx.so.1",
        },
        BAD,
    ),
    "other wheel": ("OTHER_WHEEL", {"pkg/l": "../numpy/core.so"}, BAD),
    "out of the root": ("ESCAPES", {"pkg/l": "../../x"}, BAD),
    "absolute": ("ABSOLUTE", {"pkg/l": "/x"}, BAD),
    "into .data": (
        "CROSS_SCHEME",
        {"pkg/l": f"../{DATA}/data/lib/liby.so.1"},
        BAD,
    ),
    "out of .data": ("CROSS_SCHEME", {f"{DATA}/data/l": "../../top.py"}, BAD),
    "in .dist-info": ("IN_METADATA", {f"{DIST}/l": "METADATA"}, BAD),
    "into .dist-info": ("IN_METADATA", {"pkg/l": f"../{DIST}"}, BAD),
    "in scripts": ("IN_SCRIPTS", {f"{DATA}/scripts/l": "run"}, BAD),
    "empty": ("BAD_TARGET", {"pkg/l": ""}, NOWHERE_BUT_TEXT),
    "NUL": ("BAD_TARGET", {"pkg/l": "libx.so.1\0"}, NOWHERE_BUT_TEXT),
    "control byte": ("BAD_TARGET", {"pkg/l": "\x1b"}, NOWHERE_BUT_TEXT),
    "not UTF-8": ("BAD_TARGET", {"pkg/l": b"\xff"}, NOWHERE_BUT_TEXT),
    "backslash": ("BAD_TARGET", {"pkg/l": "sub\\a.py"}, NOWHERE_BUT_TEXT),
    "drive letter": ("BAD_TARGET", {"pkg/l": "c:x"}, NOWHERE_BUT_TEXT),
    "4,096 bytes": ("BAD_TARGET", {"pkg/l": "./" * 2048}, NOWHERE_BUT_TEXT),
    "up after a name": (
        "BAD_TARGET",
        {"pkg/l": "sub/../libx.so.1"},
        NOWHERE_BUT_TEXT,
    ),
    "duplicate": ("DUPLICATE", {"other/empty": "../top.py"}, NEVER),
    "entry beneath": ("HAS_CHILDREN", {"pkg/sub": "../other"}, NEVER),
    "name ends in a slash": ("SLASH_NAME", {"pkg/l/": "libx.so.1"}, NEVER),
}
CELLS = [
    pytest.param(kind, links, cells[2 * (tag != "PLATFORM") + (not host)]
                 .split("/")[column], policy, tag, host,
                 id=f"{row}-{tag}-{'can' if host else 'cannot'}-{policy}")
    for row, (kind, links, cells) in ROWS.items()
    for tag in WHEELS
    for host in (True, False)
    for column, policy in enumerate(
        ("strict", "portable", "editable", "text", "verbatim")
    )
]  # fmt: skip
LETTERS = {
    "L": "link",
    "H": "stand-in",
    "P": "pth",
    "T": "text",
    "V": "verbatim",
}


@pytest.mark.parametrize(
    ("kind", "links", "letter", "policy", "tag", "host"), CELLS
)
def test_what_becomes_of_a_link_is_what_the_table_says(
    kind, links, letter, policy, tag, host
):
    """
    One test per cell of LINKS.md 5.3; X comes with a reason.
    """
    result = plan(
        links, name=WHEELS[tag], policy=policy, host=Place(links=host)
    )

    path = next(iter(links))
    outcomes = {str(link.path): link.outcome for link in result.links}
    codes = {problem.member: problem.code for problem in result.problems}
    if letter == "X":
        assert path in codes
        assert path not in outcomes
    else:
        folder = letter == "H" and kind == "FOLDER"
        assert ("tree" if folder else LETTERS[letter]) == outcomes[path]
        assert path not in codes


@pytest.mark.parametrize("row", ROWS)
def test_what_is_always_refused_says_why(row):
    """
    Each row by its own code where nothing else stands against the link.
    """
    kind, links, cells = ROWS[row]
    result = plan(links)

    refused = {problem.member: problem.code for problem in result.problems}
    assert (kind if cells[0][0] == "X" else None) == refused.get(
        next(iter(links))
    )


@pytest.mark.parametrize("row", ROWS)
def test_refuse_is_no_column_since_it_refuses_all(row):
    """
    Nor does it ask the host, as it will not write there.
    """
    for tag, can_link in product(WHEELS, (True, False)):
        place = Place(links=can_link)
        result = plan(
            ROWS[row][1], name=WHEELS[tag], policy="refuse", host=place
        )

        assert () == result.links
        assert len(ROWS[row][1]) == len(result.problems)
        assert [] == place.asked


# The rows that the table has as notes, by what it says there, and those that
# it takes for granted: a host without links cannot link to the outside.
OUTSIDE = ("L/L/L/T/V", "X/X/X/T/X", "X/L/L/T/V", "X/X/X/T/X")
NOTES = {
    "OTHER_WHEEL_OWNED": OUTSIDE,
    "EDITABLE_FILE": OUTSIDE,
    "EDITABLE_FOLDER": OUTSIDE,
    "EDITABLE_PACKAGE": ("L/L/L/T/V", "X/X/P/T/X", "X/L/L/T/V", "X/X/P/T/X"),
    "AMBIGUOUS_HOST": NOWHERE_BUT_TEXT,
    "TOO_MANY_LINKS": BAD,
    "BAD_NAME": NEVER,
}


def test_the_table_is_that_of_the_design():
    """
    Letter by letter, those too that no policy of today looks at.
    """
    rows = {kind: cells for kind, _, cells in ROWS.values()} | NOTES

    assert OUTCOMES == {
        kind: tuple(cell.replace("/", "") for cell in cells)
        for kind, cells in rows.items()
    }


@pytest.mark.parametrize("kind", OUTCOMES)
def test_each_named_policy_finds_its_own_letter(kind):
    """
    Its knobs lead to the very cell that has its name over it.
    """
    for tag, can_link, column in product(WHEELS, (True, False), range(5)):
        policy = LinkPolicy.named(
            ("strict", "portable", "editable", "text", "verbatim")[column]
        )
        cell = OUTCOMES[kind][2 * (tag != "PLATFORM") + (not can_link)]

        assert cell[column] == letter_of(kind, policy, tag, can_link)


@pytest.mark.parametrize("tag", WHEELS)
@pytest.mark.parametrize("host", [True, False])
@pytest.mark.parametrize("policy", LINK_POLICIES)
def test_a_link_of_another_host_is_text_or_nothing(policy, tag, host):
    """
    The row that others have to ask for: link mode, but host not 3.
    """
    expected = "T" if policy == "text" else "X"

    assert expected == letter_of(
        "AMBIGUOUS_HOST", LinkPolicy.named(policy), tag, host
    )


# ------------------------------------------------------------------ the knobs


@pytest.mark.parametrize(
    ("knobs", "tag", "host", "outcome"),
    [
        ({"any_tag": "allow"}, "ANY_TAG", True, "link"),
        ({"any_tag": "allow"}, "ANY_TAG", False, None),
        ({"any_tag": "allow"}, "WINDOWS_TAG", True, None),
        ({"windows_tag": "allow"}, "WINDOWS_TAG", True, "link"),
        ({"windows_tag": "allow"}, "ANY_TAG", True, None),
        ({"host_cannot": "stand-in"}, "PLATFORM", False, "stand-in"),
        ({"host_cannot": "stand-in"}, "ANY_TAG", False, None),
        ({"host_cannot": "stand-in"}, "ANY_TAG", True, None),
        ({"host_cannot": "pth"}, "PLATFORM", False, "stand-in"),
        ({"entries": "text"}, "ANY_TAG", False, "text"),
        ({"entries": "verbatim"}, "ANY_TAG", True, "verbatim"),
        ({"entries": "refuse"}, "PLATFORM", True, None),
        ({"any_tag": "allow", "host_cannot": "pth"}, "ANY_TAG", False,
         "stand-in"),
    ],
)  # fmt: skip
def test_each_knob_turns_its_own_part_of_strict(knobs, tag, host, outcome):
    """
    Nothing but what it is about.
    """
    result = plan(
        {"pkg/l": "libx.so.1"},
        name=WHEELS[tag],
        policy=LinkPolicy().replace(**knobs),
        host=Place(links=host),
    )

    assert outcome == (result.links[0].outcome if result.links else None)


@pytest.mark.parametrize(("limit", "deep"), [(1, 2), (2, 1), (3, 0), (9, 0)])
def test_a_chain_may_be_as_long_as_the_policy_says(limit, deep):
    """
    Sixteen by default; what counts is how many links are followed.
    """
    links = {"pkg/a": "b", "pkg/b": "c", "pkg/c": "libx.so.1"}
    result = plan(links, policy=LinkPolicy().replace(chain_limit=limit))

    assert ["TOO_DEEP"] * deep == [p.code for p in result.problems]


def test_hard_links_alone_need_a_host_that_makes_them():
    """
    The policy "editable" makes no copies, because a copy is not the source.
    """
    links = {"pkg/l": "libx.so.1"}
    can, cannot = Place(links=False), Place(links=False, hardlinks=False)

    assert "stand-in" == one(links, policy="editable", host=can).outcome
    assert ("HOST_CANNOT", 'links="portable"') == refusal(
        links, policy="editable", host=cannot
    )


def test_without_any_stand_in_there_is_none():
    """
    An empty list is no wish for a copy.
    """
    policy = LinkPolicy.named("portable").replace(stand_ins=())

    assert ("HOST_CANNOT", 'links="portable"') == refusal(
        {"pkg/l": "libx.so.1"}, policy=policy, host=Place(links=False)
    )


# --------------------------------------------------------- reasons and advice


@pytest.mark.parametrize(
    ("code", "accept", "options"),
    [
        ("LINK_REFUSED", 'links="strict"', {"policy": "refuse"}),
        ("ANY_TAG", 'links="portable"', {"name": WHEELS["ANY_TAG"]}),
        ("ANY_TAG", 'links="portable"', {"name": None}),
        ("ANY_TAG", 'links="portable"', {"platforms": ["any"]}),
        (
            "ANY_TAG",
            'links="portable"',
            {"name": WHEELS["ANY_TAG"], "policy": "refuse"},
        ),
        ("WINDOWS_TAG", 'links="portable"', {"name": WHEELS["WINDOWS_TAG"]}),
        ("WINDOWS_TAG", 'links="portable"', {"platforms": ["win_arm64"]}),
        ("HOST_CANNOT", 'links="portable"', {"host": Place(links=False)}),
        (
            "ANY_TAG",
            'links="portable"',
            {"name": WHEELS["ANY_TAG"], "host": Place(links=False)},
        ),
        (
            "HOST_CANNOT",
            'links="portable"',
            {"policy": "verbatim", "host": Place(links=False)},
        ),
    ],
)
def test_says_why_a_good_link_is_refused_and_what_accepts_it(
    code, accept, options
):
    """
    The file name and WHEEL both count, and the stricter wins.
    """
    assert (code, accept) == refusal({"pkg/l": "libx.so.1"}, **options)


@pytest.mark.parametrize(
    ("links", "knobs", "host", "accept"),
    [
        # What no policy that installs accepts, one that only looks does.
        ({"pkg/l": "../../x"}, {}, Place(), 'links="verbatim"'),
        ({"pkg/l": "../../x"}, {}, Place(links=False), 'links="text"'),
        ({"pkg/l": "a\\b"}, {}, Place(), 'links="text"'),
        # No named policy follows so many.
        (
            {f"pkg/l{i}": f"l{i + 1}" for i in range(18)}
            | {"pkg/l18": "libx.so.1"},
            {},
            Place(),
            "links.chain_limit=19",
        ),
        # Nor does any kernel follow these.
        (
            {f"pkg/l{i}": f"l{i + 1}" for i in range(41)}
            | {"pkg/l41": "libx.so.1"},
            {},
            Place(),
            'links="verbatim"',
        ),
        # A knob of the caller's that no named policy has is kept.
        (
            {f"pkg/l{i}": f"l{i + 1}" for i in range(18)}
            | {"pkg/l18": "libx.so.1"},
            {"chain_limit": 19, "any_tag": "refuse"},
            Place(links=False),
            'links.host_cannot="stand-in"',
        ),
        # The tree is too large for one policy, and not for another.
        (
            {"pkg/l": "../other"},
            {"host_cannot": "stand-in", "max_copied_entries": 1},
            Place(links=False),
            'links="portable"',
        ),
    ],
)
def test_advice_is_found_by_trying(links, knobs, host, accept):
    """
    What is named takes the link, and the rest of the caller's wishes.
    """
    assert (
        accept
        == refusal(links, policy=LinkPolicy().replace(**knobs), host=host)[1]
    )


@pytest.mark.parametrize("row", ROWS)
def test_who_follows_the_advice_is_not_refused_again(row):
    """
    In every cell that is X; or none can be given.

    But for "refuse" it is that for a host that makes links: nobody asks one.
    """
    links = ROWS[row][1]
    for policy, tag, host in product(LINK_POLICIES, WHEELS, (True, False)):
        if policy == "refuse" and not host:
            continue
        options = {"name": WHEELS[tag], "host": Place(links=host)}
        for problem in plan(links, policy=policy, **options).problems:
            advice = problem.accept
            if advice is None:
                assert problem.message.endswith("; no policy accepts it")
                choices = LINK_POLICIES
            else:
                choices = [follow(advice, LinkPolicy.named(policy))]
            accepted = {
                str(link.path)
                for choice in choices
                for link in plan(links, policy=choice, **options).links
            }
            assert (advice is not None) == (problem.member in accepted)


def follow(advice, policy):
    """
    The policy that *advice* leads to: a named one, or *policy* with a knob.
    """
    name, _, setting = advice.partition("=")
    if name == "links":
        return LinkPolicy.named(setting.strip('"'))
    return policy.replace(
        **{name.removeprefix("links."): ast.literal_eval(setting)}
    )


def test_lists_every_link_that_is_refused():
    """
    In the order of the archive, beside those that are not.
    """
    result = plan({"z": "top.py", "pkg/b": "..", "a": "/x"})

    assert ["z"] == [str(link.path) for link in result.links]
    assert ["pkg/b", "a"] == [p.member for p in result.problems]


def test_says_whom_to_tell():
    """
    The contact, like the target, cannot drive a terminal.
    """
    (problem,) = plan({"l": "\x1b[2J"}, contact="a@b\u202e").problems

    assert "contact a@b\\u202e" in problem.message
    assert "-> \\x1b[2J" == problem.found


def test_a_link_that_is_none_in_the_end_names_the_contact_too():
    """
    A link as it was asked for gives nobody a reason to write.
    """
    links = {"pkg/l": "libx.so.1"}
    cannot = Place(links=False)

    assert None is one(links, contact="a@b").contact
    assert (
        "a@b"
        == one(links, contact="a@b", policy="portable", host=cannot).contact
    )
    assert "a@b" == one(links, contact="a@b", policy="text").contact


@pytest.mark.parametrize(
    ("reason", "options"),
    [
        (None, {}),
        ("ANY_TAG", {"policy": "portable", "name": WHEELS["ANY_TAG"]}),
        ("HOST_CANNOT", {"policy": "portable", "host": Place(links=False)}),
        (None, {"policy": "text"}),
        ("ANY_TAG", {"policy": "text", "name": None}),
        ("WINDOWS_TAG", {"policy": "verbatim", "platforms": ["win32"]}),
    ],
)
def test_what_is_accepted_says_what_strict_would_have_said(reason, options):
    """
    Or why it is no link, where one was wanted.
    """
    assert reason == one({"pkg/l": "libx.so.1"}, **options).reason


# ------------------------------------------------------- what is in the plan


def test_a_wheel_without_links_has_none():
    """
    Whatever the policy; and nobody is asked anything.
    """
    place = Place()

    assert LinkPlan((), ()) == plan({}, policy="refuse", host=place)
    assert [] == place.asked


def test_a_link_is_told_in_full():
    """
    Where it is, what it says, where it leads.
    """
    link = one({"pkg/l": "./m", "pkg/m": "../other/deep/b.py"})

    assert MemberPath.parse("pkg/l") == link.path
    assert ("zip", "./m", "./m") == (link.encoding, link.target, link.text)
    assert ("other/deep/b.py", "file") == (link.resolved, link.kind)
    assert ((), ()) == (link.copies, link.folders)


def test_what_leads_nowhere_is_told_as_far_as_it_is_known():
    """
    A policy that judges no links may have such.
    """
    link = one({"pkg/l": b"\xff"}, policy="text")

    assert ("", "", "\\xff") == (link.resolved, link.kind, link.target)
    assert "BAD_TARGET" == link.reason


def test_a_target_that_is_far_too_long_is_text():
    """
    Of which no more is kept than a target may have.
    """
    link = one({"pkg/l": b"x" * 100_000}, policy="text")

    assert "BAD_TARGET" == link.reason
    assert Limits().link_target_length == len(link.target)


def test_refuses_more_links_than_are_allowed():
    """
    Before any is resolved.
    """
    links = {f"pkg/{k}": "libx.so.1" for k in range(4)}
    (problem,) = plan(links, limits=Limits(links=3)).problems

    assert ("TOO_MANY_LINKS", "limits.links") == (
        problem.code,
        problem.accept,
    )


def test_a_name_that_is_no_name_is_refused_by_its_own_code():
    """
    Entries were judged before, but not what a file of the wheel lists.
    """
    assert ("DOTDOT", None) == refusal({"../l": "x"}, policy="text")
    assert ("CONTROL_CHARACTER", None) == refusal({"pkg/\u202el": "x"})
    assert ("FILE_AND_DIRECTORY", None) == refusal(
        {"top.py/l": "x"}, encoding="axle"
    )
    assert ("NAME_TOO_LONG", "limits.name_length") == refusal(
        {"pkg/l": "libx.so.1"}, limits=Limits(name_length=4), sizes={}
    )


def test_one_path_asked_for_twice_is_a_duplicate():
    """
    As one that an entry has, by either encoding.
    """
    twice = asked_for({"l": "top.py"}) + asked_for({"l": "top.py"}, "axle")
    result = resolve(
        twice, {"l": 6, **SIZES},
        policy=LinkPolicy(), filename=None, dist_info=DIST,
    )  # fmt: skip

    assert ["DUPLICATE"] * 2 == [p.code for p in result.problems]
    assert ("DUPLICATE", None) == refusal({"top.py": "pkg"}, encoding="axle")


def test_refuses_names_that_imply_too_many_directories():
    """
    As names of entries are, since a file can list others.
    """
    assert ("TOO_MANY_DIRECTORIES", "limits.directory_size") == refusal(
        {"a/b/c/l": "x"}, encoding="axle", limits=Limits(directory_size=2000)
    )


# --------------------------------------------------------------- encodings


@pytest.mark.parametrize("name", ["refuse", "text"])
def test_advice_keeps_what_else_the_caller_asked_for(name):
    """
    A named policy would forget that version 2 is known.
    """
    policy = LinkPolicy.named(name).replace(wheel2=True)

    assert ("LINK_REFUSED", 'links.entries="link"') == refusal(
        {"pkg/l": "libx.so.1"}, encoding="links", policy=policy
    )


def test_links_of_the_file_need_the_second_version():
    """
    And say which knob that is.
    """
    links = {"pkg/l": "libx.so.1"}
    version2 = LinkPolicy().replace(wheel2=True)

    assert ("WHEEL_VERSION", "links.wheel2=True") == refusal(
        links, encoding="links"
    )
    assert "links" == one(links, encoding="links", policy=version2).encoding


@pytest.mark.parametrize("tag", WHEELS)
@pytest.mark.parametrize(
    ("policy", "host", "outcome"),
    [
        ("refuse", True, None),
        ("strict", True, "link"),
        ("strict", False, None),
        ("portable", True, "link"),
        ("portable", False, "stand-in"),
        ("editable", True, "link"),
        ("editable", False, "stand-in"),
        ("text", True, None),
        ("text", False, None),
    ],
)
def test_links_of_the_file_are_for_every_platform(policy, host, outcome, tag):
    """
    LINKS is the portable encoding, so the tag of the wheel does not count.
    """
    result = plan(
        {"pkg/l": "libx.so.1"},
        name=WHEELS[tag],
        encoding="links",
        policy=LinkPolicy.named(policy).replace(wheel2=True),
        host=Place(links=host),
    )

    assert outcome == (result.links[0].outcome if result.links else None)
    assert (outcome is None) == bool(result.problems)


def test_verbatim_leaves_the_file_as_it_is():
    """
    LINKS is then a file like others; there is no link, and no reason why.
    """
    assert LinkPlan((), ()) == plan(
        {"pkg/l": "nowhere"}, encoding="links", policy="verbatim"
    )


@pytest.mark.parametrize("is_folder", [True, False])
def test_what_a_row_says_of_its_target_has_to_be_so(is_folder):
    """
    wheel-axle's third column; a target that is something else is not meant.
    """
    links = [
        AskedLink("pkg/f", b"libx.so.1", "axle", is_folder),
        AskedLink("pkg/d", b"../other", "axle", is_folder),
    ]
    result = resolve(
        links, SIZES,
        policy=LinkPolicy(), dist_info=DIST,
        filename=WheelFilename.parse(WHEELS["PLATFORM"]),
    )  # fmt: skip

    right, wrong = ("pkg/d", "pkg/f") if is_folder else ("pkg/f", "pkg/d")
    assert [right] == [str(link.path) for link in result.links]
    assert [("BAD_TARGET", wrong)] == [
        (p.code, p.member) for p in result.problems
    ]


# ------------------------------------------------------- outside the wheel

OTHER = {"pkg/l": "../numpy/core.so"}


@pytest.mark.parametrize("tag", WHEELS)
@pytest.mark.parametrize("host", [True, False])
@pytest.mark.parametrize("policy", ["strict", "portable", "editable"])
def test_a_link_to_a_file_of_another_wheel_needs_its_knob(policy, tag, host):
    """
    Note 1 of the table: and a host that makes links, because a copy of what
    is not ours is out of date when it is updated.
    """
    place = Place(links=host, owned=["numpy/core.so"])
    policy = LinkPolicy.named(policy).replace(inter_package=True)
    result = plan(OTHER, name=WHEELS[tag], policy=policy, host=place)

    allowed = tag == "PLATFORM" or policy.any_tag == "allow"
    assert (host and allowed) == bool(result.links)
    for link in result.links:
        assert ("link", "numpy/core.so", "file", "../numpy/core.so") == (
            link.outcome, link.resolved, link.kind, link.text,
        )  # fmt: skip
        assert "OTHER_WHEEL" == link.reason


def test_nobody_is_asked_about_other_wheels_without_the_knob():
    """
    Nor about what is no such file, nor about their metadata.
    """
    place = Place(owned=["numpy/core.so", "numpy-1.dist-info/RECORD"])
    policy = LinkPolicy().replace(inter_package=True)

    assert "OTHER_WHEEL" == refusal(OTHER, host=place)[0]
    assert ["can_link"] == place.asked
    assert (
        "OTHER_WHEEL"
        == refusal({"l": "numpy/other.so"}, policy=policy, host=place)[0]
    )
    assert (
        "OTHER_WHEEL"
        == refusal(
            {"l": "numpy-1.dist-info/RECORD"}, policy=policy, host=place
        )[0]
    )
    assert "OTHER_WHEEL" == refusal(OTHER, policy=policy)[0]


@pytest.mark.parametrize("target", ["../numpy/core.so/", "../numpy/core.so/."])
def test_a_file_of_another_wheel_is_no_folder(target):
    """
    The kernel would not find it by that text.
    """
    place = Place(owned=["numpy/core.so"])
    policy = LinkPolicy().replace(inter_package=True)

    assert (
        "OTHER_WHEEL"
        == refusal({"pkg/l": target}, policy=policy, host=place)[0]
    )


def test_policies_that_judge_no_link_know_nothing_of_the_outside():
    """
    What is verbatim is not a real path instead.
    """
    (link,) = editable({"pkg/l": "/link/x.py"}, policy="verbatim").links
    assert ("verbatim", "/link/x.py", "") == (
        link.outcome,
        link.text,
        link.resolved,
    )


def test_a_chain_may_lead_to_another_wheel():
    """
    The whole way counts, also through a folder that is not ours.
    """
    place = Place(owned=["numpy/lib/core.so"])
    policy = LinkPolicy().replace(inter_package=True)
    links = {"pkg/a": "b", "pkg/b": "../numpy/lib/./core.so"}

    assert ["numpy/lib/core.so"] * 2 == [
        link.resolved for link in plan(links, policy=policy, host=place).links
    ]
    assert ["TOO_DEEP"] == [
        problem.code
        for problem in plan(
            links, policy=policy.replace(chain_limit=1), host=place
        ).problems
    ]


ROOT = "/proj"
EDITABLES = {
    ("", "/proj/src/foo"): ("folder", "/proj/src/foo"),
    ("", "/proj/src"): ("folder", "/proj/src"),
    ("", "/proj/src/bar"): ("folder", "/proj/src/bar"),
    ("pkg", "/proj/x.py"): ("file", "/proj/x.py"),
    ("pkg", "../../proj/x.py"): ("file", "/proj/x.py"),
    ("pkg", "/link/x.py"): ("file", "/proj/x.py"),
    ("", "/proj"): ("folder", "/proj"),
}


def editable(links, *, links_possible=True, policy="editable", **options):
    return plan(
        links,
        policy=LinkPolicy.named(policy).replace(editable_root=ROOT),
        host=Place(links=links_possible, editables=EDITABLES),
        **options,
    )


@pytest.mark.parametrize("tag", WHEELS)
@pytest.mark.parametrize(
    ("path", "target", "resolved", "kind"),
    [
        ("pkg/l", "/proj/x.py", "/proj/x.py", "file"),
        ("pkg/l", "/link/x.py", "/proj/x.py", "file"),
        ("pkg/l", "../../proj/x.py", "/proj/x.py", "file"),
        ("foo", "/proj/src/foo", "/proj/src/foo", "folder"),
        ("other-name", "/proj/src/foo", "/proj/src/foo", "folder"),
    ],
)
def test_an_editable_link_holds_the_real_path(
    path, target, resolved, kind, tag
):
    """
    Note 2 of the table: it exists, in the root that the caller named.
    """
    (link,) = editable({path: target}, name=WHEELS[tag]).links

    assert ("link", resolved, kind, resolved, target) == (
        link.outcome, link.resolved, link.kind, link.text, link.target,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("path", "target", "outcome"),
    [
        ("foo", "/proj/src/foo", "pth"),
        ("baz", "/proj/src/foo", None),  # has another name there
        ("pkg/foo", "/proj/src/foo", None),  # is no top-level package
        ("proj", "/proj", None),  # the folder above is not the caller's
        ("pkg/l", "/proj/x.py", None),  # no .pth is for a file
    ],
)
def test_a_package_that_cannot_be_a_link_is_a_line_in_a_pth_file(
    path, target, outcome
):
    """
    Note 3 of the table.
    """
    result = editable({path: target}, links_possible=False)

    assert outcome == (result.links[0].outcome if result.links else None)
    if outcome is None:
        assert {result.problems[0].code} <= {"HOST_CANNOT", "EDITABLE_ROOT"}
    else:
        assert "/proj/src/foo" == result.links[0].text
        assert "HOST_CANNOT" == result.links[0].reason


@pytest.mark.parametrize(
    ("place", "above", "name"),
    [
        ("/proj/src/foo", "/proj/src", "foo"),
        ("/foo", "/", "foo"),
        ("/proj/a\\foo", "/proj", "a\\foo"),
        ("C:\\proj\\foo", "C:\\proj", "foo"),
        ("C:\\foo", "C:\\", "foo"),
        ("\\\\host\\share\\foo", "\\\\host\\share", "foo"),
    ],
)
def test_a_package_is_found_by_the_folder_above_it(place, above, name):
    """
    On either system; a backslash in a POSIX path is a letter.
    """
    host = Place(
        links=False,
        editables={
            ("", f"/src/{name}"): ("folder", place),
            ("", above): ("folder", above),
        },
    )
    policy = LinkPolicy.named("editable").replace(editable_root=above)

    assert (above, name) == split_place(place)
    if "\\" not in name:
        link = one({name: f"/src/{name}"}, policy=policy, host=host)
        assert ("pth", place) == (link.outcome, link.text)


def test_only_the_editable_policy_writes_pth_files():
    """
    Others have no such outcome.
    """
    for policy in ("strict", "portable"):
        result = editable(
            {"foo": "/proj/src/foo"}, links_possible=False, policy=policy
        )
        assert "HOST_CANNOT" == result.problems[0].code


def test_an_editable_target_has_to_be_there_and_in_the_root():
    """
    And the host is asked only if the caller named a root.
    """
    assert (
        "EDITABLE_ROOT" == editable({"pkg/l": "/etc/passwd"}).problems[0].code
    )
    place = Place(editables=EDITABLES)
    assert (
        "ABSOLUTE"
        == refusal({"pkg/l": "/proj/x.py"}, policy="editable", host=place)[0]
    )
    assert ["can_link"] == place.asked


def test_a_link_by_way_of_an_editable_one_is_asked_about_as_a_whole():
    """
    Not only its first step has to be in the root.
    """
    place = Place(
        editables={
            ("", "/proj/src/foo"): ("folder", "/proj/src/foo"),
            ("", "/proj/src/foo/a.py"): ("file", "/proj/src/foo/a.py"),
        }
    )
    result = plan(
        {"foo": "/proj/src/foo", "pkg/a": "../foo/a.py", "pkg/b": "../foo/b"},
        policy=LinkPolicy.named("editable").replace(editable_root=ROOT),
        host=place,
    )

    assert ["/proj/src/foo", "/proj/src/foo/a.py"] == [
        link.text for link in result.links
    ]
    assert ["pkg/b"] == [problem.member for problem in result.problems]


# ----------------------------------------------------------------- stand-ins


def stood_in(links, sizes=SIZES, **knobs):
    policy = LinkPolicy.named("portable").replace(**knobs)
    return plan(links, sizes, policy=policy, host=Place(links=False))


def test_the_final_file_stands_in_for_each_link_of_a_chain():
    """
    No stand-in is made of another.
    """
    links = {"pkg/a": "b", "pkg/b": "libx.so.1"}

    assert [
        (("pkg/a", "pkg/libx.so.1"),),
        (("pkg/b", "pkg/libx.so.1"),),
    ] == [link.copies for link in stood_in(links).links]


def test_a_tree_stands_in_for_a_folder():
    """
    With what its links lead to, and folders that are empty.
    """
    result = stood_in(
        {
            "pkg/l": "../other",
            "other/s": "../pkg/sub",
            "other/deep/t": "../../top.py",
        }
    )
    link = result.links[0]

    assert ("tree", "folder", "other") == (
        link.outcome, link.kind, link.resolved,
    )  # fmt: skip
    assert {
        ("pkg/l/deep/b.py", "other/deep/b.py"),
        ("pkg/l/deep/t", "top.py"),
        ("pkg/l/s/a.py", "pkg/sub/a.py"),
    } == set(link.copies)
    assert {"pkg/l", "pkg/l/deep", "pkg/l/empty", "pkg/l/s"} == set(
        link.folders
    )
    assert "pkg/l" == link.folders[0]


@pytest.mark.parametrize(
    ("knob", "enough"), [("max_copied_entries", 5), ("max_copied_size", 120)]
)
def test_stand_ins_have_a_budget(knob, enough):
    """
    All together; what goes beyond is refused, and the knob named.
    """
    links = {"pkg/d": "../other", "pkg/l": "libx.so.1"}
    sizes = {"other/deep/b.py": 20, "other/x": 0, "pkg/libx.so.1": 100}

    assert () == stood_in(links, sizes, **{knob: enough}).problems
    (problem,) = stood_in(links, sizes, **{knob: enough - 1}).problems
    assert ("COPY_BUDGET", "pkg/l") == (problem.code, problem.member)
    assert 'links="portable"' == problem.accept


def test_the_budget_that_is_named_is_enough():
    """
    The default of no policy is; a knob has to say so much.
    """
    sizes = {"other/x": 5 << 40}
    (problem,) = stood_in({"pkg/d": "../other"}, sizes).problems

    assert f"links.max_copied_size={5 << 40}" == problem.accept
    assert (
        ()
        == stood_in(
            {"pkg/d": "../other"}, sizes, max_copied_size=5 << 40
        ).problems
    )


def doubling(count):
    """
    Folders of two links into the next: 2^count files at the end.
    """
    links = {
        f"d{k:03}/{side}": f"../d{k + 1:03}"
        for k in range(count)
        for side in "ab"
    }
    return {"l": "d000", **links}, {f"d{count:03}/x": 1}


def test_an_exponential_wheel_is_refused_without_being_listed():
    """
    Sixty folders ask for more files than there are in the world.
    """
    result = stood_in(*doubling(60))

    refused = {problem.member for problem in result.problems}
    assert {"COPY_BUDGET"} == {problem.code for problem in result.problems}
    assert "l" in refused
    assert sum(len(link.copies) for link in result.links) <= 100_000


def test_the_same_wheel_is_harmless_where_links_can_be_made():
    """
    None of its links goes round in a circle.
    """
    result = plan(*doubling(60))

    assert () == result.problems
    assert {"link"} == {link.outcome for link in result.links}


def test_a_tree_may_not_have_names_that_are_too_long():
    """
    Each component is that of some entry, but there can be too many.
    """
    result = plan(
        {"very/long/way/down/l": "../../../../pkg"},
        {"pkg/a/b/c/d/e/f": 1},
        policy="portable",
        host=Place(links=False),
        limits=Limits(depth=8),
    )

    assert [("TOO_DEEP", "very/long/way/down/l", "limits.depth")] == [
        (p.code, p.member, p.accept) for p in result.problems
    ]
