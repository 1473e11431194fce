"""What the command line takes, and what it means to the API."""

from __future__ import annotations

import pytest

from unwheel.options import accepting_option, parse, policy_of
from unwheel.policy import Limits, Policy


@pytest.mark.parametrize("command", ["extract", "verify", "list"])
def test_is_as_strict_as_the_api(command):
    """The defaults of the options are those of the policy."""
    assert Policy() == policy_of(parse([command, "a.whl"]))


@pytest.mark.parametrize(
    ("text", "size"),
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
def test_reads_sizes_as_people_write_them(text, size):
    """K is 1,024 and kB is 1,000, as GNU has it."""
    args = parse(["verify", "a.whl", "--max-total-size", text])

    assert size == policy_of(args).limits.total_size


def test_every_field_of_the_policy_has_an_option():
    """What the API can allow, the command line can."""
    numbers = {
        "--max-entries": 1,
        "--max-member-size": 2,
        "--max-total-size": 3,
        "--max-ratio": 4,
        "--ratio-floor": 5,
        "--max-member-ratio": 6,
        "--max-name-length": 7,
        "--max-component-length": 8,
        "--max-depth": 9,
        "--max-links": 10,
        "--max-link-target-length": 11,
        "--max-metadata-size": 12,
        "--max-record-size": 13,
        "--max-directory-size": 14,
    }
    limits = [word for row in numbers.items() for word in map(str, row)]

    args = parse(
        [
            *("extract", "a.whl", "--record", "names", "--links", "refuse"),
            *("--existing", "replace", "--portable-names", "refuse"),
            *("--descriptors", "any", "--durable"),
            *limits,
        ]
    )

    expected = Policy(
        record="names",
        links="refuse",
        existing="replace",
        portable_names="refuse",
        descriptors="any",
        durable=True,
        limits=Limits(*numbers.values()),
    )
    assert expected == policy_of(args)


@pytest.mark.parametrize(
    ("accept", "option"),
    [
        ('record="warn"', "--record warn"),
        ("existing='replace'", "--existing replace"),
        ('portable_names="warn"', "--portable-names warn"),
        ("limits.total_size", "--max-total-size SIZE"),
        ("limits.depth", "--max-depth N"),
        ("limits.depth=200", "--max-depth 200"),
        ('links="portable"', 'links="portable"'),
        ("limits.nonsense", "limits.nonsense"),
    ],
)
def test_translates_what_would_accept_a_problem(accept, option):
    """An option that exists is named; else the words of the API stay."""
    assert option == accepting_option(accept)


@pytest.mark.parametrize("command", ["extract", "verify", "list"])
def test_help_tells_examples_and_statuses(capsys, command):
    """Who asks for help can go on without the README."""
    with pytest.raises(SystemExit) as asked:
        parse([command, "--help"])

    out, _ = capsys.readouterr()
    assert 0 == asked.value.code
    assert f"\n  unwheel {command} " in out
    assert "\n  130  interrupted\n" in out
