"""Checks of chapter 09, attention variants.

Axes: B sequences, Q queries, K keys, D their width, E width of a key that is not as wide, T steps or places, N places in use,
R rank, S source words, H width of a decoder's state, A of an encoder's state, M of Luong's attentional state.
"""

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
import torch
from torch.nn import functional as F

from utils.grading.rooms import Room
from utils.grading.task import mistake, not_finite, sizes, task

Parts = Iterator[tuple[str, object]]
Array = np.ndarray


def softmax(scores: Array, axis: int = -1) -> Array:
    weights = np.exp(scores - scores.max(axis, keepdims=True))
    return weights / weights.sum(axis, keepdims=True)


def masked(scores: Array, seen: Array) -> Array:
    """The softmax over what is seen; 0 where nothing is."""
    weights = np.where(seen, np.exp(scores - np.where(seen, scores, -np.inf).max(-1, keepdims=True)), 0)
    total = weights.sum(-1, keepdims=True)
    return weights / np.where(total == 0, 1, total)


def large_ones_not_finite(got: object, wanted: object) -> bool:
    """A sign of overflow: in a part with a list of answers, which those to large numbers are, and no other."""
    return isinstance(wanted, list) and not_finite(got, wanted)


def hidden_afterwards(scores: Array, seen: Array) -> Array:
    """A softmax over everything, and what is seen of it divided by its sum: 0 / 0 where what is hidden scores far higher."""
    weights = softmax(scores) * seen
    return weights / weights.sum(-1, keepdims=True)


# 09.1 Scores by products


def products_by_einsum(query: Array, key: Array, kind: str, W: Array | None = None) -> Array:
    between = {"dot": np.eye(query.shape[2]), "scaled dot": np.eye(query.shape[2]) / query.shape[2] ** 0.5, "general": W}
    return np.einsum("bqd,de,bke->bqk", query, between[kind], key)


def dots(query: Array, key: Array) -> Array:
    return query @ key.swapaxes(1, 2)


def products_with(
    dot: Callable = dots,
    scale: Callable = lambda e, query, key: e / query.shape[2] ** 0.5,
    general: Callable = lambda query, key, W: dots(query @ W, key),
) -> Callable:
    """The three kinds with one of them exchanged. scale(dot products, query, key), general(query, key, W)."""

    def product_scores(query, key, kind, W=None):
        if kind == "general":
            return general(query, key, W)
        return dot(query, key) if kind == "dot" else scale(dots(query, key), query, key)

    return product_scores


def each(change: Callable) -> Callable:
    """change(scores) of every kind."""
    return lambda *args: change(products_by_einsum(*args))


@task(
    "09.1",
    oracle={"product_scores": products_by_einsum},
    mistakes={
        "the products not added up": mistake(
            "Two vectors give one number. Count the axes of your answer.",
            product_scores=products_with(lambda query, key: query[:, :, None] * key[:, None]),
        ),
        "added up over the keys": mistake(
            "Each query has a score for each key. Look at which axis of your products you add up.",
            product_scores=products_with(lambda query, key: query * key.sum(1, keepdims=True)),
        ),
        "keys before queries": mistake(
            "Row i of the scores belongs to query i. Look at the order of your axes.",
            product_scores=each(lambda e: e.swapaxes(1, 2)),
        ),
        "the first sequence's keys": mistake(
            "Change the keys of the second sequence: its scores stay the same. Look at which keys you read.",
            product_scores=lambda query, key, *rest: products_by_einsum(query, np.broadcast_to(key[:1], key.shape), *rest),
        ),
        "weights in place of scores": mistake(
            "Scores are asked for, as they come. Look at your last step.",
            product_scores=each(softmax),
        ),
        "cosines": mistake(
            "Double a query: its scores should double too. Look at what you divide by.",
            product_scores=products_with(
                lambda query, key: dots(*(x / np.linalg.norm(x, axis=2, keepdims=True) for x in (query, key)))
            ),
        ),
        "every product scaled": mistake(
            "Three kinds are told apart by a word. Look at which of them are divided.",
            product_scores=products_with(
                dot=lambda query, key: dots(query, key) / query.shape[2] ** 0.5,
                general=lambda query, key, W: dots(query @ W, key) / query.shape[2] ** 0.5,
            ),
        ),
        "W the other way round": mistake(
            "Let W be 0 but for its first row: only one entry of the query counts then. Look at which side of W it meets.",
            product_scores=products_with(general=lambda query, key, W: dots(query @ W.T, key)),
        ),
        "W left out": mistake(
            "Double W: your scores of kind general stay the same.",
            product_scores=products_with(general=lambda query, key, W: dots(query, key)),
        ),
        "W on both sides": mistake(
            "Double W: a score should double, and yours grows fourfold. Count how often W enters.",
            product_scores=products_with(general=lambda query, key, W: dots(query @ W, key @ W)),
        ),
        "general scaled": mistake(
            "Your plain products are right. Look at what the kind general does beside them and W.",
            product_scores=products_with(general=lambda query, key, W: dots(query @ W, key) / query.shape[2] ** 0.5),
        ),
        "not scaled": mistake(
            "Compare your answers for the kinds dot and scaled dot.",
            product_scores=products_with(scale=lambda e, query, key: e),
        ),
        "no square root": mistake(
            "Your scaled scores are too small. With vectors of width 4, look at what you divide by.",
            product_scores=products_with(scale=lambda e, query, key: e / query.shape[2]),
        ),
        "the number of keys": mistake(
            "Add a key: the scores of the others should stay. Look at the axis whose size you take.",
            product_scores=products_with(scale=lambda e, query, key: e / key.shape[1] ** 0.5),
        ),
        "the number of queries": mistake(
            "Ask one question less: the scores of the others should stay. Look at the axis whose size you take.",
            product_scores=products_with(scale=lambda e, query, key: e / query.shape[1] ** 0.5),
        ),
        "multiplied by the root": mistake(
            "Wider vectors give larger products, and the scale is to undo that. Look at which way yours works.",
            product_scores=products_with(scale=lambda e, query, key: e * query.shape[2] ** 0.5),
        ),
    },
)
def product_scores(room: Room, rng: np.random.Generator) -> Parts:
    B, Q, K, D, E = np.add(sizes(rng, 5), 1)
    query, key, wide = rng.normal(size=(B, Q, D)), rng.normal(size=(B, K, D)), rng.normal(size=(B, K, E))
    yield "dot", room.call("product_scores", query, key, "dot")
    yield "general, of one width", room.call("product_scores", query, key, "general", rng.normal(size=(D, D)))
    yield "general, of two widths", room.call("product_scores", query, wide, "general", rng.normal(size=(D, E)))
    yield "scaled dot", room.call("product_scores", query, key, "scaled dot")
    yield "one query", room.call("product_scores", query[:, :1], key, "scaled dot")
    yield "a batch of one", room.call("product_scores", query[:1], wide[:1], "general", rng.normal(size=(D, E)))


