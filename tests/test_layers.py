"""
The house keeps its order (ARCHITECTURE): who may know whom, and who may what.

Every rule is first shown to find a breach of it, so that none passes because
it looks at nothing.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "src" / "unwheel"
MODULES = sorted(HOME.rglob("*.py"))
C_FILES = sorted((ROOT / "csrc").glob("*.[ch]"))

# From leaf to face.  A module imports from lower rows, and in its own row
# from the left.  "native" itself is its __init__, which everybody else asks.
RANKS = [
    "values errors policy",
    "paths filename metadata layout record",
    "targets encodings standins outcomes verdicts links",
    "events report backend installed",
    "findings contents subject asking plan",
    "native.core",
    "native.archive native.tree native.batch native.kernels native.forward",
    "places native libarchive relay merge private staging host linking",
    "faults orders crew engine",
    "wheel",
    "distinfo treescan zipformat zipsource zipwriter newfile libraries",
    "repeats relinking packing commandline",
    "readings readers comparing",
    "site.identity site.journal site.moving site.rooms",
    "site.distributions site.judging site.recovery site.transaction site",
    "bytecode.compile_worker bytecode.workers bytecode.compiling",
    "bytecode.here bytecode",
    "pair.opened pair.streams pair.source pair.parts",
    "pair.claims pair.installation pair.arranging pair.rows",
    "pair.finishing pair.destination pair",
    "install.facts install.environment install.direct_url install.plain",
    "install.checks install.locked install.lock install.finding",
    "install.origin",
    "install.report install.options install.rehearsal install.showing",
    "install.running",
    "install.installing install.syncing install",
    "quantities hops knobs usage install_usage sync_usage options",
    "progress listing graph",
    "wording tables commands cli __main__",
    "plugins.host plugins.settings plugins.pdm_cache",
    "plugins.pdm plugins.poetry plugins",
]
ORDER = [name for row in RANKS for name in row.split()]
ROOMS = {name.rpartition(".")[0] for name in ORDER if "." in name}

NATIVE = ("_native", {"native.core"})
THREADS = ("threading", {"crew"})
LOW_THREADS = ("_thread", {"crew"})
# Pure: judged by bytes alone, so it may not even be able to open a file.
PURE = [
    *" ".join(RANKS[:5]).split(),
    "hops",
    "distinfo",
    "zipformat",
]
SYSTEM = {
    "os",
    "io.open",
    "pathlib",
    "shutil",
    "socket",
    "subprocess",
    "tempfile",
    "mmap",
    "sys",
}
LAZY = {"packaging", "email", "hashlib", "unicodedata", "graphlib", "rich"}

COMMON = {"unwheel.h", "base.h", "error.h", "cpu.h"}
SEVERAL = {
    *("shadow", "member", "batch", "split", "job", "crew"),
    *("archive", "forward", "kernels"),
}
PURE_STAGES = {"zip", "inflate", "crc32", "sha256", "shadow"}
PURE_HEADERS = {
    "arm_acle.h",
    "arm_neon.h",
    "immintrin.h",
    "intrin.h",
    "stdarg.h",
    "stdio.h",  # vsnprintf() alone, see IMPURE
}
IMPURE = re.compile(
    r"\b(?:[mc]alloc|realloc|free|aligned_alloc|fopen|fread|fwrite|f?puts"
    r"|f?printf|open|read|pread|write|close|mmap|getenv|time)\s*\("
)
CHANGING_GLOBAL = re.compile(
    r"^(?:static\s+)?(?!static|extern|typedef|return|goto|struct\s+\w+;)"
    r"(?!.*\bconst\b)[a-z_]\w*[\w\s*]*\b\w+(?:\[[^\]]*\])*\s*(?:=[^=].*|;)$",
    re.MULTILINE,
)


# ------------------------------------------------------------------- Python


def named(path):
    """
    The module in *path*, as others import it.
    """
    parts = path.relative_to(HOME).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imports(tree, package=True, name=""):
    """
    What the module *name* imports: modules of the package, or others.
    """
    room = name if name in ROOMS else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and bool(node.level) == package:
            inside = f"{room}." if room and node.level == 1 else ""
            if node.module:
                yield inside + node.module
            else:
                yield from (inside + alias.name for alias in node.names)
        elif isinstance(node, ast.Import) and not package:
            yield from (alias.name for alias in node.names)


def upward(name, tree):
    """
    Modules of the package that *name* imports, but may not.
    """
    below = ORDER[: ORDER.index(name)]
    known = set(ORDER)
    return [
        target
        for target in imports(tree, name=name)
        if target in known and target not in below
    ]


def intrusions(name, tree):
    """
    Modules inside a room of others that *name* imports, past its door.
    """
    return [
        target
        for target in imports(tree, name=name)
        if target.rpartition(".")[0] in ROOMS
        and target.rpartition(".")[0] not in (name, name.rpartition(".")[0])
    ]


def strays(name, tree, rule):
    """
    Whether *name* imports a module that only others may import.
    """
    module, allowed = rule
    found = {*imports(tree, name=name), *imports(tree, package=False)}
    return module in found and name not in allowed


def prints(tree):
    """
    Lines that print.
    """
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]


def touches(tree):
    """
    What lets a module reach the system: a module, or `open`.
    """
    found = SYSTEM.intersection(imports(tree, package=False))
    called = (n.func for n in ast.walk(tree) if isinstance(n, ast.Call))
    names = {f.id for f in called if isinstance(f, ast.Name)}
    return sorted(found | names.intersection({"open", "__import__", "exec"}))


def eager(tree):
    """
    Modules imported at the top that cost too much to start with.
    """
    body = ast.Module([n for n in tree.body if not isinstance(n, ast.If)], [])
    top = [n for n in body.body if isinstance(n, ast.Import | ast.ImportFrom)]
    found = imports(ast.Module(top, []), package=False)
    return sorted(LAZY.intersection(name.split(".")[0] for name in found))


def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


RANKED = [path for path in MODULES if named(path)]
each_module = pytest.mark.parametrize("path", RANKED, ids=map(named, RANKED))


def test_every_module_has_a_place():
    """
    A module that nobody placed could import anything.
    """
    assert [] == [path for path in RANKED if named(path) not in ORDER]
    assert len(ORDER) == len(set(ORDER))
    assert {"paths", "native", "native.core"} <= set(map(named, RANKED))


@each_module
def test_imports_lead_downward(path):
    """
    So there is no circle, and a leaf can be used and tested alone.
    """
    assert [] == upward(named(path), parsed(path))


@each_module
def test_a_room_is_entered_by_its_door(path):
    """
    What is inside a package may move; only its own modules know it.
    """
    assert [] == intrusions(named(path), parsed(path))


@each_module
@pytest.mark.parametrize("rule", [NATIVE, THREADS, LOW_THREADS])
def test_only_one_module_may(path, rule):
    """
    One border to C, one place that starts threads.
    """
    assert not strays(named(path), parsed(path), rule)


@each_module
def test_only_the_command_line_prints(path):
    """
    A library that prints breaks the programs that use it.
    """
    assert named(path) == "cli" or [] == prints(parsed(path))


@each_module
def test_pure_modules_cannot_reach_the_system(path):
    """
    They judge bytes, so they can be fuzzed, and nobody can race them.
    """
    assert named(path) not in PURE or [] == touches(parsed(path))


@each_module
def test_rare_helpers_are_imported_when_needed(path):
    """
    A command is started for every wheel; it pays for what it uses.
    """
    assert named(path) not in PURE or [] == eager(parsed(path))


def test_the_python_rules_find_breaches():
    """
    Each rule above, against code that breaks it.
    """
    bad = ast.parse(
        "import threading, os\n"
        "from hashlib import sha256\n"
        "from . import _native\n"
        "from .engine import Crew\n"
        "def f():\n"
        "    from .plan import Plan\n"
        "    from .errors import Problem\n"
        "    print(open('x'))\n"
    )

    assert ["engine", "plan"] == upward("paths", bad)
    assert ["plan"] == upward("plan", ast.parse("from . import plan"))
    assert strays("paths", bad, NATIVE)
    assert strays("paths", bad, THREADS)
    for room in ("native", "native.tree"):
        assert strays(room, ast.parse("from .. import _native"), NATIVE)
    assert not strays(
        "native.core", ast.parse("from .. import _native"), NATIVE
    )
    assert ["native.tree"] == upward(
        "native.archive", ast.parse("from .tree import Tree")
    )
    assert ["engine"] == upward("native", ast.parse("from .. import engine"))
    inside = ast.parse("from .native.tree import Tree")
    assert ["native.tree"] == intrusions("staging", inside)
    assert [] == intrusions("native", ast.parse("from .tree import Tree"))
    assert [] == intrusions("native.batch", ast.parse("from . import tree"))
    assert [8] == prints(bad)
    assert ["open", "os"] == touches(bad)
    assert ["hashlib"] == eager(bad)
    assert [] == eager(ast.parse("def f():\n    import hashlib\n"))


# ------------------------------------------------------------------------ C


def stage(name):
    """
    "crc32_x86.c" is of the stage "crc32".
    """
    return re.split(r"[_.]", name)[0]


def includes(text):
    """
    The own headers and the system's headers that *text* includes.
    """
    own = re.findall(r'^\s*#\s*include\s+"([^"]+)"', text, re.MULTILINE)
    system = re.findall(r"^\s*#\s*include\s+<([^>]+)>", text, re.MULTILINE)
    return own, system


def foreign(name, text):
    """
    Headers of other stages, in a file that may know only its own.
    """
    if stage(name) in SEVERAL:
        return []
    own, _ = includes(text)
    return [h for h in own if h not in COMMON and stage(h) != stage(name)]


def impure(name, text):
    """
    What a pure stage may not use: headers, and calls.
    """
    if stage(name) not in PURE_STAGES:
        return []
    _, system = includes(text)
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    calls = [call.rstrip("( ") for call in IMPURE.findall(code)]
    return sorted(set(system) - PURE_HEADERS) + calls


def asks_for_windows(name, text):
    """
    Whether a file that is not of one system asks which one it is.
    """
    allowed = name == "base.h" or name.endswith("_win32.c")
    return re.search(r"\b_WIN32\b", text) is not None and not allowed


def globals_that_change(text):
    """
    Definitions at file scope that are not constant.
    """
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return [
        line
        for line in CHANGING_GLOBAL.findall(code)
        if "(" not in line.partition("=")[0]
    ]


each_c_file = pytest.mark.parametrize(
    "path", C_FILES, ids=[path.name for path in C_FILES]
)


def test_there_is_c_to_look_at():
    """
    Else the rules below would hold for nothing.
    """
    assert {"base.h", "zip.h"} <= {path.name for path in C_FILES}


@each_c_file
def test_a_stage_knows_no_other_stage(path):
    """
    Only those that compose may include several.
    """
    assert [] == foreign(path.name, path.read_text(encoding="utf-8"))


@each_c_file
def test_pure_stages_stay_pure(path):
    """
    No system call and no allocation: tested and fuzzed with bytes alone.
    """
    assert [] == impure(path.name, path.read_text(encoding="utf-8"))


@each_c_file
def test_the_build_picks_the_system_not_the_text(path):
    """
    An #ifdef in the middle is a path that one of the systems never tests.
    """
    assert not asks_for_windows(path.name, path.read_text(encoding="utf-8"))


@each_c_file
def test_no_global_changes(path):
    """
    What threads share is handed to them.
    """
    if path.suffix == ".c":
        assert [] == globals_that_change(path.read_text(encoding="utf-8"))


def test_the_c_rules_find_breaches():
    """
    Each rule above, against code that breaks it.
    """
    bad = (
        '#include "zip.h"\n#include "tree.h"\n#include <stdlib.h>\n'
        "#ifdef _WIN32\n#endif\n"
        "static int count;\nunsigned long total = 0;\n"
        "static struct uw_x *last[4];\n"
        "static const int limit = 4;\nint f(int a);\n"
        "static int g(void)\n{\n\tint x = 4;\n\treturn malloc(x);\n}\n"
    )

    assert ["tree.h"] == foreign("zip.c", bad)
    assert [] == foreign("member.c", bad)
    assert ["stdlib.h", "malloc"] == impure("zip.c", bad)
    assert [] == impure("tree_posix.c", bad)
    assert asks_for_windows("zip.c", bad)
    assert not asks_for_windows("tree_win32.c", bad)
    assert [
        "static int count;",
        "unsigned long total = 0;",
        "static struct uw_x *last[4];",
    ] == globals_that_change(bad)
