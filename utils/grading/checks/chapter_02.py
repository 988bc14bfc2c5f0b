"""Checks of chapter 02, decoding. Axes: B rows, T steps, V tokens, k hypotheses, N finished hypotheses, L = length."""

from collections.abc import Callable, Iterator

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
    return bool(wanted == -np.inf and isinstance(got, (float, np.generic, Tensor)) and np.isfinite(got))


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
    steps = [start[tokens[0]], *(table[before, token] for before, token in zip(tokens[:-1], tokens[1:]))]
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
    tokens = rng.permutation(V)[[0, 1, *rng.integers(V, size=L)]]
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
    yield "large logits at a low temperature", room.call("tempered", 200 + 20 * normal(rng, B, V), 0.1)
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


def rank_with(lengths: Callable, value: Callable = lambda s, n, penalty: s / n**penalty, order: Callable | None = None) -> Callable:
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
    eos = int(rng.integers(V))

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


def nucleus_by_loop(logits: Tensor, p: float) -> Tensor:
    kept = torch.full_like(logits, -torch.inf)
    for b, row in enumerate(logits):
        reached, probabilities = 0.0, row.double().softmax(0).tolist()
        for v in sorted(range(len(row)), key=lambda v: (-probabilities[v], v)):
            if reached < p:
                kept[b, v] = row[v]
                reached += probabilities[v]
    return kept


def nucleus_with(keep: Callable, other: float = -torch.inf) -> Callable:
    """keep(probabilities (B, V), p) is true where a logit stays; the others become `other`."""
    return lambda logits, p: logits.masked_fill(~keep(logits.softmax(-1), p), other)


def sums_with(stay: Callable, descending: bool = True) -> Callable:
    """The mask stay(sums, probabilities, p), both in the order of probability, put back in the order of ids."""

    def keep(probabilities, p):
        values, order = probabilities.sort(dim=-1, descending=descending, stable=True)
        return torch.zeros_like(order, dtype=torch.bool).scatter(-1, order, stay(values.cumsum(-1), values, p))

    return keep


def in_nucleus(sums: Tensor, values: Tensor, p: float) -> Tensor:
    return sums - values < p


@task(
    "02.6",
    oracle={"keep_nucleus": nucleus_by_loop},
    mistakes={
        "the token that reaches p left out": mistake(
            "Add up the probabilities that stay: the sum is to be at least p. Look at the token that crosses it.",
            keep_nucleus=nucleus_with(sums_with(lambda sums, values, p: sums < p)),
        ),
        "one token too many": mistake(
            "Leave out your last token: the sum still reaches p. Look at how far you shift.",
            keep_nucleus=nucleus_with(sums_with(lambda sums, values, p: torch.roll(sums, 2, -1).index_fill(
                -1, torch.tensor([0, 1]), 0.0) < p)),
        ),
        "in the order of the ids": mistake(
            "The most probable come first. Look at the order in which you add up.",
            keep_nucleus=nucleus_with(lambda probabilities, p: probabilities.cumsum(-1) - probabilities < p),
        ),
        "the mask not put back": mistake(
            "Your mask belongs to the sorted row. Look at which logit meets which entry of it.",
            keep_nucleus=nucleus_with(
                lambda probabilities, p: in_nucleus(*(f(probabilities.sort(-1, descending=True).values) for f in (
                    lambda values: values.cumsum(-1), lambda values: values)), p)
            ),
        ),
        "the answer in sorted order": mistake(
            "Column v of the answer belongs to token v. Look at the order of your columns.",
            keep_nucleus=lambda logits, p: nucleus_by_loop(logits, p).sort(-1, descending=True).values,
        ),
        "the least probable first": mistake(
            "Look at the direction of your sort.",
            keep_nucleus=nucleus_with(sums_with(in_nucleus, descending=False)),
        ),
        "a threshold for each probability": mistake(
            "p is reached by a sum, not by a single token. Look at what you compare with it.",
            keep_nucleus=nucleus_with(lambda probabilities, p: probabilities >= p),
        ),
        "logits added up": mistake(
            "p is a probability. Look at what you add up.",
            keep_nucleus=lambda logits, p: logits.masked_fill(~sums_with(in_nucleus)(logits, p), -torch.inf),
        ),
        "0 in place of minus infinity": mistake(
            "A logit of 0 is no small one. Look at the probability that your other tokens get.",
            keep_nucleus=nucleus_with(sums_with(in_nucleus), 0.0),
        ),
        "a large negative number": mistake(
            "What is ruled out has a logit of minus infinity. Look at the number that you put in its place.",
            sign=large_for_infinite,
        ),
        "one size for all rows": mistake(
            "A sure row keeps few tokens, an unsure one many. Look at whether each row has its own number.",
            keep_nucleus=lambda logits, p: torch.where(
                decoding.stable_ranks(logits) < nucleus_by_loop(logits[:1], p).isfinite().sum(), logits, -torch.inf
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
    pass
