"""
Byte-compilation in workers: what they make, tell, survive and leave.
"""

from __future__ import annotations

import importlib.util
import marshal
import os
import py_compile
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from unwheel import DestinationError
from unwheel.bytecode import compiling, workers
from unwheel.bytecode.compiling import Compiled, Compiler

TAG = sys.implementation.cache_tag
# A source that says so takes down the interpreter that compiles it, or keeps
# it: see `odd_interpreter`.
DEADLY = "# deadly\n"
ENDLESS = "# endless\n"


@pytest.fixture
def stage(tmp_path):
    """
    Write sources; what to submit of them.
    """
    root = tmp_path / "staged"

    def write(**sources):
        root.mkdir(exist_ok=True)
        for name, text in sources.items():
            data = text.encode() if isinstance(text, str) else text
            (root / f"{name}.py").write_bytes(data)
        return [(f"{root}/{name}.py", f"/run/{name}.py") for name in sources]

    return write


@pytest.fixture
def odd_interpreter(tmp_path):
    """
    An interpreter that dies of one source and cannot end another.

    Each of its processes notes its number.
    """
    pids = tmp_path / "pids"
    pids.mkdir()
    script = tmp_path / "python"
    script.write_text(
        textwrap.dedent(
            f"""\
            #!{sys.executable} -SI
            import builtins, os, signal, sys
            open({str(pids)!r} + "/" + str(os.getpid()), "w").close()
            real = builtins.compile
            def compile(text, *args, **options):
                if b"# deadly" in text:
                    os.kill(os.getpid(), signal.SIGKILL)
                while b"# endless" in text:
                    signal.pause()
                return real(text, *args, **options)
            at = sys.argv.index("-c")
            program = real(sys.argv[at + 1], "program", "exec")
            sys.argv[:] = sys.argv[at:at + 1] + sys.argv[at + 2:]
            builtins.compile = compile
            exec(program)
            """
        )
    )
    script.chmod(0o755)
    return script


def processes(interpreter):
    """
    The numbers of the processes that an `odd_interpreter` has had.
    """
    return [int(p.name) for p in (interpreter.parent / "pids").iterdir()]


def is_alive(process):
    """
    Whether it still runs; one that nobody has buried yet does not.
    """
    try:
        facts = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return not facts.rpartition(")")[2].startswith(" Z")


def compiled(files, **options):
    with Compiler(sys.executable, **options) as compiler:
        return compiler.submit(files).wait()


def pyc(source, level=0):
    path = Path(source)
    suffix = f".opt-{level}" if level else ""
    return path.parent / "__pycache__" / f"{path.stem}.{TAG}{suffix}.pyc"


def head(path):
    data = Path(path).read_bytes()
    words = [data[i : i + 4] for i in range(0, 16, 4)]
    return words[0], int.from_bytes(words[1], "little"), data[8:16]


def open_files():
    return len(os.listdir("/proc/self/fd"))


# ------------------------------------------------------------------ pycs


def test_makes_what_an_import_takes(stage, tmp_path):
    """
    The pyc is where importlib looks, and what py_compile makes; its code says
    where it will be at run time.
    """
    files = stage(mod="def f():\n    '''Doc.'''\n    return {1, 'a'}\n")
    source, runtime = files[0]

    results = compiled(files)

    made = importlib.util.cache_from_source(source)
    assert [Compiled(source, (made,))] == results
    theirs = tmp_path / "theirs.pyc"
    py_compile.compile(source, str(theirs), dfile=runtime, doraise=True)
    assert theirs.read_bytes()[:16] == Path(made).read_bytes()[:16]
    code, their_code = (
        marshal.loads(Path(path).read_bytes()[16:]) for path in (made, theirs)
    )
    assert their_code == code
    assert runtime == code.co_filename


