"""The system calls that a student's process may make: its own memory, files and threads. Everything else is refused.

No new process or program, no network, no signal, no other process, no privilege. libseccomp compiles the list once; each
worker loads the program last of all, and cannot take it off again.
"""

import ctypes
import tempfile

import pyseccomp
from pyseccomp import ALLOW, EQ, ERRNO, MASKED_EQ, Arg

from utils.grading.sandbox import kernel

FILES = """read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 open openat close close_range lseek
    stat lstat fstat newfstatat statx statfs fstatfs access faccessat faccessat2 readlink readlinkat getdents getdents64
    getcwd chdir fchdir mkdir mkdirat rmdir rename renameat renameat2 unlink unlinkat truncate ftruncate fallocate
    fsync fdatasync sync_file_range copy_file_range sendfile umask chmod fchmod fchmodat utimensat flock
    dup dup2 dup3 pipe pipe2 fadvise64"""
MEMORY = "brk mmap munmap mremap mprotect madvise mincore msync mlock munlock membarrier"
THREADS = """futex set_robust_list get_robust_list rseq set_tid_address arch_prctl sched_yield sched_getaffinity getcpu
    sched_getparam sched_getscheduler sched_get_priority_max sched_get_priority_min exit exit_group wait4 waitid"""
SIGNALS = (
    "rt_sigaction rt_sigprocmask rt_sigreturn rt_sigtimedwait rt_sigsuspend rt_sigpending sigaltstack pause restart_syscall"
)
TIME = "clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times alarm setitimer getitimer"
KNOWING = """getpid gettid getppid getuid geteuid getgid getegid getresuid getresgid getgroups getpgrp getpgid getsid
    uname sysinfo getrandom getrusage getrlimit getpriority"""
WAITING = "poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2"
CHANNEL = "recvfrom sendto recvmsg sendmsg shutdown getsockopt setsockopt getsockname getpeername"  # on sockets there are

CLONE_THREAD, UNIX, STREAM, STREAM_MASK = 0x10000, 1, 1, 0xF
SET_NAME, GET_NAME, NAME_MEMORY = 15, 16, 0x53564D41
FCNTL = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030)  # copies, flags, locks; no owner, whom the kernel would send signals
IOCTL = (0x5401, 0x802C542A, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # what a terminal is, what is there to read, flags
IN_PART = [  # allowed with these arguments only
    ("clone", Arg(0, MASKED_EQ, CLONE_THREAD, CLONE_THREAD)),
    ("prlimit64", Arg(0, EQ, 0)),
    ("socketpair", Arg(0, EQ, UNIX), Arg(1, MASKED_EQ, STREAM_MASK, STREAM)),  # an event loop wakes itself with one
    *(("prctl", Arg(0, EQ, option)) for option in (SET_NAME, GET_NAME, NAME_MEMORY)),
    *(("fcntl", Arg(1, EQ, command)) for command in FCNTL),
    *(("ioctl", Arg(1, EQ, command)) for command in IOCTL),
]
EPERM, ENOSYS = 1, 38
SECCOMP_MODE_FILTER = 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def compile_filter() -> bytes:
    """The program that the kernel runs at every system call."""
    rules = pyseccomp.SyscallFilter(ERRNO(EPERM))
    for name in " ".join([FILES, MEMORY, THREADS, SIGNALS, TIME, KNOWING, WAITING, CHANNEL]).split():
        _add(rules, ALLOW, name)
    for name, *arguments in IN_PART:
        _add(rules, ALLOW, name, *arguments)
    _add(rules, ERRNO(ENOSYS), "clone3")  # its flags are out of sight; the C library falls back on clone
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def load(program: bytes) -> None:
    """Install the program in this process, for good. It must not be able to gain privileges any more."""
    description = _Program(len(program) // 8, program)
    kernel.call("prctl", kernel.SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(description), 0, 0)


def _add(rules: pyseccomp.SyscallFilter, action: int, name: str, *arguments: Arg) -> None:
    try:
        pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name)
    except ValueError:  # this processor's Linux has no call of that name
        return
    rules.add_rule(action, name, *arguments)
