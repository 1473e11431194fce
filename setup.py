"""What pyproject.toml cannot say: the C extension and its abi3 tag."""

from __future__ import annotations

import sysconfig

from setuptools import setup

LIMITED_API = not sysconfig.get_config_var("Py_GIL_DISABLED")

setup(
    cffi_modules=["csrc/ffi_build.py:ffibuilder"],
    options=(
        {"bdist_wheel": {"py_limited_api": "cp310"}} if LIMITED_API else {}
    ),
)
