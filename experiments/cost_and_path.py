"""What a layer costs and how far it carries: self-attention, a recurrent layer and convolutions against the length n.

Three things of each: multiply-adds by formula, milliseconds by the processor's clock, and by trial the way of a message from
the first place to the last.
"""

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from utils import training
from utils.attention.multihead import MultiHeadAttention
from utils.rnn import GRU

CHAPTER = "11-self-attention"
CLAIM = (
    "Self-attention carries a message from end to end in one round, a GRU in n, a convolution of three in n / 2. Counted, it "
    "costs what the GRU does at n = d, and more beyond; timed, it is faster still at 4 d, as no place waits for another. In "
    "the end its square of n loses."
)
SOURCE = "Vaswani et al. 2017, table 1"
PUBLISHED = "operations n^2 d, n d^2, k n d^2; in a row 1, n, 1; longest path 1, n, log_k n if dilated; faster if n < d"
SCALE = "none: the counts hold at any size; ours are measured at widths and lengths of a laptop"
TOLERANCE = (
    "d = 64, 4 sequences at once, one thread, on every seed: multiply-adds are equal at n = d and more beyond; rounds "
    "are 1, n, n / 2 and, dilated, the least L with 3^L >= n; "
    "self-attention takes less time than the GRU at n = 64 and 256 and more at 2,048; from n = 512 on, time goes as n to the "
    "power 1.6 to 2.4 for self-attention, and 0.8 to 1.2 for the GRU and for the convolution"
)
SEEDS = (0, 1, 2)
WIDTH, KERNEL, BATCH, REPEATS = 64, 3, 4, 10
LENGTHS = (64, 128, 256, 512, 1024, 2048)
CARRIED = (16, 64, 256)  # lengths at which a message is followed
KINDS = ("self-attention", "GRU", "convolution", "dilated convolution")


def multiply_adds(kind: str, n: int, d: int, k: int) -> int:
    """Forward, for one sequence: the four maps and two products of attention, three gates with two maps each, or k maps."""
    return {"self-attention": 4 * n * d * d + 2 * n * n * d, "GRU": 6 * n * d * d}.get(kind, k * n * d * d)


def attention_rounds(x: Tensor) -> Iterator[Tensor]:
    """Self-attention over what it gave before, again and again."""
    layer = MultiHeadAttention(x.shape[-1], heads=1)
    while True:
        x = layer(x, x, x)[0]
        yield x


def recurrent_rounds(x: Tensor) -> Iterator[Tensor]:
    """Every place takes a step of a GRU at once, from the state of its neighbour a round ago: after n rounds all is read."""
    layer = GRU(x.shape[-1], x.shape[-1])
    from_input = (x @ layer.W_xh + layer.b_x)[0]  # (n, 3H)
    first = torch.zeros(1, x.shape[-1])
    states = first.expand(x.shape[1], -1)
    while True:
        (states,) = layer.step(from_input, (torch.cat([first, states[:-1]]),))
        yield states[None]


def convolution_rounds(x: Tensor, *, growth: int = 1) -> Iterator[Tensor]:
    """Layers of a convolution that looks back, one upon the other, each `growth` times as dilated as the one below."""
    dilation = 1
    while True:
        layer = nn.Conv1d(x.shape[-1], x.shape[-1], KERNEL, dilation=dilation)
        x = layer(F.pad(x.mT, (dilation * (KERNEL - 1), 0))).mT
        dilation *= growth
        yield x


ROUNDS = {
    "self-attention": attention_rounds,
    "GRU": recurrent_rounds,
    "convolution": convolution_rounds,
    "dilated convolution": lambda x: convolution_rounds(x, growth=KERNEL),
}


@torch.no_grad()
def rounds(kind: str, n: int) -> int:
    """After how many rounds place n - 1 knows what stood at place 0. That is a NaN: whatever is computed from one is one."""
    x = torch.randn(1, n, 8)
    x[:, 0] = torch.nan
    return next(count for count, states in enumerate(ROUNDS[kind](x), start=1) if states[0, -1].isnan().any())


