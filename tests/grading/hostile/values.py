"""Answers that are no honest values: they act when they are looked at, or nobody can look at them.

With the codec away, a message that it refuses crosses as a pickle: a list that holds a set is one, and its __reduce__ is asked.
"""

from dataclasses import replace

from answers.chapter_00 import CROSS_ENTROPY, VECTORISED
from hostile.attack import Attack, bothers, lost, shown, stalled, stole, told, written

BOX = """
class Box(list):
    "A list that becomes the value of `source` where it is unpickled."
    def __init__(self, source):
        super().__init__([set()])
        self.source = source
    def __reduce__(self):
        return eval, ("(d := {}, exec(%r, d))[0]['value']" % self.source,)
"""
LIAR = """
import sys
class Liar(list):
    def __len__(self): return len(sys._getframe(1).f_locals["want"])
    def __iter__(self): return iter(sys._getframe(1).f_locals["want"])
value = Liar()
"""
CHAMELEON = """
import sys
class Chameleon:
    __class__ = float
    def __array__(self, *args, **named):
        import numpy
        return numpy.array(sys._getframe(1).f_locals["want"])
value = Chameleon()
"""
PATCH = """
import utils.grading.task
utils.grading.task.difference = lambda got, want: ""
value = None
"""
NAMED = """
import os
value = type(os.environ["COURSE_TOKEN"], (), {})()
"""
PEEP = """
import sys
class Peep(list):
    def __iter__(self):
        frame, done = sys._getframe(), 0
        while frame and "wanted" not in frame.f_locals:
            done = len(frame.f_locals["parts"]) if frame.f_code.co_name == "_trace" else done
            frame = frame.f_back
        return iter(frame.f_locals["wanted"][done][1] if frame else [])
def clip(gradients, limit): return Peep()
"""
COLLIDING = """
def colliding(count):
    "Pairs of numbers of one and the same hash: made backwards through the function that hashes a tuple."
    whole, first, second, start = 1 << 64, 11400714785074694791, 14029467366897019727, 2870177450012600261
    back, found, a = pow(second, -1, whole), [], 0
    while len(found) < count:
        mixed = (start + a * second) % whole
        mixed = (mixed << 31 | mixed >> 33) * first % whole
        b = (12345 - mixed) * back % whole
        b -= whole * (b >> 63)
        if -1 << 61 < b < 1 << 61 and abs(b) != (1 << 61) - 1 and b != -1:
            found.append((a, b))
        a += 1
    assert len(set(map(hash, found[:100]))) == 1
    return found
KEYS = colliding(32_000)
class Slow(dict):
    def __len__(self): return 0
    def items(self): return ((key, 0) for key in KEYS)
def slow(*args): return Slow()
"""
EIGHT = ("run_rnn", "last_states", "windows", "lstm_step", "clip", "bits_per_character", "generate", "bptt")


def crossing(name: str, source: str, had_its_way, function: str, task: str) -> Attack:
    exercise = "00-getting-started" if task < "01" else "01-recurrent-networks"
    answer = f"{BOX}\ndef {function}(*args): return Box({source!r})"
    return Attack(name, "values", "codec", written({task: answer}, exercise=exercise), had_its_way, (task,))


def softmax(aims_at: str, name: str, source: str, had_its_way) -> Attack:
    return Attack(name, "values", aims_at, written({"00.1": source, "00.2": CROSS_ENTROPY}), had_its_way, ("00.1",))


ATTACKS = [
    crossing("a list that looks up, at each comparison, what it is compared with", LIAR, stole("01.5"), "clip", "01.5"),
    crossing("a number in name, whose array is what was wanted", CHAMELEON, stole("00.2"), "cross_entropy", "00.2"),
    replace(crossing("a value that mends the comparison as it is made", PATCH, stole("00.1"), "softmax", "00.1"), alone=True),
    crossing("a value of a class that is called what the environment holds", NAMED, told, "softmax", "00.1"),
    Attack(
        "a list that finds the right answer among its callers while it is copied",
        "values",
        "two rooms",
        written({"01.5": PEEP}, exercise="01-recurrent-networks"),
        stole("01.5"),
        ("01.5",),
    ),
    softmax(
        "page",
        "a class with a tag for a name",
        "def softmax(logits): return type('<img src=\"v1\">', (), {})()",
        shown('<img src="v1">'),
    ),
    softmax(
        "page",
        "a tag for what is to be done",
        "def softmax(logits): raise NotImplementedError('<img src=\"v2\">')",
        shown('<img src="v2">'),
    ),
    Attack(
        "a function with a tag for a name, which writes into its argument",
        "values",
        "page",
        written(
            {
                "00.1": VECTORISED.replace("    logits = ", "    logits *= 1.0\n    logits[0] += 1\n    logits = ")
                + "softmax.__name__ = '<img src=\"v3\">'"
            }
        ),
        shown('<img src="v3">'),
    ),
    softmax(
        "restart",
        "an object that ends the process when it is asked what it is",
        """
import os
class Gone:
    @property
    def __class__(self): os._exit(0)
def softmax(logits): return Gone()
""",
        lost("00.2"),
    ),
    Attack(
        "a dictionary whose keys all collide",
        "values",
        "codec",
        written(
            {f"01.{n}": f"{name} = slow" for n, name in enumerate(EIGHT, 1)},
            before=[COLLIDING],
            exercise="01-recurrent-networks",
        ),
        stalled,
        tuple(f"01.{n}" for n in range(1, 9)),
    ),
    softmax(
        "codec",
        "an array of words, which no comparison of numbers foresees",
        "def softmax(logits): return np.full(logits.shape, 'x')",
        bothers,
    ),
    softmax("codec", "an array of records", "def softmax(logits): return np.zeros(logits.shape, 'f8,i4')", bothers),
    Attack(
        "a number of a hundred thousand digits",
        "values",
        "codec",
        written({"00.2": "def cross_entropy(logits, targets): return 10 ** 100_000"}),
        bothers,
        ("00.2",),
    ),
    Attack(
        "a tensor that has no array",
        "values",
        "codec",
        written(
            {"01.6": "def bits_per_character(logits, targets, lengths): return logits.sum().to_sparse()"},
            exercise="01-recurrent-networks",
        ),
        bothers,
        ("01.6",),
    ),
]
