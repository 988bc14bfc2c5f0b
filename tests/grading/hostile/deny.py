"""Vandals: who would make the grader wait, fill it up, or bring it down with what follows. Each is right in all but one task.

A hog that gets what it takes answers rightly afterwards, so that points tell of its success.
"""

from dataclasses import replace
from textwrap import indent

from answers.chapter_00 import CROSS_ENTROPY, VECTORISED
from hostile.attack import Attack, lost, stalled, stole, written

RIGHT = VECTORISED.replace("def softmax", "def right")


def softmax(first: str) -> str:
    """A right answer to 00.1 that does something first."""
    return f"{RIGHT}\ndef softmax(logits):\n{indent(first, '    ')}\n    return right(logits)"


def hangs(name: str, first: str) -> Attack:
    write = written({"00.1": softmax(first), "00.2": CROSS_ENTROPY})
    return Attack(name, "deny", "deadline", write, stalled, ("00.1",))


def hogs(name: str, aims_at: str, first: str) -> Attack:
    write = written({"00.1": softmax(first), "00.2": CROSS_ENTROPY})
    return Attack(name, "deny", aims_at, write, stole("00.1"), ("00.1",))


def dies(name: str, first: str) -> Attack:
    write = written({"00.1": softmax(first), "00.2": CROSS_ENTROPY})
    return Attack(name, "deny", "restart", write, lost("00.2"), ("00.1",))


GENERATE = """
def generate(step, state, token, count):
    while True:
        logits, state = step(state, token)
"""

ATTACKS = [
    hangs("adds up nothing for ever, within one C function", "import itertools\nsum(itertools.repeat(0))"),
    hangs("has a regular expression try 2 ** 40 ways", "import re\nre.match('(a+)+$', 'a' * 40 + 'b')"),
    hangs("sleeps for days", "import time\ntime.sleep(1e6)"),
    hangs("waits for a lock that it holds", "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()"),
    hangs(
        "ignores and blocks all signals, and catches whatever is raised in its loop",
        "import signal\n"
        "for s in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}: signal.signal(s, signal.SIG_IGN)\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, signal.Signals)\n"
        "while True:\n"
        "    try:\n"
        "        while True: pass\n"
        "    except BaseException: pass",
    ),
    Attack(
        "calls the check's function for ever",
        "deny",
        "deadline",
        written({"01.7": GENERATE}, exercise="01-recurrent-networks"),
        stalled,
        ("01.7",),
    ),
    Attack(
        "a cell that does not end",
        "deny",
        "deadline",
        written({"00.1": VECTORISED, "00.2": CROSS_ENTROPY}, after=["while True: pass"]),
        stalled,
    ),
    Attack(
        "a hundred cells, each of them just quick enough",
        "deny",
        "deadline",
        written({"00.1": VECTORISED}, after=["import time; time.sleep(1.5)"] * 100),
        stalled,
    ),
    hogs("takes 8 GB at once", "limits", "hog = np.zeros(1 << 30)"),
    hogs("takes 8 GB that count as shared", "limits", "import mmap\nhog = mmap.mmap(-1, 8 << 30)"),
    hogs(
        "starts 300 threads",
        "limits",
        "import threading\n"
        "stay = threading.Event()\n"
        "for _ in range(300): threading.Thread(target=stay.wait, daemon=True).start()",
    ),
    hogs("keeps 1000 files open", "limits", "import os\nhog = [os.dup(0) for _ in range(1000)]"),
    hogs(
        "writes one large file",
        "limits",
        "import os\nwith open(os.environ['HOME'] + '/hog', 'wb') as f:\n    for _ in range(40): f.write(bytes(1 << 20))",
    ),
    hogs(
        "lifts its own limits",
        "limits",
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (99 << 30, 99 << 30))\n"
        "resource.setrlimit(resource.RLIMIT_NPROC, (9999, 9999))",
    ),
    hogs(
        "forks until it may not",
        "walls",
        "import os, time\nfor _ in range(20):\n    if os.fork() == 0:\n        time.sleep(60)\n        os._exit(0)",
    ),
    hogs(
        "fills the disk with files of which none is large",
        "walls",
        "import os\nfor n in range(16):\n    with open(f\"{os.environ['HOME']}/hog{n}\", 'wb') as f: f.write(bytes(10 << 20))",
    ),
    hogs(
        "makes so many files that the disk has no room for their names",
        "walls",
        "import os\nfor n in range(3000): open(f\"{os.environ['HOME']}/hog{n}\", 'w').close()",
    ),
    hogs("keeps data in files that exist in memory alone", "walls", "import os\nfor n in range(9): os.memfd_create('hog')"),
    hogs(
        "takes shared memory that outlives its process",
        "walls",
        "import ctypes\n"
        "libc = ctypes.CDLL(None)\n"
        "hog = libc.shmget(0, 1 << 20, 0o1600)\n"
        "libc.shmctl(hog, 0, None)\n"  # so that the test leaves none
        "assert hog >= 0",
    ),
    replace(
        hogs("puts itself before all other processes", "walls", "import os\nos.setpriority(os.PRIO_PROCESS, 0, -5)"),
        as_root=True,
    ),
    dies("ends its process", "import os\nos._exit(0)"),
    dies("reads where there is no memory", "import ctypes\nctypes.string_at(8)"),
    dies(
        "recurses in C until the stack is full",
        "import sys\nsys.setrecursionlimit(10**9)\nnest = []\nfor _ in range(10**6): nest = [nest]\nrepr(nest)",
    ),
    dies("closes all its handles", "import os\nos.closerange(0, 1000)"),
    dies(
        "has the kernel kill it for its use of the processor",
        "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (1, 1))\nwhile True: pass",
    ),
    Attack(
        "a cell that ends the process",
        "deny",
        "restart",
        written({"00.1": VECTORISED, "00.2": CROSS_ENTROPY}, before=["import os", "os._exit(0)"]),
        lost("00.1", "00.2"),
    ),
]