@pytest.mark.parametrize(
    ("invalidation", "flags"),
    [("timestamp", 0), ("unchecked-hash", 1), ("checked-hash", 3)],
)
def test_says_when_a_pyc_is_out_of_date(stage, invalidation, flags):
    """
    By time and size, or by a hash of the source (PEP 552).
    """
    files = stage(mod="x = 1\n")
    source = files[0][0]
    os.utime(source, (5, 1_234_567_890))

    compiled(files, invalidation=invalidation)

    proof = (
        importlib.util.source_hash(b"x = 1\n")
        if flags
        else b"\xd2\x02\x96\x49" + b"\x06\0\0\0"
    )
    expected = (importlib.util.MAGIC_NUMBER, flags, proof)
    assert expected == head(pyc(source))


def test_makes_a_pyc_for_each_level(stage):
    """
    Level 1 drops assertions, level 2 docstrings too; each has its name.
    """
    files = stage(mod="'''Doc.'''\nassert x\n")
    source = files[0][0]

    results = compiled(files, levels=(0, 1, 2))

    paths = [pyc(source, level) for level in (0, 1, 2)]
    assert tuple(map(str, paths)) == results[0].pycs
    codes = [marshal.loads(path.read_bytes()[16:]) for path in paths]
    assert ["x" in code.co_names for code in codes] == [True, False, False]
    assert ["Doc." in code.co_consts for code in codes] == [True, True, False]


def test_a_pyc_has_the_mode_of_its_source(stage):
    """
    As importlib does it: never executable, always to be replaced.
    """
    files = stage(mod="", private="")
    os.chmod(files[0][0], 0o755)
    os.chmod(files[1][0], 0o400)

    compiled(files)

    modes = [pyc(source).stat().st_mode & 0o777 for source, _ in files]
    assert [0o644, 0o600] == modes


@pytest.mark.parametrize("name", ["a\nb", "a\udcff", "ä", "a b.c", ""])
def test_names_may_hold_anything(stage, name):
    """
    Line ends, bytes that are no UTF-8, and nothing before the suffix.
    """
    files = stage(**{name: "x = 1\n"})

    results = compiled(files)

    assert (importlib.util.cache_from_source(files[0][0]),) == results[0].pycs
    code = marshal.loads(Path(results[0].pycs[0]).read_bytes()[16:])
    assert f"/run/{name}.py" == code.co_filename


def test_the_same_source_makes_the_same_pyc(stage):
    """
    Whoever compiles it, after whatever else, in whatever environment.
    """
    sources = {
        f"m{i}": f"from os import path, name{i}\nY = {{'a', 'b', 'c{i}'}}\n"
        f"def f(path, y=(1, 2.5, 'q{i}')):\n"
        "    return y in {'é', 'x', 'z'}\n"
        for i in range(20)
    }
    files = stage(**sources)
    compiled(files, workers=2)
    first = [pyc(source).read_bytes() for source, _ in files]
    for source, _ in files:
        pyc(source).unlink()

    compiled(files[::-1], workers=1)

    assert first == [pyc(source).read_bytes() for source, _ in files]


