"""The Postfix collector compiled, as the image has it: a wheel of a copy of this repository, unpacked beside it.

Programs of it run in processes of their own, with the tests of this repository on their path.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

TOP = Path(__file__).parents[2]
_PARTS = ("pyproject.toml", "README.md", "streams", "schemas")
_HOOK = "HATCH_BUILD_HOOK_ENABLE_MYPYC"


def is_possible() -> bool:
    """Is there a compiler, and what it needs of Python."""
    return bool(shutil.which("gcc")) and Path(sysconfig.get_path("include"), "Python.h").exists()


def built(folder: Path) -> Path:
    """A place from which the compiled package can be imported; takes half a minute.

    Raises:
        CalledProcessError: it could not be built.
    """
    source, place = folder / "source", folder / "compiled"
    source.mkdir()
    for part in _PARTS:  # a wheel leaves what it compiles where its source is
        copy = shutil.copytree if (TOP / part).is_dir() else shutil.copy
        copy(TOP / part, source / part)
    command = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(source))
    subprocess.run(command, check=True, env={**os.environ, _HOOK: "true"}, stdout=sys.stderr)  # noqa: S603 - ourselves
    zipfile.ZipFile(next(folder.glob("*.whl"))).extractall(place)
    return place


def said(place: Path, program: str) -> str:
    """What a program prints that has the compiled package."""
    certain = "import streams.collect.postfix as made; assert made.__file__.endswith('.so'), made.__file__\n"
    command = (sys.executable, "-P", "-c", certain + program)
    path = os.pathsep.join((str(place), str(TOP)))
    done = subprocess.run(  # noqa: S603 - ourselves
        command, check=True, stdout=subprocess.PIPE, text=True, cwd=place, env={**os.environ, "PYTHONPATH": path}
    )
    return done.stdout
