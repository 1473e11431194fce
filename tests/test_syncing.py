"""
A lock file into an environment: all of its wheels, or none.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys

import pytest
from builder import WheelBuilder
from places import Place, tree_of

from unwheel import LockError, SourceError, UnwheelError, cli, progress
from unwheel.install import (
    InstallOptions,
    SyncChoice,
    Unchanged,
    environment_of,
    finding,
    install_many,
    running,
    sync,
)

METADATA = "Metadata-Version: 2.1\nName: {}\nVersion: {}\n"
SOURCES = InstallOptions(compile=False)


def wheel_of(name="demo", version="1.0", tag="py3-none-any"):
    """
    A wheel with a package of its name.
    """
    return (
        WheelBuilder(name, version, tag)
        .info("METADATA", METADATA.format(name, version))
        .file(f"{name}/__init__.py", f"version = '{version}'\n".encode())
    )


def entry(wheel, *, direct=False, size=True, path=None, **digests):
    """
    What a lock says of *wheel*.
    """
    data = wheel.read_bytes()
    name, version = wheel.name.split("-")[:2]
    digests = digests or {"sha256": hashlib.sha256(data).hexdigest()}
    said = ", ".join(f'{k} = "{v}"' for k, v in digests.items())
    place = f'url = "https://u:secret@example.org/{wheel.name}"'
    if path is not None:
        place = f'path = "{path}"'
    facts = [f"hashes = {{{said}}}", place]
    if size:
        facts.append(f"size = {len(data)}")
    if direct:
        facts = [f"archive = {{{', '.join(facts)}}}"]
    else:
        facts = ["[[packages.wheels]]", f'name = "{wheel.name}"', *facts]
    return "\n".join(
        ["[[packages]]", f'name = "{name}"', f'version = "{version}"', *facts]
    )


class Desk:
    """
    A place with a lock file, wheels beside it, and a site-packages.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.path = place.root / "pylock.toml"
        self.site = place.root / "site"
        self.environment = environment_of(target=str(self.site))

    def put(self, *builders):
        return [self.place.put(builder) for builder in builders]

    def lock(self, *entries):
        head = 'lock-version = "1.0"\ncreated-by = "test"\n'
        self.path.write_text("\n".join([head, *entries]) + "\n")

    def lock_wheels(self, *builders):
        wheels = self.put(*builders)
        self.lock(*map(entry, wheels))
        return wheels

    def sync(self, options=SOURCES, **given):
        given.setdefault("wheels", [self.place.wheels])
        return list(
            sync(self.path, self.environment, options=options, **given)
        )

    def installed(self):
        """
        The version of each distribution that is there.
        """
        names = os.listdir(self.site) if self.site.exists() else []
        infos = [n.removesuffix(".dist-info") for n in names if "-" in n]
        return dict(sorted(name.split("-") for name in infos))


@pytest.fixture
def desk(place):
    """
    See `Desk`.
    """
    return Desk(place)


def refusals(results):
    """
    The codes of all problems; nothing but refusals is there.
    """
    assert all(isinstance(result, UnwheelError) for result in results)
    return [problem.code for r in results for problem in r.problems]


# ---------------------------------------------------------------- what it does


def test_installs_what_the_lock_names(desk):
    """
    With bytecode, INSTALLER, and no REQUESTED: nobody has named them.
    """
    desk.lock_wheels(wheel_of("one"), wheel_of("two"))

    reports = desk.sync(InstallOptions())

    assert ["one", "two"] == [report.name for report in reports]
    assert {"one": "1.0", "two": "1.0"} == desk.installed()
    info = desk.site / "one-1.0.dist-info"
    assert "unwheel\n" == (info / "INSTALLER").read_text()
    assert not (info / "REQUESTED").exists()
    tag = sys.implementation.cache_tag
    assert (desk.site / f"one/__pycache__/__init__.{tag}.pyc").exists()