# 09.2 Directions, sharpened


def cosines_by_torch(query: Array, key: Array, beta: Array) -> Array:
    query, key, beta = (torch.from_numpy(x).double() for x in (query, key, beta))
    cosine = F.cosine_similarity(query[:, :, None], key[:, None], dim=-1, eps=1e-100)
    return (beta[..., None] * cosine).softmax(-1).numpy()


def length(x: Array, axis: int = -1) -> Array:
    """Lengths along an axis, that of zeros 1."""
    found = np.sqrt((x * x).sum(axis, keepdims=True))
    return np.where(found == 0, 1, found)


def cosines_with(
    of_query: Callable = length, of_key: Callable = length, weigh: Callable = lambda e, beta: softmax(beta * e)
) -> Callable:
    """weigh(the products of query / of_query(query) and key / of_key(key), beta (B, Q, 1))."""
    return lambda query, key, beta: weigh(dots(query / of_query(query), key / of_key(key)), beta[..., None])


def one(x: Array) -> float:
    return 1.0


def down(x: Array) -> Array:
    return length(x, 1)


def squared(x: Array) -> Array:
    return length(x) ** 2


def wrong_when_short(got: object, wanted: object) -> bool:
    """A sign of a number added to the lengths: numbers in the part with a list of answers, which is that of short vectors."""
    return isinstance(wanted, list) and isinstance(got[0], Array) and not not_finite(got, wanted)


def nan_for_zeros(got: object, wanted: object) -> bool:
    """A sign of 0 / 0: a NaN in a case that holds a query of zeros, whose weights are even."""
    return not_finite(got, wanted) and bool((np.ptp(wanted, axis=-1) < 1e-9).any())


@task(
    "09.2",
    oracle={"cosine_weights": cosines_by_torch},
    mistakes={
        "products": mistake(
            "Double a query: its weights should stay. Look at what makes a direction of a vector.",
            cosine_weights=cosines_with(one, one),
        ),
        "the query not normalised": mistake(
            "Double a key: your weights stay. Double a query: they change.",
            cosine_weights=cosines_with(of_query=one),
        ),
        "the keys not normalised": mistake(
            "Double a query: your weights stay. Double a key: they change.",
            cosine_weights=cosines_with(of_key=one),
        ),
        "lengths along the wrong axis": mistake(
            "Change one key: the cosines of the others should stay. Look at how many numbers a length is made of.",
            cosine_weights=cosines_with(down, down),
        ),
        "one length for all": mistake(
            "Each vector has a length of its own. Count the lengths that you divide by.",
            cosine_weights=cosines_with(np.linalg.norm, np.linalg.norm),
        ),
        "squared lengths": mistake(
            "The cosine of a vector and itself is 1, however long it is. Look at what yours is.",
            cosine_weights=cosines_with(squared, squared),
        ),
        "absolute values added up": mistake(
            "The vector (3, 4) is 5 long. Look at what yours is.",
            cosine_weights=cosines_with(*[lambda x: np.abs(x).sum(-1, keepdims=True)] * 2),
        ),
        "not sharpened": mistake(
            "Change beta: your weights stay the same.",
            cosine_weights=cosines_with(weigh=lambda e, beta: softmax(e)),
        ),
        "divided by beta": mistake(
            "Look at what a large beta does to your weights: it should sharpen them.",
            cosine_weights=cosines_with(weigh=lambda e, beta: softmax(e / beta)),
        ),
        "beta after the softmax": mistake(
            "Add up your weights: each query shares 1 among its keys. Look at when beta enters.",
            cosine_weights=cosines_with(weigh=lambda e, beta: beta * softmax(e)),
        ),
        "a power that is not normalised": mistake(
            "To raise weights to a power does sharpen them, and then they no longer add up to 1.",
            cosine_weights=cosines_with(weigh=lambda e, beta: softmax(e) ** beta),
        ),
        "one beta for all": mistake(
            "Each query brings its own beta. Look at which one you use.",
            cosine_weights=lambda query, key, beta: cosines_by_torch(query, key, np.broadcast_to(beta[:, :1], beta.shape)),
        ),
        "softmax over the queries": mistake(
            "Look at the axis along which your weights add up to 1: it should be that of the keys.",
            cosine_weights=cosines_with(weigh=lambda e, beta: softmax(beta * e, 1)),
        ),
        "one sum for all": mistake(
            "Each query shares 1 among its keys. Count the sums that you divide by.",
            cosine_weights=cosines_with(weigh=lambda e, beta: np.exp(beta * e) / np.exp(beta * e).sum()),
        ),
        "scores in place of weights": mistake(
            "Weights are never negative. Look at what is left to do with your scores.",
            cosine_weights=cosines_with(weigh=lambda e, beta: beta * e),
        ),
        "a number added below the line": mistake(
            "Let your vectors be a millionth as long: no direction changes. Look at what is not small beside their lengths.",
            sign=wrong_when_short,
        ),
        "NaN for a vector of zeros": mistake(
            "Look at 0 divided by 0: what is the length of a vector of zeros?",
            sign=nan_for_zeros,
        ),
        "overflow": mistake(
            "Look at what exp does to a large number. A row's softmax does not change when all its scores move together.",
            sign=not_finite,
        ),
    },
)
def cosine_weights(room: Room, rng: np.random.Generator) -> Parts:
    B, Q, K, D = np.add(sizes(rng, 4), 1)
    query, key, beta = rng.normal(size=(B, Q, D)), rng.normal(size=(B, K, D)), rng.uniform(2, 6, size=(B, Q))
    yield "vectors of length 1", room.call("cosine_weights", query / length(query), key / length(key), beta)
    yield "vectors of any length", room.call("cosine_weights", query, key, beta)
    yield "short vectors", [room.call("cosine_weights", short * query, short * key, beta) for short in (1e-4, 1e-7)]
    empty, nowhere = query * (np.arange(Q) != 1)[:, None], key * (np.arange(K) != 1)[:, None]
    yield "vectors of zeros", room.call("cosine_weights", empty, nowhere, beta)
    yield "a beta in the thousands", room.call("cosine_weights", query, key, 1000 * beta)
    yield "one query", room.call("cosine_weights", query[:, :1], key, beta[:, :1])
    yield "a batch of one", room.call("cosine_weights", query[:1], key[:1], beta[:1])