def test_nothing_lies_in_wait_for_a_worker(stage, tmp_path, monkeypatch):
    """
    Neither the directory we are in nor the environment lends it a module.
    """
    for name in ("os.py", "importlib.py", "marshal.py", "sitecustomize.py"):
        (tmp_path / name).write_text("import os\nos._exit(7)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path / "elsewhere"))

    results = compiled(stage(mod="x = 1\n"))

    assert [None] == [result.problem for result in results]
    assert not (tmp_path / "elsewhere").exists()


def test_more_jobs_than_a_pipe_holds(stage, monkeypatch):
    """
    The rest is handed out later; nobody waits for room.
    """
    monkeypatch.setattr(workers, "_PLENTY", 4096)  # 512 jobs
    files = stage(one="", two="")
    with Compiler(sys.executable) as compiler:
        waiting = [compiler.submit(files[:1] * 700), compiler.submit(files)]
        results = [compilation.wait() for compilation in waiting]

    assert [700, 2] == list(map(len, results))
    assert str(pyc(files[1][0])) == results[1][1].pycs[0]


# -------------------------------------------------------------- bad sources


@pytest.mark.parametrize(
    "text",
    [
        "def f(:\n",
        b"\xff = 1\n",
        b"# coding: klingon\n",
        b"x = 1\0\n",
        "x = " + "(" * 5000 + ")" * 5000,
        "return 1\n",
    ],
)
def test_a_bad_source_is_told_and_costs_nobody_else(stage, text):
    """
    As with pip, which installs it all the same.
    """
    files = stage(bad=text, good="x = 1\n")

    bad, good = compiled(files, levels=(0, 1))

    assert () == bad.pycs
    assert "\n" not in bad.problem
    assert "Error" in bad.problem
    assert not pyc(files[0][0]).exists()
    assert None is good.problem


def test_a_source_that_is_gone_is_told():
    """
    Also a failure of the system is told of the one that it was about.
    """
    (result,) = compiled([("/missing/x.py", "/x.py")])

    assert "FileNotFoundError" in result.problem


def test_nothing_is_written_through_a_link(stage, tmp_path):
    """
    A `__pycache__` that leads elsewhere, or a pyc that does, is told.
    """
    files = stage(mod="x = 1\n")
    staged = Path(files[0][0]).parent
    outside = tmp_path / "outside"
    outside.mkdir()
    (staged / "__pycache__").symlink_to(outside)
    (linked,) = compiled(files)
    (staged / "__pycache__").unlink()
    (staged / "__pycache__").mkdir()
    pyc(files[0][0]).symlink_to(outside / "file")

    (written,) = compiled(files)

    assert "FileExistsError" in linked.problem
    assert "FileExistsError" in written.problem
    assert [] == list(outside.iterdir())


# ------------------------------------------------------------ bad workers


def test_the_death_of_a_worker_is_told(stage, odd_interpreter):
    """
    Of the source that it died of; all others are compiled.
    """
    files = stage(a="", b=DEADLY, c="x = 1\n", d="")

    with Compiler(str(odd_interpreter), workers=2) as compiler:
        results = compiler.submit(files).wait()

    problems = [result.problem for result in results]
    assert [None, None, None] == problems[:1] + problems[2:]
    assert "signal 9" in problems[1]
    assert not pyc(files[1][0]).exists()
    assert [] == list(filter(is_alive, processes(odd_interpreter)))


def test_many_deaths_are_enough(stage, odd_interpreter, monkeypatch):
    """
    A wheel of nothing but such sources does not keep us for ever.
    """
    monkeypatch.setattr(compiling, "MOST_DEATHS", 3)
    files = stage(**{f"m{i}": DEADLY for i in range(9)})

    with Compiler(str(odd_interpreter), workers=1) as compiler:
        results = compiler.submit(files).wait()
        later = compiler.submit(files[:1]).wait()

    problems = [result.problem for result in results]
    assert 3 == sum("signal 9" in problem for problem in problems)
    assert 6 == sum("have died" in problem for problem in problems)
    assert "have died" in later[0].problem
    assert 3 == len(processes(odd_interpreter))


def test_a_source_has_its_time(stage, odd_interpreter, monkeypatch):
    """
    Who takes longer is ended, and told.
    """
    monkeypatch.setattr(compiling, "MOST_SECONDS", 0.2)
    monkeypatch.setattr(compiling, "_TICK_MS", 50)
    files = stage(slow=ENDLESS, good="")

    with Compiler(str(odd_interpreter), workers=1) as compiler:
        slow, good = compiler.submit(files).wait()

    assert "seconds" in slow.problem
    assert None is good.problem


def test_an_interpreter_that_is_none_is_told(stage):
    """
    One that is missing at once; one that ends at once for each source.
    """
    files = stage(mod="")
    with (
        pytest.raises(DestinationError) as refused,
        Compiler("/missing/python"),
    ):
        pass
    assert "ENOENT" == refused.value.problems[0].code

    with Compiler("/bin/true") as compiler:
        (result,) = compiler.submit(files).wait()
    assert "have died" in result.problem


# -------------------------------------------------------------- ends


def test_cancel_waits_for_who_writes(stage, odd_interpreter, monkeypatch):
    """
    Afterwards the sources can be removed; other sources are not disturbed.
    """
    monkeypatch.setattr(compiling, "MOST_SECONDS", 0.2)
    monkeypatch.setattr(compiling, "_TICK_MS", 50)
    files = stage(slow=ENDLESS, b="", c="", other="")

    with Compiler(str(odd_interpreter), workers=1) as compiler:
        compilation = compiler.submit(files[:3])
        other = compiler.submit(files[3:])
        while compiler._workers is None or all(
            worker.at is None for worker in compiler._workers
        ):
            assert not compilation.ready(10)
        compilation.cancel()
        problems = [result.problem for result in compilation.wait()]
        left = other.wait()

    assert "seconds" in problems[0]
    assert ["cancelled", "cancelled"] == problems[1:]
    assert not pyc(files[1][0]).exists()
    assert None is left[0].problem


def test_nothing_is_left_of_the_workers(stage, odd_interpreter):
    """
    Neither a process nor a descriptor, whatever they were doing.
    """
    before = open_files()

    with Compiler(str(odd_interpreter), workers=2) as compiler:
        compilation = compiler.submit(stage(slow=ENDLESS, b=ENDLESS, c=""))
        while len(processes(odd_interpreter)) < 2:
            compilation.ready(10)

    assert before == open_files()
    assert [] == list(filter(is_alive, processes(odd_interpreter)))
    assert "closed" in compilation.wait()[0].problem
    with pytest.raises(TypeError):
        compiler.submit([])


def test_ctrl_c_ends_them(stage, odd_interpreter):
    """
    It is answered while we wait, and is ours alone.
    """
    with Compiler(str(odd_interpreter)) as compiler:
        compilation = compiler.submit(stage(slow=ENDLESS))
        before = signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            compilation.wait()
        signal.signal(signal.SIGALRM, before)

    assert [] == list(filter(is_alive, processes(odd_interpreter)))


def test_they_follow_who_is_killed(stage, odd_interpreter):
    """
    A worker whose master was killed ends after the source it is at.
    """
    files = stage(**{f"m{i}": "" for i in range(100)})
    program = (
        "import os, signal\n"
        "from unwheel.bytecode.compiling import Compiler\n"
        f"compiler = Compiler({str(odd_interpreter)!r}, workers=2)\n"
        f"compilation = compiler.submit({files!r})\n"
        "while compilation._left == 100:\n"
        "    compilation.ready(1)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )

    subprocess.run([sys.executable, "-c", program], check=False)

    end = time.monotonic() + 20
    while any(map(is_alive, processes(odd_interpreter))):
        assert time.monotonic() < end


def test_it_fits_where_standard_files_are_closed(stage):
    """
    Descriptors 0 to 3 are what workers have, and may be ours as well.
    """
    files = stage(mod="x = 1\n")
    program = (
        "import os, sys\n"
        "from unwheel.bytecode.compiling import Compiler\n"
        "os.closerange(0, 10)\n"
        f"with Compiler({sys.executable!r}) as compiler:\n"
        f"    results = compiler.submit({files!r}).wait()\n"
        "os._exit(9 if results[0].problem is None else 1)\n"
    )

    done = subprocess.run([sys.executable, "-c", program], check=False)

    assert 9 == done.returncode
    assert pyc(files[0][0]).exists()


@pytest.mark.parametrize(
    "options",
    [
        {"levels": ()},
        {"levels": (3,)},
        {"invalidation": "never"},
        {"workers": 0},
    ],
)
def test_mistakes_of_the_caller(options):
    """
    They are told before anything starts.
    """
    with pytest.raises(TypeError):
        Compiler(sys.executable, **options)


def test_only_sources_can_be_submitted():
    """
    What a pyc would be called hangs on the suffix.
    """
    with (
        Compiler(sys.executable) as compiler,
        pytest.raises(TypeError, match="does not end in"),
    ):
        compiler.submit([("x.pyw", "x.pyw")])
