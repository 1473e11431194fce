"""
Moves from the staging directory to where things belong, and back again.

One rename makes each name what it shall be, so whoever looks at it, at any
moment, finds the old or the new: never a part, never nothing.  What a rename
replaces comes to lie in the staging directory, so that it can go back.
"""

from __future__ import annotations

import errno
import os
import stat

from .contents import RESERVED
from .errors import DestinationError, Problem, Problems, printable
from .native import Tree, os_problem
from .places import is_below, name_below
from .policy import STAND_INS
from .values import value

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Sequence

# What a system says that cannot exchange two names; the last is Windows'.
NO_EXCHANGE = frozenset(
    {
        errno.ENOSYS,
        errno.EINVAL,
        errno.EPERM,
        errno.ENOTSUP,
        errno.EOPNOTSUPP,
        50,
    }
)


_LEADS_NOWHERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


@value
class Move:
    """
    One name that moves.

    Attributes:
        staged: Its name below the staging directory, '/'-separated.
        final: Its name below the root of the moves; no link is on its way.
        swap: Whether a file or a link is there, which comes back in exchange.
    """

    staged: str
    final: str
    swap: bool = False


class Moves:
    """
    Moves below one root, which can be taken back until they are settled.

    Args:
        root: The directory below which everything happens.
        staging: The private directory, below *root*, that things come from.

    Attributes:
        kept: Where files are that were there before and could not be put
            back; nobody may remove that.  Or "".
    """

    def __init__(self, root: str, staging: str) -> None:
        self.kept = ""
        self._staging = staging
        self._inside = name_below(root, staging)
        self._tree = Tree(root)
        self._root = root
        # Each with the inode of what moves: after a Ctrl-C nobody knows
        # whether the last one happened, and only what is there can tell.
        self._begun: list[tuple[Move, int]] = []

    def make(self, moves: Sequence[Move]) -> None:
        """
        Make all *moves*, in their order.

        Raises:
            DestinationError: If one fails; those before it stay made.
        """
        for move in moves:
            inode = os.lstat(self._source(move)).st_ino
            self._begun.append((move, inode))
            if move.swap:
                self._swap(move)
            else:
                self._tree.publish(self._from(move), move.final)

    def settle(self) -> None:
        """Let what was made stay, whatever comes.  In one step, at last."""
        self._begun.clear()

    def take_back(self) -> list[Problem]:
        """
        Put everything back that is not settled.

        Interrupted, it goes on when it is called again.  A file that cannot go
        back is not lost: the staging directory gets a name that no cleaner
        takes for its own.

        Returns:
            What could not be put back.
        """
        problems: list[Problem] = []
        lost = False
        while self._begun:
            move, inode = self._begun[-1]
            try:
                self._return(move, inode)
            except OSError as error:
                problems.append(_stays(error, move))
                lost = lost or move.swap
            self._begun.pop()
        if lost:
            problems.append(self._keep())
        return problems

    def close(self) -> None:
        """Give the root's handle back.  May be called twice."""
        self._tree.close()

    def _from(self, move: Move) -> str:
        return f"{self._inside}/{move.staged}"

    def _source(self, move: Move) -> str:
        return os.path.join(self._staging, move.staged)

    def _backup(self) -> str:
        """Where the old file of the latest move is, if not exchanged."""
        return f"{self._inside}/{RESERVED}{len(self._begun)}"

    def _swap(self, move: Move) -> None:
        """
        Exchange two names, and look at what came.

        The kernel exchanges anything.  A folder that somebody put in the place
        of the file meanwhile is none that we were asked to remove.
        """
        try:
            self._tree.publish(self._from(move), move.final, exchange=True)
        except DestinationError as error:
            if error.errno not in NO_EXCHANGE:
                raise
            self._replace(move)
            return
        if stat.S_ISDIR(os.lstat(self._source(move)).st_mode):
            raise _refused([_folder_there(move.staged, move.final)])

    def _replace(self, move: Move) -> None:
        """Where no exchange is possible: a second name first, then replace."""
        backup = self._backup()
        there = os.path.join(self._root, move.final)
        if os.path.islink(there):
            self._tree.symlink(backup, os.readlink(there))
        else:
            self._tree.stand_in(backup, move.final, STAND_INS)
        self._tree.publish(self._from(move), move.final, replace=True)

    def _return(self, move: Move, inode: int) -> None:
        """Undo one move, if it has happened."""
        source = _lstat(self._source(move))
        if source is not None and source.st_ino == inode:
            return
        if not move.swap:
            there = _lstat(os.path.join(self._root, move.final))
            # What somebody has put in its place since then is not ours.
            if there is not None and there.st_ino == inode:
                self._tree.publish(move.final, self._from(move))
        elif source is None:
            self._tree.publish(self._backup(), move.final, replace=True)
        else:
            self._tree.publish(self._from(move), move.final, exchange=True)

    def _keep(self) -> Problem:
        self.kept = self._staging + ".kept"
        try:
            os.rename(self._staging, self.kept)
        except OSError:
            self.kept = self._staging
        return Problem(
            "NOT_PUT_BACK",
            "files that were there could not be put back, but are kept",
            found=printable(self.kept),
        )