# 09.3 The scale that a product needs


def scale_by_outcomes(mean_q: Array, var_q: Array, mean_k: Array, var_k: Array) -> float:
    """Coordinates that are one deviation above or below their mean: the four products, equally likely."""
    signs = np.array(list(product([-1, 1], repeat=2)))[..., None]  # (4, 2, 1)
    q, k = mean_q + signs[:, 0] * np.sqrt(var_q), mean_k + signs[:, 1] * np.sqrt(var_k)  # (4, D)
    return float(1 / np.sqrt((q * k).var(0).sum()))


def scale_with(
    of_one: Callable = lambda mq, vq, mk, vk: vq * vk + mq**2 * vk + mk**2 * vq,
    add: Callable = np.sum,
    scale: Callable = lambda variance: variance**-0.5,
) -> Callable:
    """scale(add(of_one(...))): of_one -> the variance of each coordinate's product."""
    return lambda *moments: float(scale(add(of_one(*moments))))


def of_totals(combine: Callable) -> Callable:
    """The variance from sums or means over the coordinates, in place of a sum over products."""
    return lambda mq, vq, mk, vk: float(combine(mq**2, vq, mk**2, vk) ** -0.5)


@task(
    "09.3",
    oracle={"logit_scale": scale_by_outcomes},
    mistakes={
        "the root of the width alone": mistake(
            "Double the variances of the keys: your scale stays the same.",
            logit_scale=scale_with(lambda mq, vq, mk, vk: np.ones_like(vq)),
        ),
        "the width forgotten": mistake(
            "Let all coordinates be alike and use twice as many: your scale stays the same. Look at how you join them.",
            logit_scale=scale_with(add=np.mean),
        ),
        "no square root": mistake(
            "Ten times the number has a hundred times the variance. Look at how your scale follows the variance.",
            logit_scale=scale_with(scale=lambda variance: 1 / variance),
        ),
        "the variance": mistake(
            "The variance of the product is on the way to the answer. Look at what you were asked to return.",
            logit_scale=scale_with(scale=lambda variance: variance),
        ),
        "the standard deviation": mistake(
            "Multiply your logits by your scale: they spread more, not less. Look at which way it works.",
            logit_scale=scale_with(scale=np.sqrt),
        ),
        "deviations added up": mistake(
            "Of independent numbers the variances add up. Look at what you add up over the coordinates.",
            logit_scale=scale_with(add=lambda variances: np.sqrt(variances).sum() ** 2),
        ),
        "variances added": mistake(
            "Within a coordinate two numbers are multiplied. Let the query's variance be tiny and all means 0: what is left?",
            logit_scale=scale_with(lambda mq, vq, mk, vk: vq + vk + 0 * mq),
        ),
        "variances taken for deviations": mistake(
            "You are given variances. Look at what you square.",
            logit_scale=scale_with(lambda mq, vq, mk, vk: (vq * vk) ** 2 + mq**2 * vk**2 + mk**2 * vq**2),
        ),
        "every coordinate with every other": mistake(
            "Coordinate i of the query meets coordinate i of the key alone. Count the products that you add up.",
            logit_scale=of_totals(lambda mq, vq, mk, vk: vq.sum() * vk.sum() + mq.sum() * vk.sum() + mk.sum() * vq.sum()),
        ),
        "averages multiplied": mistake(
            "The average of products is not the product of averages. Look at when you average.",
            logit_scale=of_totals(
                lambda mq, vq, mk, vk: len(vq) * (vq.mean() * vk.mean() + mq.mean() * vk.mean() + mk.mean() * vq.mean())
            ),
        ),
        "means forgotten": mistake(
            "Give the keys a large mean: every noise in the query is multiplied by it, and your scale stays the same.",
            logit_scale=scale_with(lambda mq, vq, mk, vk: vq * vk),
        ),
        "the keys' means forgotten": mistake(
            "The means of the queries count in your answer. What about the others?",
            logit_scale=scale_with(lambda mq, vq, mk, vk: vq * vk + mq**2 * vk),
        ),
        "the queries' means forgotten": mistake(
            "The means of the keys count in your answer. What about the others?",
            logit_scale=scale_with(lambda mq, vq, mk, vk: vq * vk + mk**2 * vq),
        ),
        "the mean square for the variance": mistake(
            "Let all variances be 0: the product never changes. Look at what your variance is then.",
            logit_scale=scale_with(lambda mq, vq, mk, vk: (vq + mq**2) * (vk + mk**2)),
        ),
        "one mean taken off for all": mistake(
            "Each coordinate's product varies about a mean of its own. Look at what you square, and when you add up.",
            logit_scale=lambda mq, vq, mk, vk: float((((vq + mq**2) * (vk + mk**2)).sum() - (mq * mk).sum() ** 2) ** -0.5),
        ),
        "means not squared": mistake(
            "Turn the sign of all means: your answer should stay. Look at how they enter.",
            logit_scale=scale_with(lambda mq, vq, mk, vk: vq * vk + mq * vk + mk * vq),
        ),
    },
)
def logit_scale(room: Room, rng: np.random.Generator) -> Parts:
    D = int(rng.integers(3, 9))
    still = np.zeros(D)

    def some() -> Array:
        return rng.uniform(0.2, 4, size=D)

    yield "means of 0", room.call("logit_scale", still, some(), still, some())
    yield "keys with a mean", room.call("logit_scale", still, some(), 1 + some(), some())
    yield "queries with a mean", room.call("logit_scale", 1 + some(), some(), still, some())
    yield "both with means, of either sign", room.call("logit_scale", -some(), some(), 0.5 * rng.normal(size=D), some())
    yield "a query that never changes", room.call("logit_scale", 1 + some(), still, some(), some())
    yield "many coordinates", room.call("logit_scale", *(rng.uniform(0.5, 1.5, size=300) for _ in range(4)))


