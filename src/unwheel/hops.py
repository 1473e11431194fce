"""
What links lead to, one hop after the other, for people to look at.

Pure, and no judge: a refused link is followed as far as it goes, so that it
can be seen why it is refused.  What is allowed is decided in `links`.
"""

from __future__ import annotations

from collections.abc import Mapping

STEPS_PER_LINK = 100  # components walked to follow one, on average
CHARACTERS_PER_STEP = 50  # of what is told


class Trail:
    """
    All links of a wheel, to be followed.

    Args:
        texts: The target of each link, by its path from the archive's root.
        most_hops: So many links are followed from one, itself the first.
        most_links: Bounds the work, and what is told: targets of 2,000
            components that lead through each other could take hours, and such
            of one that is long as long as may be fill 14 GB.
    """

    def __init__(
        self, texts: Mapping[str, str], *, most_hops: int, most_links: int
    ) -> None:
        self._texts = texts
        self._most_hops = most_hops
        self._steps = STEPS_PER_LINK * most_links
        self._deepest = max((path.count("/") for path in texts), default=0)
        self._longest = max(map(len, texts), default=0)

    def follow(self, path: str, text: str) -> tuple[str, ...]:
        """
        Where the link *path* with the target *text* leads, hop by hop.

        Each is a path from the archive's root.  The last one is no link; or
        begins with "../" or "/", outside the wheel; or has been passed
        before; or is the last that the limits allow.
        """
        hops: list[str] = []
        home = path.split("/")[:-1]
        parts: list[str] | None = _joined(home, text, [])
        while parts is not None and len(hops) < self._most_hops:
            hop, parts = self._next(parts)
            if hop in hops or hop == path:
                parts = None
            hops.append(hop)
            self._steps -= len(hop) // CHARACTERS_PER_STEP
        return tuple(hops)

    def _next(self, parts: list[str]) -> tuple[str, list[str] | None]:
        """Where *parts* lead by one link, and to what this leads in turn."""
        here: list[str] = []
        size = -1  # characters of the path that it is
        for k, part in enumerate(parts):
            self._steps -= 1
            if not part:  # only _joined() puts one, before what is absolute
                return "/" + "/".join(parts[k + 1 :]), None
            if part == "..":
                if not here or self._steps < 0:
                    return "/".join(parts[k:]), None
                size -= len(here.pop()) + 1
                continue
            here.append(part)
            size += len(part) + 1
            if len(here) > self._deepest + 1 or size > self._longest:
                continue  # no link is called so
            text = self._texts.get("/".join(here))
            if text is not None and self._steps > 0:
                rest = parts[k + 1 :]
                self._steps -= len(rest)  # all of it is told
                onward = _joined(here[:-1], text, rest)
                return "/".join([*here, *rest]), onward
        return "/".join(here) or ".", None


def _joined(home: list[str], text: str, rest: list[str]) -> list[str]:
    """The parts of *text*, taken from *home*, and of what follows."""
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if text.startswith("/"):
        return ["", *parts, *rest]
    return [*home, *parts, *rest]
