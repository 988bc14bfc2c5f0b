"""Starts the processes in which students' code runs, in the strongest sandbox that this machine allows, and ends them.

What is said to a worker is the session's business.
"""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass

from utils.grading import codec
from utils.grading.sandbox.channel import Channel
from utils.grading.sandbox.walls import LEVELS, Walls, walls

ATTEMPTS, START_SECONDS, PATIENCE = 3, 120, 20  # to import everything once; for one worker to come up
BOOT = "import sys; sys.path[:] = {path!r}; import runpy; runpy.run_module({module!r}, run_name='__main__')"


class SandboxError(RuntimeError):
    """No worker comes up at this level."""


@dataclass(frozen=True)
class Worker:
    """A student's process: where to talk to it, and how to end it."""

    channel: Channel
    kill: Callable[[], None]


class Workers:
    """Makes workers at one level. Used as a context, at whose end no process and no file of theirs is left."""

    def __init__(self, level: str) -> None:
        self.level = level
        self._folder = tempfile.TemporaryDirectory(prefix="course-grade-")
        self._server, self._orders = _fork_server(walls(level), self._folder.name) if level != "process" else (None, None)

    def start(self) -> Worker:
        """A new worker. SandboxError says why there is none."""
        for attempt in range(ATTEMPTS):
            try:
                return self._forked() if self._server else _plain(self._folder.name)
            except (OSError, EOFError, ValueError) as error:  # a machine that is full may have room again
                trouble = error
                time.sleep(attempt)
        raise SandboxError(f"the sandbox {self.level!r} cannot be set up here: {trouble}")

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        if self._server:
            self._orders.close()
            self._server.kill()
            self._server.wait()
        self._folder.cleanup()

    def _forked(self) -> Worker:
        ours, its = socket.socketpair()
        socket.send_fds(self._orders, [b"x"], [its.fileno()])
        its.close()
        ours.settimeout(PATIENCE)
        _, handles, *_ = socket.recv_fds(ours, 1, 1)
        if not handles:
            raise EOFError("it ended at once")
        channel = Channel(ours)

        def kill() -> None:
            channel.close()
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handles[0], signal.SIGKILL)
            os.close(handles[0])

        if trouble := codec.decode(channel.receive(time.monotonic() + PATIENCE)):
            kill()
            raise OSError(trouble)
        return Worker(channel, kill)


def strongest(wanted: str | None = None) -> Workers:
    """Workers at the level wanted, or at the strongest that works here; SandboxError if none does. `process` only by name."""
    if wanted not in (None, *LEVELS):
        raise SandboxError(f"there is no sandbox {wanted!r}; known are {', '.join(LEVELS)}")
    reasons = []
    for level in [wanted] if wanted else LEVELS[:-1]:
        workers = Workers(level)
        try:
            workers.start().kill()
            return workers
        except SandboxError as error:
            workers.__exit__()
            reasons.append(str(error))
    raise SandboxError(
        "\n".join([*reasons, f"no sandbox can be set up; to grade without one, ask for it by name: {LEVELS[-1]}"])
    )


def _fork_server(walls: Walls, folder: str) -> tuple[subprocess.Popen, socket.socket]:
    """A process of its own that holds nothing of ours, not even the environment."""
    ours, its = socket.socketpair()
    boot = BOOT.format(path=sys.path, module="utils.grading.sandbox.forkserver")
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", boot, str(its.fileno()), json.dumps(asdict(walls))],
        pass_fds=[its.fileno()],
        cwd="/",
        env=_environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    its.close()
    ours.settimeout(START_SECONDS)
    if ours.recv(16) != b"ready":
        process.kill()
        raise SandboxError(
            f"the process that starts workers ended: {process.communicate()[1].decode(errors='replace')[-2000:]}"
        )
    return process, ours


def _plain(folder: str) -> Worker:
    """A fresh Python that calls back over the loopback device and proves with a token that it is the one."""
    token, scratch = secrets.token_bytes(16), tempfile.mkdtemp(dir=folder)
    with socket.create_server(("127.0.0.1", 0)) as door:
        boot = BOOT.format(path=sys.path, module="utils.grading.sandbox.plainworker")
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", boot, str(door.getsockname()[1])],
            cwd=scratch,
            env=_environment(scratch),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        process.stdin.write(token)
        process.stdin.close()
        door.settimeout(START_SECONDS)
        end, _ = door.accept()
    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # messages are small and wait for each other
    channel = Channel(end)
    if not secrets.compare_digest(channel.receive(time.monotonic() + PATIENCE), token):
        raise OSError("something else answered")
    codec.decode(channel.receive(time.monotonic() + START_SECONDS))  # it is up

    def kill() -> None:
        channel.close()
        if os.name == "posix":
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # what it has started too, unless it has left the group
        process.kill()
        process.wait()
        _remove(scratch)

    return Worker(channel, kill)


def _environment(home: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}  # Windows' sockets want it
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return (
        kept
        | threads
        | {
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "HOME": home,
            "IPYTHONDIR": home,
            "MPLCONFIGDIR": home,
            "MPLBACKEND": "agg",
        }
    )


def _remove(folder: str) -> None:
    """Remove a scratch folder, whatever was left in it and with whatever permissions."""
    for parent, folders, _ in os.walk(folder):
        for path in (os.path.join(parent, name) for name in folders):
            if not os.path.islink(path):
                os.chmod(path, 0o700)
    shutil.rmtree(folder, ignore_errors=True)
