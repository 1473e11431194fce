"""What the command line takes, and what it means to the API."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

import unwheel
from unwheel import knobs, packing, relinking
from unwheel.knobs import KNOBS, accepting_option, policy_of
from unwheel.options import COMMANDS, parse
from unwheel.policy import LINK_POLICIES, Limits, LinkPolicy, Policy
from unwheel.quantities import short_size, size
from unwheel.values import fields_of

JUDGES = ("extract", "verify", "list")


def policy_from(*arguments):
    """The policy that those options of `extract` ask for."""
    return policy_of(parse(["extract", "a.whl", *arguments]))


@pytest.mark.parametrize("command", JUDGES)
def test_is_as_strict_as_the_api(command):
    """The defaults of the options are those of the policy."""
    assert Policy() == policy_of(parse([command, "a.whl"]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("500000", 500_000),
        ("7b", 7),
        ("64K", 1 << 16),
        ("64kib", 1 << 16),
        ("64kB", 64_000),
        ("2G", 1 << 31),
        ("1.5G", 3 << 29),
        ("0.125MiB", 1 << 17),
        ("3TB", 3 * 10**12),
    ],
)
def test_reads_sizes_as_people_write_them(text, expected):
    """K is 1,024 and kB is 1,000, as GNU has it."""
    assert expected == policy_from("--max-total-size", text).limits.total_size


@pytest.mark.parametrize(
    "count", [0, 1, 1023, 1024, 1536, 3 << 20, 1 << 32, 5 << 40, 1 << 50]
)
def test_sizes_are_written_as_they_are_read(count):
    """The default that the help shows can be typed."""
    assert count == size(short_size(count))


# The table


def every_field():
    """Every field of a policy, as `Problem.accept` names it."""
    yield from (name for name, _ in fields_of(Policy()) if name != "limits")
    for name, _ in fields_of(LinkPolicy()):
        if name != "name":  # Policy.links is its name, too
            yield f"links.{name}"
    yield from (f"limits.{name}" for name, _ in fields_of(Limits()))


def test_every_field_of_the_policy_has_exactly_one_option():
    """What the API can allow, the command line can; no option does two."""
    options = Counter(knob.option for knob in KNOBS.values())

    assert sorted(every_field()) == sorted(KNOBS)
    assert {1} == set(options.values())


TYPED = {
    "SIZE": ("7K", 7168),
    "N": ("7", 7),
    "DIR": ("/there", "/there"),
    "TIME": ("77", 77),
    "LIST": ("copy,hardlink", ("copy", "hardlink")),
    "axle": ("axle", ("axle",)),
    "": (None, True),
}


def content_of(policy, field):
    """What the *field*, named as in `Problem.accept`, holds."""
    holder, _, name = field.rpartition(".")
    if holder == "links":
        return getattr(policy.link_policy, name)
    return getattr(policy.limits if holder else policy, name)


@pytest.mark.parametrize("knob", KNOBS.values(), ids=KNOBS)
def test_each_option_sets_its_field(knob):
    """Its field gets what was typed, and no other field moves."""
    typed, expected = (
        (knob.choices[-1], knob.choices[-1])
        if knob.choices
        else TYPED[knob.metavar]
    )
    arguments = [knob.option] if typed is None else [knob.option, typed]

    policy = policy_from(*arguments)

    assert expected == content_of(policy, knob.field)
    others = [field for field in KNOBS if field != knob.field]
    if not knob.field.startswith("links"):
        assert [content_of(Policy(), f) for f in others] == [
            content_of(policy, f) for f in others
        ]
    elif knob.field != "links":
        name = knob.field.removeprefix("links.")
        assert (name,) == policy.link_policy.changed or (
            LinkPolicy() == policy.link_policy
        )


def test_every_value_of_a_choice_can_be_typed():
    """No value of the API is missing on the command line."""
    for knob in KNOBS.values():
        for choice in knob.choices:
            policy = policy_from(knob.option, choice)
            assert choice == content_of(policy, knob.field)


@pytest.mark.parametrize("name", LINK_POLICIES)
def test_a_knob_changes_nothing_else_of_a_named_policy(name):
    """What is not given stays as the named policy has it."""
    expected = LinkPolicy.named(name).replace(chain_limit=3)

    policy = policy_from("--links", name, "--max-chain", "3")

    assert expected == policy.links
    assert name == policy_from("--links", name).links


def test_every_knob_of_links_together():
    """All that a link policy has, on one command line."""
    policy = policy_from(
        *("--links", "editable", "--link-entries", "link"),
        *("--any-tag", "refuse", "--windows-tag", "refuse"),
        *("--host-cannot", "stand-in", "--stand-ins", "copy,hardlink"),
        *("--max-chain", "3", "--max-copied-size", "1M"),
        *("--max-copied-entries", "5", "--editable-root", "/src"),
        *("--inter-package", "--wheel2", "--encodings", "axle"),
        "--no-installed-record",
    )

    assert (
        LinkPolicy(
            name="editable",
            entries="link",
            any_tag="refuse",
            windows_tag="refuse",
            host_cannot="stand-in",
            stand_ins=("copy", "hardlink"),
            chain_limit=3,
            max_copied_size=1 << 20,
            max_copied_entries=5,
            editable_root="/src",
            inter_package=True,
            wheel2=True,
            encodings=("axle",),
            installed_record=False,
        )
        == policy.links
    )


def test_the_record_of_an_install_goes_both_ways():
    """One named policy writes it and another does not: each can be told."""
    on = policy_from("--links", "text", "--installed-record")
    off = policy_from("--links", "strict", "--no-installed-record")

    assert on.link_policy.installed_record
    assert not off.link_policy.installed_record


def test_numbers_are_the_same_in_every_named_policy():
    """So the help can tell one default of each."""
    numbers = [k.field for k in KNOBS.values() if k.metavar in ("N", "SIZE")]

    for field in (f for f in numbers if f.startswith("links.")):
        told = {
            content_of(Policy(links=name), field) for name in LINK_POLICIES
        }
        assert 1 == len(told)


def test_an_editable_root_does_not_depend_on_where_we_are(
    tmp_path, monkeypatch
):
    """A relative one is taken from the directory of the command."""
    monkeypatch.chdir(tmp_path)

    policy = policy_from("--editable-root", "src")

    assert str(tmp_path / "src") == policy.link_policy.editable_root


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("now", "now"),
        ("archive", "archive"),
        ("0", 0),
        ("315532800", 315_532_800),
    ],
)
def test_takes_times_of_files(typed, expected):
    """A word, or seconds since 1970."""
    assert expected == policy_from("--mtime", typed).mtime


def test_takes_the_time_of_the_environment(monkeypatch):
    """It is the policy that names it; who extracts reads it."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")

    policy = policy_from("--mtime", "SOURCE_DATE_EPOCH")

    assert "SOURCE_DATE_EPOCH" == policy.mtime


