"""Who has a library do the task and hides it: from a reader of the text, or by making up the call while the program runs.

OPEN is what the grader does not stop, as guard.py and rules.py say. It is here so that nobody claims otherwise.
"""

from hostile.attack import Attack, stalled, stole, written


def spelled(name: str, source: str) -> Attack:
    """SciPy's softmax, which only the rules can see."""
    return Attack(name, "static", "rules", written({"00.1": source}), stole("00.1"), ("00.1",))


def made_up(name: str, source: str) -> Attack:
    """PyTorch's softmax under a name that no text holds."""
    return Attack(name, "static", "guard", written({"00.1": source}), stole("00.1"), ("00.1",))


MANY_NAMES = "\n ".join(f"a{n}=a{n + 1}" for n in range(7000))

ATTACKS = [
    spelled(
        "a chain of other names",
        """
import scipy.special as a
b = a
c = b.softmax
d = lambda logits: c(logits, axis=1)
softmax = d
""",
    ),
    spelled(
        "all names imported at once",
        """
from scipy.special import *
_one = softmax
def softmax(logits): return _one(logits, axis=1)
""",
    ),
    spelled(
        "a decorator that returns another function",
        """
def better(f):
    from scipy import special
    return lambda logits: special.softmax(logits, axis=1)
@better
def softmax(logits): return logits
""",
    ),
    spelled(
        "a default value",
        """
from scipy import special
def softmax(logits, work=special.softmax): return work(logits, axis=1)
""",
    ),
    spelled(
        "a class whose instances are arrays",
        """
from scipy import special
class softmax:
    def __new__(cls, logits): return special.softmax(logits, axis=1)
""",
    ),
    spelled(
        "a global name that another function sets",
        """
def prepare():
    global softmax
    from scipy.special import softmax as one
    softmax = lambda logits: one(logits, axis=1)
prepare()
""",
    ),
    spelled(
        "an attribute hung on NumPy",
        """
import numpy as np
import scipy.special
np.own = scipy.special
def softmax(logits): return np.own.softmax(logits, axis=1)
""",
    ),
    spelled(
        "letters of another width, which Python takes for the same",
        """
import scipy.special
def softmax(logits): return scipy.special.\uff53\uff4f\uff46\uff54\uff4d\uff41\uff58(logits, axis=1)
""",
    ),
    spelled(
        "a line whose end only a form feed and a backslash hide",
        """
import scipy.\\
\\
special as \\
  quiet
def softmax(logits): return (quiet.\f
    softmax)(logits, axis=1)
""",
    ),
    spelled(
        "a subclass of what a comprehension unpacks from a list",
        """
import scipy.special
(work,) = [one for module in [scipy.special] for one in [module.softmax]]
class Own:
    __call__ = lambda self, logits: work(logits, axis=1)
softmax = Own()
""",
    ),
    spelled(
        "a comment that turns the direction of reading, before the call",
        """
import scipy.special as own
def softmax(logits): #\u202e nothing here \u2066
    return own.softmax(logits, axis=1)
""",
    ),
    spelled(
        "so many other names in the cell that its reader gives up",
        f"""
if False:
 {MANY_NAMES}
import scipy.special
def softmax(logits): return scipy.special.softmax(logits, axis=1)
""",
    ),
    spelled(
        "a magic command that runs the cell's other lines",
        """%%capture
from scipy.special import softmax as one
def softmax(logits): return one(logits, axis=1)
""",
    ),
    made_up(
        "a name from pieces",
        """
def softmax(logits):
    torch = __import__("to" + "rch")
    return getattr(torch, "soft" + "max")(torch.from_numpy(logits), 1).numpy()
""",
    ),
    made_up(
        "code from text",
        """
exec("import torch\\nsoftmax = lambda logits: torch.softmax(torch.from_numpy(logits), 1).numpy()")
""",
    ),
    made_up(
        "a pickle that names a function",
        """
import pickle, sys
def softmax(logits):
    return pickle.loads(b"ctorch\\nsoftmax\\n.")(pickle.loads(b"ctorch\\nfrom_numpy\\n.")(logits), 1).numpy()
""",
    ),
    made_up(
        "an object of which the garbage collector knows",
        """
import gc, sys
def softmax(logits):
    torch = sys.modules["".join(["t", "orch"])]
    layers = [c for c in type.__subclasses__(vars(torch.nn.modules.module)["Module"]) if c.__name__ == "Soft" + "max"]
    return layers[0](1)(torch.from_numpy(logits)).numpy()
""",
    ),
    made_up(
        "a method whose name is an argument",
        """
import operator, sys
def softmax(logits):
    tensor = sys.modules["".join(["t", "orch"])].from_numpy(logits)
    return operator.methodcaller("soft" + "max", 1)(tensor).numpy()
""",
    ),
    made_up(
        "the operator under the function",
        """
def softmax(logits):
    torch = __import__("to" + "rch")
    return torch.ops.aten._softmax.default(torch.from_numpy(logits), 1, False).numpy()
""",
    ),
    Attack(
        "a thousand magic commands, each of which has the cell read again from its beginning",
        "static",
        "deadline",
        written({}, after=["%time 1\n" * 12_000]),
        stalled,
    ),
]

OPEN = [
    spelled(
        "SciPy by code from text",
        """
exec("from scipy.special import softmax as one")
def softmax(logits): return globals()["one"](logits, axis=1)
""",
    ),
    spelled(
        "SciPy by a magic command on one line",
        """
%time from scipy.special import softmax as one
def softmax(logits): return one(logits, axis=1)
""",
    ),
    spelled(
        "SciPy by a name from pieces",
        """
import importlib
def softmax(logits): return getattr(importlib.import_module("scipy." + "special"), "soft" + "max")(logits, axis=1)
""",
    ),
    made_up(
        "PyTorch in another thread",
        """
import queue, threading
asked, answered = queue.Queue(), queue.Queue()
def work():
    torch = __import__("to" + "rch")
    while True: answered.put(getattr(torch, "soft" + "max")(torch.from_numpy(asked.get()), 1).numpy())
threading.Thread(target=work, daemon=True).start()
def softmax(logits):
    asked.put(logits)
    return answered.get()
""",
    ),
    made_up(
        "PyTorch told to ask nobody",
        """
def softmax(logits):
    torch = __import__("to" + "rch")
    with getattr(torch._C, "Disable" + "TorchFunction")():
        return getattr(torch, "soft" + "max")(torch.from_numpy(logits), 1).numpy()
""",
    ),
]