def test_what_is_there_stays(desk):
    """
    In the very version; unless it shall be installed again.
    """
    desk.lock_wheels(wheel_of("one"), wheel_of("two"))
    desk.sync()
    (desk.site / "one/mine.txt").write_text("")
    shutil.rmtree(desk.place.wheels)  # they are not even looked for
    desk.place.wheels.mkdir()

    results = desk.sync()
    desk.lock_wheels(wheel_of("one"), wheel_of("two"))
    again = desk.sync(choice=SyncChoice(reinstall=True))

    assert [Unchanged] * 2 == list(map(type, results))
    assert results[0].to_json()["unchanged"]
    assert ["1.0", "1.0"] == [report.replaced for report in again]
    assert (desk.site / "one/mine.txt").exists()


def test_other_versions_are_replaced(desk):
    """
    And what the lock does not name is left alone.
    """
    desk.lock_wheels(wheel_of("one"), wheel_of("two"), wheel_of("other"))
    desk.sync()

    desk.lock_wheels(wheel_of("one", "2.0"), wheel_of("two"))
    results = desk.sync()

    assert {"one": "2.0", "two": "1.0", "other": "1.0"} == desk.installed()
    assert [Unchanged, "1.0"] == [type(results[0]), results[1].replaced]


def test_paths_start_beside_the_lock(desk, monkeypatch):
    """
    Wherever we are, and without another directory.
    """
    (wheel,) = desk.put(wheel_of())
    desk.lock(entry(wheel, path=f"wheels/{wheel.name}"))
    monkeypatch.chdir("/")

    desk.sync(wheels=[])

    assert {"demo": "1.0"} == desk.installed()


@pytest.mark.parametrize("size", [True, False])
def test_a_wheel_is_known_by_its_content(desk, size):
    """
    Whatever it is called: by its size, or each wheel is hashed.
    """
    (wheel,) = desk.put(wheel_of())
    desk.lock(entry(wheel, size=size))
    wheel.rename(wheel.with_name("content" if size else "renamed.whl"))
    (wheel.with_name("other.whl")).write_bytes(b"no wheel")

    desk.sync()

    assert {"demo": "1.0"} == desk.installed()


def test_the_first_that_is_right_is_taken(desk):
    """
    A wheel of the same name with other content may be in another directory.
    """
    (wheel,) = desk.put(wheel_of())
    desk.lock(entry(wheel, size=False))
    wrong = desk.place.root / "wrong"
    wrong.mkdir()
    (wrong / wheel.name).write_bytes(b"another one")

    desk.sync(wheels=[wrong, desk.place.wheels])

    assert {"demo": "1.0"} == desk.installed()


def test_tells_where_a_wheel_came_from(desk):
    """
    One that was asked for by its place (PEP 610); no secrets are kept.
    """
    one, two = desk.put(wheel_of("one"), wheel_of("two"))
    desk.lock(
        entry(one, direct=True),
        entry(two, direct=True, path=f"wheels/{two.name}"),
    )

    desk.sync()
    again = desk.sync()
    desk.lock(
        entry(desk.put(wheel_of("one").file("new", b""))[0], direct=True)
    )
    changed = desk.sync()

    info = json.loads(
        (desk.site / "two-1.0.dist-info/direct_url.json").read_text()
    )
    digest = hashlib.sha256(two.read_bytes()).hexdigest()
    assert {"hashes": {"sha256": digest}} == info["archive_info"]
    assert two.as_uri() == info["url"]
    text = (desk.site / "one-1.0.dist-info/direct_url.json").read_text()
    assert f"https://example.org/{one.name}" == json.loads(text)["url"]
    assert [Unchanged] * 2 == list(map(type, again))
    assert "1.0" == changed[0].replaced


