"""A file that is made: whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
import test_interrupt

from unwheel import newfile
from unwheel.errors import DestinationError
from unwheel.newfile import write_new


def put(path, then=lambda: None):
    """
    Write the file at *path*, unless *then* raises before it is published.
    """

    def write(staged):
        Path(staged).write_bytes(b"ours")
        then()
        return "done"

    return write_new(str(path), write)


def test_a_file_appears_whole(tmp_path):
    """
    Under its name only when it is published, with the mode of any new file.
    """
    path = tmp_path / "new" / "x.bin"
    there_before = []

    done = put(path, lambda: there_before.append(path.exists()))

    (tmp_path / "usual").touch()
    assert "done" == done
    assert [False] == there_before
    assert b"ours" == path.read_bytes()
    assert [path] == list(path.parent.iterdir())
    assert (tmp_path / "usual").stat().st_mode == path.stat().st_mode


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(28, "full"), DestinationError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
    ids=["disk full", "Ctrl-C"],
)
def test_nothing_is_left_after_a_failure(tmp_path, error, expected):
    """
    Neither the file nor the folders that were made for it.
    """

    def fail():
        raise error

    with pytest.raises(expected):
        put(tmp_path / "a" / "b" / "x.bin", fail)

    assert [] == list(tmp_path.iterdir())


def test_nothing_is_left_after_ctrl_c_at_any_line(tmp_path, monkeypatch):
    """
    The file is there, whole, or nothing is, whenever it comes.
    """
    home = Path(newfile.__file__)
    ours = [home, home.with_name("staging.py")]
    ours += home.with_name("native").glob("*.py")
    monkeypatch.setattr(test_interrupt, "OURS", tuple(map(str, ours)))
    path = tmp_path / "new" / "x.bin"
    came = True
    nth = 0

    while came:
        nth += 1
        came = test_interrupt.Interrupt(nth).run(lambda: put(path))
        left = [p.name for p in tmp_path.rglob("*")]
        assert left in ([], ["new", "x.bin"]), nth
        path.unlink(missing_ok=True)
        if left:
            path.parent.rmdir()

    assert nth > 50


def test_replaces_nothing(tmp_path):
    """
    Not even a dangling link.
    """
    path = tmp_path / "x.bin"
    path.symlink_to("nowhere")

    with pytest.raises(DestinationError) as failure:
        put(path)

    assert ["DESTINATION_EXISTS"] == [p.code for p in failure.value.problems]
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.parametrize("seen", [True, False])
def test_replaces_nothing_that_comes_meanwhile(tmp_path, monkeypatch, seen):
    """
    The rename itself refuses, so nobody can come between.
    """
    path = tmp_path / "x.bin"
    if not seen:
        monkeypatch.setattr(newfile, "refuse_existing", lambda _: None)

    with pytest.raises(DestinationError):
        put(path, lambda: path.write_bytes(b"theirs"))

    assert b"theirs" == path.read_bytes()
    assert [path] == list(tmp_path.iterdir())


def test_what_a_killed_process_left_is_removed(tmp_path):
    """
    By the next that writes there: it has the name of a staging directory.
    """
    left = tmp_path / ".unwheel-0123456789abcdef"
    left.mkdir()
    (left / "x.bin").write_bytes(b"half")

    put(tmp_path / "y.bin")

    assert [tmp_path / "y.bin"] == list(tmp_path.iterdir())


def test_refuses_a_place_below_a_file(tmp_path):
    """
    The name that is told is the one that is in the way.
    """
    file = tmp_path / "dist"
    file.write_bytes(b"theirs")

    with pytest.raises(DestinationError) as failure:
        put(file / "x.bin")

    [problem] = failure.value.problems
    assert ("DESTINATION_EXISTS", str(file)) == (problem.code, problem.found)
    assert b"theirs" == file.read_bytes()
