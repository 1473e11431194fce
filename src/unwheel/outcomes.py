"""
What may become of a link: the table, and how a policy looks into it.

Pure.  The policies have no code of their own: what one does not accept, it
refuses.
"""

from __future__ import annotations

from collections.abc import Mapping

from .policy import LinkPolicy
from .targets import BAD_NAME, CHAIN, FILE, FOLDER

# What the wheel is for.
PLATFORM, ANY_TAG, WINDOWS_TAG = "PLATFORM", "ANY_TAG", "WINDOWS_TAG"

# What a link may lead to beyond the wheel, each found only if a knob asks.
OTHER_WHEEL_OWNED = "OTHER_WHEEL_OWNED"
EDITABLE_FILE, EDITABLE_FOLDER = "EDITABLE_FILE", "EDITABLE_FOLDER"
EDITABLE_PACKAGE = "EDITABLE_PACKAGE"

# What becomes of a link, by the letter of the table.
LINK, STAND_IN, PTH, TEXT, VERBATIM = (
    "link", "stand-in", "pth", "text", "verbatim",
)  # fmt: skip
LETTERS = {"L": LINK, "H": STAND_IN, "P": PTH, "T": TEXT, "V": VERBATIM}

_REFUSED = "XXXTV", "XXXTX", "XXXTV", "XXXTX"
_UNREADABLE = "XXXTX", "XXXTX", "XXXTX", "XXXTX"
_MISPLACED = "XXXXX", "XXXXX", "XXXXX", "XXXXX"
_OUTSIDE = "LLLTV", "XXXTX", "XLLTV", "XXXTX"

# LINKS.md, 5.3.  By what a link leads to, four cells: a platform wheel on a
# host that can make links, on one that cannot; a wheel for any platform or
# for Windows alone, likewise.  In each, by policy: strict, portable, editable,
# text, verbatim.  L: a link; H: a stand-in; P: a line in a .pth file; T: a
# file with its text; V: a link, unjudged; X: the wheel is refused.
OUTCOMES: Mapping[str, tuple[str, str, str, str]] = {
    FILE: ("LLLTV", "XHHTX", "XLLTV", "XHHTX"),
    CHAIN: ("LLLTV", "XHHTX", "XLLTV", "XHHTX"),
    FOLDER: ("LLLTV", "XHXTX", "XLLTV", "XHXTX"),
    OTHER_WHEEL_OWNED: _OUTSIDE,
    EDITABLE_FILE: _OUTSIDE,
    EDITABLE_FOLDER: _OUTSIDE,
    EDITABLE_PACKAGE: ("LLLTV", "XXPTX", "XLLTV", "XXPTX"),
    "ANCESTOR": _REFUSED,
    "DANGLING": _REFUSED,
    "CYCLE": _REFUSED,
    "TOO_DEEP": _REFUSED,
    "TOO_MANY_LINKS": _REFUSED,
    "OTHER_WHEEL": _REFUSED,
    "ESCAPES": _REFUSED,
    "ABSOLUTE": _REFUSED,
    "CROSS_SCHEME": _REFUSED,
    "IN_METADATA": _REFUSED,
    "IN_SCRIPTS": _REFUSED,
    "BAD_TARGET": _UNREADABLE,
    "AMBIGUOUS_HOST": _UNREADABLE,
    "DUPLICATE": _MISPLACED,
    "HAS_CHILDREN": _MISPLACED,
    "SLASH_NAME": _MISPLACED,
    BAD_NAME: _MISPLACED,
}
_COLUMNS = {"refuse": 0, "stand-in": 1, "pth": 2, "text": 3, "verbatim": 4}

# By reason code; the message of a name that is refused is its own.
MESSAGES = {
    "ABSOLUTE": "the target is absolute",
    "AMBIGUOUS_HOST": "the mode of a link under a host that is not Unix (3)",
    "ANCESTOR": "the target is a folder above it: walking it never ends",
    "ANY_TAG": "a link in a wheel for any platform",
    "BAD_TARGET": "the target is no plain relative path",
    "COPY_BUDGET": "links cannot be made here, and the copies are too many",
    "CROSS_SCHEME": "the target is installed elsewhere",
    "CYCLE": "the links go round in a circle",
    "DANGLING": "the target is not in the wheel",
    "DUPLICATE": "another entry has the name of the link",
    "EDITABLE_ROOT": "the target is not there, or not in the editable root",
    "ESCAPES": "the target is outside the wheel",
    "HAS_CHILDREN": "another name is beneath the link",
    "HOST_CANNOT": "links cannot be made here",
    "IN_METADATA": "a link in or into the metadata",
    "IN_SCRIPTS": "scripts may only be regular files",
    "LINK_REFUSED": "a link",
    "OTHER_WHEEL": "the target could only be in another wheel",
    "SLASH_NAME": "the name of a link ends in '/'",
    "TOO_MANY_LINKS": "the links together take too long to resolve",
    "TOO_DEEP": "too many links to follow",
    "WHEEL_VERSION": "a link of LINKS, which is of Wheel-Version 2",
    "WINDOWS_TAG": "a link in a wheel for Windows",
}


def letter_of(kind: str, policy: LinkPolicy, tag: str, can_link: bool) -> str:
    """
    The letter of the table for a link that leads to *kind*, a key of it.

    A knob that allows a tag makes of it what a platform's is; in the cells of
    the others the letter of strict is that of who refuses them.
    """
    if policy.entries == "refuse":
        return "X"
    knob = {ANY_TAG: policy.any_tag, WINDOWS_TAG: policy.windows_tag}
    allowed = knob.get(tag, "allow") == "allow"
    cell = OUTCOMES[kind][(0 if allowed else 2) + (not can_link)]
    if policy.entries in ("text", "verbatim"):
        return cell[_COLUMNS[policy.entries]]
    return cell[_COLUMNS[policy.host_cannot if allowed else "refuse"]]
