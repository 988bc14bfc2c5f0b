"""Frames that a student's process writes onto its own end of the channel, by hand."""

import json
import struct
from textwrap import indent

from answers.chapter_00 import CROSS_ENTROPY, VECTORISED
from hostile.attack import Attack, lost, stalled, told, written

WIRE = """
import os, pickle, socket, stat, struct, time
def wire():
    for handle in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(handle).st_mode): return socket.socket(fileno=os.dup(handle))
        except OSError: pass
def say(message): wire().sendall(struct.pack(">I", len(message)) + message)
"""
RIGHT = VECTORISED.replace("def softmax", "def right")


def framed(tree: object, arrays: object = (), body: bytes = b"") -> bytes:
    """A message in the codec's own format, whatever is wrong with what it says."""
    header = json.dumps([tree, arrays]).encode()
    return struct.pack(">I", len(header)) + header + body


def answer(value: object) -> object:
    """The tree of the message ("answer", value, [])."""
    return {"kind": "tuple", "value": ["answer", value, []]}


def attack(name: str, aims_at: str, first: str, had_its_way) -> Attack:
    """A right answer to 00.1 that writes onto the channel first."""
    source = f"{WIRE}{RIGHT}\ndef softmax(logits):\n{indent(first, '    ')}\n    return right(logits)"
    return Attack(name, "codec", aims_at, written({"00.1": source, "00.2": CROSS_ENTROPY}), had_its_way, ("00.1",))


def nonsense(name: str, message: bytes) -> Attack:
    """What the grader cannot read costs this task, and the next has a new process."""
    return attack(name, "restart", f"say({message!r})", lost("00.2"))


ATTACKS = [
    attack(
        "a pickle that ends whoever reads it",
        "codec",
        'say(b"\\x80\\x02cos\\n_exit\\nK\\x00\\x85R.")',
        lambda evidence: not evidence.alive,
    ),
    attack(
        "a pickle that has its reader say what the environment holds",
        "codec",
        "class Says:\n"
        "    def __reduce__(self): return eval, (\"__import__('os').environ['COURSE_TOKEN']\",)\n"
        'say(pickle.dumps(("error", Says(), False)))',
        told,
    ),
    attack("announces four gigabytes", "restart", 'wire().sendall(b"\\xff" * 4)', lost("00.2")),
    attack("hangs up in one direction", "restart", "wire().shutdown(socket.SHUT_WR)", lost("00.2")),
    nonsense("a header longer than its message", struct.pack(">I", 1000) + b"[]"),
    nonsense("bytes that are no text", struct.pack(">I", 4) + b"\xff\xfe\xfd\xfc"),
    attack(
        "a header of brackets alone, a hundred thousand deep",
        "restart",
        'say(struct.pack(">I", 200_000) + b"[" * 100_000 + b"]" * 100_000)',
        lost("00.2"),
    ),
    nonsense("an array of a negative size", framed(answer({"kind": "array"}), [["float64", [-1, 8]]], bytes(64))),
    nonsense("an array whose size overflows", framed(answer({"kind": "array"}), [["float64", [1 << 25] * 8]], bytes(64))),
    nonsense("an array that does not follow", framed(answer({"kind": "array"}))),
    nonsense("bytes that belong to nothing", framed(answer(0), [], bytes(64))),
    nonsense("a list for a key", framed(answer({"kind": "dict", "value": [[[], 0]]}))),
    nonsense("an object whose type is a number", framed(answer({"kind": "object", "number": 0, "type": 5}))),
    nonsense("an array of Python objects", framed(answer({"kind": "array"}), [["O", [1]]], bytes(8))),
    nonsense("half of a character", framed(answer("\ud800"))),
    nonsense("a message that nobody foresaw", framed({"kind": "tuple", "value": ["points", 100]})),
    nonsense("a name for the number of a function", framed({"kind": "tuple", "value": ["ask", "difference", 0, 0]})),
    attack(
        "an answer of which a byte arrives now and then",
        "deadline",
        "line = wire()\nline.sendall(struct.pack('>I', 1 << 20))\nwhile True:\n    line.sendall(b' ')\n    time.sleep(0.3)",
        stalled,
    ),
]
