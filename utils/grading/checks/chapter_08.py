"""Checks of chapter 08, Bahdanau attention.

Axes: B sequences, Q queries, K keys with a value each, D width of a value, T steps or target words, S source words, E width of
a word's embedding, H of a decoder's state, A of an encoder's state, P of the layer that compares the two.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from utils.grading.rooms import Room
from utils.grading.task import mistake, not_finite, sizes, task
from utils.metrics import alignment_score

Parts = Iterator[tuple[str, object]]


def normal(rng: np.random.Generator, *shape: int) -> Tensor:
    """Normal numbers in PyTorch's default precision."""
    return torch.from_numpy(rng.normal(size=shape)).float()


def some(rng: np.random.Generator, *shape: int) -> Tensor:
    """Booleans at random, two or more true in each row and one or more false."""
    places = rng.permuted(np.broadcast_to(np.arange(shape[-1]), shape), axis=-1)
    return torch.from_numpy(places < rng.integers(2, shape[-1], size=(*shape[:-1], 1)))


def tensors(*values: object) -> bool:
    """Whether all of them are tensors."""
    return all(isinstance(value, Tensor) for value in values)


# 08.1 Softmax under a mask


def masked_by_loop(scores: Tensor, mask: Tensor) -> Tensor:
    weights = torch.zeros_like(scores)
    for b, q in np.ndindex(*scores.shape[:2]):
        seen = mask[b, q]
        weights[b, q, seen] = scores[b, q, seen].softmax(0)
    return weights


def nan_where_nothing_is_seen(got: object, wanted: object) -> bool:
    """A sign of softmax over no key at all: NaN in rows that are 0, and nowhere else."""
    if not tensors(got) or got.shape != wanted.shape:
        return False
    empty = (wanted == 0).all(-1, keepdim=True).expand_as(got)
    return bool(got[empty].isnan().any() and got[~empty].isfinite().all())


def lost_to_a_hidden_key(got: object, wanted: object) -> bool:
    """A sign of a softmax in which hidden keys took part: the only key to be seen does not get everything."""
    if not tensors(got) or got.shape != wanted.shape or not torch.equal(wanted, 1.0 * (wanted > 0.5)):
        return False
    return bool((wanted.sum(-1) == 1).all() and ~(got[wanted == 1] > 0.5).any())


@task(
    "08.1",
    oracle={"masked_softmax": masked_by_loop},
    may_use=("torch",),
    mistakes={
        "the mask after the softmax": mistake(
            "Add up each of your rows: a query that sees something weighs what it sees with 1 in all.",
            masked_softmax=lambda scores, mask: scores.softmax(-1) * mask,
        ),
        "the mask turned round": mistake(
            "True is a key that may be seen. Look at which keys get your weight.",
            masked_softmax=lambda scores, mask: masked_by_loop(scores, ~mask),
        ),
        "softmax over the queries": mistake(
            "Each query shares 1 among its keys. Look at the axis along which your weights add up to 1.",
            masked_softmax=lambda scores, mask: masked_by_loop(scores.mT, mask.mT).mT,
        ),
        "hidden scores set to 0": mistake(
            "Look at exp of the score that you give to a hidden key: it still weighs something.",
            masked_softmax=lambda scores, mask: (scores * mask).softmax(-1),
        ),
        "one distribution for all queries": mistake(
            "Each query has its own softmax. Look at how many numbers enter your sum.",
            masked_softmax=lambda scores, mask: masked_by_loop(scores.flatten(1)[:, None], mask.flatten(1)[:, None]).view_as(
                scores
            ),
        ),
        "the first query's mask for all": mistake(
            "Each query has a mask of its own. Look at which row of it you use.",
            masked_softmax=lambda scores, mask: masked_by_loop(scores, mask[:, :1].expand_as(mask)),
        ),
        "weights that add up to 1 down the batch": mistake(
            "The sequences of a batch know nothing of each other. Look at the axis of your softmax.",
            masked_softmax=lambda scores, mask: masked_by_loop(scores.movedim(0, -1), mask.movedim(0, -1)).movedim(-1, 0),
        ),
        "the hidden scores in the softmax": mistake(
            "Give a hidden key a score of 100: it is to change nothing. Look at what it does to your sum, or to your maximum.",
            sign=lost_to_a_hidden_key,
        ),
        "even weights where nothing is seen": mistake(
            "A query that may see nothing weighs nothing. Look at your weights in a row without any True.",
            masked_softmax=lambda scores, mask: scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(-1),
        ),
        "a gradient that is not a number": mistake(
            "Your weights are right. Look at what comes back through the softmax of a row of nothing but minus infinity.",
            masked_softmax=lambda scores, mask: (scores + torch.where(mask, 0.0, -torch.inf)).softmax(-1).nan_to_num(0.0),
        ),
        "NaN where nothing is seen": mistake(
            "Look at the softmax of a row of nothing but minus infinity, or at 0 divided by 0.",
            sign=nan_where_nothing_is_seen,
        ),
        "overflow": mistake(
            "Look at what exp does to a large number. A row's softmax does not change when all its scores move together.",
            sign=not_finite,
        ),
    },
)
def masked_softmax(room: Room, rng: np.random.Generator) -> Parts:
    B, Q, K = np.add(sizes(rng, 3), 2)
    scores, mask = 2 * normal(rng, B, Q, K), some(rng, B, Q, K)
    yield "the softmax of what each query may see", room.call("masked_softmax", scores, mask)
    alone = F.one_hot(torch.from_numpy(rng.integers(K, size=(B, Q))), int(K)).bool()
    yield "one key to see, whatever the others score", room.call("masked_softmax", torch.where(alone, -17.0, 88.0), alone)
    empty = mask & (torch.arange(Q) != int(rng.integers(Q)))[:, None]
    yield "a query that may see nothing", room.call("masked_softmax", scores, empty)
    far = 500.0 * (-1) ** torch.arange(Q)[:, None]  # above and below what exp can bear
    yield "large scores", room.call("masked_softmax", far + 50 * normal(rng, B, Q, K), mask)
    slope = room.grad("masked_softmax", (scores, empty), 0, normal(rng, B, Q, K))
    yield "the gradient, finite everywhere", slope
    yield "all may be seen", room.call("masked_softmax", scores, torch.ones_like(mask))
    yield "a batch of one", room.call("masked_softmax", scores[:1], mask[:1])


