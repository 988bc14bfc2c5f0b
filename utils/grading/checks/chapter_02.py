"""Checks of chapter 02, decoding. Axes: B rows, T steps, V tokens, k hypotheses, N finished hypotheses, L = length."""

from collections.abc import Callable, Iterator
from itertools import chain, combinations_with_replacement, pairwise, permutations, product

import numpy as np
import torch
from torch import Tensor

from utils import decoding
from utils.grading.rooms import Room
from utils.grading.task import mistake, not_finite, sizes, task

Parts = Iterator[tuple[str, object]]


def normal(rng: np.random.Generator, *shape: int) -> Tensor:
    """Normal numbers in PyTorch's default precision."""
    return torch.from_numpy(rng.normal(size=shape)).float()


def log_softmax(logits: np.ndarray) -> np.ndarray:
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def finite_where_impossible(got: object, wanted: object) -> bool:
    """A sign of a small number inside a logarithm, or of steps left out: minus infinity was due."""
    number = isinstance(got, (float, np.generic, Tensor)) and np.ndim(got) == 0
    return bool(number and wanted == -np.inf and np.isfinite(got))


def large_for_infinite(got: object, wanted: object) -> bool:
    """A sign of a mask that is a large negative number where minus infinity was due."""
    if not isinstance(got, (np.ndarray, Tensor)) or got.shape != wanted.shape:
        return False
    got, ruled_out = np.asarray(got), np.isneginf(np.asarray(wanted))
    return bool(ruled_out.any() and np.isfinite(got).all() and (got[ruled_out] < -100).all())


# 02.1 Greedy decoding


def greedy_by_loop(scores: np.ndarray) -> tuple[np.ndarray, float]:
    tokens = [min(range(len(row)), key=lambda v: (-row[v], v)) for row in scores]
    return np.array(tokens), float(sum(row[v] for row, v in zip(scores, tokens)))


def greedy_with(choose: Callable, total: Callable = np.sum) -> Callable:
    """choose(scores) -> tokens (T,); total of the scores that were chosen."""

    def greedy(scores):
        tokens = choose(scores)
        return tokens, float(total(scores[np.arange(len(scores)), tokens]))

    return greedy


def last_best(scores: np.ndarray) -> np.ndarray:
    return scores.shape[-1] - 1 - scores[..., ::-1].argmax(-1)


@task(
    "02.1",
    oracle={"greedy": greedy_by_loop},
    mistakes={
        "the least probable token": mistake(
            "Log probabilities are negative, and the best one is nearest to 0. Look at which end you take.",
            greedy=greedy_with(lambda scores: scores.argmin(-1)),
        ),
        "the best step for each token": mistake(
            "You choose one token for each step. Look at the axis along which you compare.",
            greedy=lambda scores: greedy_by_loop(scores.T),
        ),
        "one token for every step": mistake(
            "Each row makes its own choice. Look at what you add up before you compare.",
            greedy=greedy_with(lambda scores: np.full(len(scores), scores.sum(0).argmax())),
        ),
        "ties to the larger id": mistake(
            "Where two tokens are equally good, look at which of them you take.",
            greedy=greedy_with(last_best),
        ),
        "tokens counted from 1": mistake(
            "Tokens are counted from 0.",
            greedy=lambda scores: (greedy_by_loop(scores)[0] + 1, greedy_by_loop(scores)[1]),
        ),
        "scores in place of tokens": mistake(
            "A token is a column's number. Look at what you return first: where the best score stands, or the score itself.",
            greedy=lambda scores: (scores.max(-1), scores.max(-1).sum()),
        ),
        "the mean score": mistake(
            "The score of a sequence is the sum over its steps. Look at whether you average.",
            greedy=greedy_with(lambda scores: scores.argmax(-1), np.mean),
        ),
        "the probability": mistake(
            "The score stays a log probability. Look at what you do with the sum.",
            greedy=greedy_with(lambda scores: scores.argmax(-1), lambda chosen: np.exp(chosen.sum())),
        ),
        "probabilities added up": mistake(
            "Probabilities of steps are multiplied, so their logarithms are added. Look at what you add.",
            greedy=greedy_with(lambda scores: scores.argmax(-1), lambda chosen: np.exp(chosen).sum()),
        ),
        "the best step's score only": mistake(
            "Every step counts in the score. Look at how many numbers enter it.",
            greedy=greedy_with(lambda scores: scores.argmax(-1), np.max),
        ),
        "log probabilities multiplied": mistake(
            "A product of probabilities is a sum of logarithms. Look at how you put the steps together.",
            greedy=greedy_with(lambda scores: scores.argmax(-1), np.prod),
        ),
    },
)
def greedy(room: Room, rng: np.random.Generator) -> Parts:
    T, V = np.add(sizes(rng, 2), (6, 3))
    yield "the best token of each step, and their sum", room.call("greedy", log_softmax(2 * rng.normal(size=(T, V))))
    yield "of equals the smaller id", room.call("greedy", -rng.integers(1, 4, size=(T, V)) / 4)
    yield "one step", room.call("greedy", log_softmax(rng.normal(size=(1, V + 8))))


# 02.2 The log probability of a sequence


def log_probability_by_loop(tokens: np.ndarray, start: np.ndarray, table: np.ndarray) -> float:
    steps = [start[tokens[0]], *(table[before, token] for before, token in pairwise(tokens))]
    return -np.inf if 0 in steps else float(np.log(steps).sum())


def sequence_with(read: Callable) -> Callable:
    """read(the probabilities of all steps (L,))."""

    def log_probability(tokens, start, table):
        return float(read(np.append(start[tokens[0]], table[tokens[:-1], tokens[1:]])))

    return log_probability