def names_in_order(names: Sequence[str], last: str) -> list[str]:
    """Sorted, but *last* at the end."""
    return sorted(names, key=lambda name: (name == last, name))


# ------------------------------------------------------------------- judging


def judge_merge(
    staging: str, destination: str, *, last: str, links: str
) -> tuple[str, list[Move]]:
    """
    What has to move so that the staged tree is part of *destination*.

    A folder that is not there moves as a whole.  A name that is a link there,
    dangling or not, is replaced, never written through; a folder that is one
    is what *links* says (`Policy.existing_links`), and what belongs into it
    moves to the real place: a link that changes meanwhile is an error then,
    not a way out.

    Args:
        staging: The private directory, directly inside *destination*.
        destination: Any directory; its own path is trusted.
        last: The top-level folder that says the tree is complete.  It moves
            last, and the RECORD in it at the very end.
        links: "inside", "refuse" or "follow".

    Returns:
        The root of the moves, and the moves in their order.

    Raises:
        DestinationError: If the two trees do not fit; all problems are told,
            and nothing has moved.
    """
    judge = Judge(staging, os.path.realpath(destination), links)
    judge.walk()
    judge.check_texts()
    if judge.problems:
        raise _refused(judge.problems)
    record = f"{last}/RECORD"
    judge.moves.sort(
        key=lambda move: (
            move[0].split("/")[0] == last,
            move[0] == record,
            move,
        )
    )
    # A root above all that links may lead to.
    top = judge.root
    if links == "follow":
        top = os.path.splitdrive(top)[0] + os.sep
    return top, [
        Move(name, name_below(top, there), swap)
        for name, there, swap in judge.moves
    ]