# 08.2 Additive scores


def additive_by_einsum(query: Tensor, key: Tensor, W: Tensor, U: Tensor, v: Tensor) -> Tensor:
    pairs = [[F.linear(q, W.mT) + F.linear(k, U.mT) for k in key.unbind(1)] for q in query.unbind(1)]  # (B, P) each
    return torch.stack([torch.stack([torch.einsum("bp,p->b", pair.tanh(), v) for pair in row], -1) for row in pairs], 1)


def additive_with(hidden: Callable, score: Callable = lambda hidden, v: hidden @ v) -> Callable:
    """score(hidden(query W (B, Q, 1, P), key U (B, 1, K, P)), v)."""
    return lambda query, key, W, U, v: score(hidden((query @ W)[:, :, None], (key @ U)[:, None]), v)


@task(
    "08.2",
    oracle={"additive_scores": additive_by_einsum},
    may_use=("torch",),
    mistakes={
        "tanh of the score": mistake(
            "Your scores all lie between -1 and 1. Look at what tanh is applied to.",
            additive_scores=additive_with(torch.add, lambda hidden, v: (hidden @ v).tanh()),
        ),
        "tanh after the product with v": mistake(
            "tanh squeezes the hidden units, and v weighs what comes out. Look at the order of the two.",
            additive_scores=additive_with(torch.add, lambda hidden, v: (hidden * v).tanh().sum(-1)),
        ),
        "no tanh": mistake(
            "Change a query: its scores all move alike. Look at what lets a query prefer one key to another.",
            additive_scores=additive_with(torch.add),
        ),
        "tanh of each alone": mistake(
            "Query and key meet inside tanh. Look at what you add up, and when.",
            additive_scores=additive_with(lambda q, k: q.tanh() + k.tanh()),
        ),
        "W and U exchanged": mistake(
            "Look at which matrix belongs to the query, and which to the key.",
            additive_scores=lambda query, key, W, U, v: additive_by_einsum(query, key, U, W, v),
        ),
        "the key left out": mistake(
            "Each of your queries gives the same score to every key. Look at where the key enters.",
            additive_scores=additive_with(lambda q, k: (q + 0 * k).tanh()),
        ),
        "the query left out": mistake(
            "All your queries give the same scores. Look at where the query enters.",
            additive_scores=additive_with(lambda q, k: (0 * q + k).tanh()),
        ),
        "all keys at once": mistake(
            "Change one key: all your scores change. Look at what you add up before tanh.",
            additive_scores=additive_with(lambda q, k: (q + k.sum(2, keepdim=True) + 0 * k).tanh()),
        ),
        "multiplied": mistake(
            "The two meet in a sum. Look at what you do with them.",
            additive_scores=additive_with(lambda q, k: (q * k).tanh()),
        ),
        "v left out": mistake(
            "The hidden units do not count alike. Look at what v is for.",
            additive_scores=additive_with(lambda q, k: (q + k).tanh(), lambda hidden, v: hidden.sum(-1)),
        ),
        "keys before queries": mistake(
            "Row i of the scores belongs to query i. Look at the order of your axes.",
            additive_scores=lambda *args: additive_by_einsum(*args).mT,
        ),
        "weights in place of scores": mistake(
            "Scores are asked for, as they come. Look at your last step.",
            additive_scores=lambda *args: additive_by_einsum(*args).softmax(-1),
        ),
    },
)
def additive_scores(room: Room, rng: np.random.Generator) -> Parts:
    B, Q, K, P, D, E = sizes(rng, 6)
    W, U, v = normal(rng, D, P), normal(rng, D, P), normal(rng, P)
    yield (
        "queries and keys of one width",
        room.call("additive_scores", normal(rng, B, Q, D), normal(rng, B, K, D), W, U, v),
    )
    query, key, U = normal(rng, B, Q, D), normal(rng, B, K, E), normal(rng, E, P)
    yield "of two widths", room.call("additive_scores", query, key, W, U, v)
    yield "large numbers", room.call("additive_scores", 100 * query, 100 * key, W, U, v)
    yield "one query", room.call("additive_scores", query[:, :1], key, W, U, v)
    yield "a batch of one", room.call("additive_scores", query[:1], key[:1], W, U, v)