@task(
    "02.2",
    oracle={"log_probability": log_probability_by_loop},
    mistakes={
        "the table transposed": mistake(
            "Row i of the table holds what follows token i. Look at the order of your two indices.",
            log_probability=lambda tokens, start, table: log_probability_by_loop(tokens, start, table.T),
        ),
        "the first token free": mistake(
            "The first token has a probability too. Look at what start is for.",
            log_probability=sequence_with(lambda p: np.log(p[1:]).sum()),
        ),
        "start at every step": mistake(
            "Change the table: your answer stays the same. Look at what the second token depends on.",
            log_probability=lambda tokens, start, table: float(np.log(start[tokens]).sum()),
        ),
        "the last step left out": mistake(
            "Change the last token: your answer stays the same. Look at where your loop ends.",
            log_probability=lambda tokens, *model: log_probability_by_loop(tokens[: max(1, len(tokens) - 1)], *model),
        ),
        "the first token after the last one": mistake(
            "Index -1 is the last token. Look at what your loop reads before the first one.",
            log_probability=lambda tokens, start, table: float(np.log(table[np.roll(tokens, 1), tokens]).sum()),
        ),
        "the product before the logarithm": mistake(
            "Look at the product of a thousand probabilities: no floating-point number is that small.",
            log_probability=sequence_with(lambda p: np.log(np.prod(p))),
        ),
        "the probability": mistake(
            "The logarithm is asked for. Look at what you return.",
            log_probability=sequence_with(np.prod),
        ),
        "probabilities added up": mistake(
            "Take the logarithm of each step, then add. Look at the order.",
            log_probability=sequence_with(lambda p: np.log(p.sum())),
        ),
        "bits": mistake(
            "The natural logarithm is asked for. Look at the base of yours.",
            log_probability=sequence_with(lambda p: np.log2(p).sum()),
        ),
        "the mean per token": mistake(
            "Every further token makes a sequence less probable. Look at what you divide by.",
            log_probability=sequence_with(lambda p: np.log(p).mean()),
        ),
        "the sign turned round": mistake(
            "The logarithm of a probability is at most 0. Look at your sign.",
            log_probability=sequence_with(lambda p: -np.log(p).sum()),
        ),
        "the impossible made possible": mistake(
            "What cannot happen has the log probability of minus infinity. Look at what keeps yours finite.",
            sign=finite_where_impossible,
        ),
    },
)
def log_probability(room: Room, rng: np.random.Generator) -> Parts:
    V, L = np.add(sizes(rng, 2), 3)
    start, table = rng.dirichlet(np.ones(V)), rng.dirichlet(np.ones(V), V)
    tokens = rng.permutation(V)[[0, 1, *rng.integers(V, size=L), 2]]
    yield "the sum of the logarithms", room.call("log_probability", tokens, start, table)
    yield "one token", room.call("log_probability", tokens[:1], start, table)
    yield "a thousand tokens", room.call("log_probability", rng.integers(V, size=1000), start, table)
    barred = table * (np.arange(V) != tokens[1]) / (1 - table[:, tokens[1], None])
    yield "an impossible step", room.call("log_probability", tokens, start, barred)
    yield "an impossible first token", room.call("log_probability", tokens[:1], np.roll(np.eye(V)[tokens[0]], 1), table)


# 02.3 Temperature


def tempered_by_definition(logits: Tensor, temperature: float) -> Tensor:
    return (logits.double() / temperature).softmax(-1).float()


@task(
    "02.3",
    oracle={"tempered": tempered_by_definition},
    may_use=("torch",),
    mistakes={
        "multiplied by the temperature": mistake(
            "A low temperature makes the best token more probable. Look at which way yours goes.",
            tempered=lambda logits, temperature: tempered_by_definition(logits, 1 / temperature),
        ),
        "the temperature without effect": mistake(
            "Change the temperature: your answer stays the same. Look at where it enters, and at what cancels it.",
            tempered=lambda logits, temperature: tempered_by_definition(logits, 1.0),
        ),
        "probabilities divided": mistake(
            "Look at the sum of your rows. The temperature belongs before softmax.",
            tempered=lambda logits, temperature: logits.softmax(-1) / temperature,
        ),
        "softmax twice": mistake(
            "The logits are divided, not their probabilities. Count how often you take softmax.",
            tempered=lambda logits, temperature: (logits.softmax(-1) / temperature).softmax(-1),
        ),
        "softmax over the batch": mistake(
            "Each row is a distribution of its own. Look at the axis of your softmax.",
            tempered=lambda logits, temperature: (logits / temperature).softmax(0),
        ),
        "one distribution for the whole batch": mistake(
            "Each row sums to 1. Look at how many numbers enter your sum.",
            tempered=lambda logits, temperature: (logits / temperature).flatten().softmax(0).view_as(logits),
        ),
        "logits in place of probabilities": mistake(
            "Probabilities are asked for. Look at what is left to do after the division.",
            tempered=lambda logits, temperature: logits / temperature,
        ),
        "log probabilities": mistake(
            "Probabilities are asked for, not their logarithms.",
            tempered=lambda logits, temperature: (logits / temperature).log_softmax(-1),
        ),
        "powers of probabilities that do not sum to 1": mistake(
            "A power of a probability is a good beginning. Look at the sum of your rows.",
            tempered=lambda logits, temperature: logits.softmax(-1) ** (1 / temperature),
        ),
        "overflow": mistake(
            "Look at what exp does to a large number. A row's softmax does not change when all its logits move together.",
            sign=not_finite,
        ),
    },
)
def tempered(room: Room, rng: np.random.Generator) -> Parts:
    B, V = sizes(rng, 2)
    yield "colder: sharper", room.call("tempered", 2 * normal(rng, B, V), float(rng.uniform(0.3, 0.7)))
    yield "warmer: flatter", room.call("tempered", 2 * normal(rng, B, V), float(rng.uniform(1.5, 3)))
    yield "large logits at a low temperature", room.call("tempered", 20 + 3 * normal(rng, B, V), 0.1)
    yield "a batch of one, and wider", room.call("tempered", normal(rng, 1, V + 8), float(rng.uniform(1.5, 3)))


# 02.4 Top-k