class Judge:
    """The walk through a staged tree and what is where it will be."""

    def __init__(self, staging: str, root: str, links: str) -> None:
        self.root = root
        self.problems = Problems()
        self.moves: list[tuple[str, str, bool]] = []
        self._staging = staging
        self._device = os.stat(root).st_dev
        self._links = links
        # What is not judged yet, the next one last, and where it shall be.
        self._left: list[tuple[str, str]] = []
        # Folders of the wheel that are links there.
        self._redirected: set[str] = set()
        # Places, and whether more than one name of the wheel may mean it.
        self._claims: dict[str, bool] = {}

    def walk(self) -> None:
        """Judge everything that is staged, as deep as it may be."""
        self._look_into("", self.root)
        while self._left:
            self._judge(*self._left.pop())

    def _look_into(self, folder: str, place: str) -> None:
        names = os.listdir(os.path.join(self._staging, folder))
        for leaf in sorted(names, reverse=True):
            name = f"{folder}/{leaf}" if folder else leaf
            self._left.append((name, os.path.join(place, leaf)))

    def _judge(self, name: str, there: str) -> None:
        mode = os.lstat(os.path.join(self._staging, name)).st_mode
        facts = _lstat(there)
        if stat.S_ISDIR(mode) and facts is not None:
            self._judge_folder(name, there, facts.st_mode)
        elif facts is not None and stat.S_ISDIR(facts.st_mode):
            self.problems.add(_folder_there(name, there))
        else:
            self._judge_name(name, there, swap=facts is not None)

    def _judge_name(self, name: str, there: str, *, swap: bool) -> None:
        """What moves as a whole."""
        self._claim(name, there, shared=False)
        self.moves.append((name, there, swap))

    def _judge_folder(self, name: str, there: str, mode: int) -> None:
        self._claim(name, there, shared=True)
        place = there
        problem = None
        if stat.S_ISLNK(mode):
            place, folder = _led_to(there)
            problem = self._wrong_link(name, there, place, folder=folder)
            self._redirected.add(name)
        elif not stat.S_ISDIR(mode):
            problem = _file_there(name, there)
        if problem is None:
            problem = self._wrong_device(name, place)
        if problem is None:
            self._look_into(name, place)
        else:
            self.problems.add(problem)

    def _wrong_device(self, name: str, place: str) -> Problem | None:
        """The rename would say so too, but after others."""
        if os.stat(place).st_dev == self._device:
            return None
        return os_problem(errno.EXDEV, "cannot move into the folder", name)

    def _wrong_link(
        self, name: str, there: str, place: str, *, folder: bool
    ) -> Problem | None:
        """Why the link *there* may not be followed to *place*."""
        inside = self._is_inside(place)
        if folder and (
            self._links == "follow" or (inside and self._links == "inside")
        ):
            return None
        accept = "inside" if inside else "follow"
        return Problem(
            "EXISTING_LINK",
            "there is a link where the wheel has a folder"
            if folder
            else "there is a link to no folder where the wheel has a folder",
            member=name,
            found=printable(f"{there} -> {os.readlink(there)}"),
            accept=f'existing_links="{accept}"' if folder else None,
        )

    def _is_inside(self, place: str) -> bool:
        """Whether a link may lead to *place* by the policy "inside"."""
        return is_below(self.root, place)

    def _claim(self, name: str, there: str, *, shared: bool) -> None:
        """
        Refuse two names of the wheel that links there make one place.

        One of them would silently take the place of the other.
        """
        if there in self._claims and not (shared and self._claims[there]):
            self.problems.add(
                Problem(
                    "EXISTING_LINK",
                    "a link there makes one place of two names of the wheel",
                    member=name,
                    found=printable(there),
                )
            )
        self._claims[there] = shared

    def check_texts(self) -> None:
        """
        Refuse links that would lead elsewhere than they do in the wheel.

        The kernel takes a ".." from where the link really is.  If a folder
        that it steps out of is itself a link there, that is another place, and
        perhaps one above the root: two wheels could make such a way out.
        """
        if not self._redirected:
            return
        for folder, names, files in os.walk(self._staging):
            for path in (os.path.join(folder, n) for n in [*names, *files]):
                if os.path.islink(path):
                    self._check_text(name_below(self._staging, path), path)

    def _check_text(self, name: str, path: str) -> None:
        text = os.readlink(path)
        steps = text.replace(os.sep, "/").split("/")
        ups = 0 if os.path.isabs(text) else steps.count("..")
        parts = name.split("/")[:-1]
        left = range(max(len(parts) - ups, 0), len(parts))
        if any("/".join(parts[: k + 1]) in self._redirected for k in left):
            self.problems.add(
                Problem(
                    "EXISTING_LINK",
                    "the link would lead elsewhere, for a folder that it "
                    "steps out of is a link there",
                    member=name,
                    found=printable(text),
                )
            )


# ------------------------------------------------------------------- helpers


def _lstat(path: str) -> os.stat_result | None:
    """What is called *path*, be it a link; None if there is nothing."""
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _led_to(link: str) -> tuple[str, bool]:
    """
    The real path of what *link* leads to, and whether that is a folder.

    Raises:
        OSError: If that cannot be known.
    """
    try:
        place = os.path.realpath(link, strict=True)
        return place, stat.S_ISDIR(os.stat(place).st_mode)
    except OSError as error:
        if error.errno not in _LEADS_NOWHERE:
            raise
        return os.path.realpath(link), False


def _stays(error: OSError, move: Move) -> Problem:
    return os_problem(error.errno or 0, "cannot be put back", move.final)


def _file_there(name: str, there: str) -> Problem:
    return Problem(
        "EXISTING_FILE",
        "there is a file where the wheel has a folder",
        member=name,
        found=printable(there),
    )


def _folder_there(name: str, there: str) -> Problem:
    return Problem(
        "EXISTING_FOLDER",
        "there is a folder where the wheel has a file or a link",
        member=name,
        found=printable(there),
    )


def _refused(problems: Problems | list[Problem]) -> DestinationError:
    return DestinationError(problems, errno=errno.EEXIST)