# 09.4 Attention to places


def places_by_loop(x: Array, P_q: Array, P_k: Array) -> Array:
    (_, N, _), T = x.shape, len(P_q)
    read = np.zeros_like(x)
    for i in range(N):
        scores = np.array([P_q[T - N + i] @ P_k[T - N + j] for j in range(i + 1)])
        read[:, i] = np.tensordot(softmax(scores), x[:, : i + 1], (0, 1))
    return read


def places_with(
    weigh: Callable = masked,
    seen: Callable = lambda i, j: j <= i,
    score: Callable = lambda q, k, x: q @ k.T,
    use: Callable = lambda P, N: P[-N:],
) -> Callable:
    """weigh(score(the places in use of each factor, x), seen(i, j)) @ x."""

    def positional_read(x, P_q, P_k):
        N = x.shape[1]
        place = np.arange(N)
        return weigh(score(use(P_q, N), use(P_k, N), x), seen(place[:, None], place)) @ x

    return positional_read


@task(
    "09.4",
    oracle={"positional_read": places_by_loop},
    mistakes={
        "the future seen": mistake(
            "Change the last item: what is read at the first place changes. Look at what each place may see.",
            positional_read=places_with(seen=lambda i, j: i + j >= 0),
        ),
        "the future alone": mistake(
            "Change the first item: what is read at the last place stays. Look at which side of the diagonal you keep.",
            positional_read=places_with(seen=lambda i, j: j >= i),
        ),
        "the place itself hidden": mistake(
            "The first place may see one item. Look at the diagonal.",
            positional_read=places_with(seen=lambda i, j: j < i),
        ),
        "the mask after the softmax": mistake(
            "Let all items be the same: the average should be that item. Add up the weights that are left in each row.",
            positional_read=places_with(lambda scores, seen: softmax(scores) * seen),
        ),
        "hidden scores set to 0": mistake(
            "Look at exp of the score that you give to a hidden place: it still weighs something.",
            positional_read=places_with(lambda scores, seen: softmax(scores * seen)),
        ),
        "later scores in the softmax": mistake(
            "Let later places score far higher: that is to change nothing. Look at what they do to your sum, or your maximum.",
            positional_read=places_with(hidden_afterwards),
        ),
        "places that hold no item in the softmax": mistake(
            "Look at the first place that holds an item: it should read that item, undamped. Who else shares your 1?",
            positional_read=lambda x, P_q, P_k: masked(P_q @ P_k.T, np.tri(len(P_q)) > 0)[-x.shape[1] :, -x.shape[1] :] @ x,
        ),
        "sums of the rows beside the columns": mistake(
            "Add up each row of your weights. Look at the shape of the sums that you divide by: which of them meets which row?",
            positional_read=places_with(lambda scores, seen: np.exp(scores) * seen / (np.exp(scores) * seen).sum(1)),
        ),
        "weights that add up to 1 over the queries": mistake(
            "Look at the axis along which your weights add up to 1: each place shares 1 among what it sees.",
            positional_read=places_with(lambda scores, seen: masked(scores.T, seen.T).T),
        ),
        "scores in place of weights": mistake(
            "An average lies between the items that it averages. Look at what you weigh them with.",
            positional_read=places_with(lambda scores, seen: scores * seen),
        ),
        "even weights": mistake(
            "Change the table of places: your answer stays the same.",
            positional_read=places_with(score=lambda q, k, x: 0 * q @ k.T),
        ),
        "the two tables exchanged": mistake(
            "Row i of the scores is for the place that asks. Look at which table gives the rows.",
            positional_read=places_with(score=lambda q, k, x: k @ q.T),
        ),
        "what stands there joins in": mistake(
            "Double all items: the average should double. Look at what your scores are made of.",
            positional_read=places_with(score=lambda q, k, x: q @ k.T + dots(x, x)),
        ),
        "what stands there alone": mistake(
            "Here a place asks, whatever stands there. Look at where your queries and keys come from.",
            positional_read=places_with(score=lambda q, k, x: dots(x, x)),
        ),
        "divided by the root of the rank": mistake(
            "Nothing in the formula scales the scores. Look at what you divide by.",
            positional_read=places_with(score=lambda q, k, x: q @ k.T / q.shape[1] ** 0.5),
        ),
        "places counted from the beginning": mistake(
            "The newest item has the last row of the table, however short the sequence. Look at which rows you use.",
            positional_read=places_with(use=lambda P, N: P[:N]),
        ),
        "the newest place first": mistake(
            "Items stand from the oldest to the newest, and so do the rows. Look at the order of the rows that you use.",
            positional_read=places_with(use=lambda P, N: P[::-1][:N]),
        ),
        "a row that sees nothing": mistake(
            "The first place sees one item, itself. Look at the first row of your scores, mask included.",
            sign=lambda got, wanted: not isinstance(wanted, list) and not_finite(got, wanted),
        ),
        "overflow": mistake(
            "Look at what exp does to a large number. A row's softmax does not change when all its scores move together.",
            sign=large_ones_not_finite,
        ),
    },
)
def positional_read(room: Room, rng: np.random.Generator) -> Parts:
    B, N, D, R = np.add(sizes(rng, 4), 2)
    T = N + int(rng.integers(2, 5))
    x, P_q, P_k = 1 + rng.normal(size=(B, N, D)), rng.normal(size=(T, R)), rng.normal(size=(T, R))
    yield "as many items as places", room.call("positional_read", 1 + rng.normal(size=(B, T, D)), P_q, P_k)
    yield "fewer items than places", room.call("positional_read", x, P_q, P_k)
    first = np.eye(R)[0]
    moved = [(P_q * (1 - first) + far * first, P_k * (1 - first) + first) for far in (900, -900)]  # all scores by as much
    yield "large scores", [room.call("positional_read", x, *tables) for tables in moved]
    late = P_q * (1 - first) + first, P_k * (1 - first) + 900 * np.arange(T)[:, None] * first
    yield "later places that score far higher", room.call("positional_read", x, *late)
    yield "one item", room.call("positional_read", x[:, :1], P_q, P_k)
    yield "a batch of one", room.call("positional_read", x[:1], P_q, P_k)