def top_k_by_loop(logits: np.ndarray, k: int) -> np.ndarray:
    kept = np.full_like(logits, -np.inf)
    for b, row in enumerate(logits):
        for v in sorted(range(len(row)), key=lambda v: (-row[v], v))[:k]:
            kept[b, v] = row[v]
    return kept


def top_k_with(keep: Callable, other: float = -np.inf) -> Callable:
    """keep(logits (B, V), k) is true where a logit stays; the others become `other`."""
    return lambda logits, k: np.where(keep(logits, k), logits, other)


def largest(logits: np.ndarray, k: int) -> np.ndarray:
    return np.isfinite(top_k_by_loop(logits, k))


@task(
    "02.4",
    oracle={"keep_top_k": top_k_by_loop},
    mistakes={
        "0 in place of minus infinity": mistake(
            "A logit of 0 is no small one. Look at the probability that your other tokens get.",
            keep_top_k=top_k_with(largest, 0.0),
        ),
        "a large negative number": mistake(
            "What is ruled out has a logit of minus infinity. Look at the number that you put in its place.",
            sign=large_for_infinite,
        ),
        "all that equal the last one kept": mistake(
            "Count what is left in a row where the k-th and the next logit are equal.",
            keep_top_k=top_k_with(lambda x, k: x >= np.sort(x)[:, [-k]]),
        ),
        "ties to the larger ids": mistake(
            "Where two logits are equal, look at which of them stays.",
            keep_top_k=lambda logits, k: top_k_by_loop(logits[:, ::-1], k)[:, ::-1],
        ),
        "the k smallest kept": mistake(
            "Look at which end of the sorted row you keep.",
            keep_top_k=top_k_with(lambda x, k: largest(-x, k)),
        ),
        "the largest in size": mistake(
            "A very negative logit belongs to an improbable token. Look at how you compare.",
            keep_top_k=top_k_with(lambda x, k: largest(np.abs(x), k)),
        ),
        "k of the whole batch": mistake(
            "Each row keeps k. Count what is left in each of yours.",
            keep_top_k=top_k_with(lambda x, k: largest(x.reshape(1, -1), k).reshape(x.shape)),
        ),
        "k of each column": mistake(
            "The tokens of one row compete with each other. Look at the axis along which you sort.",
            keep_top_k=top_k_with(lambda x, k: largest(x.T, k).T),
        ),
        "one too few": mistake(
            "Count what is left in each row. Does the k-th largest stay?",
            keep_top_k=top_k_with(lambda x, k: largest(x, k - 1)),
        ),
        "one too many": mistake(
            "Count what is left in each row. Does one more than k stay?",
            keep_top_k=top_k_with(lambda x, k: largest(x, k + 1)),
        ),
        "the first k ids": mistake(
            "You keep the same columns in every row. Look at where the best logits stand before you sort.",
            keep_top_k=top_k_with(lambda x, k: np.broadcast_to(np.arange(x.shape[1]) < k, x.shape)),
        ),
        "the kept logits changed": mistake(
            "What stays, stays as it is. Look at whether you normalise.",
            keep_top_k=lambda logits, k: log_softmax(top_k_by_loop(logits, k)),
        ),
    },
)
def keep_top_k(room: Room, rng: np.random.Generator) -> Parts:
    B, V = np.add(sizes(rng, 2), (3, 5))
    k = int(rng.integers(3, 5))
    yield "the k largest of each row stay", room.call("keep_top_k", 2 * rng.normal(size=(B, V)), k)
    tied = np.array([rng.permutation(np.repeat([3.0, 1.0, -2.0], [k - 1, V - k, 1])) for _ in range(B)])
    yield "of equals the smaller ids", room.call("keep_top_k", tied, k)
    yield "one stays", room.call("keep_top_k", rng.normal(size=(B, V)), 1)
    yield "all stay", room.call("keep_top_k", rng.normal(size=(B, V)), int(V))
    yield "a batch of one, and wider", room.call("keep_top_k", rng.normal(size=(1, V + 8)), k)


# 02.5 Hypotheses of different lengths


def rank_by_loop(sequences: np.ndarray, scores: np.ndarray, eos: int, penalty: float) -> tuple[np.ndarray, np.ndarray]:
    lengths = [[*row, eos].index(eos) + 1 if eos in row else len(row) for row in sequences.tolist()]
    values = np.array([score / length**penalty for score, length in zip(scores, lengths)])
    order = sorted(range(len(values)), key=lambda n: (-values[n], n))
    return np.array(order), values[order]


def rank_with(
    lengths: Callable, value: Callable = lambda s, n, penalty: s / n**penalty, order: Callable | None = None
) -> Callable:
    """Other lengths(sequences, eos), another value(scores, lengths, penalty), or another order(values)."""

    def rank(sequences, scores, eos, penalty):
        values = value(scores, lengths(sequences, eos), penalty)
        best = (order or best_first)(values)
        return best, values[best]

    return rank


def best_first(values: np.ndarray) -> np.ndarray:
    return np.argsort(-values, kind="stable")


def true_lengths(sequences: np.ndarray, eos: int) -> np.ndarray:
    ends = sequences == eos
    return np.where(ends.any(1), ends.argmax(1) + 1, sequences.shape[1])