# 08.3 The context


def context_by_torch(scores: Tensor, values: Tensor) -> Tensor:
    """PyTorch's attention with the scores for queries and the unit vectors for keys: their products are the scores."""
    units = torch.eye(scores.shape[-1]).expand(len(scores), -1, -1)
    return F.scaled_dot_product_attention(scores, units, values, scale=1.0)


def context_with(weights: Callable, read: Callable = torch.matmul) -> Callable:
    """read(weights(scores), values)."""
    return lambda scores, values: read(weights(scores), values)


def softmax(scores: Tensor) -> Tensor:
    return scores.softmax(-1)


@task(
    "08.3",
    oracle={"context": context_by_torch},
    may_use=("torch",),
    mistakes={
        "weights that add up to 1 over the queries": mistake(
            "Each query shares 1 among its keys. Look at the axis of your softmax.",
            context=context_with(lambda scores: scores.softmax(1)),
        ),
        "the scores for weights": mistake(
            "An average lies between the values that it averages. Look at what you weigh them with.",
            context=context_with(lambda scores: scores),
        ),
        "weights that do not add up to 1": mistake(
            "Give all values the same number: the average is that number. Look at the sum of your weights.",
            context=context_with(torch.exp),
        ),
        "the best value alone": mistake(
            "Every key has its say, and gradients reach every score. Look at how many values enter your answer.",
            context=context_with(lambda scores: F.one_hot(scores.argmax(-1), scores.shape[-1]).float()),
        ),
        "the largest weighted entry": mistake(
            "The weighted values are added up. Look at what you do along the axis of the keys.",
            context=context_with(softmax, lambda weights, values: (weights[..., None] * values[:, None]).amax(2)),
        ),
        "all values alike": mistake(
            "Change the scores: your answer stays the same.",
            context=context_with(lambda scores: torch.ones_like(scores) / scores.shape[-1]),
        ),
        "divided once more": mistake(
            "The weights add up to 1 already. Look at what you divide by.",
            context=context_with(lambda scores: softmax(scores) / scores.shape[-1]),
        ),
        "softmax twice": mistake(
            "Count how often you take softmax: your weights are flatter than they should be.",
            context=context_with(lambda scores: softmax(softmax(scores))),
        ),
        "one context for all queries": mistake(
            "Each query has a context of its own. Look at which axis you have added up.",
            context=context_with(lambda scores: softmax(scores).mean(1, keepdim=True).expand_as(scores)),
        ),
        "the first query's context": mistake(
            "Each query has a context of its own. Look at which row of the scores you read.",
            context=lambda scores, values: context_by_torch(scores[:, :1].expand_as(scores), values),
        ),
        "the first sequence's values": mistake(
            "Each sequence of the batch has values of its own. Look at which ones you read.",
            context=lambda scores, values: context_by_torch(scores, values[:1].expand_as(values)),
        ),
        "overflow": mistake(
            "Look at what exp does to a large number. A row's softmax does not change when all its scores move together.",
            sign=not_finite,
        ),
    },
)
def context(room: Room, rng: np.random.Generator) -> Parts:
    B, Q, K, D = np.add(sizes(rng, 4), 1)
    scores, values, pull = 2 * normal(rng, B, Q, K), 3 + normal(rng, B, K, D), normal(rng, B, Q, D)
    yield "one average for each query", room.call("context", scores, values)
    yield "large scores", room.call("context", 500 + 50 * normal(rng, B, Q, K), values)
    yield "the gradient for the values", room.grad("context", (scores, values), 1, pull)
    yield "the gradient for the scores", room.grad("context", (scores, values), 0, pull)
    yield "a batch of one", room.call("context", scores[:1], values[:1])


# 08.4 The decoder


def decode_by_loop(words: Tensor, s0: Tensor, look: Callable, gru: Callable) -> tuple[Tensor, Tensor]:
    B, T, E = words.shape
    states, weights = [s0], []
    for t in range(T):
        c, alpha = look(states[t])
        x = torch.zeros(B, E + c.shape[1])
        x[:, :E], x[:, E:] = words[:, t], c
        states.append(gru(x, states[t]))
        weights.append(alpha)
    return torch.stack(states[1:], 1), torch.stack(weights, 1)


