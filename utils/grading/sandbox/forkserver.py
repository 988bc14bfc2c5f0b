"""Makes workers quickly: a process that has imported PyTorch forks for each one, and the child walls itself in, then serves.

Started by the examiner with an empty environment, so that nothing of the grader's can be inherited. Linux only.
"""

import gc
import json
import os
import signal
import socket
import sys
import tempfile
import traceback

from utils.grading import codec
from utils.grading.sandbox import kernel, landlock, limits, namespaces, system_calls
from utils.grading.sandbox.channel import Channel
from utils.grading.sandbox.walls import Walls
from utils.grading.sandbox.worker import make_shell, serve

PRELOADED = ("matplotlib.pyplot", "torch._dynamo", "torch.nn.functional", "torch.optim")  # slow to import, often wanted


def main(control: int, walls: Walls) -> None:
    """Fork a worker for each socket that comes over the socket `control`: the one on which it is to talk."""
    kernel.die_with_parent()
    for name in PRELOADED:
        __import__(name)
    shell, program, allowance = make_shell(), system_calls.compile_filter(), limits.plan(walls.uid)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the workers
    gc.freeze()
    orders = socket.socket(fileno=control)
    orders.send(b"ready")
    while True:
        order, handles, *_ = socket.recv_fds(orders, 1, 1)
        if not order:
            return
        if os.fork() == 0:
            orders.close()
            end = socket.socket(fileno=handles[0])
            try:
                _send_handle(end)
                _wall_in(end, walls, allowance, program)
                Channel(end).send(codec.encode(""))
                serve(Channel(end), shell)
            except EOFError:  # the grader has what it wanted
                os._exit(0)
            except BaseException:
                Channel(end).send(codec.encode(traceback.format_exc()[-2000:]))
                os._exit(1)
        os.close(handles[0])


def _wall_in(end: socket.socket, walls: Walls, allowance: list[tuple[int, int]], program: bytes) -> None:
    """Give up all that was inherited: other processes, the disk, handles, environment, resources, privileges, system calls."""
    os.setsid()
    uid, home = walls.uid, "/"
    if walls.level == "namespaces":
        uid, home = None if namespaces.leave() else uid, namespaces.SCRATCH
        _fork_into_the_new_namespaces(end)
        namespaces.settle(walls.readable, walls.hidden)
    nowhere = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.closerange(3, end.fileno())
    os.closerange(end.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
    os.chdir(home)
    os.environ.clear()
    os.environ.update(HOME=home, TMPDIR=home, MPLCONFIGDIR=home, PATH="/usr/bin:/bin", LANG="C.UTF-8", OMP_NUM_THREADS="1")
    tempfile.tempdir = None  # it may have been looked up before
    limits.apply(allowance)
    kernel.drop_privileges(uid)
    kernel.die_with_parent()
    if walls.level == "landlock":
        landlock.restrict(walls.readable, namespaces.DEVICES)
    system_calls.load(program)


def _send_handle(end: socket.socket) -> None:
    """Send a handle with which the grader can kill this process: unlike its number, it never comes to mean another one."""
    handle = os.pidfd_open(os.getpid())
    socket.send_fds(end, [b"."], [handle])
    os.close(handle)


def _fork_into_the_new_namespaces(end: socket.socket) -> None:
    """Returns in a child, which is process 1 there. The parent waits for its end; if it is killed, so is the child."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    kernel.die_with_parent()
    child = os.fork()
    if child:
        end.close()
        os.waitpid(child, 0)
        os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), Walls(**json.loads(sys.argv[2])))