# 09.5 Luong's order


def luong_by_loop(words: Array, s0: Array, gru: Callable, look: Callable, W_c: Array) -> tuple[Array, Array]:
    states, attentional, weights = [s0], [np.zeros((len(s0), W_c.shape[1]))], []
    for t in range(words.shape[1]):
        states.append(gru(np.hstack([words[:, t], attentional[t]]), states[t]))
        c, alpha = look(states[t + 1])
        attentional.append(np.tanh(c @ W_c[: c.shape[1]] + states[t + 1] @ W_c[c.shape[1] :]))
        weights.append(alpha)
    return np.stack(attentional[1:], 1), np.stack(weights, 1)


def luong_with(
    ask: Callable = lambda s, before, fed: s,
    combine: Callable = lambda c, s, before, W: np.tanh(np.hstack([c, s]) @ W),
    feed: Callable = lambda h, c, s: h,
    first: Callable = lambda h, s0: h,
    join: Callable = lambda word, fed: np.hstack([word, fed]),
    carry: Callable = lambda s, h: s,
    answer: Callable = lambda h, c, s: h,
) -> Callable:
    """Luong's decoder with a part exchanged; `before` is the state before, h the attentional state, c the context."""

    def luong_decode(words, s0, gru, look, W_c):
        s, fed, answers, weights = s0, first(np.zeros((len(s0), W_c.shape[1])), s0), [], []
        for word in words.swapaxes(0, 1):
            before, s = s, gru(join(word, fed), s)
            c, alpha = look(ask(s, before, fed))
            h = combine(c, s, before, W_c)
            fed, s = feed(h, c, s), carry(s, h)
            answers.append(answer(h, c, s))
            weights.append(alpha)
        return np.stack(answers, 1), np.stack(weights, 1)

    return luong_decode


def context_before(words: Array, s0: Array, gru: Callable, look: Callable, W_c: Array) -> tuple[Array, Array]:
    """The context beside each state is that of the step before, and none at first."""
    s, h, c, answers, weights = s0, np.zeros((len(s0), W_c.shape[1])), 0 * look(s0)[0], [], []
    for word in words.swapaxes(0, 1):
        s = gru(np.hstack([word, h]), s)
        h = np.tanh(np.hstack([c, s]) @ W_c)
        c, alpha = look(s)
        answers.append(h)
        weights.append(alpha)
    return np.stack(answers, 1), np.stack(weights, 1)


