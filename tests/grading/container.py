"""Runs a command as a Docker container would that was given no powers: python container.py [--old-kernel] COMMAND...

As root it keeps the capabilities that Docker leaves by default. The system calls that Docker's default profile refuses without
more of them fail here as they do there (docs.docker.com/engine/security/seccomp). --old-kernel is one without Landlock.
"""

import os
import struct
import sys
from contextlib import suppress

from pyseccomp import ALLOW, ERRNO, MASKED_EQ, Arg, Attr, SyscallFilter

from utils.grading.sandbox import kernel

KEPT = (0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31)  # from CAP_CHOWN to CAP_SETFCAP; not CAP_SYS_ADMIN, which is 21
NAMESPACES = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)  # flags of clone
REFUSED = """unshare setns mount umount umount2 pivot_root mount_setattr move_mount open_tree fsopen fsmount fsconfig fspick
    bpf perf_event_open fanotify_init lookup_dcookie quotactl quotactl_fd sethostname setdomainname syslog open_by_handle_at
    kcmp pidfd_getfd process_madvise userfaultfd keyctl add_key request_key get_mempolicy set_mempolicy mbind move_pages
    migrate_pages acct reboot swapon swapoff kexec_load kexec_file_load init_module finit_module delete_module iopl ioperm
    settimeofday clock_settime vhangup nfsservctl ustat sysfs uselib"""
LANDLOCK = "landlock_create_ruleset landlock_add_rule landlock_restrict_self"
EPERM, ENOSYS = 1, 38


def refuse(old_kernel: bool) -> None:
    """Load the filter: without asking for "no new privileges" where we may, since Docker does not ask either."""
    rules = SyscallFilter(ALLOW)
    for name in REFUSED.split():
        with suppress(ValueError, OSError):  # this processor's Linux has no call of that name
            rules.add_rule(ERRNO(EPERM), name)
    for flag in NAMESPACES:
        rules.add_rule(ERRNO(EPERM), "clone", Arg(0, MASKED_EQ, flag, flag))
    rules.add_rule(ERRNO(ENOSYS), "clone3")
    for name in LANDLOCK.split() if old_kernel else ():
        rules.add_rule(ERRNO(ENOSYS), name)
    rules.set_attr(Attr.CTL_NNP, int(os.geteuid() != 0))
    rules.load()


def give_up() -> None:
    """All capabilities but those that Docker leaves."""
    for capability in set(range(64)) - set(KEPT):
        with suppress(OSError):  # this kernel has fewer
            kernel.prctl(kernel.DROP_FROM_BOUNDING_SET, capability)
    low = sum(1 << capability for capability in KEPT)
    kernel.call("capset", struct.pack("Ii", kernel.CAPABILITIES_V3, 0), struct.pack("6I", low, low, 0, 0, 0, 0))


if __name__ == "__main__":
    old_kernel = sys.argv[1] == "--old-kernel"
    command = sys.argv[1 + old_kernel :]
    refuse(old_kernel)
    if os.geteuid() == 0:
        give_up()
    os.execvp(command[0], command)