def decoder_with(
    ask: Callable = lambda look, s, s0, before: look(s),
    join: Callable = lambda word, c: torch.cat([word, c], 1),
    turn: Callable = lambda gru, x, s, s0: gru(x, s),
    word: Callable = lambda words, t: words[:, t],
) -> Callable:
    """A decoder with a part exchanged. ask -> what `look` gave; `before` is what the step before looked at, None at first."""

    def decode(words, s0, look, gru):
        s, seen, states, weights = s0, None, [], []
        for t in range(words.shape[1]):
            seen = ask(look, s, s0, seen)
            c, alpha = seen
            s = turn(gru, join(word(words, t), c), s, s0)
            states.append(s)
            weights.append(alpha)
        return torch.stack(states, 1), torch.stack(weights, 1)

    return decode


def decode_then_look(words: Tensor, s0: Tensor, look: Callable, gru: Callable) -> tuple[Tensor, Tensor]:
    """The query is the state that was just made; its context enters the next step, and none the first."""
    s, c, states, weights = s0, torch.zeros_like(look(s0)[0]), [], []
    for y in words.unbind(1):
        s = gru(torch.cat([y, c], 1), s)
        c, alpha = look(s)
        states.append(s)
        weights.append(alpha)
    return torch.stack(states, 1), torch.stack(weights, 1)


def states_before(words: Tensor, s0: Tensor, look: Callable, gru: Callable) -> tuple[Tensor, Tensor]:
    states, weights = decode_by_loop(words, s0, look, gru)
    return torch.cat([s0[:, None], states[:, :-1]], 1), weights


def weights_after(words: Tensor, s0: Tensor, look: Callable, gru: Callable) -> tuple[Tensor, Tensor]:
    states, _ = decode_by_loop(words, s0, look, gru)
    return states, torch.stack([look(s)[1] for s in states.unbind(1)], 1)


@task(
    "08.4",
    oracle={"decode": decode_by_loop},
    may_use=("torch",),
    mistakes={
        "the new state asks": mistake(
            "Look at which state asks for the context that the first word is read with: there is one before the first word.",
            decode=decode_then_look,
        ),
        "the weights of the next step": mistake(
            "Your states are right. Look at which state asked for the weights that you return beside each.",
            decode=weights_after,
        ),
        "the start state asks at every step": mistake(
            "Your decoder looks at the same place all the time. Look at what it asks with.",
            decode=decoder_with(ask=lambda look, s, s0, before: look(s0)),
        ),
        "the context forgotten": mistake(
            "Change the encoder states: your decoder's states stay the same. Look at what enters the GRU beside the word.",
            decode=decoder_with(join=lambda word, c: torch.cat([word, 0 * c], 1)),
        ),
        "the context before the word": mistake(
            "The first rows of the GRU's matrix are for the word. Look at the order in which you put the two together.",
            decode=decoder_with(join=lambda word, c: torch.cat([c, word], 1)),
        ),
        "the state not carried on": mistake(
            "Look at the state that each call of gru gets. It should know every word so far.",
            decode=decoder_with(turn=lambda gru, x, s, s0: gru(x, s0)),
        ),
        "the first word at every step": mistake(
            "Change the last word: your answer stays the same. Look at what each step reads.",
            decode=decoder_with(word=lambda words, t: words[:, 0]),
        ),
        "the last word first": mistake(
            "Change the last word: your first state changes. Look at the order in which you read.",
            decode=decoder_with(word=lambda words, t: words[:, -1 - t]),
        ),
        "each step taken twice": mistake(
            "Count how often gru is called for one word.",
            decode=decoder_with(turn=lambda gru, x, s, s0: gru(x, gru(x, s))),
        ),
        "contexts added up": mistake(
            "A step reads its own context. Look at what is left over from the steps before.",
            decode=decoder_with(ask=lambda look, s, s0, before: (look(s)[0] + (before[0] if before else 0), look(s)[1])),
        ),
        "the start state among the answers": mistake(
            "The first state to return has read the first word. Look at where your list begins.",
            decode=states_before,
        ),
        "time before batch": mistake(
            "The batch comes first, then time. Look at the axis along which you stack.",
            decode=lambda *args: tuple(part.transpose(0, 1) for part in decode_by_loop(*args)),
        ),
        "the last step only": mistake(
            "Every step is asked for. Look at what you keep of them.",
            decode=lambda *args: tuple(part[:, -1] for part in decode_by_loop(*args)),
        ),
    },
)
def decode(room: Room, rng: np.random.Generator) -> Parts:
    B, T, K, E, H, A = np.add(sizes(rng, 6), 1)
    P = 9

    def parts(count: int) -> tuple[Callable, Callable]:
        """An attention over encoder states that it holds (a batch of `count`), and a GRU, both with weights of their own."""
        states = normal(rng, count, K, A)
        W, U, v = normal(rng, H, P), normal(rng, A, P), normal(rng, P)
        of_x, of_s, b_x, b_s = normal(rng, 3 * H, E + A), normal(rng, 3 * H, H), normal(rng, 3 * H), normal(rng, 3 * H)

        def look(s: Tensor) -> tuple[Tensor, Tensor]:
            alpha = additive_by_einsum(s[:, None], states, W, U, v).softmax(-1)
            return (alpha @ states)[:, 0], alpha[:, 0]

        return look, lambda x, s: torch.gru_cell(x, s, of_x / 2, of_s / 2, b_x, b_s)

    yield "the states, and where each step looked", room.call("decode", normal(rng, B, T, E), normal(rng, B, H), *parts(B))
    yield "one word", room.call("decode", normal(rng, B, 1, E), normal(rng, B, H), *parts(B))
    yield "a batch of one, and longer", room.call("decode", normal(rng, 1, T + 8, E), normal(rng, 1, H), *parts(1))