@task(
    "09.5",
    oracle={"luong_decode": luong_by_loop},
    mistakes={
        "the old state asks": mistake(
            "In this decoder a word is read before the source is looked at. Look at what your first query is.",
            luong_decode=luong_with(ask=lambda s, before, fed: before),
        ),
        "the attentional state asks": mistake(
            "The one that asks has read the word of this step. Look at what yours has read.",
            luong_decode=luong_with(ask=lambda s, before, fed: fed),
        ),
        "the old state in the sum": mistake(
            "You ask with the right state. Look at which one stands beside the context.",
            luong_decode=luong_with(combine=lambda c, s, before, W: np.tanh(np.hstack([c, before]) @ W)),
        ),
        "the context of the step before": mistake(
            "Your first answer does not depend on what is looked at. Look at the order of your lines: which context is read?",
            luong_decode=context_before,
        ),
        "the state before the context": mistake(
            "The first rows of W_c are for the context. Look at the order in which you put the two together.",
            luong_decode=luong_with(combine=lambda c, s, before, W: np.tanh(np.hstack([s, c]) @ W)),
        ),
        "no tanh": mistake(
            "Look at the range of your answer: all of it should lie between -1 and 1.",
            luong_decode=luong_with(combine=lambda c, s, before, W: np.hstack([c, s]) @ W),
        ),
        "tanh before W_c": mistake(
            "W_c comes first, and tanh squeezes what comes out. Look at the order of the two.",
            luong_decode=luong_with(combine=lambda c, s, before, W: np.tanh(np.hstack([c, s])) @ W),
        ),
        "nothing fed on": mistake(
            "Your first step is right. Look at what the second one reads beside its word.",
            luong_decode=luong_with(feed=lambda h, c, s: 0 * h),
        ),
        "the context fed on": mistake(
            "Your first step is right. The second reads what the first one looked at; look at whether W_c has had its say.",
            luong_decode=luong_with(feed=lambda h, c, s: c),
        ),
        "the state fed on": mistake(
            "Your first step is right. The second has the old state already; look at what else it is to be told.",
            luong_decode=luong_with(feed=lambda h, c, s: s),
        ),
        "the start state fed at first": mistake(
            "Before the first step nothing has been looked at. Look at what stands beside your first word.",
            luong_decode=luong_with(first=lambda h, s0: s0),
        ),
        "fed before the word": mistake(
            "The first entries that gru reads are the word's. Look at the order in which you put its input together.",
            luong_decode=luong_with(join=lambda word, fed: np.hstack([fed, word])),
        ),
        "the attentional state carried on": mistake(
            "gru takes up its own state. Look at what you hand it as its second argument from the second step on.",
            luong_decode=luong_with(carry=lambda s, h: h),
        ),
        "the states returned": mistake(
            "Everything is computed as it should be. Look at which of your vectors you collect.",
            luong_decode=luong_with(answer=lambda h, c, s: s),
        ),
        "the contexts returned": mistake(
            "You collect what was read. Look at what is made of it before a word is chosen.",
            luong_decode=luong_with(answer=lambda h, c, s: c),
        ),
        "time before batch": mistake(
            "The batch comes first, then time. Look at the axis along which you stack.",
            luong_decode=lambda *args: tuple(part.swapaxes(0, 1) for part in luong_by_loop(*args)),
        ),
        "steps side by side": mistake(
            "Time has an axis of its own. Count the axes of your answers.",
            luong_decode=lambda *args: tuple(part.reshape(len(part), -1) for part in luong_by_loop(*args)),
        ),
        "the last step only": mistake(
            "Every step is asked for. Look at what you keep of them.",
            luong_decode=lambda *args: tuple(part[:, -1] for part in luong_by_loop(*args)),
        ),
    },
)
def luong_decode(room: Room, rng: np.random.Generator) -> Parts:
    B, T, K, E, H, A, M = np.add(rng.choice(8, 7, replace=False), 3)

    def asked(B: int, T: int, H: int, A: int, M: int) -> object:
        """The student's decoder on words, a GRU and an attention of these sizes."""
        keys, query = rng.normal(size=(B, K, A)), rng.normal(size=(H, A))
        of_x, of_s = (rng.normal(size=(n, 3 * H)) / 2 for n in (E + M, H))

        def gru(x: Array, s: Array) -> Array:
            (r, z, n), (of_r, of_z, of_n) = (np.split(part, 3, -1) for part in (x @ of_x, s @ of_s))
            keep = 1 / (1 + np.exp(-z - of_z))
            return keep * s + (1 - keep) * np.tanh(n + of_n / (1 + np.exp(-r - of_r)))

        def look(s: Array) -> tuple[Array, Array]:
            alpha = softmax(dots((s @ query)[:, None], keys))
            return (alpha @ keys)[:, 0], alpha[:, 0]

        words, s0, W_c = rng.normal(size=(B, T, E)), rng.normal(size=(B, H)), rng.normal(size=(A + H, M))
        return room.call("luong_decode", words, s0, gru, look, W_c)

    yield "one word, states and contexts of one width", asked(B, 1, H, H, H)
    yield "several words", asked(B, T, H, H, H)
    yield "of several widths", asked(B, T, H, A, M)
    yield "a batch of one, and longer", asked(1, T + 6, H, A, M)


# 09.6 Attention to a window


def local_by_loop(scores: Array, z: Array, lengths: Array, D: int) -> Array:
    weights = np.zeros_like(scores)
    for b, q in np.ndindex(*z.shape):
        p = lengths[b] / (1 + np.exp(-z[b, q]))
        window = [s for s in range(lengths[b]) if p - D <= s <= p + D]
        density = np.exp(-2 * ((np.array(window) - p) / D) ** 2)
        weights[b, q, window] = softmax(scores[b, q, window]) * density
    return weights


def expected(z: Array, lengths: Array, S: int) -> Array:
    return lengths / (1 + np.exp(-z))


def gauss(away: Array, D: int) -> Array:
    return np.exp(-(away**2) / (2 * (D / 2) ** 2))


def local_with(
    place: Callable = expected,
    fade: Callable = gauss,
    near: Callable = lambda away, D: np.abs(away) <= D,
    real: Callable = lambda s, lengths: s < lengths,
    join: Callable = lambda scores, faded, near, real: masked(scores, near & real) * faded,
) -> Callable:
    """join(scores, fade(s - p, D), near(s - p, D), real(s, lengths)) with p = place(z, lengths, S)."""

    def local_weights(scores, z, lengths, D):
        S = scores.shape[2]
        s, lengths = np.arange(S), lengths[:, None, None]
        away = s - place(z[..., None], lengths, S)
        return join(scores, fade(away, D), near(away, D), real(s, lengths))

    return local_weights


def renormalised(scores: Array, faded: Array, near: Array, real: Array) -> Array:
    weights = masked(scores, near & real) * faded
    return weights / weights.sum(-1, keepdims=True)


