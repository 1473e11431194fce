"""Wheels into environments: what is there afterwards, and what never is."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import stat
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from attacks import ATTACKS
from builder import WheelBuilder
from places import PLATFORM_TAG, Place, tree_of
from sound import SOUND

from unwheel import cli
from unwheel.errors import (
    DestinationError,
    InvalidWheelError,
    MismatchError,
    UnsuitableError,
    UnwheelError,
)
from unwheel.events import (
    InstallationRecovered,
    WheelInstalled,
    WheelPlanned,
    WheelRefused,
)
from unwheel.install import (
    Environment,
    InstallOptions,
    InstallReport,
    environment_of,
    install_many,
    installing,
)
from unwheel.install.installing import compiler_for
from unwheel.policy import LinkPolicy, Policy
from unwheel.values import replace

METADATA = "Metadata-Version: 2.1\nName: {}\nVersion: {}\n"


def wheel_of(
    name: str = "demo", version: str = "1.0", *lines: str, tag: str = ""
) -> WheelBuilder:
    """
    A wheel with a package, a script and an entry point of its name.
    """
    metadata = METADATA.format(name, version) + "\n".join(lines)
    script = f"{name}-{version}.data/scripts/{name}-tool"
    return (
        WheelBuilder(name, version, tag or "py3-none-any")
        .info("METADATA", metadata)
        .info("entry_points.txt", f"[console_scripts]\n{name} = {name}:run\n")
        .file(f"{name}/__init__.py", f"version = '{version}'\n".encode())
        .file(f"{name}/{version}.txt", b"of this version\n")
        .file(script, b"#!python\nprint('tool')\n", mode=0o755)
    )


@pytest.fixture
def target(place: Place) -> Path:
    """
    Where packages go.
    """
    return place.out / "target"


@pytest.fixture
def there(target: Path) -> Environment:
    """
    The same, for our own Python.
    """
    return environment_of(target=str(target))


PLAIN = InstallOptions(compile=False)


def install(
    environment: Environment,
    *wheels: Path,
    policy: Policy = Policy(),  # noqa: B008 - frozen
    **options: object,
) -> list[InstallReport | UnwheelError]:
    """
    What comes of *wheels*, without bytecode unless told.
    """
    chosen = replace(PLAIN, **options)
    outcomes = install_many(wheels, environment, policy=policy, options=chosen)
    return list(outcomes)


def install_one(
    environment: Environment, wheel: Path, **options: object
) -> InstallReport:
    """
    The report of one wheel that is installed.
    """
    (outcome,) = install(environment, wheel, **options)
    if isinstance(outcome, UnwheelError):
        raise outcome
    return outcome


def codes(problems: object) -> list[str]:
    """
    The reason codes of an error, or of warnings.
    """
    if isinstance(problems, UnwheelError):
        problems = problems.problems
    assert isinstance(problems, tuple)
    return [problem.code for problem in problems]


def record_of(site: Path, name: str = "demo-1.0") -> dict[str, list[str]]:
    """
    The rows of an installed RECORD.
    """
    text = (site / f"{name}.dist-info" / "RECORD").read_text()
    rows = [line.split(",") for line in text.splitlines()]
    return {path: facts for path, *facts in rows}


# What is there


def test_installs_all_of_a_wheel(place: Place, target: Path, there):
    """
    Files, scripts, launchers, and what tells of them.
    """
    wheel = place.put(wheel_of())

    report = install_one(there, wheel)

    files = tree_of(target)
    info = "demo-1.0.dist-info"
    assert {
        name for name, content in files.items() if content is not None
    } == {
        "bin/demo",
        "bin/demo-tool",
        "demo/1.0.txt",
        "demo/__init__.py",
        *(f"{info}/{name}" for name in ("METADATA", "WHEEL", "RECORD")),
        *(f"{info}/{name}" for name in ("INSTALLER", "REQUESTED")),
        f"{info}/entry_points.txt",
    }
    assert b"unwheel\n" == files[f"{info}/INSTALLER"]
    assert b"" == files[f"{info}/REQUESTED"]
    first = f"#!{sys.executable}\n".encode()
    assert files["bin/demo-tool"] == first + b"print('tool')\n"
    assert files["bin/demo"].startswith(first)
    for name in ("demo", "demo-tool"):
        mode = (target / "bin" / name).stat().st_mode
        assert stat.S_IMODE(mode) & 0o100
    rows = record_of(target)
    assert set(rows) == {
        n for n, content in files.items() if content is not None
    }
    assert ["", ""] == rows[f"{info}/RECORD"]
    assert [n for n in rows if not rows[n][0]] == [f"{info}/RECORD"]
    assert report == InstallReport(
        wheel=str(wheel),
        name="demo",
        version="1.0",
        site=str(target),
        files=len(rows),
        size=report.size,
        scripts=(str(target / "bin/demo"), str(target / "bin/demo-tool")),
        links=(),
        replaced=None,
        removed=0,
        compiled=0,
        warnings=(),
        seconds=report.seconds,
        dry_run=False,
    )


def test_puts_every_scheme_where_it_goes(place: Place, target: Path, there):
    """
    As the `.data` directory asks.
    """
    data = "demo-1.0.data"
    builder = wheel_of()
    for scheme in ("purelib", "platlib", "headers", "data"):
        builder.file(f"{data}/{scheme}/of/{scheme}.x", scheme.encode())

    install_one(there, place.put(builder))

    assert b"purelib" == (target / "of/purelib.x").read_bytes()
    assert b"platlib" == (target / "of/platlib.x").read_bytes()
    assert b"data" == (target / "of/data.x").read_bytes()
    headers = Path(there.schemes_of("demo")["headers"])
    assert b"headers" == (headers / "of/headers.x").read_bytes()
    row = (headers / "of/headers.x").relative_to(target).as_posix()
    assert row in record_of(target)


def test_nothing_that_is_written_names_the_root(place: Place):
    """
    What is installed below it runs where it will be.
    """
    root = place.out / "root"
    environment = environment_of(prefix="/opt/demo", root=str(root))

    report = install_one(environment, place.put(wheel_of()), compile=True)

    assert report.site.startswith(str(root))
    for path, content in tree_of(root).items():
        if isinstance(content, bytes):
            assert str(root).encode() not in content, path
    cached = importlib.util.cache_from_source(
        f"{report.site}/demo/__init__.py"
    )
    assert b"/opt/demo/" in Path(cached).read_bytes()
    rows = record_of(Path(report.site))
    assert "../../../bin/demo" in rows


def test_tells_what_it_was_told_of_a_wheel(place: Place, target: Path, there):
    """
    Where it came from, and that nobody asked for it.
    """
    url = b'{"url": "https://example.org/demo.whl", "archive_info": {}}'

    install_one(
        there,
        place.put(wheel_of()),
        direct_url=url,
        requested=False,
        installer="other",
    )

    info = target / "demo-1.0.dist-info"
    assert url == (info / "direct_url.json").read_bytes()
    assert not (info / "REQUESTED").exists()
    assert b"other\n" == (info / "INSTALLER").read_bytes()
    assert "demo-1.0.dist-info/direct_url.json" in record_of(target)


@pytest.mark.parametrize("invalidation", ["timestamp", "checked-hash"])
@pytest.mark.parametrize("levels", [(0,), (0, 2)])
def test_compiles(place: Place, target: Path, there, invalidation, levels):
    """
    For the Python that will run it; RECORD names what was made.
    """
    report = install_one(
        there,
        place.put(wheel_of()),
        compile=True,
        invalidation=invalidation,
        levels=levels,
    )

    assert len(levels) == report.compiled
    tag = sys.implementation.cache_tag
    for level in levels:
        suffix = f".opt-{level}" if level else ""
        name = f"demo/__pycache__/__init__.{tag}{suffix}.pyc"
        kind = (target / name).read_bytes()[4]
        assert {"timestamp": 0, "checked-hash": 3}[invalidation] == kind
        assert ["", ""] == record_of(target)[name]
    script = f"import sys; sys.path.insert(0, {str(target)!r}); import demo"
    subprocess.run([sys.executable, "-I", "-c", script], check=True)
    cached = [n for n in tree_of(target) if n.endswith(".pyc")]
    assert len(levels) == len(cached)


def test_what_cannot_be_compiled_is_installed(place: Place, target, there):
    """
    A wheel may have templates that are called .py.
    """
    builder = wheel_of().file("demo/template.py", b"class {{ name }}:\n")

    report = install_one(there, place.put(builder), compile=True)

    assert ["NOT_COMPILED"] == codes(report.warnings)
    assert (target / "demo/template.py").exists()
    assert 1 == report.compiled


def test_bytecode_of_a_wheel_is_left_out(place: Place, target, there):
    """
    It would run in the place of the source that people see.
    """
    builder = wheel_of().file("demo/__pycache__/x.cpython-311.pyc", b"evil")

    install_one(there, place.put(builder))

    assert not (target / "demo/__pycache__").exists()
    assert [] == [row for row in record_of(target) if "pycache" in row]


def test_a_launcher_takes_the_place_of_a_script(place, target, there):
    """
    As with pip; setuptools once put both into wheels.
    """
    scripts = "demo-1.0.data/scripts"
    builder = wheel_of().file(f"{scripts}/demo", b"#!python\nold\n")
    builder.file(f"{scripts}/demo-script.py", b"#!python\nold\n")
    builder.file(f"{scripts}/demo.EXE", b"MZ")

    install_one(there, place.put(builder))

    assert ["demo", "demo-tool"] == sorted(os.listdir(target / "bin"))
    assert b"old" not in (target / "bin/demo").read_bytes()


@pytest.mark.parametrize(
    "text",
    [
        "demo = demo:run\n",
        "[console_scripts]\ndemo = demo\n",
        "[console_scripts]\ndemo = demo run\n",
        "[console_scripts]\ndemo\n",
        "[console_scripts]\na = a:b\na = a:c\n",
        "[console_scripts]\n[console_scripts]\n",
        "[console_scripts\n",
        "[gui_scripts]\n= x:y\n",
        "[console_scripts]\na = %(b)s:c\n",
    ],
)
def test_refuses_entry_points_that_lead_nowhere(place, there, text: str):
    """
    No launcher could be made of them.
    """
    builder = WheelBuilder("demo", "1.0").info("entry_points.txt", text)
    wheel = place.put(builder)

    with place.untouched():
        (refused,) = install(there, wheel)

    assert isinstance(refused, InvalidWheelError)


def test_installs_a_wheel_of_version_2(place: Place, target: Path, there):
    """
    If the policy knows it, `installer` need not.
    """
    text = METADATA.format("demo", "1.0") + "Wheel-Version: 2.0\n"
    wheel2 = "Wheel-Version: 2.0\nRoot-Is-Purelib: TRUE\nTag: py3-none-any\n"
    builder = WheelBuilder("demo", "1.0").info("METADATA", text)
    wheel = place.put(builder.info("WHEEL", wheel2))
    policy = Policy(links=LinkPolicy.named("strict").replace(wheel2=True))

    (refused,) = install(there, wheel)
    (report,) = install(there, wheel, policy=policy)

    assert isinstance(refused, InvalidWheelError)
    assert isinstance(report, InstallReport)
    info = target / "demo-1.0.dist-info"
    assert wheel2 == (info / "WHEEL").read_text()


def test_makes_links(place: Place, target: Path, there):
    """
    Where the policy lets it; RECORD has a row for them.
    """
    builder = wheel_of(tag=PLATFORM_TAG)
    builder.file("demo/libx.so.1", b"x").link("demo/libx.so", "libx.so.1")

    report = install_one(there, place.put(builder), any_platform=True)

    assert "libx.so.1" == os.readlink(target / "demo/libx.so")
    assert [("demo/libx.so", "link")] == [
        (link.path, link.outcome) for link in report.links
    ]
    rows = record_of(target)
    assert rows["demo/libx.so"] == rows["demo/libx.so.1"]


def test_many_wheels(place: Place, target: Path, there):
    """
    More than are ahead; in their order.
    """
    wheels = [place.put(wheel_of(f"demo{k}")) for k in range(40)]

    outcomes = install(there, *wheels, compile=True)

    assert [str(wheel) for wheel in wheels] == [o.wheel for o in outcomes]
    assert {InstallReport} == {type(outcome) for outcome in outcomes}
    assert 40 == len(list(target.glob("*.dist-info")))
    assert 80 == len(list((target / "bin").iterdir()))


@pytest.mark.parametrize("given", ["--python", "--prefix"])
def test_what_is_installed_runs(place: Place, capfd, given: str):
    """
    In a virtual environment that has nothing of ours, by its own script.
    """
    venv.create(place.out / "venv", symlinks=os.name != "nt")
    where = place.out / "venv"
    wheel = place.put(
        WheelBuilder("demo", "1.0")
        .info("entry_points.txt", "[console_scripts]\ndemo = demo:run\n")
        .file("demo.py", b"def run():\n    print('it runs')\n")
    )

    status = cli.main(["install", str(wheel), given, str(where), "--quiet"])

    python = where / "bin/python" if given == "--python" else sys.executable
    assert 0 == status
    script = where / "bin/demo"
    assert f"#!{python}\n".encode() == script.read_bytes().splitlines(True)[0]
    if given == "--python":
        subprocess.run([script], check=True)
        assert "it runs\n" == capfd.readouterr().out
        (cached,) = where.rglob("__pycache__/demo.*.pyc")
        assert b"venv/lib" in cached.read_bytes()


# What was there


def test_replaces_another_version(place: Place, target: Path, there):
    """
    Nothing of it stays, whatever it was called.
    """
    install_one(there, place.put(wheel_of()), compile=True)
    before = tree_of(target)

    report = install_one(there, place.put(wheel_of(version="2.0")))

    assert ("1.0", 1 + 6) == (report.replaced, report.removed)
    assert "demo/1.0.txt" in before
    left = [name for name in tree_of(target) if "1.0" in name]
    assert [] == left
    assert b"version = '2.0'\n" == (target / "demo/__init__.py").read_bytes()
    assert [] == list(target.rglob("*.pyc"))


def test_the_same_again_changes_nothing(place: Place, target: Path, there):
    """
    Twice is once.
    """
    wheel = place.put(wheel_of())
    install_one(there, wheel)
    before = tree_of(target)

    report = install_one(there, wheel)

    assert ("1.0", 0) == (report.replaced, report.removed)
    assert before == tree_of(target)


@pytest.mark.parametrize("dry_run", [False, True])
def test_leaves_what_another_distribution_has(
    place: Place, there, dry_run: bool
):
    """
    All such files are told at once, with their owner.
    """
    other = wheel_of("other").file("demo/__init__.py", b"mine")
    other.file("demo/1.0.txt", b"mine, too")
    install_one(there, place.put(other))
    wheel = place.put(wheel_of())

    with place.untouched():
        (outcome,) = install(there, wheel, dry_run=dry_run)

    assert isinstance(outcome, DestinationError)
    assert ["OWNED_BY_OTHER"] * 2 == codes(outcome)
    assert all("other" in problem.message for problem in outcome.problems)
    assert {'overwrite="all"'} == {p.accept for p in outcome.problems}
    assert str(wheel) == outcome.wheel


@pytest.mark.parametrize("dry_run", [False, True])
def test_may_share_what_is_the_same(place: Place, there, dry_run: bool):
    """
    The ``__init__.py`` of a namespace that two distributions have.
    """
    builder = wheel_of("other").file("both/__init__.py", b"# both\n")
    install_one(there, place.put(builder))
    builder = wheel_of().file("both/__init__.py", b"# both\n")

    report = install_one(there, place.put(builder), dry_run=dry_run)

    assert report.dry_run is dry_run


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("overwrite", ["refuse", "unowned", "all"])
def test_files_of_nobody(
    place: Place, target: Path, there, overwrite: str, dry_run: bool
):
    """
    Are replaced where that was said.
    """
    (target / "demo").mkdir(parents=True)
    (target / "demo/__init__.py").write_bytes(b"whose?")
    wheel = place.put(wheel_of())

    (outcome,) = install(there, wheel, overwrite=overwrite, dry_run=dry_run)

    content = (target / "demo/__init__.py").read_bytes()
    if overwrite == "refuse":
        assert ["UNOWNED_FILE"] == codes(outcome)
    else:
        assert isinstance(outcome, InstallReport)
    kept = dry_run or overwrite == "refuse"
    assert (content == b"whose?") is kept


@pytest.mark.parametrize("dry_run", [False, True])
def test_what_cannot_be_replaced_is_told(
    place: Place, target: Path, there, dry_run: bool
):
    """
    A folder where a file goes, a file where a folder goes.
    """
    (target / "demo/1.0.txt").mkdir(parents=True)
    (target / "demo/1.0.txt/x").write_bytes(b"")
    (target / "bin").write_bytes(b"")

    (outcome,) = install(
        there, place.put(wheel_of()), overwrite="all", dry_run=dry_run
    )

    assert isinstance(outcome, DestinationError)
    assert {"EXISTING_FILE", "EXISTING_FOLDER"} == set(codes(outcome))


def test_finishes_what_a_dead_run_left(target: Path, there):
    """
    Before anything else; and tells it.
    """
    left = target / ".unwheel-0123456789abcdef"
    left.mkdir(parents=True, mode=0o700)
    (left / "x").write_bytes(b"")
    events: list[object] = []

    list(install_many([], there, on_event=events.append))

    assert [InstallationRecovered(str(left), "removed")] == events
    assert not left.exists()


# What is refused


def test_a_bad_wheel_does_not_stop_the_others(place, target, there):
    """
    It leaves nothing, and its reason is told in its turn.
    """
    bad = wheel_of("bad").row("bad/__init__.py", digest="sha256=" + "A" * 43)
    wheels = [
        place.put(wheel_of("one")),
        place.put(bad),
        place.wheels / "absent-1.0-py3-none-any.whl",
        place.put(wheel_of("two")),
    ]

    one, refused, absent, two = install(there, *wheels)

    assert isinstance(refused, MismatchError)
    assert isinstance(absent, DestinationError)
    assert {"one", "two"} == {
        outcome.name
        for outcome in (one, two)
        if isinstance(outcome, InstallReport)
    }
    assert [] == [name for name in tree_of(target) if "bad" in name]


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_wheel_that_is_refused_leaves_nothing(place, there, dry_run: bool):
    """
    Not even the directory that it would have gone to.
    """
    bad = wheel_of().row("demo/__init__.py", digest="sha256=" + "A" * 43)
    wheel = place.put(bad)

    with place.untouched():
        (refused,) = install(there, wheel, dry_run=dry_run, compile=True)

    assert isinstance(refused, MismatchError)


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_policy_may_take_it_all_the_same(place, there, dry_run: bool):
    """
    With a warning for what it would have refused.
    """
    bad = wheel_of().row("demo/__init__.py", digest="sha256=" + "A" * 43)
    wheel = place.put(bad)

    (report,) = install(
        there, wheel, policy=Policy(record="warn"), dry_run=dry_run
    )

    assert isinstance(report, InstallReport)
    assert ["SHA256"] == codes(report.warnings)


@pytest.mark.parametrize(
    ("option", "builder"),
    [
        ("any_platform", wheel_of(tag="cp27-cp27m-win32")),
        (
            "ignore_requires_python",
            wheel_of("demo", "1.0", "Requires-Python: <3"),
        ),
    ],
)
def test_refuses_a_wheel_for_others_unless_told(
    place: Place, there, option: str, builder: WheelBuilder
):
    """
    Each check has a way to insist, which its problem names.
    """
    wheel = place.put(builder)

    (refused,) = install(there, wheel)
    report = install_one(there, wheel, **{option: True})

    assert isinstance(refused, UnsuitableError)
    assert f"{option}=True" == refused.problems[0].accept
    assert "demo" == report.name


def test_tells_what_is_needed(place: Place, there):
    """
    What is neither there nor about to be.
    """
    lines = ("Requires-Dist: other>=1", "Requires-Dist: absent")
    wheels = [
        place.put(wheel_of("demo", "1.0", *lines)),
        place.put(wheel_of("other")),
    ]

    report, _ = install(there, *wheels)

    assert isinstance(report, InstallReport)
    (problem,) = report.warnings
    assert ("DEPENDENCY_MISSING", "absent") == (
        problem.code,
        problem.expected,
    )


def test_one_of_each_project(place: Place, there):
    """
    Of two, nobody knows which is wanted.
    """
    wheels = [place.put(wheel_of()), place.put(wheel_of(version="2.0"))]

    with place.untouched(), pytest.raises(DestinationError) as caught:
        install(there, *wheels)

    assert ["PROJECT_TWICE"] == codes(caught.value)


def test_leaves_a_managed_python_alone(place: Place, there):
    """
    Unless its user insists.
    """
    managed = replace(
        there, is_own=True, python=replace(there.python, managed=("/x", ""))
    )
    wheel = place.put(wheel_of())

    with place.untouched(), pytest.raises(DestinationError) as caught:
        install(managed, wheel)

    assert ["EXTERNALLY_MANAGED"] == codes(caught.value)
    assert install_one(managed, wheel, break_system_packages=True)


def test_what_makes_no_sense_is_a_mistake(place: Place, there):
    """
    Of the program, so it is no UnwheelError.
    """
    wheels = [place.put(wheel_of()), place.put(wheel_of("other"))]

    with place.untouched():
        with pytest.raises(TypeError):
            install(there, *wheels, direct_url=b"{}")
        with pytest.raises(TypeError):
            install(there, wheels[0], policy=Policy(links="verbatim"))


def test_a_bad_direct_url_is_refused_first(place: Place, there):
    """
    Nothing is installed without what it should be recorded with.
    """
    wheel = place.put(wheel_of())

    with place.untouched(), pytest.raises(DestinationError) as caught:
        install(there, wheel, direct_url=b"{}")

    assert {"DIRECT_URL"} == set(codes(caught.value))


def test_a_pybi_is_no_wheel(place: Place, there):
    """
    It is to be unpacked, not installed.
    """
    wheel = place.put(wheel_of())
    pybi = wheel.rename(wheel.with_name("demo-1.0-linux_x86_64.pybi"))

    (refused,) = install(there, pybi)

    assert isinstance(refused, InvalidWheelError)


def test_two_files_in_one_place_of_this_layout(place: Place, there):
    """
    Which of them is wanted, nobody knows; elsewhere there is room for both.
    """
    builder = wheel_of().file("demo-1.0.data/data/demo/1.0.txt", b"other")
    wheel = place.put(builder)

    with place.untouched():
        (refused,) = install(there, wheel)

    assert ["DATA_CLASH"] == codes(refused)
    prefix = environment_of(prefix=str(place.out / "prefix"))
    assert install_one(prefix, wheel)


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("name", ["other-1.0.dist-info", "demo-1.0.dist-info"])
def test_data_that_would_be_a_distribution(place, there, name, dry_run: bool):
    """
    A RECORD in there would tell whose files others' are.
    """
    data = "demo-1.0.data/data"
    builder = wheel_of().file(f"{data}/{name}/RECORD", b"six.py,,\n")
    wheel = place.put(builder)

    with place.untouched():
        (refused,) = install(there, wheel, dry_run=dry_run)

    assert ["DIST_INFO_MANY"] == codes(refused)


def test_no_more_compile_than_there_are_processors(there, monkeypatch):
    """
    Threads may be many; each of these is a process.
    """
    monkeypatch.setattr(installing, "thread_count", lambda: 3)

    counts = [
        compiler_for(there, InstallOptions(), threads)._count
        for threads in (1, 100_000)
    ]

    assert [1, 3] == counts


def test_a_description_may_be_in_any_encoding(place: Place, target, there):
    """
    It is text for people, and stays as it is.
    """
    data = METADATA.format("demo", "1.0").encode() + b"\n\nna\xefve\n"
    builder = WheelBuilder("demo", "1.0").info("METADATA", data)

    install_one(there, place.put(builder))

    assert data == (target / "demo-1.0.dist-info/METADATA").read_bytes()


def test_refuses_every_attack(place: Place, target: Path, there):
    """
    What is not extracted is not installed; and nothing of it stays.
    """
    for name, attack in ATTACKS.items():
        wheel = attack.write(place.wheels)

        (refused,) = install(
            there,
            wheel,
            policy=attack.policy,
            any_platform=True,
            ignore_requires_python=True,
        )

        assert isinstance(refused, UnwheelError), name
        assert not target.exists(), name
        wheel.unlink()


# Installing asks for more than extracting: names nearly ours may be nowhere, a
# launcher has to be made, and in one directory two places may be one.
STRICTER = {
    "names: nearly ours",
    "data: entry points in no encoding",
    "data: data where a file of the root is",
}


@pytest.mark.parametrize("start", range(0, 20, 5))
def test_installs_what_is_odd_but_sound(place, target, there, start: int):
    """
    A sample of it; all of it is read in test_attacks.py.
    """
    for name in list(SOUND)[start::20]:
        sound = SOUND[name]
        if sound.policy.link_policy.entries == "verbatim":
            continue
        wheel = sound.write(place.wheels)

        report = install(there, wheel, policy=sound.policy, any_platform=True)[
            0
        ]

        told = str(report)
        assert isinstance(report, InstallReport) or name in STRICTER, told
        wheel.unlink()
        shutil.rmtree(target, ignore_errors=True)


# A dry run


def test_a_dry_run_says_what_the_real_one_does(place: Place, there):
    """
    To the number, and writes nothing at all.
    """
    install_one(there, place.put(wheel_of()), compile=True)
    wheel = place.put(
        wheel_of("demo", "2.0", tag=PLATFORM_TAG)
        .file("demo/libx.so.1", b"x")
        .link("demo/libx.so", "libx.so.1")
        .file("demo-2.0.data/data/share/x", b"")
    )
    options = {"compile": True, "levels": (0, 1), "any_platform": True}

    with place.untouched():
        told = install_one(there, wheel, dry_run=True, **options)
    done = install_one(there, wheel, **options)

    assert told.dry_run
    assert set(told.scripts) == set(done.scripts)
    again = replace(
        told, dry_run=False, seconds=done.seconds, scripts=done.scripts
    )
    assert again == done


def test_a_dry_run_leaves_what_a_dead_run_left(place, target, there):
    """
    Even that is writing.
    """
    left = target / ".unwheel-0123456789abcdef"
    left.mkdir(parents=True, mode=0o700)
    wheel = place.put(wheel_of())

    with place.untouched():
        install_one(there, wheel, dry_run=True)

    left.rmdir()


# Events, and an end in between


def test_tells_what_happens(place: Place, target: Path, there):
    """
    In the caller's thread, in an order that makes sense.
    """
    wheel = place.put(wheel_of())
    absent = place.wheels / "absent-1.0-py3-none-any.whl"
    events: list[object] = []

    list(install_many([wheel, absent], there, on_event=events.append))

    kinds = [e for e in events if isinstance(e, WheelPlanned | WheelInstalled)]
    assert [WheelPlanned, WheelInstalled] == [type(e) for e in kinds]
    assert kinds[1].site == str(target)
    assert [str(absent)] == [
        e.wheel for e in events if isinstance(e, WheelRefused)
    ]


@pytest.mark.parametrize("done", range(4))
def test_who_stops_listening_stops_it(place, target, there, done: int):
    """
    What was told is there; of the rest nothing is.
    """
    wheels = [place.put(wheel_of(f"demo{k}")) for k in range(5)]
    options = InstallOptions()
    outcomes = install_many(wheels, there, options=options)

    for _ in range(done):
        next(outcomes)
    outcomes.close()

    found = sorted(path.name for path in target.glob("*"))
    names = {f"demo{k}" for k in range(done)}
    infos = {f"{name}-1.0.dist-info" for name in names}
    assert names | infos | ({"bin"} if done else set()) == set(found)


@pytest.mark.parametrize("at", range(3))
def test_an_interrupt_leaves_each_wheel_whole_or_absent(
    place: Place, target: Path, there, at: int
):
    """
    Wherever it comes.
    """
    wheels = [place.put(wheel_of(f"demo{k}")) for k in range(3)]
    seen: list[object] = []

    def interrupt(event: object) -> None:
        seen.append(event)
        if (
            isinstance(event, WheelInstalled)
            and at
            == len([e for e in seen if isinstance(e, WheelInstalled)]) - 1
        ):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(install_many(wheels, there, options=PLAIN, on_event=interrupt))

    found = {path.name for path in target.glob("*.dist-info")}
    assert found == {f"demo{k}-1.0.dist-info" for k in range(at + 1)}
    for name in found:
        for row in record_of(target, name.removesuffix(".dist-info")):
            assert (target / row).exists()


# The command


def test_the_command_installs(place: Place, target: Path, capsys):
    """
    Into what it was told, and tells it as an object.
    """
    wheel = place.put(wheel_of())

    status = cli.main(
        ["install", str(wheel), "--target", str(target), "--json"]
    )

    out, err = capsys.readouterr()
    told = json.loads(out)
    assert (0, "") == (status, err)
    assert ("install", "ok", "demo", "1.0", str(target), 1) == (
        told["action"],
        told["status"],
        told["name"],
        told["version"],
        told["site"],
        told["compiled"],
    )
    assert (target / "demo-1.0.dist-info" / "RECORD").exists()


def test_what_a_refusal_names_can_be_typed(place: Place, target, capsys):
    """
    From the words of the problem to a wheel that is installed.
    """
    (target / "demo").mkdir(parents=True)
    (target / "demo/__init__.py").write_bytes(b"whose?")
    wheel = place.put(wheel_of(tag="cp27-cp27m-win32"))
    line = ["install", str(wheel), "--target", str(target), "--quiet"]

    told = []
    while status := cli.main(line):
        _, err = capsys.readouterr()
        (option,) = [
            words.partition("accept by ")[2]
            for words in err.splitlines()
            if "accept by" in words
        ]
        told.append((status, option))
        line += option.split()

    assert [(1, "--any-platform"), (3, "--overwrite unowned")] == told
    assert (target / "demo-1.0.dist-info" / "RECORD").exists()
