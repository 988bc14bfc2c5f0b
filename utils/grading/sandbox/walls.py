"""What stands around a worker: how strong a sandbox, which folders it may read, and as which user it runs."""

import os
import re
import stat
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import utils

LEVELS = ("namespaces", "landlock", "process")  # from the strongest
SYSTEM = ("/usr", "/lib", "/lib64", "/lib32", "/bin", "/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives")
OURS = ("utils", "experiments")  # packages that hold checks, answers and results
MAY_SET_USER = 1 << 6 | 1 << 7  # CAP_SETGID, CAP_SETUID
FIRST_USER, USERS = 61_000, 4_000  # nobody else's, and no service's


@dataclass(frozen=True)
class Walls:
    """Of one sandbox. `uid` is the user that root becomes; None stays who it is."""

    level: str
    readable: list[str]
    hidden: list[str]
    uid: int | None


def walls(level: str) -> Walls:
    """Of the level named, for this Python: it and the system's libraries can be read, this course's packages cannot."""
    readable = _outermost([*SYSTEM, sys.base_prefix, sys.prefix, *sysconfig.get_paths().values()])
    here = Path(utils.__file__).parent.parent  # whose name may go over a link
    hidden = sorted({str(path) for place in (here, here.resolve()) for name in OURS if (path := place / name).is_dir()})
    if level == "landlock":  # it cannot hide a part of what it shows
        secret = {os.path.realpath(path) for path in hidden}
        readable = [shown for path in readable for shown in _without(os.path.realpath(path), secret)]
    drops = _may_change_user() and (level == "namespaces" or all(map(_open_to_all, (sys.prefix, sys.base_prefix))))
    return Walls(level, readable, hidden, FIRST_USER + os.getpid() % USERS if drops else None)


def _outermost(paths: list[str]) -> list[str]:
    """The paths that exist and lie in no other of them."""
    there = {os.path.abspath(path) for path in paths if os.path.exists(path)}
    return sorted(path for path in there if not any(str(parent) in there for parent in Path(path).parents))


def _without(path: str, hidden: set[str]) -> list[str]:
    """The path, or what lies in it but for the hidden folders, and for links that lead to them or to what holds them."""
    real = Path(os.path.realpath(path))
    holds = any(real in (Path(h), *Path(h).parents) for h in hidden)
    if any(Path(h) in (real, *real.parents) for h in hidden) or (holds and path != str(real)):
        return []
    if not holds:
        return [path]
    return [shown for child in sorted(os.listdir(path)) for shown in _without(os.path.join(path, child), hidden)]


def _may_change_user() -> bool:
    """Whether this process is root with the power to become somebody else, which root in a container may lack."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return False
    (powers,) = re.findall(r"^CapEff:\s*(\w+)$", Path("/proc/self/status").read_text(), re.M)
    return int(powers, 16) & MAY_SET_USER == MAY_SET_USER


def _open_to_all(path: str) -> bool:
    """Whether any user may go there."""
    return all(os.stat(folder).st_mode & stat.S_IXOTH for folder in (path, *Path(path).parents))