@task(
    "09.6",
    oracle={"local_weights": local_by_loop},
    mistakes={
        "tau is r": mistake(
            "Two deviations from its centre the curve should have reached the window's edge. Look at your tau.",
            local_weights=local_with(fade=lambda away, D: gauss(away, 2 * D)),
        ),
        "the 2 below the line forgotten": mistake(
            "One deviation from its centre the curve is exp(-1/2) high. Look at yours there.",
            local_weights=local_with(fade=lambda away, D: gauss(away, D) ** 2),
        ),
        "tau not squared": mistake(
            "Double r and every distance: the curve's height should stay. Look at how tau enters.",
            local_weights=local_with(fade=lambda away, D: np.exp(-(away**2) / D)),
        ),
        "multiplied by tau squared": mistake(
            "The wider the window, the flatter the curve should be. Look at what Python divides, and what it multiplies then.",
            local_weights=local_with(fade=lambda away, D: np.exp(-(away**2) / 2 * (D / 2) ** 2)),
        ),
        "a density": mistake(
            "At its centre the curve is 1 high. Look at what stands before your exp.",
            local_weights=local_with(fade=lambda away, D: gauss(away, D) / (D / 2 * np.sqrt(2 * np.pi))),
        ),
        "no curve": mistake(
            "Words at the edge of the window weigh as much as those in the middle. Look at what dampens them.",
            local_weights=local_with(fade=lambda away, D: 1 + 0 * away),
        ),
        "the place in the padded row": mistake(
            "Pad the batch further: your places move. Look at which length you multiply.",
            local_weights=local_with(place=lambda z, lengths, S: expected(z, S, S)),
        ),
        "z for the place": mistake(
            "Let z be 0: the place should be the middle of the sentence. Look at where yours is.",
            local_weights=local_with(place=lambda z, lengths, S: z + 0 * lengths),
        ),
        "no logistic function": mistake(
            "The place should lie within the sentence, whatever z is. Look at what keeps it there.",
            local_weights=local_with(place=lambda z, lengths, S: z * lengths),
        ),
        "the place rounded": mistake(
            "Move z a little: all your weights should move a little. Look at what holds the place still.",
            local_weights=local_with(place=lambda *args: np.round(expected(*args))),
        ),
        "the place rounded down": mistake(
            "The predicted place need not be a word's. Yours is a whole number, and never above the prediction.",
            local_weights=local_with(place=lambda *args: np.floor(expected(*args))),
        ),
        "places counted from 1": mistake(
            "The first word stands at place 0. Look at how far yours is from the prediction.",
            local_weights=local_with(place=lambda *args: expected(*args) - 1),
        ),
        "no cut": mistake(
            "Count the words with a weight above 0: words beyond r places have none. Look at what hides them.",
            local_weights=local_with(near=lambda away, D: away == away),
        ),
        "half the window": mistake(
            "The window reaches r to either side. Measure yours from edge to edge.",
            local_weights=local_with(near=lambda away, D: np.abs(away) <= D / 2),
        ),
        "no window at all": mistake(
            "The curve alone leaves every place some weight, and padding too. Count the places that should have some.",
            local_weights=local_with(join=lambda scores, faded, near, real: softmax(scores) * faded),
        ),
        "one place too many in front": mistake(
            "Look at the first word of your window: is it within r places of p? int rounds down.",
            local_weights=local_with(near=lambda away, D: (away > -D - 1) & (away <= D)),
        ),
        "one place too early": mistake(
            "Look at both ends of your window: at how int rounds, and at where a slice or a range ends.",
            local_weights=local_with(near=lambda away, D: (away > -D - 1) & (away <= D - 1)),
        ),
        "a softmax over the padded row": mistake(
            "Give the padding a score of 50: it is to change nothing. Look at which places share your 1.",
            local_weights=local_with(join=lambda scores, faded, near, real: softmax(scores) * (near & real) * faded),
        ),
        "a softmax over the whole sentence": mistake(
            "Give a word outside the window a score of 50: it is to change nothing. Look at when you cut.",
            local_weights=local_with(join=lambda scores, faded, near, real: masked(scores, real) * near * faded),
        ),
        "padding in the window": mistake(
            "Let the place be near the sentence's end. Look at which words of your window are none.",
            local_weights=local_with(real=lambda s, lengths: s + lengths >= 0),
        ),
        "padding cut off too late": mistake(
            "Padding weighs 0 in your answer, and yet its scores change the others. Look at when you hide it.",
            local_weights=local_with(join=lambda scores, faded, near, real: masked(scores, near) * real * faded),
        ),
        "padding in the softmax": mistake(
            "Give padding a score of 1000: it is to change nothing. Look at what it does to your sum, or to your maximum.",
            local_weights=local_with(join=lambda scores, faded, near, real: hidden_afterwards(scores, near & real) * faded),
        ),
        "weights that add up to 1 again": mistake(
            "Add up your weights: Luong's are below 1 in all. Look for a sum that the curve has entered.",
            local_weights=local_with(join=renormalised),
        ),
        "multiplied into the scores": mistake(
            "Far words with negative scores gain from your curve. Look at what it is multiplied with.",
            local_weights=local_with(join=lambda scores, faded, near, real: masked(scores * faded, near & real)),
        ),
        "softmax over the queries": mistake(
            "Look at the axis of your softmax: each query shares 1 among the words that it sees.",
            local_weights=local_with(join=lambda scores, faded, near, real: softmax(scores, 1) * faded),
        ),
        "overflow": mistake(
            "Look at what exp does to a large number. A row's softmax does not change when all its scores move together.",
            sign=large_ones_not_finite,
        ),
    },
)
def local_weights(room: Room, rng: np.random.Generator) -> Parts:
    B, Q = np.add(sizes(rng, 2), 2)
    D = int(rng.integers(5, 8))
    S = 2 * D + 9
    lengths, full = rng.integers(S - D + 1, S - 1, size=B), np.full(B, S)
    scores, z = rng.normal(size=(B, Q, S)), rng.uniform(-2, 2, size=(B, Q))
    z[:, :2] = [-0.7, 3.0]  # within the sentence, and at its end
    yield "a window as wide as the sentence", room.call("local_weights", scores, z / 2, full, S)
    yield "a window inside the sentence", room.call("local_weights", scores, z, full, D)
    yield "padding", room.call("local_weights", scores, z, lengths, D)
    yield "large scores", [room.call("local_weights", far + scores, z, lengths, D) for far in (900, -900)]
    padding = np.arange(S) >= lengths[:, None, None]
    yield "padding that scores far higher", room.call("local_weights", scores + 900 * padding, z, lengths, D)
    yield "one query", room.call("local_weights", scores[:, :1], z[:, :1], lengths, D)
    yield "a batch of one", room.call("local_weights", scores[:1], z[:1], lengths[:1], D)


