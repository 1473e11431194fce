"""What is in a tree on the disk; how it is refused is in test_pack."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from unwheel import treescan
from unwheel.errors import LimitError, SourceError
from unwheel.policy import Limits
from unwheel.treescan import Copied, TreeScan


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """
    A tree with one of each, reached by a link.
    """
    real = tmp_path / "real"
    (real / "a" / "empty").mkdir(parents=True)
    (real / "a" / "file").write_bytes(b"content")
    (real / "a" / "run").touch(mode=0o700)
    (real / "a" / "link").symlink_to("file")
    (tmp_path / "root").symlink_to("real")
    return tmp_path / "root"


def test_sees_files_links_and_empty_folders(root: Path) -> None:
    """
    Names start at the root, with slashes.
    """
    scan = TreeScan(str(root), follow=False)

    assert {"a/file": (7, False), "a/run": (0, True)} == {
        name: (file.size, file.executable) for name, file in scan.files.items()
    }
    assert b"content" == b"".join(scan.files["a/file"].chunks())
    assert {"a/link": b"file"} == scan.links
    assert ["a/empty/"] == scan.folders
    assert [] == list(scan.problems)


def test_follows_links_when_asked(root: Path) -> None:
    """
    What they lead to has their names.
    """
    scan = TreeScan(str(root), follow=True)

    assert b"content" == b"".join(scan.files["a/link"].chunks())
    assert [Copied("a/link", "file", "a/file", False)] == scan.copied
    assert (7, {}) == (scan.copied_size, scan.links)


def test_copies_an_absolute_link_into_the_tree(root: Path) -> None:
    """
    Where it leads counts, not how it is written.
    """
    (root / "b").symlink_to(root / "a" / "file")

    scan = TreeScan(str(root), follow=True)

    assert "a/file" == scan.copied[-1].resolved
    assert b"content" == b"".join(scan.files["b"].chunks())


def test_a_wheel_has_only_so_many_files(root: Path, monkeypatch) -> None:
    """
    A million links and files, or what the limits say.
    """
    monkeypatch.setattr(treescan, "_LIMITS", Limits(entries=2))

    with pytest.raises(LimitError) as failure:
        TreeScan(str(root), follow=False)

    assert ["TOO_MANY_ENTRIES"] == [p.code for p in failure.value.problems]


@pytest.mark.parametrize("function", ["listdir", "lstat", "readlink"])
def test_what_cannot_be_read_is_our_side(
    root: Path, monkeypatch, function: str
) -> None:
    """
    A wheel without it would be another wheel.
    """

    def refuse(path):
        raise PermissionError(13, "no", path)

    path = str(root)
    with monkeypatch.context() as here:
        here.setattr(os.path, "realpath", lambda _: path)
        here.setattr(os, function, refuse)
        with pytest.raises(SourceError) as failure:
            TreeScan(path, follow=False)

    assert ["EACCES"] == [p.code for p in failure.value.problems]
