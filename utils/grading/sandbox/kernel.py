"""What Python does not offer of Linux: the few system calls that a sandbox is made of, each an OSError when it fails."""

import ctypes
import os
import struct

SYSCALL_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
NO_NEW_PRIVILEGES, PARENT_DEATH_SIGNAL, DROP_FROM_BOUNDING_SET, DUMPABLE, SECCOMP = 38, 1, 24, 4, 22  # of prctl
CAPABILITIES_V3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: object) -> int:
    """libc's function of that name: text and None as pointers, numbers as longs."""
    given = [a.encode() if isinstance(a, str) else ctypes.c_ulong(a) if isinstance(a, int) else a for a in arguments]
    result = getattr(_libc, name)(*given)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def prctl(option: int, value: object) -> None:
    call("prctl", option, value, 0, 0, 0)


def die_with_parent() -> None:
    """SIGKILL when the parent ends. To be said after the last change of user, which forgets it."""
    prctl(PARENT_DEATH_SIGNAL, 9)


def drop_privileges(uid: int | None) -> None:
    """Become `uid` (None: stay who we are), without groups and without capabilities, for good."""
    for capability in range(64):
        try:
            prctl(DROP_FROM_BOUNDING_SET, capability)
        except OSError:  # not ours to drop, or the last one
            break
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    prctl(NO_NEW_PRIVILEGES, 1)
    call("capset", struct.pack("Ii", CAPABILITIES_V3, 0), bytes(24))
    prctl(DUMPABLE, 0)