# 08.5 Repair an attention


def look_by_loop(word: Tensor, s: Tensor, states: Tensor, seen: Tensor, W: Tensor, U: Tensor, v: Tensor) -> Tensor:
    query = torch.cat([word, s], 1)[:, None]
    return masked_by_loop(additive_by_einsum(query, states, W, U, v), seen[:, None])[:, 0]


def look_with(
    score: Callable = lambda asked, told: asked[:, None] + told,
    weigh: Callable = lambda hidden, v: hidden.tanh() @ v,
    seen: Callable = lambda seen: seen,
    ask: Callable = lambda word, s: torch.cat([word, s], 1),
) -> Callable:
    """Scores of hidden = score(query W (B, P), states U (B, K, P)), under the mask."""

    def look(word, s, states, mask, W, U, v):
        scores = weigh(score(ask(word, s) @ W, states @ U), v)
        return scores.masked_fill(~seen(mask), -torch.inf).softmax(-1)

    return look


@task(
    "08.5",
    oracle={"look": look_by_loop},
    may_use=("torch",),
    mistakes={
        "the fault as it was found": mistake(
            "Call look twice with other encoder states, and everything else the same. Compare the two answers.",
            sign=lambda got, wanted: got is False and wanted is True,
        ),
        "a score that belongs to a place": mistake(
            "Let two encoder states change places: their weights should do the same. Compare yours.",
            sign=lambda got, wanted: type(got) is type(wanted) is int and got > wanted,
        ),
        "the word left out": mistake(
            "Call look twice with other words, and everything else the same. Compare the two answers.",
            look=look_with(ask=lambda word, s: torch.cat([0 * word, s], 1)),
        ),
        "the decoder's state left out": mistake(
            "Call look twice with other states of the decoder, and everything else the same. Compare the two answers.",
            look=look_with(ask=lambda word, s: torch.cat([word, 0 * s], 1)),
        ),
        "nobody asks": mistake(
            "Call look for two steps of the same sentence: it looks at the same places. Look at what your scores depend on.",
            look=look_with(lambda asked, told: 0 * asked[:, None] + told),
        ),
        "the state before the word": mistake(
            "The first rows of W are for the word. Look at the order in which you put the two together.",
            look=look_with(ask=lambda word, s: torch.cat([s, word], 1)),
        ),
        "no tanh": mistake(
            "Call look twice with other words: the weights stay. Look at what lets query and key depend on each other.",
            look=look_with(weigh=torch.matmul),
        ),
        "tanh of the score": mistake(
            "Double v: the best weight hardly grows. Look at what tanh is applied to.",
            look=look_with(weigh=lambda hidden, v: (hidden @ v).tanh()),
        ),
        "v left out": mistake(
            "The hidden units do not count alike. Look at what v is for.",
            look=look_with(weigh=lambda hidden, v: hidden.tanh().sum(-1)),
        ),
        "multiplied": mistake(
            "Query and key meet in a sum, as in task 08.2. Look at what you do with them.",
            look=look_with(lambda asked, told: asked[:, None] * told),
        ),
        "padding looked at": mistake(
            "Look at the weights of the padding: they should be exactly 0, and the others add up to 1.",
            look=look_with(seen=torch.ones_like),
        ),
        "weights that add up to less than 1": mistake(
            "Add up the weights of the real words. Look at when the padding is taken out.",
            look=lambda word, s, states, seen, *rest: look_by_loop(word, s, states, torch.ones_like(seen), *rest) * seen,
        ),
        "scores in place of weights": mistake(
            "Weights add up to 1. Look at what is left to do after the mask.",
            look=lambda word, s, states, seen, *rest: additive_by_einsum(torch.cat([word, s], 1)[:, None], states, *rest)[:, 0],
        ),
        "no more places than columns": mistake(
            "Call look with more encoder states than W has columns, and count your weights: a source may have any length.",
            sign=lambda got, wanted: tensors(got, wanted) and got.ndim == 2 and got.shape[1] < wanted.shape[1],
        ),
    },
)
def look(room: Room, rng: np.random.Generator) -> Parts:
    B, K, E, H, A = np.add(sizes(rng, 5), 1)
    P = 10  # more than there are places, at first
    W, U, v = normal(rng, E + H, P) / 2, normal(rng, A, P), 2 * normal(rng, P)

    def asked(states: Tensor, seen: Tensor, step: tuple[Tensor, Tensor]) -> Tensor:
        return room.call("look", *step, states, seen, W, U, v)

    def step() -> tuple[Tensor, Tensor]:
        return normal(rng, B, E), normal(rng, B, H)

    def unlike(one: Tensor, other: Tensor, order: Tensor) -> int | None:
        """At how many places one[:, order] and the other differ; None for no weights, of which "the weights" tells more."""
        if any(not isinstance(part, Tensor) or part.shape != (B, K) or not part.isfinite().all() for part in (one, other)):
            return None
        return int((one[:, order].double() - other.double()).abs().gt(1e-4).any(0).sum())

    states, now, everywhere = normal(rng, B, K, A), step(), torch.ones(B, K, dtype=torch.bool)
    before, others = asked(states, everywhere, now), asked(normal(rng, B, K, A), everywhere, now)
    yield "other encoder states", unlike(before, others, torch.arange(K)) != 0
    rolled = torch.arange(K).roll(1)
    moved = asked(states[:, rolled], everywhere, now)
    yield "encoder states that change places", unlike(before, moved, rolled) or 0
    yield "the weights", before
    seen = torch.arange(K) < torch.from_numpy(rng.integers(2, K, size=B))[:, None]
    yield "padding", asked(states, seen, step())
    many = torch.ones(B, P + 3, dtype=torch.bool)
    yield "more places than hidden units", asked(normal(rng, B, P + 3, A), many, step())
    yield "one place", asked(states[:, :1], everywhere[:, :1], step())