def longest_chain(result: Tensor) -> int:
    """How many operations of those that made `result` had to wait for each other, one after another: none can be faster."""
    chain, open_nodes = {}, [result.grad_fn]
    while open_nodes:
        node = open_nodes[-1]
        before = [parent for parent, _ in node.next_functions if parent is not None]
        unknown = [parent for parent in before if parent not in chain]
        if unknown:
            open_nodes += unknown
        else:
            chain[open_nodes.pop()] = 1 + max((chain[parent] for parent in before), default=0)
    return chain[result.grad_fn]


def layer_of(kind: str, d: int, *, unrolled: bool = False) -> tuple[nn.Module, Callable[[Tensor], Tensor]]:
    """A layer of width d, and what it makes of x (B, n, d). The GRU is torch's, `unrolled` ours, whose steps can be counted."""
    if kind == "self-attention":
        layer = MultiHeadAttention(d, heads=1)
        return layer, lambda x: layer(x, x, x)[0]
    if kind == "GRU":
        layer = GRU(d, d) if unrolled else nn.GRU(d, d, batch_first=True)
        return layer, lambda x: layer(x)[0]
    layer = nn.Conv1d(d, d, KERNEL)
    return layer, lambda x: layer(F.pad(x.mT, (KERNEL - 1, 0))).mT


def milliseconds(kind: str, n: int) -> float:
    """Forward and backward on BATCH sequences, in time of the processor: the best of REPEATS, after one to warm up."""
    layer, apply = layer_of(kind, WIDTH)
    x, best = torch.randn(BATCH, n, WIDTH, requires_grad=True), float("inf")
    for repeat in range(REPEATS + 1):
        start = time.process_time()
        torch.autograd.grad(apply(x).square().sum(), (x, *layer.parameters()))
        if repeat:
            best = min(best, time.process_time() - start)
    return 1000 * best


def settings(scale: str) -> list[dict]:
    return [{"kind": kind} for kind in KINDS]


def run(seed: int, scale: str, kind: str) -> dict[str, float]:
    training.seed(seed)
    tiny = scale == "tiny"
    numbers = {f"{kind}, n {n}: rounds": float(rounds(kind, n)) for n in (CARRIED[:1] if tiny else CARRIED)}
    if kind == "dilated convolution":  # a layer of it costs what one of the plain convolution does
        return numbers
    _, apply = layer_of(kind, 8, unrolled=True)
    numbers |= {f"{kind}, n {n}: in a row": float(longest_chain(apply(torch.randn(1, n, 8)))) for n in CARRIED}
    numbers |= {f"{kind}, n {n}: multiply-adds": float(multiply_adds(kind, n, WIDTH, KERNEL)) for n in LENGTHS}
    return numbers if tiny else numbers | {f"{kind}, n {n}: ms": milliseconds(kind, n) for n in LENGTHS}


def exponent(numbers: dict, kind: str) -> np.ndarray:
    """The slope of log time over log n from n = 512 on, by least squares: (seeds,)."""
    lengths = [n for n in LENGTHS if n >= 512]
    return np.polyfit(np.log(lengths), np.log([numbers[f"{kind}, n {n}: ms"] for n in lengths]), 1)[0]


def holds(numbers: dict) -> bool:
    expected = {"self-attention": lambda n: 1, "GRU": lambda n: n, "convolution": lambda n: n / 2}
    expected["dilated convolution"] = lambda n: next(L for L in range(n) if KERNEL**L >= n)
    carried = [(numbers[f"{kind}, n {n}: rounds"] == expected[kind](n)).all() for kind in KINDS for n in CARRIED]

    def faster(n: int) -> np.ndarray:
        return numbers[f"self-attention, n {n}: ms"] < numbers[f"GRU, n {n}: ms"]

    counted = [numbers[f"self-attention, n {n}: multiply-adds"] - numbers[f"GRU, n {n}: multiply-adds"] for n in LENGTHS]
    as_counted = bool((counted[0] == 0).all() and np.min(counted[1:]) > 0)
    grows = {"self-attention": (1.6, 2.4), "GRU": (0.8, 1.2), "convolution": (0.8, 1.2)}
    within = [
        ((low <= exponent(numbers, kind)) & (exponent(numbers, kind) <= high)).all() for kind, (low, high) in grows.items()
    ]
    return bool(
        as_counted and all(carried) and all(within) and faster(64).all() and faster(256).all() and not faster(2048).any()
    )
