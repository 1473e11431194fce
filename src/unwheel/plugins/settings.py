"""
What users of a tool may choose, and what they are told of a refusal.

The same for every host: it knows where a setting is written, and how a
message is shown.
"""

from __future__ import annotations

from ..errors import DestinationError, Problem, UnwheelError, printable
from ..policy import RECORD_LEVELS, Policy
from ..values import replace, value

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from collections.abc import Mapping

SHOWN = 10


class SettingError(Exception):
    """A setting, or the value of one, that does not exist."""


@value
class Setting:
    """
    One thing that may be chosen.

    Attributes:
        name: As in the host's configuration.
        choices: Its values; the first is the default.
        about: What it decides.
    """

    name: str
    choices: tuple[str, ...]
    about: str

    @property
    def variable(self) -> str:
        """The environment variable that wins over any configuration."""
        return f"UNWHEEL_{self.name.upper()}"

    def check(self, given: object) -> str:
        """
        Return what is *given*, if it is one of the choices.

        Raises:
            SettingError: If it is not.
        """
        if isinstance(given, str) and given in self.choices:
            return given
        raise SettingError(
            f"unwheel.{self.name} ({self.variable}): {given!r} is none of "
            + ", ".join(self.choices)
        )


# Not "verbatim" nor "editable": these install what was not judged, or leads
# out of the environment.
SETTINGS = (
    Setting(
        "plugin",
        ("on", "off"),
        "Whether wheels are installed through unwheel",
    ),
    Setting(
        "links",
        ("strict", "portable", "text", "refuse"),
        "What becomes of symbolic links in wheels",
    ),
    Setting(
        "record",
        RECORD_LEVELS,
        "What RECORD says of the files, against what they are",
    ),
)


@value
class Chosen:
    """What is in force: a value of each of `SETTINGS`."""

    plugin: str
    links: str
    record: str

    @property
    def policy(self) -> Policy:
        """What wheels are judged by."""
        return Policy(links=self.links, record=self.record)


def choose(
    configured: Mapping[str, object], environment: Mapping[str, str]
) -> Chosen:
    """
    Read what is *configured*, unless a variable of *environment* says else.

    Raises:
        SettingError: If there is no such setting, or no such value of one.
    """
    names = [setting.name for setting in SETTINGS]
    if unknown := sorted(configured.keys() - set(names)):
        raise SettingError(
            f"unwheel.{unknown[0]} is no setting; there are "
            + ", ".join(names)
        )
    values = {
        setting.name: setting.check(
            environment.get(setting.variable)
            or configured.get(setting.name, setting.choices[0])
        )
        for setting in SETTINGS
    }
    return Chosen(**values)


def refusal(error: UnwheelError, wheel: str) -> str:
    """Say why *wheel* is not installed, and which setting would accept it."""
    from ..wording import problem_lines

    problems = error.problems
    verdict = "failed" if isinstance(error, DestinationError) else "refused"
    lines = [f"{printable(wheel)}: {verdict} by unwheel"]
    for problem in problems[:SHOWN]:
        lines += problem_lines(_with_setting(problem))
    if (more := len(problems) - SHOWN) > 0:
        lines.append(f"  ... and {more:,} more (unwheel verify tells them)")
    return "\n".join(lines)


def _with_setting(problem: Problem) -> Problem:
    """Have *problem* name the variable that accepts it, if there is one."""
    name, _, quoted = (problem.accept or "").partition("=")
    content = quoted.strip('"')
    for setting in SETTINGS:
        if setting.name == name and content in setting.choices:
            accept = f"{setting.variable}={content}"
            return replace(problem, accept=accept)
    return replace(problem, accept=None)