# 08.6 Does it look at the source?


def looks_by_new_keys(attention: Callable, query: np.ndarray, keys: np.ndarray, values: np.ndarray) -> bool:
    others = np.random.default_rng(0).normal(size=(20, *keys.shape))
    weights = [attention(query, other, values)[1] for other in others]
    return bool(np.ptp(weights, axis=0).max() > 1e-6)


def by_experiment(
    change: Callable = lambda q, k, v: (q, -k[:, ::-1], v),
    same: Callable = lambda before, after: np.allclose(before[1], after[1]),
) -> Callable:
    """Looks unless same(what it gave before, after the change of query, keys, values)."""
    return lambda attention, *args: bool(not same(attention(*args), attention(*change(*args))))


def in_step(before: tuple[np.ndarray, np.ndarray], after: tuple[np.ndarray, np.ndarray]) -> bool:
    """False where the weights have moved with the keys, which change turned round."""
    return not np.allclose(before[1], after[1][..., ::-1])


def softmax_of(scores: np.ndarray) -> np.ndarray:
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def attentions(rng: np.random.Generator, Q: int, K: int, D: int, A: int) -> dict[str, Callable]:
    """weights(query (B, Q, D), keys (B, K, A)) -> (B, Q, K): some that look at the keys, and some that do not."""
    W, U, v = rng.normal(size=(D, A)), rng.normal(size=(A, A)), rng.normal(size=A)
    places, last, fixed = rng.normal(size=(D, K)), rng.normal(size=(A, K)), softmax_of(rng.normal(size=(Q, K)))

    def cosines(query: np.ndarray, keys: np.ndarray) -> np.ndarray:
        asked = query @ W
        norms = np.linalg.norm(asked, axis=-1)[..., None] * np.linalg.norm(keys, axis=-1)[:, None]
        return asked @ keys.swapaxes(1, 2) / (norms + 1e-9)

    def hard(query: np.ndarray, keys: np.ndarray) -> np.ndarray:
        return 1.0 * (np.arange(K) == cosines(query, keys).argmax(-1)[..., None])

    return {
        "a table of places, and the query": lambda q, k: softmax_of(q @ places),
        "additive scores": lambda q, k: softmax_of(np.tanh((q @ W)[:, :, None] + (k @ U)[:, None]) @ v),
        "even weights": lambda q, k: np.full((*q.shape[:2], K), 1 / K),
        "products": lambda q, k: softmax_of(q @ W @ k.swapaxes(1, 2)),
        "cosines": lambda q, k: softmax_of(4 * cosines(q, k)),
        "keys alone": lambda q, k: softmax_of(np.broadcast_to((k @ v)[:, None], (*q.shape[:2], K))),
        "the last key alone": lambda q, k: softmax_of(q @ places + (k[:, -1] @ last)[:, None]),
        "all weight on the best": hard,
        "the same for every question": lambda q, k: np.broadcast_to(fixed, (len(q), Q, K)).copy(),
        "what cancels": lambda q, k: softmax_of(q @ places + (q @ W @ k.swapaxes(1, 2)).mean(-1, keepdims=True)),
    }