def test_a_file_may_go_from_one_project_to_another(desk):
    """
    Whoever gives it up is installed first, whatever the order of the lock.
    """
    desk.lock_wheels(wheel_of("whole").file("part/__init__.py", b"part = 1"))
    desk.sync()

    desk.lock_wheels(
        wheel_of("a").file("part/__init__.py", b"part = 2"),
        wheel_of("whole", "2.0"),
    )
    reports = desk.sync()

    assert ["whole", "a"] == [report.name for report in reports]
    assert b"part = 2" == (desk.site / "part/__init__.py").read_bytes()


def test_many_wheels_wait_for_each_other(desk, monkeypatch):
    """
    More than are ahead at once: each is let go of when it is staged.
    """
    monkeypatch.setattr("unwheel.install.syncing.AHEAD", 2)
    desk.lock_wheels(*(wheel_of(f"p{i}") for i in range(8)))

    reports = desk.sync()

    assert 8 == len(reports) == len(desk.installed())


# -------------------------------------------------------------- all or nothing


def test_one_bad_wheel_keeps_all_away(desk):
    """
    Found when all of it is read; the good ones were staged by then.
    """
    bad = wheel_of("bad").row("bad/__init__.py", digest="sha256=" + "A" * 43)
    wheels = desk.put(wheel_of("a"), bad, wheel_of("z"))
    desk.lock(*map(entry, wheels))

    with desk.place.untouched():
        results = desk.sync()

    assert all(isinstance(result, UnwheelError) for result in results)
    assert [str(wheels[1])] == [result.wheel for result in results]


@pytest.mark.parametrize(
    ("digests", "code"),
    [
        ({"sha256": "00" * 32}, "WHEEL_HASH"),
        ({"sha256": "right", "sha512": "00" * 64}, "WHEEL_HASH"),
        ({}, "WHEEL_SIZE"),
    ],
)
def test_another_wheel_than_the_locked_one_is_refused(desk, digests, code):
    """
    All digests count, and the size; the others are not installed either.
    """
    good, bad = desk.put(wheel_of("good"), wheel_of("other"))
    right = hashlib.sha256(bad.read_bytes()).hexdigest()
    digests = {k: right if v == "right" else v for k, v in digests.items()}
    said = entry(bad, **digests)
    if code == "WHEEL_SIZE":
        said = said.replace("size = ", "size = 1")
    desk.lock(entry(good), said)

    with desk.place.untouched():
        results = desk.sync()

    assert [code] == refusals(results)
    assert str(bad) == results[0].wheel


def test_all_that_are_missing_are_told(desk):
    """
    Before anything is read, with what to look for.
    """
    one, two = desk.lock_wheels(wheel_of("one"), wheel_of("two"))
    one.unlink()
    two.unlink()

    with desk.place.untouched(), pytest.raises(SourceError) as refused:
        desk.sync()

    problems = refused.value.problems
    assert ["WHEEL_NOT_FOUND"] * 2 == [problem.code for problem in problems]
    assert "sha256" in problems[0].expected


def test_a_directory_that_is_missing_is_told(desk):
    """
    A slip of the pen, which would look like a missing wheel.
    """
    desk.lock_wheels(wheel_of())

    with pytest.raises(SourceError) as refused:
        desk.sync(wheels=[desk.place.root / "nowhere"])

    assert "ENOENT" == refused.value.problems[0].code


def test_two_wheels_of_one_file_are_refused(desk):
    """
    The second would be refused when the first is there already.
    """
    desk.lock_wheels(
        wheel_of("a").file("same.py", b"1"),
        wheel_of("b").file("same.py", b"2"),
    )

    with desk.place.untouched():
        assert ["TWO_OWNERS"] == refusals(desk.sync())


def test_files_of_others_are_not_taken(desk):
    """
    Of a project that the lock does not name: found before the first commit.
    """
    desk.lock_wheels(wheel_of("other").file("same.py", b"1"))
    desk.sync()
    desk.lock_wheels(wheel_of("a"), wheel_of("b").file("same.py", b"2"))

    with desk.place.untouched():
        assert ["OWNED_BY_OTHER"] == refusals(desk.sync())