@task(
    "02.5",
    oracle={"rank": rank_by_loop},
    mistakes={
        "multiplied by the power": mistake(
            "A larger penalty is to help the long ones. Look at the side of the fraction where the power stands.",
            rank=rank_with(true_lengths, lambda s, n, penalty: s * n**penalty),
        ),
        "no normalisation": mistake(
            "Change the penalty: your answer stays the same.",
            rank=rank_with(true_lengths, lambda s, n, penalty: s),
        ),
        "the penalty as a factor": mistake(
            "The penalty is an exponent. Look at what penalty 0 makes of your formula.",
            rank=rank_with(true_lengths, lambda s, n, penalty: s / (n * penalty)),
        ),
        "divided by the length, whatever the penalty": mistake(
            "Look at what the penalty does in your formula: penalty 0 leaves the scores as they are.",
            rank=rank_with(true_lengths, lambda s, n, penalty: s / n),
        ),
        "padding counted": mistake(
            "All your hypotheses are equally long. Look at what follows the first end token.",
            rank=rank_with(lambda sequences, eos: np.full(len(sequences), sequences.shape[1])),
        ),
        "the end token not counted": mistake(
            "The end token had to be predicted too. Look at the length of a hypothesis that is only an end token.",
            rank=rank_with(lambda sequences, eos: (sequences != eos).sum(1)),
        ),
        "one token more for a row that never ends": mistake(
            "Look at the length of a row that holds no end token.",
            rank=rank_with(lambda sequences, eos: (sequences != eos).sum(1) + 1),
        ),
        "one token for a row that never ends": mistake(
            "Look at what argmax gives for a row in which nothing is true.",
            rank=rank_with(lambda sequences, eos: (sequences == eos).argmax(1) + 1),
        ),
        "the worst first": mistake(
            "Scores are negative, and the best is nearest to 0. Look at the direction in which you sort.",
            rank=rank_with(true_lengths, order=lambda values: np.argsort(values, kind="stable")),
        ),
        "ties turned round": mistake(
            "Where two are equal, the earlier row comes first. Look at what turning the order round does to them.",
            rank=rank_with(true_lengths, order=lambda values: np.argsort(values, kind="stable")[::-1]),
        ),
        "values not in order": mistake(
            "The first value belongs to the first row in your order. Look at how the two are lined up.",
            rank=lambda sequences, scores, eos, penalty: (
                rank_by_loop(sequences, scores, eos, penalty)[0],
                scores / true_lengths(sequences, eos) ** penalty,
            ),
        ),
        "places in place of rows": mistake(
            "Entry 0 of the order is the best row's number, not row 0's place. Count your argsorts.",
            rank=lambda *args: (np.argsort(rank_by_loop(*args)[0]), rank_by_loop(*args)[1]),
        ),
        "scores in place of values": mistake(
            "The order is right. Look at the numbers beside it: are they divided?",
            rank=lambda sequences, scores, *rest: (
                rank_by_loop(sequences, scores, *rest)[0],
                scores[rank_by_loop(sequences, scores, *rest)[0]],
            ),
        ),
    },
)
def rank(room: Room, rng: np.random.Generator) -> Parts:
    N, L, V = np.add(sizes(rng, 3), (16, 6, 5))
    eos = int(rng.integers(1, V - 1))

    def case() -> tuple[np.ndarray, np.ndarray]:
        """Sequences (N, L) of all lengths, one of them of one token and one that never ends, and those lengths."""
        lengths = rng.permutation([1, 2, 3, L - 1, L, *rng.integers(1, L, size=N - 6)])
        sequences = (eos + rng.integers(1, V, size=(N - 1, L))) % V
        sequences[np.arange(L) >= lengths[:, None] - 1] = eos
        endless = (eos + rng.integers(1, V, size=L)) % V
        at = int(rng.integers(2, N - 2))
        return np.insert(sequences, at, endless, axis=0), np.insert(lengths, at, L)

    sequences, lengths = case()
    scores = -rng.uniform(0.5, 1.5, size=N) * lengths**0.8
    yield "the best first, each with its value", room.call("rank", sequences, scores, eos, float(rng.uniform(0.5, 0.9)))
    yield "penalty 1: the mean per token", room.call("rank", sequences, scores, eos, 1.0)
    yield "penalty 0: the scores as they are", room.call("rank", sequences, scores, eos, 0.0)
    sequences, lengths = case()
    yield "of equals the earlier first", room.call("rank", sequences, -rng.choice([0.5, 1.0], size=N) * lengths, eos, 1.0)
    yield "a single one", room.call("rank", sequences[:1], scores[:1], eos, 1.0)


# 02.6 The nucleus


def reaching(probabilities: Tensor, p: float) -> int:
    """How many of the probabilities, added up from the left, it takes to reach p."""
    return 1 + int((probabilities.cumsum(0) < p).sum())


def nucleus_with(
    count: Callable = reaching,
    order: Callable = lambda row: row.argsort(descending=True, stable=True),
    other: float = -torch.inf,
) -> Callable:
    """Each row keeps, of its ids in order(row), the first count(their probabilities, p); the others become `other`."""

    def keep_nucleus(logits, p):
        kept = torch.full_like(logits, other)
        for b, row in enumerate(logits):
            ids = order(row)
            ids = ids[: count(row.double().softmax(0)[ids], p)]
            kept[b, ids] = row[ids]
        return kept

    return keep_nucleus


def logits_added(logits: Tensor, p: float) -> Tensor:
    values, order = logits.sort(dim=-1, descending=True, stable=True)
    return logits.masked_fill((values.cumsum(-1) - values >= p).gather(-1, order.argsort(-1)), -torch.inf)


def nucleus_by_loop(logits: Tensor, p: float) -> Tensor:
    kept = torch.full_like(logits, -torch.inf)
    for b, row in enumerate(logits):
        reached, probabilities = 0.0, row.double().softmax(0).tolist()
        for v in sorted(range(len(row)), key=lambda v: (-probabilities[v], v)):
            if reached < p:
                kept[b, v] = row[v]
                reached += probabilities[v]
    return kept