@task(
    "08.6",
    oracle={"looks_at_the_source": looks_by_new_keys},
    mistakes={
        "turned round": mistake(
            "Weights that stay as they are do not look. Look at which way your answer goes.",
            looks_at_the_source=lambda *args: not looks_by_new_keys(*args),
        ),
        "the context compared": mistake(
            "The context changes with the values, whatever the weights do. Look at what you change, and at what you compare.",
            looks_at_the_source=by_experiment(
                lambda q, k, v: (q, -k[:, ::-1], 2 * v + 1), lambda before, after: np.allclose(before[0], after[0])
            ),
        ),
        "another question": mistake(
            "What does your answer say where the keys stay and the question changes? Look at what your experiment changes.",
            looks_at_the_source=by_experiment(lambda q, k, v: (-q[:, ::-1], k, v)),
        ),
        "the same added to every key": mistake(
            "With products for scores, a change that all keys share moves all scores alike, and softmax does not see it.",
            looks_at_the_source=by_experiment(lambda q, k, v: (q, k + 1, v)),
        ),
        "longer keys": mistake(
            "An attention may look at the direction of a key alone. Look at whether your change turns the keys.",
            looks_at_the_source=by_experiment(lambda q, k, v: (q, 2 * k, v)),
        ),
        "a small nudge": mistake(
            "An attention may put all its weight on the best key. Look at whether your change makes another the best.",
            looks_at_the_source=by_experiment(lambda q, k, v: (q, k + 1e-4 * np.cos(np.arange(k.size)).reshape(k.shape), v)),
        ),
        "one key changed": mistake(
            "An attention may look at one key and leave out the others. Look at how many keys you change.",
            looks_at_the_source=by_experiment(lambda q, k, v: (q, np.concatenate([-k[:, :1], k[:, 1:]], 1), v)),
        ),
        "equal to the last bit": mistake(
            "Rounding changes the last digits of a number that is the same. Look at how you compare.",
            looks_at_the_source=by_experiment(same=lambda before, after: np.array_equal(before[1], after[1])),
        ),
        "uneven weights": mistake(
            "Weights can be uneven without any look at the keys. What did you change to find out?",
            looks_at_the_source=lambda attention, *args: bool(np.ptp(attention(*args)[1], axis=-1).max() > 1e-6),
        ),
        "weights that move with the keys": mistake(
            "Even weights move with the keys too, and those of an attention that reads one key need not. Look for any change.",
            looks_at_the_source=by_experiment(lambda q, k, v: (q, k[:, ::-1], v), in_step),
        ),
    },
)
def looks_at_the_source(room: Room, rng: np.random.Generator) -> Parts:
    B, Q, K, D, A, E = np.add(sizes(rng, 6), 1)
    for name, weights in attentions(rng, Q, K, D, A).items():

        def attention(query: np.ndarray, keys: np.ndarray, values: np.ndarray, weights: Callable = weights) -> tuple:
            alpha = weights(query, keys)
            return alpha @ values, alpha

        case = rng.normal(size=(B, Q, D)), rng.normal(size=(B, K, A)), rng.normal(size=(B, K, E))
        yield name, room.call("looks_at_the_source", attention, *case)


# 08.7 Alignment error rate

Gold = list[list[tuple[int, int]]]


def links_by_loop(weights: list[np.ndarray]) -> list[set[tuple[int, int]]]:
    return [{(max(range(len(row)), key=lambda j: (row[j], -j)), i) for i, row in enumerate(one)} for one in weights]


def error_by_metrics(weights: list[np.ndarray], sure: Gold, possible: Gold) -> float:
    found = links_by_loop(weights)
    return alignment_score(found, *[[set(map(tuple, links)) for links in gold] for gold in (sure, possible)]).error_rate


def error_with(rate: Callable, links: Callable = links_by_loop) -> Callable:
    """rate(found, sure, found and sure, found and possible, possible): numbers of links in the corpus."""

    def alignment_error_rate(weights, sure, possible):
        counts = np.zeros(5)
        for A, S, P in zip(links(weights), map(set, sure), map(set, possible)):
            counts += [len(A), len(S), len(A & S), len(A & P), len(P)]
        return float(rate(*counts))

    return alignment_error_rate


def och_and_ney(A: float, S: float, AS: float, AP: float, P: float) -> float:
    return 1 - (AS + AP) / (A + S)


def over_half(weights: list[np.ndarray]) -> list[set[tuple[int, int]]]:
    return [{(int(j), int(i)) for i, j in np.argwhere(one > 0.5)} for one in weights]


def exchanged(links: list[set[tuple[int, int]]]) -> list[set[tuple[int, int]]]:
    return [{link[::-1] for link in one} for one in links]


