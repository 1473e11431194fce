"""The objects that `--json` prints: their keys are a promise."""

from __future__ import annotations

import json

import pytest

from unwheel.errors import (
    DestinationError,
    LimitError,
    MismatchError,
    Problem,
    SourceError,
)
from unwheel.report import (
    FileFact,
    LinkFact,
    Report,
    problem_to_json,
    refusal_to_json,
)

WARNING = Problem("CASE", "differs in case only", member="A.py")
WARNING_JSON = {
    "code": "CASE",
    "message": "differs in case only",
    "member": "A.py",
    "found": None,
    "expected": None,
    "accept": None,
    "offset": None,
}


def make_report(**changes):
    facts = {
        "wheel": "dist/demo-1.0-py3-none-any.whl",
        "action": "extract",
        "destination": "out/demo-1.0-py3-none-any",
        "members": 4,
        "size": 1234,
        "archive_size": 567,
        "directories": 1,
        "links": (
            LinkFact("pkg/a.so", "zip", "a.so.1", "pkg/a.so.1", "link"),
        ),
        "repeats": 2,
        "repeated_size": 89,
        "warnings": (WARNING,),
        "seconds": 0.12345678,
        "publishing": "rename",
        "record": "verify",
        "installed_record": True,
        "_files": lambda: (FileFact("pkg/a.py", 3, "ab" * 32, True),),
    }
    return Report(**(facts | changes))


def test_a_report_has_the_promised_keys():
    """Every key and value of format 1 is there, and nothing else."""
    told = make_report().to_json()

    assert {
        "format": 1,
        "action": "extract",
        "status": "ok",
        "wheel": "dist/demo-1.0-py3-none-any.whl",
        "destination": "out/demo-1.0-py3-none-any",
        "members": 4,
        "size": 1234,
        "archive_size": 567,
        "directories": 1,
        "links": [
            {
                "path": "pkg/a.so",
                "encoding": "zip",
                "target": "a.so.1",
                "resolved": "pkg/a.so.1",
                "outcome": "link",
                "reason": None,
                "contact": None,
            }
        ],
        "repeats": 2,
        "repeated_size": 89,
        "warnings": [WARNING_JSON],
        "seconds": 0.123457,
        "publishing": "rename",
        "record": "verify",
        "installed_record": True,
    } == told


def test_a_report_of_verify_has_no_destination():
    """What there is not is null, not missing."""
    report = make_report(action="verify", destination=None, publishing=None)

    told = report.to_json()

    assert (None, None) == (told["destination"], told["publishing"])


def test_files_are_told_when_asked():
    """Every file comes with its digest."""
    told = make_report().to_json(files=True)

    assert [
        {
            "path": "pkg/a.py",
            "size": 3,
            "sha256": "ab" * 32,
            "executable": True,
        }
    ] == told["files"]


def test_files_are_not_made_unless_asked():
    """Digests of 12,000 files are not turned into objects for nobody."""

    def made():
        raise AssertionError("the files were made")

    told = make_report(_files=made).to_json()

    assert "files" not in told


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MismatchError, "refused"),
        (LimitError, "refused"),
        (DestinationError, "failed"),
        (SourceError, "failed"),
    ],
)
def test_a_refusal_says_whose_fault_it_is(error, status):
    """Their fault is "refused", ours is "failed"."""
    told = refusal_to_json(error([WARNING]), action="verify", wheel="demo.whl")

    assert {
        "format": 1,
        "action": "verify",
        "status": status,
        "wheel": "demo.whl",
        "error": error.__name__,
        "errno": None,
        "problems": [WARNING_JSON],
    } == told


def test_a_failure_tells_the_number_of_the_system():
    """A program can tell a full disk from a missing permission."""
    error = DestinationError([WARNING], errno=28)

    told = refusal_to_json(error, action="extract", wheel="demo.whl")

    assert 28 == told["errno"]


def test_bytes_that_are_no_utf8_stay_well_formed_json():
    """Many parsers refuse a line for one lone surrogate."""
    problem = Problem("NAME", "is not UTF-8", member="bad\udcff.py")

    text = json.dumps(problem_to_json(problem), ensure_ascii=False)

    assert "bad\\udcff.py" == json.loads(text.encode("utf-8"))["member"]
