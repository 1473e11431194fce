"""
Odd and sound: names that real trees have, and that look dangerous.
"""

from __future__ import annotations

from builder import WheelBuilder
from sound_case import Sound

from unwheel import Limits, Policy

PLAIN = {
    "beyond the BMP": "demo/\U0001f40d.py",
    "a plane without a font": "demo/\U00020000\U0002a6d0.py",
    "a letter of plane 3": "demo/\U0003134a.py",
    "right to left": "\u05d0\u05d1/\u0627\u0628.py",
    "both ways": "demo/abc \u05d0\u05d1\u05d2 123.py",
    "Chinese": "\u4e2d\u6587/\u6587\u4ef6.py",
    "Japanese": "\u65e5\u672c\u8a9e/\u30d5\u30a1\u30a4\u30eb.py",
    "Korean, composed": "demo/\ud55c\uae00.py",
    "Korean, in letters": "demo/\u1112\u1161\u11ab.py",
    "Hindi": "demo/\u0928\u092e\u0938\u094d\u0924\u0947.py",
    "Thai": "demo/\u0e44\u0e17\u0e22.py",
    "composed": "demo/caf\u00e9.py",
    "decomposed": "demo/cafe\u0301.py",
    "many marks on one letter": "demo/a" + "\u0301" * 30,
    "a mark at the beginning": "\u0301x/y.py",
    "a variation selector": "demo/\u2764\ufe0f.txt",
    "a flag": "demo/\U0001f1e9\U0001f1ea.txt",
    "a space that does not break": "demo/a\u00a0b.py",
    "an ideographic space": "demo/\u3000x.py",
    "dots and a slash of full width": "demo/\uff0e\uff0e\uff0fx.py",
    "a one dot leader": "demo/\u2024\u2024/x.py",
    "a division slash": "demo/a\u2215b.py",
    "a backslash of full width": "demo/a\uff3cb.py",
    "a colon of full width": "demo/a\uff1ab.py",
    "a replacement character": "demo/\ufffd.py",
    "a Turkish i": "demo/\u0130\u0131.py",
    "a sharp s": "demo/stra\u00dfe.py",
    "a ligature": "demo/\ufb01le.py",
    "the Kelvin sign": "demo/\u212a.py",
    "spaces and commas": "demo/a, b.py",
    "two spaces": "demo/a  b.py",
    "a space first": "demo/ a.py",
    "quotes": "demo/'q'.py",
    "brackets": "demo/[a](b){c}.py",
    "a shell's letters": "demo/$HOME;`x`&!#%^=.py",
    "a variable of Windows": "demo/%TEMP%.py",
    "percent": "demo/%2e%2e%2fx.py",
    "an at sign": "demo/@x.py",
    "a dash first": "-rf/--help",
    "a tilde": "~/x.py",
    "a tilde and a user": "~root/x.py",
    "a short name of Windows": "demo/PROGRA~1/x.py",
    "a plus": "demo/c++/x.h",
    "dots": "demo/..a/b..c/...d.py",
    "many dots first": "demo/....x/y",
    "hidden": ".hidden/.x",
    "nearly ours": "demo/.unwheel-0123456789abcdef",
    "nearly ours, at the top": ".unwheel",
    "ours, with something before": "x.unwheel-mode/y",
    "nearly a device": "demo/nulls/console/auxiliary.py",
    "nearly a device with a number": "demo/com10/lpt/com.py",
    "a device with an underscore": "demo/aux_.py",
    "a device after something": "demo/my.con/not-nul.py",
    "a device with a superscript four": "demo/COM\u2074.txt",
    "dollars of a device": "demo/con$/in$.py",
    "a drive of two letters without a colon": "demo/cd/x.py",
    "digits": "0/1/2",
    "one letter": "a",
    "the name of a tool": "setup.py",
    "pth": "demo.pth",
    "a URL without a colon": "demo/http_/x",
    "another's .dist-info, further in": "demo/other-1.0.dist-info/METADATA",
    "a .data that is none": "demo/x.data/y",
    "a file of another's .data": "stats.data",
    "nearly a .dist-info": "demo-1.0.dist-info.old/x",
    "another wheel": "demo/other-1.0-py3-none-any.whl",
    "byte code": "demo/__pycache__/__init__.cpython-311.pyc",
    "Cyrillic": "\u043f\u0430\u043a\u0435\u0442/\u0444\u0430\u0439\u043b.py",
    "Greek": "demo/\u03bb\u03cc\u03b3\u03bf\u03c2.py",
    "Hebrew with points": "demo/\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd.py",
    "Arabic with vowels": "demo/\u0645\u064f\u062d\u064e\u0645.py",
    "Tibetan": "demo/\u0f66\u0f90\u0f44.py",
    "Vietnamese": "demo/Vi\u1ec7t.py",
    "Armenian": "demo/\u0570\u0561\u0575.py",
    "letters of mathematics": "demo/\U0001d4d0\U0001d7ce.py",
    "music": "demo/\U0001d11e.py",
    "hieroglyphs": "demo/\U00013000.py",
    "a skin tone": "demo/\U0001f44d\U0001f3fd.png",
    "superscripts and fractions": "demo/x\u00b2\u00bd.py",
    "quotes of typography": "demo/\u201ca\u2019b\u201d.py",
    "dashes of typography": "demo/a\u2013b\u2014c.py",
    "currency": "demo/\u20ac\u00a3\u00a5.py",
    "an ellipsis": "demo/\u2026/x.py",
}


