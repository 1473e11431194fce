"""
The sets of wheels that install.py has installed: one large, four, and sixty.
"""

from __future__ import annotations

import os
from pathlib import Path

import bulk_wheels
import wheels

# PyPI's own torch is another build, with 3 GB of dependencies: pip has to be
# told where the CPU's is, or it has to lie in the directory of the wheels.
TORCH = wheels.RealWheel("torch", "2.13.0+cpu", "12,000 files, 700 MB")

SCIENCE = ("pyarrow", "numpy", "pandas", "scipy")

# Of bulk_wheels.txt, evenly spread over those of less than 1 MB.
_SMALL = """
aiofiles annotated-doc asgiref authlib beautifulsoup4 cachetools cfgv colorama
cycler deepdiff distro docutils exceptiongroup fastjsonschema frozenlist
google-auth googleapis-common-protos h2 httplib2 huggingface-hub
importlib-resources ipython jaraco-context jiter jsonpatch
jsonschema-specifications langchain loguru markupsafe mcp msgpack narwhals
openpyxl opentelemetry-proto paramiko platformdirs prometheus-client psutil
pyasn1 pydantic pymysql pyproject-hooks pytest-mock python-dotenv pytokens
referencing requests-toolbelt rpds-py safetensors shellingham soupsieve
starlette termcolor toml tqdm typing-inspect uritemplate watchdog
websocket-client wrapt
"""
SMALL = frozenset(_SMALL.split())

NAMES = ("torch", "science", "small")


def fetch(name: str, directory: Path | None, small: int) -> list[Path]:
    """
    The wheels of the set *name*, kept in *directory*, or where tests do.

    Args:
        small: How many of the small ones.

    Raises:
        FetchError: If one is not there and cannot be had.
    """
    if directory is not None:
        os.environ["UNWHEEL_TEST_WHEELS"] = str(directory)
    if name == "small":
        return _small(wheels.storage(), small)
    chosen = {wheel.project: wheel for wheel in (*wheels.CORPUS, TORCH)}
    projects = SCIENCE if name == "science" else (name,)
    return [wheels.fetch(chosen[project]) for project in projects]


def _small(directory: Path, count: int) -> list[Path]:
    pinned = [
        wheel
        for wheel in bulk_wheels.listed()
        if wheel.requirement.partition("==")[0] in SMALL
    ][:count]
    bulk_wheels.fetch(pinned, directory)
    return bulk_wheels.paths(pinned, directory)
