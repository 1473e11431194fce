"""Private directories that this process holds itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from unwheel.private import Private, is_held, new_name

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there are no locks")


def made(folder: Path) -> tuple[Private, str]:
    """
    One in *folder*, and its name.
    """
    private = Private()
    private.make(str(folder))
    return private, os.path.basename(private.path)


def test_is_held_until_it_is_unlocked(tmp_path: Path):
    """
    Also under the name that a journal gives it.
    """
    private, name = made(tmp_path)

    held = [is_held(name), is_held(name + ".journal"), is_held(new_name())]
    private.unlock()

    assert [True, True, False] == held
    assert not is_held(name)


def test_is_not_held_by_one_that_is_forgotten(tmp_path: Path):
    """
    Its lock is gone with it, and the next recovery of this process removes it.
    """
    private, name = made(tmp_path)

    del private

    assert not is_held(name)