@pytest.mark.parametrize("how", ["written", "replaced"])
def test_what_was_hashed_is_what_is_installed(desk, monkeypatch, how):
    """
    Whoever writes to the file, or puts another one in its place, after it was
    hashed: that is seen.
    """
    (wheel,) = desk.lock_wheels(wheel_of())
    evil = wheel_of().file("evil.py", b"").write(desk.place.out)
    hold = finding.Digests.hold

    def and_then(self, place):
        held = hold(self, place)
        if how == "written":
            wheel.write_bytes(evil.read_bytes())
        else:
            os.replace(evil, wheel)
        return held

    monkeypatch.setattr(finding.Digests, "hold", and_then)
    results = desk.sync()

    assert refusals(results)
    assert {} == desk.installed()
    assert not (desk.site / "evil.py").exists()


def test_a_file_that_is_written_to_is_noticed(desk, monkeypatch):
    """
    Be it only in its time: it was another one for a moment.
    """
    (wheel,) = desk.lock_wheels(wheel_of())
    hold = finding.Digests.hold

    def and_then(self, place):
        held = hold(self, place)
        os.utime(wheel, (1, 1))
        return held

    monkeypatch.setattr(finding.Digests, "hold", and_then)

    assert ["WHEEL_CHANGED"] == refusals(desk.sync())
    assert {} == desk.installed()


def test_without_handles_the_path_is_opened_again(desk, monkeypatch):
    """
    And that it is the same file is seen by what it is.
    """
    monkeypatch.setattr(finding, "_HANDLES", ())
    (wheel,) = desk.lock_wheels(wheel_of())
    evil = wheel_of().file("evil.py", b"").write(desk.place.out)
    hold = finding.Digests.hold

    def and_then(self, place):
        held = hold(self, place)
        os.replace(evil, wheel)
        return held

    desk.sync()
    monkeypatch.setattr(finding.Digests, "hold", and_then)
    results = desk.sync(choice=SyncChoice(reinstall=True))

    assert "WHEEL_CHANGED" in refusals(results)
    assert {"demo": "1.0"} == desk.installed()
    assert not (desk.site / "evil.py").exists()


def test_no_special_file_is_waited_for(desk):
    """
    A FIFO under the right name would block whoever reads it.
    """
    (wheel,) = desk.put(wheel_of())
    desk.lock(entry(wheel, path=f"wheels/{wheel.name}"))
    wheel.unlink()
    os.mkfifo(wheel)

    assert ["EINVAL"] == refusals(desk.sync(wheels=[]))


def test_what_is_abandoned_is_undone(desk):
    """
    Results that nobody asks for any more are not installed.
    """
    desk.lock_wheels(wheel_of("one"), wheel_of("two"))

    results = sync(desk.path, desk.environment, wheels=[desk.place.wheels])
    next(results)
    results.close()

    assert {"one": "1.0"} == desk.installed()


# ---------------------------------------------------------------- command line


def run(desk, *options):
    words = [
        "sync",
        str(desk.path),
        "--target",
        str(desk.site),
        "--no-compile",
    ]
    return cli.main([*words, "--wheels", str(desk.place.wheels), *options])


def test_the_command_says_what_it_did(desk, capsys):
    """
    A line for each wheel, or an object; the status is that of the worst.
    """
    (wheel,) = desk.lock_wheels(wheel_of())

    assert 0 == run(desk, "--dry-run")
    assert "would install" in capsys.readouterr().out
    assert {} == desk.installed()
    assert 0 == run(desk)
    assert str(wheel) in capsys.readouterr().out
    assert 0 == run(desk)
    assert "unchanged" in capsys.readouterr().out
    assert 0 == run(desk, "--json")
    assert json.loads(capsys.readouterr().out)["unchanged"]
    assert 0 == run(desk, "--json", "--reinstall")
    told = json.loads(capsys.readouterr().out)
    assert ("sync", "1.0") == (told["action"], told["replaced"])
    wheel.unlink()
    assert 3 == run(desk, "--reinstall")
    assert "WHEEL_NOT_FOUND" in capsys.readouterr().err


