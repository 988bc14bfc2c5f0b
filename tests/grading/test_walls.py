"""Each wall alone, where others behind it would hide that it had fallen."""

import os
import signal
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the sandbox")


def refused(attempt) -> bool:
    """Whether a child with nothing but the system-call filter around it is told EPERM."""
    from utils.grading.sandbox import kernel, system_calls

    program = system_calls.compile_filter()
    child = os.fork()
    if child == 0:
        outcome = 1
        try:
            kernel.prctl(kernel.NO_NEW_PRIVILEGES, 1)
            system_calls.load(program)
            attempt()
        except PermissionError:
            outcome = 0
        finally:
            os._exit(outcome)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def owned_by_another():
    import fcntl
    import socket

    fcntl.fcntl(socket.socketpair()[0], fcntl.F_SETOWN, os.getppid())


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: os.kill(os.getppid(), signal.SIGCONT),
        lambda: os.fork(),
        lambda: os.execv("/bin/true", ["true"]),
        lambda: __import__("socket").socket(),
        lambda: __import__("resource").prlimit(os.getppid(), 0),
        lambda: os.setpriority(os.PRIO_PROCESS, 0, 5),
        lambda: os.memfd_create("x"),
        lambda: os.symlink("a", "b"),
        owned_by_another,
    ],
    ids=["signal", "fork", "program", "network", "limits of others", "priority", "memory file", "link", "signals by a socket"],
)
def test_a_system_call_that_is_not_on_the_list_is_refused(attempt):
    assert refused(attempt)


def test_what_is_on_the_list_is_not_refused():
    def harmless():
        __import__("threading").Thread(target=len, args=((),)).start()
        raise PermissionError if os.getpid() and os.urandom(1) else OSError

    assert refused(harmless)


@pytest.fixture
def installed(tmp_path):
    """An environment with this package in it, as pip installs it where it is not editable, and with venv's link lib64."""
    home = tmp_path / "venv"
    for folder in ("lib/site-packages/utils/grading", "lib/site-packages/experiments", "lib/site-packages/numpy", "bin"):
        (home / folder).mkdir(parents=True)
    (home / "lib" / "site-packages" / "utils" / "__init__.py").touch()
    (home / "lib64").symlink_to("lib")
    (home / "lib" / "shortcut").symlink_to(home / "lib" / "site-packages" / "utils" / "grading")
    (home / "lib" / "math").symlink_to(home / "lib" / "site-packages" / "numpy")
    (tmp_path / "link").symlink_to(home)
    return tmp_path


@pytest.mark.parametrize("way", ["venv", "link"])
def test_no_link_leads_to_what_is_hidden(installed, monkeypatch, way):
    import utils
    from utils.grading.sandbox import walls

    monkeypatch.setattr(utils, "__file__", str(installed / way / "lib" / "site-packages" / "utils" / "__init__.py"))
    monkeypatch.setattr(sys, "prefix", str(installed / way))
    monkeypatch.setattr(walls.sysconfig, "get_paths", dict)
    home, open_ = installed / "venv", walls.walls("landlock").readable
    allowed = {str(home / name) for name in ("bin", "lib/math", "lib/site-packages/numpy")}
    assert {path for path in open_ if str(installed) in path} == allowed
    around = walls.walls("namespaces")
    for name in ("utils", "experiments"):
        assert {str(home / "lib/site-packages" / name), str(installed / way / "lib/site-packages" / name)} <= {*around.hidden}
