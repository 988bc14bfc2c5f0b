"""Files and file names that others made: found, read and named without following a link, waiting, or filling memory.

What stands in a file is no business of this module. Whatever cannot be read is an `Unreadable`, a sentence to the student.
"""

import hashlib
import os
import re
import stat
import unicodedata
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

MAX_BYTES = 16_000_000  # of a file
MAX_DEPTH = 8  # folders inside folders
MAX_NAME = 150  # bytes of a plain name
MAX_ENTRIES = 5_000  # files and folders looked at below one folder

PUNCTUATION = " ._,@'()+-"  # in a plain name, beside letters and digits of any script
RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])\s*(?:\..*)?", re.IGNORECASE)  # by Windows, in any folder
JUNK = {"__macosx", "__pycache__", "desktop.ini", "thumbs.db"}


class Unreadable(Exception):
    """A file or folder was not read. The message goes on after its name: "is a link. Hand in the file itself."."""


@dataclass(frozen=True)
class Listing:
    """What lies below a folder: its files in order, and the (path, reason) of what was not looked into."""

    files: tuple[Path, ...]
    refused: tuple[tuple[Path, str], ...]


def is_notebook(path: Path) -> bool:
    """Whether it is called a notebook."""
    return path.suffix.lower() == ".ipynb"


def is_junk(name: str) -> bool:
    """Whether an operating system or an editor left it there: hidden files, checkpoints, thumbnails."""
    return name.startswith(".") or name.casefold() in JUNK


def below(folder: Path) -> Listing:
    """The files below a folder or, if it is a file, the file. No link is followed."""
    try:
        if not stat.S_ISDIR(_status(folder)):
            return Listing((folder,), ())
    except Unreadable as error:
        return Listing((), ((folder, str(error)),))
    files, refused, folders, left = [], [], deque([(folder, 0)]), MAX_ENTRIES
    while folders:
        here, depth = folders.popleft()
        try:
            with os.scandir(here) as entries:
                found = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in islice(entries, left + 1))
        except OSError as error:
            refused.append((here, _why(error)))
            continue
        for name, is_folder in found[:left]:
            if is_junk(name):
                continue
            if not is_folder:
                files.append(here / name)
            elif depth < MAX_DEPTH:
                folders.append((here / name, depth + 1))
            else:
                refused.append((here / name, "lies too deep inside folders and was not read. Hand in the notebooks alone."))
        if len(found) > left:
            refused.append((folder, f"holds more than {MAX_ENTRIES} files, so not all were read. Hand in the notebooks alone."))
            break
        left -= len(found)
    return Listing(tuple(files), tuple(refused))


def read(path: Path) -> tuple[bytes, int]:
    """The bytes of a regular file and when it last changed, in nanoseconds. Unreadable if it is anything else, or too large."""
    if not stat.S_ISREG(_status(path)):
        raise Unreadable("is not a regular file. Hand in the notebook itself.")
    flags = os.O_RDONLY
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_BINARY"):
        flags |= getattr(os, name, 0)
    try:
        with open(os.open(path, flags), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):  # it was swapped for something else just now
                raise Unreadable("is not a regular file. Hand in the notebook itself.")
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Unreadable(_why(error)) from error
    if len(data) > MAX_BYTES:
        raise Unreadable(f"is larger than {MAX_BYTES // 10**6} MB. Clear the outputs, save and hand in again.")
    return data, status.st_mtime_ns


def _status(path: Path) -> int:
    """The mode of what lies there, which is no link."""
    try:
        mode = os.lstat(path).st_mode
    except (OSError, ValueError) as error:  # ValueError: no file can have such a name
        raise Unreadable(_why(error)) from error
    if stat.S_ISLNK(mode):
        raise Unreadable("is a link, and links are not followed. Hand in the file itself.")
    return mode


def _why(error: OSError | ValueError) -> str:
    return f"could not be opened ({getattr(error, 'strerror', None) or error}). Hand it in again."


def printable(text: str, length: int = 200) -> str:
    """The text for a reader: what does not print or turns the direction of writing is �, and a long text lacks its middle."""
    if len(text) > length:
        text = f"{text[: length // 2 - 1]}…{text[-length // 2 :]}"
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def distinct(names: Mapping[str, str]) -> dict[str, str]:
    """File name -> the name it implies, to file name -> one that prints, is fit for a folder and is unique even without case.

    A plain name stays as it is; any other is rewritten and bears a digest of its file name after a ~, which no plain name has.
    So a name depends on the others only where plain ones differ in nothing but case: the one in lower case, or else the first
    in order, stays.
    """
    found, taken = {}, set()
    for file, name in sorted(names.items(), key=lambda pair: (pair[1] != pair[1].casefold(), pair[0])):
        without_case = unicodedata.normalize("NFKC", name.casefold())
        stays = _is_plain(name) and without_case not in taken
        found[file] = name if stays else _rewritten(file, name)
        if stays:
            taken.add(without_case)
    return found


def _is_plain(name: str) -> bool:
    letters = all(c.isalnum() or c in PUNCTUATION or unicodedata.category(c).startswith("M") for c in name)
    ends = (name[:1].isalnum() or name.startswith("_")) and name[-1] not in ". "
    if not (letters and ends) or ".." in name or RESERVED.fullmatch(name):
        return False
    return unicodedata.normalize("NFKC", name) == name and len(name.encode()) <= MAX_NAME


def _rewritten(file: str, name: str) -> str:
    words = re.sub(r"\W+", "_", unicodedata.normalize("NFKC", name[:MAX_NAME])).strip("_")[:40]
    return f"{words or 'student'}~{hashlib.sha256(file.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"
