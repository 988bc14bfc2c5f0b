"""Linux namespaces: a process that sees no other process, no network, and of the disk only Python, read-only, and a scratch.

As root, or as any user where user namespaces are allowed. First `leave` in the parent, then fork, then `settle` in the child.
"""

import os
from platform import machine

from utils.grading.sandbox import kernel

NEW_USER, NEW_MOUNT, NEW_PID, NEW_NET, NEW_IPC, NEW_NAME = 0x10000000, 0x20000, 0x20000000, 0x40000000, 0x08000000, 0x04000000
READ_ONLY, NO_SETUID, NO_DEVICES, NO_PROGRAMS, REMOUNT, BIND, RECURSIVE, PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
DETACH = 2
NOBODY = 65534
DEVICES = ("/dev/null", "/dev/urandom")
SCRATCH = "/scratch"
PLACES = ("/mnt", "/srv", "/media", "/opt", "/tmp")  # where the new root may be put together, out of the way of Python


def leave() -> bool:
    """Enter new namespaces (that of process numbers holds for children) -> whether we are nobody now, in a user namespace."""
    new = NEW_MOUNT | NEW_PID | NEW_NET | NEW_IPC | NEW_NAME
    uid, gid = os.geteuid(), os.getegid()
    try:
        kernel.call("unshare", new)
        return False
    except PermissionError:  # not root, or root without its powers
        kernel.call("unshare", new | NEW_USER)
    for name, text in [("setgroups", "deny"), ("uid_map", f"{NOBODY} {uid} 1"), ("gid_map", f"{NOBODY} {gid} 1")]:
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    return True


def settle(readable: list[str], hidden: list[str]) -> None:
    """Change to a root folder that holds the readable folders, without the hidden ones, two devices and an empty scratch."""
    kernel.call("mount", "none", "/", None, RECURSIVE | PRIVATE, None)
    new = next(p for p in PLACES if os.path.isdir(p) and not any(path.startswith(p) for path in readable))
    kernel.call("mount", "tmpfs", new, "tmpfs", NO_SETUID | NO_DEVICES, "size=1m,nr_inodes=4k,mode=755")
    for path in readable:
        _bind(path, new + path)
    for path in hidden:
        if os.path.isdir(new + path):
            kernel.call("mount", "tmpfs", new + path, "tmpfs", READ_ONLY, "size=4k,mode=755")
    for path in DEVICES:
        _bind(path, new + path, devices=True)
    os.makedirs(new + SCRATCH)
    os.chdir(new)
    kernel.call("syscall", kernel.SYSCALL_PIVOT_ROOT[machine()], ".", ".")
    kernel.call("umount2", ".", DETACH)
    kernel.call("mount", None, "/", None, REMOUNT | READ_ONLY | NO_SETUID | NO_DEVICES, "size=1m,nr_inodes=4k,mode=755")
    kernel.call("mount", "tmpfs", SCRATCH, "tmpfs", NO_SETUID | NO_DEVICES | NO_PROGRAMS, "size=64m,nr_inodes=1k,mode=1777")


def _bind(path: str, target: str, devices: bool = False) -> None:
    """Show a folder or file of the old root at `target`, read-only."""
    if os.path.isdir(path):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        open(target, "w").close()
    kernel.call("mount", path, target, None, BIND, None)
    safe = NO_SETUID if devices else READ_ONLY | NO_SETUID | NO_DEVICES
    kernel.call("mount", None, target, None, REMOUNT | BIND | safe, None)