# 09.7 Learning to choose


def reinforce_by_torch(logits: Array, choice: Array, reward: Array, baseline: Array) -> Array:
    logits = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    log_p = -F.cross_entropy(logits, torch.tensor(choice), reduction="none")
    (slope,) = torch.autograd.grad((log_p * torch.from_numpy(reward - baseline)).sum(), logits)
    return slope.numpy()


def reinforce_with(
    slope: Callable = lambda chosen, p: chosen - p,
    gain: Callable = lambda reward, baseline: reward - baseline,
    weights: Callable = softmax,
    choose: Callable = lambda choice, p: choice,
) -> Callable:
    """gain(reward, baseline) * slope(the choice as a one-hot row, p)."""

    def reinforce(logits, choice, reward, baseline):
        p = weights(logits)
        chosen = np.eye(p.shape[1])[choose(choice, p)]
        return gain(reward, baseline)[:, None] * slope(chosen, p)

    return reinforce


@task(
    "09.7",
    oracle={"reinforce": reinforce_by_torch},
    mistakes={
        "downhill": mistake(
            "Let a choice be better than expected: its logit should go up. Look at which way yours goes.",
            reinforce=reinforce_with(lambda chosen, p: p - chosen),
        ),
        "no baseline": mistake(
            "Let the reward be what was expected: nothing is to be learned. Look at what you multiply with.",
            reinforce=reinforce_with(gain=lambda reward, baseline: reward),
        ),
        "the baseline added": mistake(
            "Look at what happens to your factor when more is expected and the reward stays the same.",
            reinforce=reinforce_with(gain=np.add),
        ),
        "the baseline subtracted last": mistake(
            "Add up a row of your gradient: it should be 0. Look at where the baseline enters.",
            reinforce=lambda logits, choice, reward, baseline: (
                reinforce_by_torch(logits, choice, reward, 0 * baseline) - baseline[:, None]
            ),
        ),
        "the gradient of p": mistake(
            "Your rows are too small where an unlikely key was chosen. Look at whether a logarithm went missing.",
            reinforce=reinforce_with(lambda chosen, p: (chosen * p).sum(1, keepdims=True) * (chosen - p)),
        ),
        "the softmax left out": mistake(
            "To raise one weight, the others must fall. Look at the entries of the keys that were not chosen.",
            reinforce=reinforce_with(lambda chosen, p: chosen),
        ),
        "the gradient for the weights": mistake(
            "You stop at the weights. Look at what lies between them and the logits.",
            reinforce=reinforce_with(lambda chosen, p: chosen / p),
        ),
        "the chosen key alone": mistake(
            "The entry of the chosen key is right. Look at what its logit shares with the others: one sum.",
            reinforce=reinforce_with(lambda chosen, p: chosen * (1 - p)),
        ),
        "the choice left out": mistake(
            "Change the choice: your answer stays the same.",
            reinforce=reinforce_with(lambda chosen, p: -p),
        ),
        "the likeliest for the chosen": mistake(
            "A choice is drawn, and need not be the best guess. Look at whose logit you raise.",
            reinforce=reinforce_with(choose=lambda choice, p: p.argmax(1)),
        ),
        "every row's choice in every row": mistake(
            "Your rows all raise the same keys. Look at how you pick one entry of each row.",
            reinforce=lambda logits, choice, reward, baseline: (
                (reward - baseline)[:, None] * (np.eye(logits.shape[1])[choice].max(0) - softmax(logits))
            ),
        ),
        "weights down the batch": mistake(
            "Each row has a softmax of its own. Look at the axis along which your p adds up to 1.",
            reinforce=reinforce_with(weights=lambda logits: softmax(logits, 0)),
        ),
        "divided by the batch": mistake(
            "No average over the batch is asked for. Look at what you divide by.",
            reinforce=lambda logits, *rest: reinforce_by_torch(logits, *rest) / len(logits),
        ),
        "one reward for all": mistake(
            "Change the reward of one row: the others should stay. Look at whose reward each row gets.",
            reinforce=reinforce_with(gain=lambda reward, baseline: reward.mean() - baseline),
        ),
        "one baseline for all": mistake(
            "Change the baseline of one row: the others should stay. Look at whose baseline each row gets.",
            reinforce=reinforce_with(gain=lambda reward, baseline: reward - baseline.mean()),
        ),
        "summed over the batch": mistake(
            "Each row has logits of its own, and so a gradient of its own. Look at which axis you have added up.",
            reinforce=lambda *args: reinforce_by_torch(*args).sum(0),
        ),
        "overflow": mistake(
            "Look at what exp does to a large number. A row's softmax does not change when all its scores move together.",
            sign=large_ones_not_finite,
        ),
    },
)
def reinforce(room: Room, rng: np.random.Generator) -> Parts:
    B, K = np.add(sizes(rng, 2), 2)

    def drawn(logits: Array) -> tuple[Array, Array, Array, Array]:
        """Choices, the first of which is the least likely, with their rewards and baselines."""
        choice = rng.integers(K, size=len(logits))
        choice[0] = logits[0].argmin()
        return logits, choice, rng.uniform(1, 2, size=len(logits)), rng.uniform(0.2, 0.8, size=len(logits))

    yield "the gradient of each row", room.call("reinforce", *drawn(rng.normal(size=(B, K))))
    logits, choice, reward, _ = drawn(rng.normal(size=(B, K)))
    yield "rewards below the baseline", room.call("reinforce", logits, choice, reward, 2 * reward)
    yield "rewards as expected", room.call("reinforce", logits, choice, reward, reward)
    yield "large logits", [room.call("reinforce", *drawn(far + rng.normal(size=(B, K)))) for far in (900, -900)]
    yield "a batch of one", room.call("reinforce", *drawn(rng.normal(size=(1, K))))
