"""Out of the sandbox: processes that stay, files that stay, and power over the grader. What is seen afterwards tells."""

from collections.abc import Callable

from hostile.attack import Attack, Evidence, written
from hostile.leak import ASK, looks

NAME = "open('/proc/self/comm', 'w').write('h-@STUDENT@')"  # so that the test knows whose it is


def survives(evidence: Evidence) -> bool:
    return bool(evidence.survivors)


def leaves_files(evidence: Evidence) -> bool:
    return bool(evidence.files)


def grader_dies(evidence: Evidence) -> bool:
    return not evidence.alive


def says(word: str) -> Callable[[Evidence], bool]:
    return lambda evidence: word in evidence.texts


def escape(name: str, source: str, had_its_way: Callable[[Evidence], bool], **how: bool) -> Attack:
    """An attack in a cell; what the body of a function returns is raised by the answer."""
    return Attack(name, "escape", "walls", written({"00.1": ASK}, [looks(source)]), had_its_way, ("00.1",), **how)


ATTACKS = [
    escape(
        "forks twice, leaves the session and stays",
        f"""
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        {NAME}
        time.sleep(120)
    os._exit(0)
os.wait()
""",
        survives,
    ),
    escape(
        "starts a shell that stays",
        """
import subprocess
shell = "exec 2>/dev/null; printf h-@STUDENT@ > /proc/self/comm; while :; do sleep 1; done"
subprocess.Popen(["/bin/bash", "-c", shell.replace("self", "$$")], start_new_session=True)
""",
        survives,
    ),
    escape(
        "makes a process with a system call of its own, past the C library",
        f"""
import ctypes, os, struct, time
arguments = (ctypes.c_uint64 * 11)(0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0)
child = ctypes.CDLL(None, use_errno=True).syscall(435, ctypes.byref(arguments), 88)  # clone3
if child < 0:
    raise OSError(ctypes.get_errno(), "clone3")
if child == 0:
    os.setsid()
    {NAME}
    time.sleep(120)
    os._exit(0)
""",
        survives,
    ),
    escape(
        "starts a program that lies in memory alone",
        f"""
import os, sys
program = os.memfd_create("program", 0)
os.write(program, open(sys.executable, "rb").read())
code = "import os, time; os.fork() and os._exit(0); os.setsid(); {NAME}; time.sleep(120)".replace('"', "'")
os.posix_spawn(f"/proc/self/fd/{{program}}", ["python", "-S", "-c", code], dict(PYTHONHOME=sys.base_prefix))
import time
time.sleep(0.7)
""",
        survives,
    ),
    escape("writes a file into the machine's temporary folder", "open('/tmp/@LEFT@', 'w').write('x')", leaves_files),
    escape(
        "leaves a segment of shared memory",
        """
from multiprocessing import resource_tracker, shared_memory
resource_tracker.register = lambda *_: None  # nobody is to tidy up
shared_memory.SharedMemory("@LEFT@", create=True, size=4096)
""",
        leaves_files,
    ),
    escape(
        "leaves a file that a rename carries out of its own folder",
        "import os, shutil\nopen('mine', 'w').write('x')\nshutil.move('mine', '@PLACE@/home/@LEFT@')",
        leaves_files,
    ),
    escape(
        "leaves a named pipe beside the grader's own files",
        "import os\nos.mkfifo('@PLACE@/temp/@LEFT@')",
        leaves_files,
    ),
    escape(
        "keeps a queue of messages in the kernel",
        """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
queue = libc.msgget(0, 0o600 | 0o1000)
if queue < 0:
    raise OSError(ctypes.get_errno(), "msgget")
libc.msgctl(queue, 0, None)  # the test tidies up here
return "hostile-" + "queue"
""",
        says("hostile-queue"),
    ),
    escape(
        "kills the grader",
        "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)",
        grader_dies,
        alone=True,
    ),
    escape(
        "has the kernel kill the grader, as the one who wants to know of news on a socket",
        """
import fcntl, os, signal, socket, time
mine, other = socket.socketpair()
fcntl.fcntl(mine, fcntl.F_SETOWN, os.getppid())
fcntl.fcntl(mine, 10, signal.SIGKILL)  # F_SETSIG
fcntl.fcntl(mine, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
other.send(b"x")
time.sleep(0.3)
""",
        grader_dies,
        alone=True,
    ),
    escape(
        "takes the grader's file handles away by limiting it",
        "import os, resource\nresource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (3, 3))",
        grader_dies,
        alone=True,
    ),
    escape(
        "attaches itself to the grader as its debugger",
        """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
if libc.ptrace(0x4206, os.getppid(), 0, 0) < 0:  # seize, which does not stop it
    raise OSError(ctypes.get_errno(), "ptrace")
return "hostile-" + "debugger"
""",
        says("hostile-debugger"),
        as_root=True,
    ),
    escape(
        "enters namespaces of its own, in which it is root",
        """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
if libc.unshare(0x10000000 | 0x20000) < 0:
    raise OSError(ctypes.get_errno(), "unshare")
return "hostile-" + "namespaces"
""",
        says("hostile-namespaces"),
        as_root=True,
    ),
    escape(
        "offers itself to the machine as a server",
        "import socket\nsocket.create_server(('127.0.0.1', 0))\nreturn 'hostile-' + 'server'",
        says("hostile-server"),
    ),
    escape(
        "makes the grader the first to go when memory runs out",
        """
import os
open(f"/proc/{os.getppid()}/oom_score_adj", "w").write("900")
return "hostile-" + open(f"/proc/{os.getppid()}/oom_score_adj").read()
""",
        says("hostile-900"),
    ),
    escape(
        "opens a ring through which the kernel works for it, out of the filter's sight",
        """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
ring = libc.syscall(425, 4, ctypes.create_string_buffer(120))  # io_uring_setup
if ring < 0:
    raise OSError(ctypes.get_errno(), "io_uring_setup")
return "hostile-" + "ring"
""",
        says("hostile-ring"),
    ),
]