@task(
    "08.7",
    oracle={"alignment_error_rate": error_by_metrics},
    mistakes={
        "each source word its best target": mistake(
            "Count your links: there is one for each target word. Look at the axis along which you compare.",
            alignment_error_rate=error_with(och_and_ney, lambda weights: exchanged(links_by_loop([one.T for one in weights]))),
        ),
        "links turned round": mistake(
            "A link is (place in the source, place in the target). Look at the order in yours.",
            alignment_error_rate=error_with(och_and_ney, lambda weights: exchanged(links_by_loop(weights))),
        ),
        "agreement, not error": mistake(
            "Without a fault the error rate is 0. Look at what yours is then.",
            alignment_error_rate=error_with(lambda *counts: 1 - och_and_ney(*counts)),
        ),
        "precision alone": mistake(
            "A sure link that you miss is an error too. Look at what your rate says about it.",
            alignment_error_rate=error_with(lambda A, S, AS, AP, P: 1 - AP / A),
        ),
        "recall alone": mistake(
            "A link that is not even possible is an error too. Look at what your rate says about it.",
            alignment_error_rate=error_with(lambda A, S, AS, AP, P: 1 - AS / S),
        ),
        "sure links only": mistake(
            "To find a link that is possible and not sure is no error. Look at where the possible ones enter.",
            alignment_error_rate=error_with(lambda A, S, AS, AP, P: 1 - 2 * AS / (A + S)),
        ),
        "possible links only": mistake(
            "To miss a link that is only possible is no error. Look at what you divide by.",
            alignment_error_rate=error_with(lambda A, S, AS, AP, P: 1 - 2 * AP / (A + P)),
        ),
        "sure and possible exchanged": mistake(
            "The sure links must be found. Look at which of the two numbers stands below the line.",
            alignment_error_rate=error_with(lambda A, S, AS, AP, P: 1 - (AS + AP) / (A + P)),
        ),
        "a sure link found counts once": mistake(
            "A sure link is possible too, so it counts in both terms above the line. Look at how often yours does.",
            alignment_error_rate=error_with(lambda A, S, AS, AP, P: 1 - AP / (A + S)),
        ),
        "the harmonic mean": mistake(
            "The F score of precision and recall is another number when not all links are sure. Look at the formula again.",
            alignment_error_rate=error_with(lambda A, S, AS, AP, P: 1 - 2 * (AP / A) * (AS / S) / (AP / A + AS / S)),
        ),
        "the mean over sentences": mistake(
            "A long sentence counts more than a short one. Look at when you divide.",
            alignment_error_rate=lambda *corpus: float(
                np.mean([error_by_metrics(*[[part] for part in one]) for one in zip(*corpus)])
            ),
        ),
        "weights above a half": mistake(
            "Every target word has a link, however low its best weight. Count yours.",
            alignment_error_rate=error_with(och_and_ney, over_half),
        ),
        "ties to the later": mistake(
            "Where two weights are equal, look at which of them makes the link.",
            alignment_error_rate=error_with(
                och_and_ney,
                lambda weights: [
                    {(one.shape[1] - 1 - j, i) for j, i in links}
                    for one, links in zip(weights, links_by_loop([one[:, ::-1] for one in weights]))
                ],
            ),
        ),
    },
)
def alignment_error_rate(room: Room, rng: np.random.Generator) -> Parts:
    def corpus(shapes: list[tuple[int, int]]) -> tuple[list[np.ndarray], Gold, Gold]:
        """Weights (T, S) of each shape, two target words in three looking at a gold link; the gold links, sure and possible."""
        weights, sure, possible = [], [], []
        for T, S in shapes:
            places = rng.integers(S, size=T)
            gold = {(int(j), i) for i, j in enumerate(places)}
            others = {(int(j), int(i)) for j, i in zip(rng.integers(S, size=T), rng.integers(T, size=T))}
            some_sure = {link for link in gold if rng.random() < 0.6} | {(int(places[0]), 0)}
            seen = np.where(rng.random(T) < 0.67, places, rng.integers(S, size=T))
            weights.append(rng.dirichlet(np.ones(S), T) + 0.8 * (np.arange(S) == seen[:, None]))
            sure.append(sorted(some_sure))
            possible.append(sorted(gold | others))
        return [one / one.sum(1, keepdims=True) for one in weights], sure, possible

    S, T = np.add(sizes(rng, 2), 5).tolist()
    weights, sure, possible = corpus([(T, S), (T + 4, S + 2), (4, 3)])
    yield "the links of a small corpus", room.call("alignment_error_rate", weights, sure, possible)
    yield "all links sure", room.call("alignment_error_rate", weights, sure, sure)
    yield "a sentence without a sure link", room.call("alignment_error_rate", weights, [*sure[:2], []], possible)
    gold = [[(i % (S - 1), i) for i in range(T)]]
    right = np.eye(S)[np.arange(T) % (S - 1)]
    yield "no fault at all", room.call("alignment_error_rate", [right], gold, gold)
    yield "of equals the earlier", room.call("alignment_error_rate", [(right + np.eye(S)[-1]) / 2], gold, gold)