@task(
    "02.6",
    oracle={"keep_nucleus": nucleus_by_loop},
    may_use=("torch",),
    mistakes={
        "the token that reaches p left out": mistake(
            "Add up the probabilities that stay: the sum is to be at least p. Look at the token that crosses it.",
            keep_nucleus=nucleus_with(lambda probabilities, p: reaching(probabilities, p) - 1),
        ),
        "one token too many": mistake(
            "Leave out your last token: the sum still reaches p. Look at how far you shift.",
            keep_nucleus=nucleus_with(lambda probabilities, p: reaching(probabilities, p) + 1),
        ),
        "in the order of the ids": mistake(
            "The most probable come first. Look at the order in which you add up.",
            keep_nucleus=nucleus_with(order=lambda row: torch.arange(len(row))),
        ),
        "the mask not put back": mistake(
            "Your mask belongs to the sorted row. Look at which logit meets which entry of it.",
            keep_nucleus=lambda logits, p: logits.masked_fill(
                nucleus_by_loop(logits, p).sort(-1, descending=True).values.isinf(), -torch.inf
            ),
        ),
        "the answer in sorted order": mistake(
            "Column v of the answer belongs to token v. Look at the order of your columns.",
            keep_nucleus=lambda logits, p: nucleus_by_loop(logits, p).sort(-1, descending=True).values,
        ),
        "the least probable first": mistake(
            "Look at the direction of your sort.",
            keep_nucleus=nucleus_with(order=lambda row: row.argsort(stable=True)),
        ),
        "p as a threshold for each token": mistake(
            "p is reached by a sum, not by a single token. Look at what you compare with it.",
            keep_nucleus=nucleus_with(lambda probabilities, p: int((probabilities >= p).sum())),
        ),
        "logits added up": mistake(
            "p is a probability. Look at what you add up.",
            keep_nucleus=logits_added,
        ),
        "0 in place of minus infinity": mistake(
            "A logit of 0 is no small one. Look at the probability that your other tokens get.",
            keep_nucleus=nucleus_with(other=0.0),
        ),
        "a large negative number": mistake(
            "What is ruled out has a logit of minus infinity. Look at the number that you put in its place.",
            sign=large_for_infinite,
        ),
        "the first row's size for every row": mistake(
            "A sure row keeps few tokens, an unsure one many. Look at whether each row has a number of its own.",
            keep_nucleus=lambda logits, p: torch.from_numpy(
                top_k_by_loop(logits.numpy(), int(nucleus_by_loop(logits[:1], p).isfinite().sum()))
            ),
        ),
        "probabilities in place of logits": mistake(
            "What stays, stays as it is: a logit. Look at what you return.",
            keep_nucleus=lambda logits, p: nucleus_by_loop(logits, p).softmax(-1),
        ),
        "ties to the larger ids": mistake(
            "Where two logits are equal, look at which of them stays.",
            keep_nucleus=lambda logits, p: nucleus_by_loop(logits.flip(-1), p).flip(-1),
        ),
    },
)
def keep_nucleus(room: Room, rng: np.random.Generator) -> Parts:
    B, V = np.add(sizes(rng, 2), (1, 6)).tolist()
    p = float(rng.uniform(0.7, 0.85))
    rows = 2 * normal(rng, 500, V)
    sums = rows.softmax(-1).sort(descending=True).values.cumsum(-1)
    size = 1 + (sums < p).sum(-1)
    clear = ((sums - p).abs() > 1e-3).all(-1) & (size < V - 1)  # no rounding decides
    logits = torch.cat([rows[clear & (size == 2)][:1], rows[clear & (size > 2)][: B - 1]])
    tied = torch.stack([torch.tensor([2.0, *(V - 1) * [0.0]])[torch.from_numpy(rng.permutation(V))] for _ in range(B)])
    half = (np.exp(2) + V / 2 - 0.75) / (np.exp(2) + V - 1)
    yield "the smallest set that reaches p", room.call("keep_nucleus", logits, p)
    yield "of equals the smaller ids", room.call("keep_nucleus", tied, float(half))
    yield "a small p: the best token stays", room.call("keep_nucleus", logits, 0.5 / V)
    yield "a batch of one", room.call("keep_nucleus", logits[:1], p)


# 02.7 One step of beam search