# What is wrong


@pytest.mark.parametrize(
    "arguments",
    [
        ["extract", "a.whl", "--links", "maybe"],
        ["extract", "a.whl", "--any-tag"],
        ["extract", "a.whl", "--any-tag", "perhaps"],
        ["extract", "a.whl", "--stand-ins", ""],
        ["extract", "a.whl", "--stand-ins", "hardlink,"],
        ["extract", "a.whl", "--stand-ins", "copy,copy"],
        ["extract", "a.whl", "--stand-ins", "symlink"],
        ["extract", "a.whl", "--encodings", "zip"],
        ["extract", "a.whl", "--max-chain", "0"],
        ["extract", "a.whl", "--editable-root", ""],
        ["extract", "a.whl", "--no-wheel2"],
        ["extract", "a.whl", "--mtime", "yesterday"],
        ["extract", "a.whl", "--mtime", "-1"],
        ["extract", "a.whl", "--mtime", "1.5"],
        ["extract", "a.whl", "--mtime", "SOURCE_DATE_EPOCH"],
        ["verify", "a.whl", "--existing", "merge"],
        ["verify", "a.whl", "--host-cannot", "pth"],
        ["list", "a.whl", "--any-tag", "allow"],
        ["list", "a.whl", "--links", "a.whl", "--record", "off"],
        ["list", "a.whl", "--wheel2"],
        ["pack", "tree"],
        ["pack", "tree", "-o", "dist", "--links", "strict"],
        ["relink", "a.whl", "-o", "dist"],
        ["relink", "a.whl", "--encoding", "zip"],
        ["relink", "a.whl", "-o", "", "--encoding", "zip"],
        ["relink", "a.whl", "-o", "dist", "--encoding", "axle"],
        ["relink", "x/a.whl", "y/a.whl", "-o", "d", "--encoding", "zip"],
        ["relink", "a.whl", "-o", "d", "--encoding", "zip", "--min-size", "0"],
        ["extract", "a.whl", "a.whlx"],
    ],
)
def test_refuses_what_means_nothing(arguments, capsys, monkeypatch):
    """A usage error is status 2, and says what is wrong."""
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)

    with pytest.raises(SystemExit) as refusal:
        parse(arguments)

    assert 2 == refusal.value.code
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize("given", ["", "yesterday", "-1", "9" * 12])
@pytest.mark.parametrize(
    "arguments",
    [
        ["pack", "tree", "-o", "dist"],
        ["extract", "a.whl", "--mtime", "SOURCE_DATE_EPOCH"],
    ],
)
def test_refuses_a_date_that_is_none(arguments, given, capsys, monkeypatch):
    """Of those who would heed it; a mistake of the environment, not ours."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", given)

    with pytest.raises(SystemExit) as refusal:
        parse(arguments)

    assert 2 == refusal.value.code
    assert "SOURCE_DATE_EPOCH" in capsys.readouterr().err
    assert "verify" == parse(["verify", "a.whl"]).command


def test_a_dry_run_needs_nothing_else():
    """Neither a place nor an encoding: it is the report alone."""
    args = parse(["relink", "a.whl", "--dry-run"])

    assert (True, None, None) == (args.dry_run, args.output, args.encoding)


# list --links


@pytest.mark.parametrize(
    ("arguments", "wheels", "links"),
    [
        (["a.whl"], ["a.whl"], None),
        (["--links", "a.whl", "b.whl"], ["a.whl", "b.whl"], "strict"),
        (["--links", "portable", "a.whl"], ["a.whl"], "portable"),
        (["--links=text", "a.whl"], ["a.whl"], "text"),
        (["a.whl", "--links"], ["a.whl"], "strict"),
        (["a.whl", "--links", "--json"], ["a.whl"], "strict"),
        (["--json", "--", "--links"], ["--links"], None),
    ],
)
def test_a_listing_of_links_may_name_its_policy(arguments, wheels, links):
    """A wheel behind --links is a wheel, not a policy of that name."""
    args = parse(["list", *arguments])

    assert (wheels, links) == (args.wheels, vars(args).get("links"))


# What would accept a problem


@pytest.mark.parametrize(
    ("accept", "option"),
    [
        ('record="warn"', "--record warn"),
        ("existing='replace'", "--existing replace"),
        ('existing_links="follow"', "--existing-links follow"),
        ('portable_names="warn"', "--portable-names warn"),
        ('links="portable"', "--links portable"),
        ('links.any_tag="allow"', "--any-tag allow"),
        ('links.windows_tag="allow"', "--windows-tag allow"),
        ('links.host_cannot="stand-in"', "--host-cannot stand-in"),
        ("links.chain_limit=20", "--max-chain 20"),
        ("links.chain_limit", "--max-chain N"),
        ("links.max_copied_size=8192", "--max-copied-size 8192"),
        ("links.max_copied_size", "--max-copied-size SIZE"),
        ("links.max_copied_entries", "--max-copied-entries N"),
        ("links.wheel2=True", "--wheel2"),
        ("links.inter_package=True", "--inter-package"),
        ("links.installed_record=False", "--no-installed-record"),
        ("links.installed_record=True", "--installed-record"),
        ("links.stand_ins=('copy',)", "--stand-ins copy"),
        (
            'links.stand_ins=("hardlink", "copy")',
            "--stand-ins hardlink,copy",
        ),
        ('links.encodings={"axle"}', "--encodings axle"),
        ("links.encodings=('axle',)", "--encodings axle"),
        ("links.editable_root", "--editable-root DIR"),
        ('links.editable_root="/my src"', "--editable-root '/my src'"),
        ('mtime="archive"', "--mtime archive"),
        ('dedupe="off"', "--dedupe off"),
        ("durable=True", "--durable"),
        ("limits.total_size", "--max-total-size SIZE"),
        ("limits.depth", "--max-depth N"),
        ("limits.depth=200", "--max-depth 200"),
        ('links="some day"', 'links="some day"'),
        ("links.chain_limit=many", "links.chain_limit=many"),
        ("limits.nonsense", "limits.nonsense"),
    ],
)
def test_translates_what_would_accept_a_problem(accept, option):
    """An option that exists is named; else the words of the API stay."""
    assert option == accepting_option(accept)


def test_the_writers_take_what_the_command_line_offers():
    """It names the values itself, so that help needs no import."""
    assert (packing.LINKS, relinking.ENCODINGS) == (
        knobs.PACK_LINKS,
        knobs.RELINK_ENCODINGS,
    )


def test_what_the_code_would_accept_has_an_option():
    """No refusal sends anybody to an option that is not there."""
    sources = Path(unwheel.__file__).parent.glob("*.py")
    texts = [path.read_text(encoding="utf-8") for path in sources]
    pattern = re.compile(r"""accept=(["'])((?:\w+\.)?\w+=?["\w-]*)\1""")
    accepts = {word for text in texts for _, word in pattern.findall(text)}

    assert {'record="warn"', "limits.links"} <= accepts
    assert [] == [a for a in accepts if accepting_option(a)[:2] != "--"]


# Help


@pytest.mark.parametrize("command", COMMANDS)
def test_help_tells_examples_and_statuses(capsys, command):
    """Who asks for help can go on without the README."""
    with pytest.raises(SystemExit) as asked:
        parse([command, "--help"])

    out, _ = capsys.readouterr()
    assert 0 == asked.value.code
    assert f"\n  unwheel {command} " in out
    assert "\n  130  interrupted\n" in out
    assert all(len(line) < 80 for line in out.splitlines())


def test_help_tells_every_command(capsys):
    """Also those whose options are not made."""
    with pytest.raises(SystemExit):
        parse(["--help"])

    out, _ = capsys.readouterr()
    assert [] == [name for name in COMMANDS if f"\n    {name} " not in out]


def test_the_examples_of_the_help_are_right(capsys):
    """Each can be typed as it stands."""
    for command in COMMANDS:
        with pytest.raises(SystemExit):
            parse([command, "--help"])
        out, _ = capsys.readouterr()
        lines = re.findall(rf"^  unwheel ({command} [^|>\n]+)", out, re.M)
        assert lines, command
        for line in lines:
            assert command == parse(line.split()).command


@pytest.mark.parametrize("command", ["extract", "verify"])
def test_help_tells_every_option_of_links(capsys, command):
    """The group names all six policies."""
    with pytest.raises(SystemExit):
        parse([command, "--help"])

    out, _ = capsys.readouterr()
    assert "\nsymbolic links:\n" in out
    assert [] == [
        name for name in LINK_POLICIES if f"\n    {name} " not in out
    ]