def files(*names: str) -> Sound:
    """A file of each name."""

    def build(builder: WheelBuilder) -> WheelBuilder:
        for name in names:
            builder.file(name, name.encode())
        return builder

    return Sound(build)


def limited(name: str, **limits: int) -> Sound:
    """A name that just keeps to what is allowed."""
    return Sound(
        lambda b: b.file(name, b"x"), policy=Policy(limits=Limits(**limits))
    )


NAMES = {
    **{title: files(name) for title, name in PLAIN.items()},
    "a deep name": files("d/" * 127 + "x"),
    "a deep directory": Sound(lambda b: b.directory("d/" * 128)),
    "a long component": files("demo/" + "x" * 255),
    "a long component of few letters": files("demo/" + "\u4e2d" * 85),
    "a long name": files(("x" * 200 + "/") * 15 + "y" * 10),
    "as deep as is allowed": limited("a/b/c", depth=3),
    "as long as is allowed": limited("demo/" + "x" * 40, name_length=45),
    "a component as long as is allowed": limited(
        "demo/" + "\u00e9" * 20, component_length=40
    ),
    "a flagged and an unflagged one": Sound(
        lambda b: b.file("a.py", b"a", flags=0x800).file("b.py", b"b")
    ),
    "one within another": files("demo/ab", "demo/abc", "demo/a", "demo/a.b"),
    "a file beside a directory of nearly its name": files(
        "x", "x.d/y", "x-/z"
    ),
    "names that sort oddly": files("a/b", "a-b", "a.b", "a0"),
    "only the case of other letters": files("demo/\u00e4", "demo/a"),
    "letters that look alike": files("demo/a", "demo/\u0430"),
    "two compatible, but not equal": files("demo/2", "demo/\u00b2"),
    "many in a directory": files(*(f"demo/{k:03}" for k in range(200))),
    "all in directories of their own": files(*(f"{k}/{k}" for k in range(99))),
}


def warned(code: str, *names: str) -> Sound:
    """Names that real wheels have, and that not every system can hold."""
    sound = files(*names)
    return Sound(sound.build, warnings=(code,))


# Taken where they can be held, and told.
UNPORTABLE = {
    "stream": warned("COLON", "demo/a.py:stream"),
    "reserved": warned("RESERVED_CHARACTER", "demo/a?.py"),
    "quote": warned("RESERVED_CHARACTER", 'demo/a"b.py'),
    "all that is reserved": warned("RESERVED_CHARACTER", 'demo/<>"|?*'),
    "trailing dot": warned("TRAILING_DOT_OR_SPACE", "demo/a."),
    "trailing space": warned("TRAILING_DOT_OR_SPACE", "demo /a.py"),
    "device": warned("DEVICE_NAME", "demo/aux.py"),
    "device without extension": warned("DEVICE_NAME", "demo/NUL"),
    "device in the middle": warned("DEVICE_NAME", "demo/con/x.py"),
    "superscript device": warned("DEVICE_NAME", "demo/COM\u00b9.txt"),
    "case": warned("CASE_CLASH", "demo/A.py", "demo/a.py"),
    "case of a directory": warned("CASE_CLASH", "demo/A/x", "demo/a/y"),
    "sharp s": warned("CASE_CLASH", "demo/stra\u00dfe", "demo/STRASSE"),
    "composed": warned("NFC_CLASH", "demo/\u00e9", "demo/e\u0301"),
}
