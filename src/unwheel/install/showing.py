"""
A wheel as `installer` is shown it, so that it installs what pip would.

Where pip is lenient and `installer` is not, the policy decides what is taken,
and `installer` is shown that in words that it knows.
"""

from __future__ import annotations

from configparser import Error

from installer.utils import parse_entrypoints

from ..errors import InvalidWheelError, Problem, printable
from ..layout import ENTRY_POINTS_FILE
from ..metadata import WheelInfo
from ..pair import WheelSource
from ..values import cached_property

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..pair import Content

_SHOWN = 200

# What setuptools made beside, or in the place of, the launcher of an entry
# point; pip makes its own, and leaves these out.
_WRAPPERS = (".exe", "-script.py", ".pya")


class ShownSource(WheelSource):
    """A source without what pip leaves out; else see `WheelSource`."""

    def read_dist_info(self, filename: str) -> str:
        """
        The text of *filename*; of WHEEL what counts, as version 1 has it.

        The policy has judged the version, which `installer` would again.
        """
        text = WheelSource.read_dist_info(self, filename)
        if filename != "WHEEL":
            return text
        policy = self.opened.policy.link_policy
        info = WheelInfo.parse(text.encode(), wheel2=policy.takes_wheel2)
        root = str(info.root_is_purelib).lower()
        return f"Wheel-Version: 1.0\nRoot-Is-Purelib: {root}\n"

    @property
    def metadata(self) -> bytes:
        """METADATA, of which a body may be in any encoding."""
        opened = self.opened
        return opened.archive.read(
            opened.index[f"{self.dist_info_dir}/METADATA"],
            opened.policy.limits.metadata_size,
        )

    @cached_property
    def launchers(self) -> frozenset[str]:
        """
        The names of the scripts that `installer` will make.

        Raises:
            InvalidWheelError: ENTRY_POINTS, if it could not read what they
                lead to.
        """
        if ENTRY_POINTS_FILE not in self.dist_info_filenames:
            return frozenset()
        text = self.read_dist_info(ENTRY_POINTS_FILE)
        try:
            return frozenset(name for name, *_ in parse_entrypoints(text))
        except (Error, AssertionError, AttributeError, ValueError) as error:
            raise InvalidWheelError(
                [
                    Problem(
                        "ENTRY_POINTS",
                        "an entry point that is no MODULE:FUNCTION, or a file"
                        " that has none",
                        member=f"{self.dist_info_dir}/{ENTRY_POINTS_FILE}",
                        found=printable(str(error)[:_SHOWN]) or None,
                    )
                ]
            ) from error

    def get_contents(self) -> Iterator[Content]:
        """
        Every file and link that is installed; see `WheelSource`.

        Bytecode is not: it would run in the place of the source that people
        see.  Nor are scripts that launchers take the place of.
        """
        for content in WheelSource.get_contents(self):
            path = content[0][0]
            if "__pycache__" in path and "__pycache__" in path.split("/")[:-1]:
                continue
            if not self._is_replaced(path):
                yield content

    def _is_replaced(self, path: str) -> bool:
        """Whether *path* is a script of the name of a launcher."""
        if not self.launchers or not path.startswith(self._scripts):
            return False
        name = path.rpartition("/")[2]
        for suffix in _WRAPPERS:
            if name.lower().endswith(suffix):
                return name[: -len(suffix)] in self.launchers
        return name in self.launchers

    @cached_property
    def _scripts(self) -> str:
        return f"{self.data_dir}/scripts/"
