"""What pyproject.toml cannot say: the C extension, its tag, and the sdist."""

from __future__ import annotations

import sysconfig

from setuptools import setup
from setuptools.command.sdist import sdist

LIMITED_API = not sysconfig.get_config_var("Py_GIL_DISABLED")


class WholeSdist(sdist):
    """
    The whole project, so that who has the sdist can build and test it.

    setuptools alone takes the files of this system only, without the script
    that cffi runs; and MANIFEST.in would be one more file at the top.
    """

    def make_distribution(self) -> None:
        """Add the rooms, without what lies about in them."""
        for room in ("csrc", "tests", "benchmarks"):
            self.filelist.graft(room)
        for rubbish in ("*.py[cod]", "*.so", "*.o", ".*", ".*/**/*"):
            self.filelist.global_exclude(rubbish)
        super().make_distribution()


setup(
    cffi_modules=["csrc/ffi_build.py:ffibuilder"],
    cmdclass={"sdist": WholeSdist},
    options=(
        {"bdist_wheel": {"py_limited_api": "cp310"}} if LIMITED_API else {}
    ),
)
