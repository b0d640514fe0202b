"""Files of our own, in the data directory: for their owner only, and whole or not there.

Rules:
- They hold passwords, recipients and Message-IDs: no other account reads them, whatever the umask allows.
- A kill, or a full disk, in the middle of writing leaves what was there before.
"""

import os
from pathlib import Path

_OWNERS_FOLDER = 0o700
_OWNERS_FILE = 0o600


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, where they are missing; one that is there stays as it is.

    Raises:
        OSError: it cannot be made.
    """
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(mode=_OWNERS_FOLDER, exist_ok=True)  # its mode is not that of the folders above it


def store(path: Path, raw: bytes) -> None:
    """Write a file: on disk before it replaces the one before.

    Raises:
        OSError: the disk does not take it; the one before is as it was.
    """
    new = path.with_name(path.name + ".new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _OWNERS_FILE)
    with open(handle, "wb") as file:  # noqa: PTH123 - it is open
        os.fchmod(handle, _OWNERS_FILE)  # a dead writer's may have been for all
        file.write(raw)
        file.flush()
        os.fsync(handle)
    new.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