def expand_by_sorting(scores: Tensor, log_p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    every = [(parent, token, scores[parent] + log_p[parent, token]) for parent, token in np.ndindex(*log_p.shape)]
    parents, tokens, best = zip(*sorted(every, key=lambda continuation: -continuation[2])[: len(scores)])
    return torch.tensor(parents), torch.tensor(tokens), torch.stack(best)


def expand_with(
    total: Callable = lambda scores, log_p: scores[:, None] + log_p,
    read: Callable = lambda place, k, V: (place // V, place % V),
    order: Callable = lambda flat: flat.argsort(descending=True, stable=True),
) -> Callable:
    """The k best places of total(scores, log_p) (k, V) in order(flat), each read as (parent, token)."""

    def expand(scores, log_p):
        flat = total(scores, log_p).flatten()
        place = order(flat)[: len(scores)]
        return *read(place, *log_p.shape), flat[place]

    return expand


def one_each(scores: Tensor, log_p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    token = log_p.argmax(-1)
    return torch.arange(len(scores)), token, scores + log_p.max(-1).values


def one_each_sorted(scores: Tensor, log_p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    order = one_each(scores, log_p)[2].argsort(descending=True, stable=True)
    return tuple(part[order] for part in one_each(scores, log_p))


def smaller_token_first(scores: Tensor, log_p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    flat = (scores[:, None] + log_p).T.flatten()
    place = flat.argsort(descending=True, stable=True)[: len(scores)]
    return place % len(scores), place // len(scores), flat[place]


@task(
    "02.7",
    oracle={"expand": expand_by_sorting},
    may_use=("torch",),
    mistakes={
        "one continuation for each hypothesis": mistake(
            "The best two may come from one hypothesis. Look at which continuations compete with each other.",
            expand=one_each,
        ),
        "one continuation for each hypothesis, sorted": mistake(
            "You sort the right things too late. Look at how many continuations enter your sort.",
            expand=one_each_sorted,
        ),
        "probabilities added": mistake(
            "Scores are logarithms, and so is what is added to them. Look at exp.",
            expand=expand_with(lambda scores, log_p: scores[:, None] + log_p.exp()),
        ),
        "log probabilities multiplied": mistake(
            "A product of probabilities is a sum of logarithms. Look at how score and step come together.",
            expand=expand_with(lambda scores, log_p: scores[:, None] * log_p),
        ),
        "the old scores left out": mistake(
            "Change the scores: your answer stays the same.",
            expand=expand_with(lambda scores, log_p: log_p),
        ),
        "the last step's log probabilities returned": mistake(
            "You choose well. Look at the numbers that you return: the score of a whole hypothesis is asked for.",
            expand=lambda scores, log_p: ((found := expand_by_sorting(scores, log_p))[0], found[1], log_p[found[0], found[1]]),
        ),
        "the worst": mistake(
            "Log probabilities are negative, and the best are nearest to 0. Look at which end you take.",
            expand=expand_with(order=lambda flat: flat.argsort(stable=True)),
        ),
        "the worst of the best first": mistake(
            "The best continuation comes first. Look at the order of your answer.",
            expand=lambda scores, log_p: tuple(part.flip(0) for part in expand_by_sorting(scores, log_p)),
        ),
        "parent and token exchanged": mistake(
            "A row of the table belongs to a hypothesis. Look at what // and % give.",
            expand=expand_with(read=lambda place, k, V: (place % V, place // V)),
        ),
        "k in place of V": mistake(
            "A place in the flattened table counts whole rows of V tokens. Look at the number that you divide by.",
            expand=expand_with(read=lambda place, k, V: (place // k, place % k)),
        ),
        "places in place of tokens": mistake(
            "A token is a column, from 0 to V - 1. Look at what is left of a place in the flattened table.",
            expand=expand_with(read=lambda place, k, V: (place // V, place)),
        ),
        "ties to the smaller token first": mistake(
            "Of equals, first the hypothesis decides, then the token. Look at the order in which you flatten.",
            expand=smaller_token_first,
        ),
        "ties to the later": mistake(
            "Of equals the earlier comes first. Look at what turning an order round does to ties.",
            expand=expand_with(order=lambda flat: flat.argsort(stable=True).flip(0)),
        ),
        "each token once": mistake(
            "Two hypotheses may go on with the same token. Look at what you rule out.",
            expand=lambda scores, log_p: expand_by_sorting(
                scores, log_p.masked_fill((scores[:, None] + log_p).argsort(0, descending=True).argsort(0) > 0, -torch.inf)
            ),
        ),
    },
)
def expand(room: Room, rng: np.random.Generator) -> Parts:
    k, V = np.add(sizes(rng, 2), (2, 9)).tolist()
    scores, log_p = -4 * torch.from_numpy(rng.random(k)).float(), normal(rng, k, V).log_softmax(-1)
    repeated = int(rng.integers(V))
    scores[-1] = -0.5  # the last hypothesis is good enough for two places, and its best token is good elsewhere too
    log_p[-1] = -6 - log_p[-1].abs()
    log_p[-1, (repeated + 1) % V], log_p[-1, repeated] = -0.7, -0.9
    scores[0], log_p[0, repeated] = -1.0, -0.6
    yield "the best of all continuations", room.call("expand", scores, log_p)
    alone = torch.tensor([0.0, *(k - 1) * [-torch.inf]])
    yield "the first step: one hypothesis, the others impossible", room.call("expand", alone, normal(rng, k, V).log_softmax(-1))
    coarse = -torch.from_numpy(rng.integers(1, 3, size=(k, V))).float()
    yield "of equals the earlier hypothesis, then the smaller token", room.call("expand", torch.zeros(k), coarse)
    few = torch.tensor([0.0, -1.0, *7 * [-torch.inf]])  # 8 possible continuations for 9 places
    yield "more hypotheses than possible continuations", room.call("expand", few, normal(rng, 9, 4).log_softmax(-1))
    yield "a single hypothesis", room.call("expand", scores[:1], log_p[:1])


# 02.8 Exhaustive search


def gap_by_torch(start: np.ndarray, table: np.ndarray, length: int) -> tuple[list[int], float]:
    sequences = torch.cartesian_prod(*length * [torch.arange(len(start))]).view(-1, length)
    steps = [torch.from_numpy(start)[sequences[:, 0]], *torch.from_numpy(table)[sequences[:, :-1], sequences[:, 1:]].unbind(1)]
    total = torch.stack(steps, 1).log2().sum(1)  # (V**L,)
    greedy = (sequences == torch.tensor(first_come(start, table, length))).all(1)
    return sequences[total.argmax()].tolist(), float(total.max() - total[greedy][0])


def probability(tokens: list[int], start: np.ndarray, table: np.ndarray) -> float:
    tokens = list(tokens)
    return float(start[tokens[0]] * np.prod(table[tokens[:-1], tokens[1:]]))


def bits(tokens: list[int], start: np.ndarray, table: np.ndarray) -> float:
    return float(np.log2(probability(tokens, start, table)))


def first_come(start: np.ndarray, table: np.ndarray, length: int) -> list[int]:
    tokens = [int(start.argmax())]
    while len(tokens) < length:
        tokens.append(int(table[tokens[-1]].argmax()))
    return tokens


def gap_with(
    measure: Callable = np.subtract, greedy: Callable = first_come, among: Callable | None = None, choose: Callable = max
) -> Callable:
    """Another measure(bits of the best, bits of greedy), greedy search, or choice among(tokens, length)."""

    def gap_to_greedy(start, table, length):
        if among:
            best = choose(among(range(len(start)), length), key=lambda tokens: probability(tokens, start, table))
        else:
            best, _ = gap_by_torch(start, table, length)
        return list(best), float(measure(bits(best, start, table), bits(greedy(start, table, length), start, table)))

    return gap_to_greedy


@task(
    "02.8",
    oracle={"gap_to_greedy": gap_by_torch},
    mistakes={
        "nats": mistake(
            "The gap is asked for in bits. Look at the base of your logarithm.",
            gap_to_greedy=gap_with(lambda best, greedy: (best - greedy) * np.log(2)),
        ),
        "the gap turned round": mistake(
            "The best sequence is at least as probable as the greedy one. Look at what you subtract from what.",
            gap_to_greedy=gap_with(lambda best, greedy: greedy - best),
        ),
        "the ratio": mistake(
            "How many times as probable it is, is one logarithm away from the answer.",
            gap_to_greedy=gap_with(lambda best, greedy: 2 ** (best - greedy)),
        ),
        "the difference of probabilities": mistake(
            "Bits are a difference of logarithms. Look at what you subtract.",
            gap_to_greedy=gap_with(lambda best, greedy: 2**best - 2**greedy),
        ),
        "the gap per token": mistake(
            "The gap of the whole sequence is asked for. Look at what you divide by.",
            gap_to_greedy=lambda start, table, length: ((found := gap_by_torch(start, table, length))[0], found[1] / length),
        ),
        "the bits of the best alone": mistake(
            "A gap lies between two sequences. Look at where the greedy one enters.",
            gap_to_greedy=gap_with(lambda best, greedy: -best),
        ),
        "greedy taken for the best": mistake(
            "Your best sequence takes the best token at each step. Look at whether you compare whole sequences.",
            gap_to_greedy=lambda *args: (first_come(*args), 0.0),
        ),
        "the greedy sequence returned": mistake(
            "The gap is right. Look at which of your two sequences you return.",
            gap_to_greedy=lambda *args: (first_come(*args), gap_by_torch(*args)[1]),
        ),
        "no token twice": mistake(
            "A token may come more than once. Look at which sequences you try.",
            gap_to_greedy=gap_with(among=permutations),
        ),
        "no token after a larger one": mistake(
            "Order matters: 0, 1 and 1, 0 are two sequences. Look at which ones you try.",
            gap_to_greedy=gap_with(among=combinations_with_replacement),
        ),
        "greedy without a memory": mistake(
            "The greedy choice at a step depends on the token just chosen. Look at which row you take it from.",
            gap_to_greedy=gap_with(greedy=lambda start, table, length: length * [int(start.argmax())]),
        ),
        "the table transposed": mistake(
            "Row i of the table holds what follows token i. Look at the order of your two indices.",
            gap_to_greedy=lambda start, table, length: gap_by_torch(start, table.T, length),
        ),
        "the least probable": mistake(
            "Look at which end of your list of sequences you take.",
            gap_to_greedy=gap_with(among=lambda tokens, length: product(tokens, repeat=length), choose=min),
        ),
    },
)
def gap_to_greedy(room: Room, rng: np.random.Generator) -> Parts:
    def case(V: int, length: int) -> tuple[np.ndarray, np.ndarray]:
        """A model where greedy misses from the first token on, and no narrower set of sequences holds the best one."""

        def mixed(tokens: list[int]) -> bool:
            return tokens != sorted(tokens) and 2 < len(set(tokens)) < length

        while True:
            start, table = rng.dirichlet(np.ones(V)), rng.dirichlet(np.ones(V), V)
            found = first_come(start, table, length)
            if mixed(found) and found[0] > 0:
                best, gap = gap_by_torch(start, table, length)
                if mixed(best) and gap > 0.2 and best[0] != found[0] and V - 1 in best:
                    return start, table

    V, L = 5, 4
    start, table = case(V, L)
    yield "the best sequence, and what greedy loses", room.call("gap_to_greedy", start, table, L)
    yield "independent steps: nothing lost", room.call("gap_to_greedy", start, np.tile(start, (V, 1)), 3)
    barred = table * (rng.random((V, V)) < np.eye(V) + 0.6)
    yield "impossible steps", room.call("gap_to_greedy", start, barred / barred.sum(1, keepdims=True), L)
    flat = 2 * np.ones(V + 2)
    yield "more tokens", room.call("gap_to_greedy", rng.dirichlet(flat), rng.dirichlet(flat, V + 2), 3)
    yield "one token", room.call("gap_to_greedy", start, table, 1)


# 02.9 Beam search

Hypotheses = list[tuple[list[int], float]]


def beam_by_the_book(step: Callable, state: np.ndarray, token: int, length: int, beams: int, eos: int) -> Hypotheses:
    def rows(states: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        log_p, states = zip(*(step(row.numpy(), int(token)) for row, token in zip(states, tokens)))
        return torch.from_numpy(np.stack(log_p)), torch.from_numpy(np.stack(states))

    found = decoding.beam_search(rows, torch.from_numpy(state)[None], torch.tensor([token]), length, beams, eos)
    best = zip(found.sequences[0], found.lengths[0], found.scores[0])
    return [(tokens[:count].tolist(), float(score)) for tokens, count, score in best]


def beam_with(
    copies: bool = False,
    gain: Callable = lambda score, log_p: score + log_p,
    compete: Callable = chain.from_iterable,
    carry: Callable = lambda states, place, own: own,
    finish: Callable = lambda best, k, over, last: [h for h in best[:k] if over(h) or last],
    run: Callable = lambda best, k, over: [h for h in best if not over(h)][:k],
    enough: Callable = lambda finished, k: False,
    worth: Callable = lambda h: h[1],
) -> Callable:
    """Beam search with a part exchanged. A hypothesis is (tokens, score, state); `continued` holds a list for each parent."""

    def beam_search(step, state, token, length, beams, eos):
        running, finished = (beams if copies else 1) * [([token], 0.0, state)], []
        for t in range(1, length + 1):
            continued = []
            for tokens, score, state in running:
                log_p, after = step(state, tokens[-1])
                continued.append([([*tokens, v], gain(score, float(log_p[v])), after) for v in range(len(log_p))])
            states = [group[0][2] for group in continued]
            best = sorted(compete(continued), key=lambda h: -h[1])
            finished += finish(best, beams, lambda h: h[0][-1] == eos, t == length)
            kept = run(best, beams, lambda h: h[0][-1] == eos)
            running = [(tokens, score, carry(states, i, own)) for i, (tokens, score, own) in enumerate(kept)]
            if enough(finished, beams):
                break
        return [(tokens[1:], score) for tokens, score, _ in sorted(finished, key=worth, reverse=True)[:beams]]

    return beam_search


def each_its_best(continued: list[list]) -> list:
    first = len(continued) == 1 and len(continued[0][0][0]) == 2
    return continued[0] if first else [max(group, key=lambda h: h[1]) for group in continued]


@task(
    "02.9",
    oracle={"beam_search": beam_by_the_book},
    mistakes={
        "the state of another hypothesis": mistake(
            "After sorting, a hypothesis may stand in another place. Look at whose state it goes on with: its parent's.",
            beam_search=beam_with(carry=lambda states, place, own: states[min(place, len(states) - 1)]),
        ),
        "one state for all": mistake(
            "Each hypothesis has a state of its own. Look at which one is left after your inner loop.",
            beam_search=beam_with(carry=lambda states, place, own: states[-1]),
        ),
        "one continuation for each hypothesis": mistake(
            "The best two may come from one parent. Look at which continuations compete with each other.",
            beam_search=beam_with(compete=each_its_best),
        ),
        "finished hypotheses go on": mistake(
            "Nothing follows the end token. Look at what your finished hypotheses do at the next step.",
            beam_search=beam_with(
                finish=lambda best, k, over, last: best[:k] if last else [], run=lambda best, k, over: best[:k]
            ),
        ),
        "finished hypotheses take a place": mistake(
            "As many as before run on after one is finished. Count your running hypotheses.",
            beam_search=beam_with(run=lambda best, k, over: [h for h in best[:k] if not over(h)]),
        ),
        "finished hypotheses lost": mistake(
            "Look at what becomes of a hypothesis that ends early: it is in none of your answers.",
            beam_search=beam_with(finish=lambda best, k, over, last: best[:k] if last else []),
        ),
        "every end token finishes": mistake(
            "Only the best continuations of a step may finish. Look at which of them you keep.",
            beam_search=beam_with(
                finish=lambda best, k, over, last: [h for i, h in enumerate(best) if over(h) or (last and i < k)]
            ),
        ),
        "stopped too soon": mistake(
            "A running hypothesis can still beat a finished one. Look at when you stop.",
            beam_search=beam_with(enough=lambda finished, k: len(finished) >= k),
        ),
        "probabilities added": mistake(
            "Scores are logarithms, and so is what is added to them. Look at exp.",
            beam_search=beam_with(gain=lambda score, log_p: score + np.exp(log_p)),
        ),
        "the last step's log probability for a score": mistake(
            "A score is the sum over all steps. Look at what a continuation inherits from its parent.",
            beam_search=beam_with(gain=lambda score, log_p: log_p),
        ),
        "the start token many times over": mistake(
            "Your hypotheses are copies of each other. Look at how many there are before the first step.",
            beam_search=beam_with(copies=True),
        ),
        "ranked by the mean per token": mistake(
            "The sum decides here. Look at what you sort the finished ones by.",
            beam_search=beam_with(worth=lambda h: h[1] / (len(h[0]) - 1)),
        ),
        "the end token left off": mistake(
            "The end token was chosen too, and its log probability is in the score. Look at the end of your lists.",
            beam_search=lambda *args: [
                (tokens[: -1 if tokens[-1] == args[-1] else None], score) for tokens, score in beam_by_the_book(*args)
            ],
        ),
        "the start token in front": mistake(
            "Only new tokens are asked for. Look at the first one in each list.",
            beam_search=lambda *args: [([args[2], *tokens], score) for tokens, score in beam_by_the_book(*args)],
        ),
        "the worst first": mistake(
            "Log probabilities are negative, and the best are nearest to 0. Look at the direction of your last sort.",
            beam_search=beam_with(worth=lambda h: -h[1]),
        ),
    },
)
def beam_search(room: Room, rng: np.random.Generator) -> Parts:
    def recurrent(V: int, ending: float = 0.5) -> tuple[Callable, np.ndarray, int, int]:
        """A model whose state, H whole numbers below M, remembers every token: step, state, start token, end token."""
        H, M, eos = 3, 101, int(rng.integers(1, V))
        mix, shift, logits = rng.integers(1, M, size=(H, H)), rng.integers(1, M, size=H), 0.7 * rng.normal(size=(M, V))
        table = log_softmax(logits + ending * (np.arange(V) == eos))

        def step(state: np.ndarray, token: int) -> tuple[np.ndarray, np.ndarray]:
            state = (state @ mix + (int(token) + 1) * shift) % M
            return table[state.sum() % M], state

        return step, rng.integers(1, M, size=H), int(rng.integers(V)), eos

    def markov(rows: list[list[float]]) -> tuple[Callable, np.ndarray, int, int]:
        """A model of probabilities by the last token, near the rows given, where token 0 ends and 1 starts; then renamed."""
        names = rng.permutation(len(rows))
        table = np.zeros((len(rows), len(rows)))
        table[np.ix_(names, names)] = rows * rng.uniform(0.98, 1.02, size=table.shape)
        table = np.log(table / table.sum(1, keepdims=True))
        return lambda state, token: (table[int(token)], state + 1), np.zeros(1, dtype=int), int(names[1]), int(names[0])

    def search(model: tuple[Callable, np.ndarray, int, int], length: int, beams: int) -> object:
        step, state, token, eos = model
        return room.call("beam_search", step, state, token, length, beams, eos)

    even, ends = 6 * [1 / 6], [0.95, 0.01, 0.01, 0.01, 0.01, 0.01]
    yield "nothing ends before the last step", search(recurrent(8, ending=-30.0), 6, 4)
    yield "hypotheses that end", search(recurrent(9), 8, 5)
    yield "fewer and shorter ones", search(recurrent(7), 6, 3)
    to_third, third = [0.04, 0.02, 0.02, 0.88, 0.02, 0.02], [0.3, 0.01, 0.4, 0.02, 0.14, 0.13]
    yield "as many run on after one is finished", search(markov([even, third, even, ends, to_third, ends]), 3, 2)
    second = [0.3, 0.004, 0.5, 0.004, 0.18, 0.012]
    yield "one that runs on beats those that are finished", search(markov([even, second, to_third, ends, ends, even]), 3, 2)
    yield "one beam", search(recurrent(9), 8, 1)
    yield "one step", search(recurrent(9), 1, 3)
    yield "more beams than tokens", search(recurrent(4), 5, 6)