def test_an_interrupt_says_what_is_there(desk, capsys, monkeypatch):
    """
    What was committed before Ctrl-C stays.
    """
    desk.lock_wheels(wheel_of("one"), wheel_of("two"))
    finish, done = running.Run.finish, []

    def interrupted(self):
        if done:
            raise KeyboardInterrupt
        done.append(self)
        return finish(self)

    monkeypatch.setattr(running.Run, "finish", interrupted)

    assert 130 == run(desk)
    err = capsys.readouterr().err
    assert err.startswith("interrupted; 1 of the lock's wheels are there")
    assert 1 == len(desk.installed())


def test_the_command_names_the_way_out(desk, capsys):
    """
    A project that is no wheel can be skipped.
    """
    (wheel,) = desk.put(wheel_of())
    app = '[[packages]]\nname = "app"\n[packages.directory]\npath = "."\n'
    desk.lock(entry(wheel), app)

    assert 1 == run(desk)
    assert "--skip app" in capsys.readouterr().err
    assert 0 == run(desk, "--skip", "app")
    assert {"demo": "1.0"} == desk.installed()


class Display:
    """
    A stand-in for rich that keeps the names of bars.
    """

    def __init__(self, drawn):
        self._drawn = drawn

    def draw(self, bars, done):  # noqa: ARG002
        self._drawn.update(bars)

    def say(self, text):
        pass

    def close(self):
        pass


def test_the_command_shows_how_far_it_is(desk, monkeypatch):
    """
    Wheel by wheel, as install does.
    """
    wheels = desk.lock_wheels(wheel_of("one"), wheel_of("two"))
    drawn = set()
    monkeypatch.setattr(cli, "_is_terminal", lambda _: True)
    monkeypatch.setattr(progress, "PATIENCE", 0)
    monkeypatch.setattr(progress, "INTERVAL", 0)
    monkeypatch.setattr(progress, "_Display", lambda _: Display(drawn))
    monkeypatch.setenv("TERM", "xterm")

    assert 0 == run(desk)

    assert set(map(str, wheels)) == drawn


def test_help_speaks_of_one_lock_and_many_wheels(capsys):
    """
    What is taken, and what is told.
    """
    with pytest.raises(SystemExit):
        cli.main(["sync", "--help"])

    said = capsys.readouterr().out
    assert said.startswith("usage: unwheel sync [option ...] LOCK\n")
    assert "one object per wheel\n" in said


@pytest.mark.parametrize(
    "options", [["another.toml"], ["--links", "verbatim"]]
)
def test_the_command_refuses_what_cannot_be_meant(desk, options, capsys):
    """
    Before anything is read.
    """
    with pytest.raises(SystemExit) as left:
        run(desk, *options)

    assert 2 == left.value.code
    assert "unwheel: error" in capsys.readouterr().err


def test_a_lock_error_can_be_told_from_others(desk):
    """
    It is the lock that has to change, so it is named.
    """
    desk.lock('[[packages]]\nname = "x"\n')

    with pytest.raises(LockError) as refused:
        desk.sync()

    assert str(desk.path) == refused.value.wheel


def test_pip_sees_what_was_synced(desk):
    """
    It is installed as if by `install_many`.
    """
    wheels = desk.lock_wheels(wheel_of("one"), wheel_of("two"))
    desk.sync()
    other = desk.place.root / "other"
    options = InstallOptions(compile=False, requested=False)
    list(
        install_many(
            wheels, environment_of(target=str(other)), options=options
        )
    )

    assert tree_of(other) == tree_of(desk.site)
