"""Checks of chapter 11, self-attention.

Axes: B sequences, T words, Q queries, K keys, D width of a word, d of a query and a key, E of a value, H heads, N lengths.
"""

from collections.abc import Callable, Iterator

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


def arrays(*values: object) -> bool:
    """Whether all of them are NumPy arrays."""
    return all(isinstance(value, np.ndarray) for value in values)


# 11.1 Self-attention


def attention_by_torch(X: Array, W_q: Array, W_k: Array, W_v: Array) -> Array:
    x = torch.from_numpy(X)[None]
    return F.scaled_dot_product_attention(*(x @ torch.from_numpy(W) for W in (W_q, W_k, W_v)))[0].numpy()


def attention_with(
    width: Callable = lambda X, q, v: np.sqrt(q.shape[1]),
    weigh: Callable = lambda scores, width: softmax(scores / width),
    read: Callable = lambda weights, v, X: weights @ v,
    score: Callable = lambda q, k: q @ k.T,
) -> Callable:
    """read(weigh(score(q, k), width(X, q, v)), v, X)."""

    def self_attention(X, W_q, W_k, W_v):
        q, k, v = X @ W_q, X @ W_k, X @ W_v
        return read(weigh(score(q, k), width(X, q, v)), v, X)

    return self_attention


@task(
    "11.1",
    oracle={"self_attention": attention_by_torch},
    mistakes={
        "no division": mistake(
            "Make the queries wider: your scores spread out, and your weights become sharper. Look at what should hold them.",
            self_attention=attention_with(lambda X, q, v: 1),
        ),
        "divided by the width itself": mistake(
            "A sum of d products spreads less than d times as far as one of them. Look at what you divide by.",
            self_attention=attention_with(lambda X, q, v: q.shape[1]),
        ),
        "the width of a word": mistake(
            "Look at which vectors are multiplied for a score, and how many numbers one of them holds. It is not a row of X.",
            self_attention=attention_with(lambda X, q, v: np.sqrt(X.shape[1])),
        ),
        "the width of a value": mistake(
            "Values have no part in the scores. Look at whose width you divide by.",
            self_attention=attention_with(lambda X, q, v: np.sqrt(v.shape[1])),
        ),
        "the number of words": mistake(
            "A longer sentence has more scores, not larger ones. Look at which axis you take the size of.",
            self_attention=attention_with(lambda X, q, v: np.sqrt(len(X))),
        ),
        "divided after the softmax": mistake(
            "Add up the weights of one word. Look at when you divide.",
            self_attention=attention_with(weigh=lambda scores, width: softmax(scores) / width),
        ),
        "weights that add up to 1 over the queries": mistake(
            "Each word shares 1 among the words that it looks at. Look at the axis along which your weights add up to 1.",
            self_attention=attention_with(weigh=lambda scores, width: softmax(scores / width, 0)),
        ),
        "keys and queries exchanged": mistake(
            "Row i of the scores belongs to the query of word i. Look at which of the two stands on the left.",
            self_attention=attention_with(score=lambda q, k: k @ q.T),
        ),
        "the weights turned over": mistake(
            "Words are rows here. Look at what the row of weights of one word is multiplied with.",
            self_attention=attention_with(read=lambda weights, v, X: weights.T @ v),
        ),
        "the scores for weights": mistake(
            "An average lies between the values that it averages. Look at what you weigh them with.",
            self_attention=attention_with(weigh=lambda scores, width: scores / width),
        ),
        "the words for values": mistake(
            "Count the numbers in a row of your answer. Look at what is averaged: each word offers something made for it.",
            self_attention=attention_with(read=lambda weights, v, X: weights @ X),
        ),
        "the keys ask": mistake(
            "Change W_q: your answer stays the same.",
            self_attention=lambda X, W_q, W_k, W_v: attention_by_torch(X, W_k, W_k, W_v),
        ),
        "the queries answer": mistake(
            "Change W_k: your answer stays the same.",
            self_attention=lambda X, W_q, W_k, W_v: attention_by_torch(X, W_q, W_q, W_v),
        ),
        "overflow": mistake(
            "Look at what exp does to a large number. A row's softmax does not change when all its scores move together.",
            sign=not_finite,
        ),
    },
)
def self_attention(room: Room, rng: np.random.Generator) -> Parts:
    T, D, d, E = np.add(sizes(rng, 4), 1)
    X, W_q, W_k, W_v = (rng.normal(size=shape) for shape in ((T, D), (D, d), (D, d), (D, E)))
    yield "what each word reads", room.call("self_attention", X, W_q / np.sqrt(D), W_k / np.sqrt(D), W_v)
    yield "large scores", room.call("self_attention", 100 * X, W_q, W_k, W_v)
    yield "a longer sentence", room.call("self_attention", rng.normal(size=(T + 8, D)), W_q / D, W_k, W_v)
    yield "one word", room.call("self_attention", X[:1], W_q, W_k, W_v)


# 11.2 The causal mask


def weights_by_loop(scores: Array, real: Array, may: Callable = lambda i, j: j <= i) -> Array:
    """Softmax over the real keys j with may(i, j) for each query i; 0 elsewhere."""
    weights = np.zeros_like(scores)
    for b, i in np.ndindex(*scores.shape[:2]):
        seen = [j for j in range(scores.shape[2]) if may(i, j) and real[b, j]]
        if seen:
            weights[b, i, seen] = softmax(scores[b, i, seen])
    return weights


def seen(real: Array) -> Array:
    """Which cells may be seen: real (B, T) -> (B, T, T)."""
    return np.tri(real.shape[1], dtype=bool) & real[:, None]


def nan_where_nothing_is_seen(got: object, wanted: object) -> bool:
    """A sign of softmax over no key at all: NaN in rows that are 0, and nowhere else."""
    if not arrays(got, wanted) or got.shape != wanted.shape or got.dtype.kind != "f":
        return False
    empty = np.broadcast_to((wanted == 0).all(-1, keepdims=True), got.shape)
    return bool(np.isnan(got[empty]).any() and np.isfinite(got[~empty]).all())


def weights_where_nothing_is_seen(got: object, wanted: object) -> bool:
    """A sign of softmax over hidden keys where there are no others: rows that are to be 0 are not, and all else is right."""
    if not arrays(got, wanted) or got.shape != wanted.shape or got.dtype.kind != "f" or not np.isfinite(got).all():
        return False
    empty = (wanted == 0).all(-1)
    return bool(np.allclose(got[~empty], wanted[~empty], atol=1e-6) and (got[empty] > 0).any())


def lost_to_a_hidden_word(got: object, wanted: object) -> bool:
    """A sign of a softmax in which hidden words took part: rows are 0 or NaN, but the last, which hides none, is right."""
    if not arrays(got, wanted) or got.shape != wanted.shape or got.dtype.kind != "f":
        return False
    return bool(np.allclose(got[:, -1], wanted[:, -1], atol=1e-6) and ~(got[:, :-1].sum(-1) > 0.5).any())


def nothing_but_nan(got: object, wanted: object) -> bool:
    """A sign of 0 times infinity in a mask: it spoils what is seen too."""
    return arrays(got) and got.dtype.kind == "f" and got.size > 0 and bool(np.isnan(got).all())


@task(
    "11.2",
    oracle={"causal_weights": weights_by_loop},
    mistakes={
        "the future in place of the past": mistake(
            "Look at your weights for the first word of a sentence without padding: how many words may it see?",
            causal_weights=lambda scores, real: weights_by_loop(scores, real, lambda i, j: j >= i),
        ),
        "a word that does not see itself": mistake(
            "Look at the diagonal of your weights. The word itself is known when it asks.",
            causal_weights=lambda scores, real: weights_by_loop(scores, real, lambda i, j: j < i),
        ),
        "one word too many": mistake(
            "Look at your weights for the first word: the second one has not been said yet.",
            causal_weights=lambda scores, real: weights_by_loop(scores, real, lambda i, j: j <= i + 1),
        ),
        "the future seen": mistake(
            "Look at what your weights say above the diagonal.",
            causal_weights=lambda scores, real: weights_by_loop(scores, real, lambda i, j: True),
        ),
        "padding seen": mistake(
            "Look at your weights in a column that belongs to padding.",
            causal_weights=lambda scores, real: weights_by_loop(scores, np.ones_like(real)),
        ),
        "either of the two": mistake(
            "A word is seen if it has been said and is no padding. Look at how you join the two masks.",
            causal_weights=lambda scores, real: softmax(
                np.where(np.tri(real.shape[1], dtype=bool) | real[:, None], scores, -np.inf)
            ),
        ),
        "the mask turned round": mistake(
            "True is a real word. Look at which words get your weight, and at what you do where the mask is false.",
            causal_weights=lambda scores, real: weights_by_loop(scores, ~real),
        ),
        "padding that asks": mistake(
            "Padding is not to be looked at; that it looks is no harm. Look at the axis that your mask of padding lies on.",
            causal_weights=lambda scores, real: weights_by_loop(scores, np.ones_like(real)) * real[:, :, None],
        ),
        "padding on both sides": mistake(
            "Look at the rows of padding: they are words that ask like any others.",
            causal_weights=lambda scores, real: weights_by_loop(scores, real) * real[:, :, None],
        ),
        "the first sentence's padding for all": mistake(
            "Each sentence has padding of its own. Look at which row of the mask you use.",
            causal_weights=lambda scores, real: weights_by_loop(scores, np.broadcast_to(real[:1], real.shape)),
        ),
        "the mask after the softmax": mistake(
            "Add up each of your rows: a word that sees something weighs what it sees with 1 in all.",
            causal_weights=lambda scores, real: softmax(scores) * seen(real),
        ),
        "hidden scores set to 0": mistake(
            "Look at exp of the score that you give to a hidden word: it still weighs something.",
            causal_weights=lambda scores, real: softmax(scores * seen(real)),
        ),
        "softmax over the queries": mistake(
            "Each word shares 1 among those that it sees. Look at the axis along which your weights add up to 1.",
            causal_weights=lambda scores, real: np.nan_to_num(softmax(np.where(seen(real), scores, -np.inf), 1)),
        ),
        "weights where nothing is seen": mistake(
            "A word that may see nothing weighs nothing. Look at your weights in such a row.",
            sign=weights_where_nothing_is_seen,
        ),
        "NaN where nothing is seen": mistake(
            "Look at the softmax of a row of nothing but minus infinity, or at 0 divided by 0.",
            sign=nan_where_nothing_is_seen,
        ),
        "hidden words in the softmax": mistake(
            "Give a word of the future a score of 1000: it is to change nothing. Look at what it does to your sum.",
            sign=lost_to_a_hidden_word,
        ),
        "nothing but NaN": mistake(
            "0 times infinity is not a number. Look at what your mask adds to a score that may be seen.",
            sign=nothing_but_nan,
        ),
    },
)
def causal_weights(room: Room, rng: np.random.Generator) -> Parts:
    B, T = np.add(sizes(rng, 2), 2)
    scores, all_real = 2 * rng.normal(size=(B, T, T)), np.ones((B, T), dtype=bool)
    yield "no padding", room.call("causal_weights", scores, all_real)
    holes = rng.integers(1, T, size=B)
    holes[1] = 1 + holes[0] % (T - 1)  # no two sentences need be alike, but the first two are not
    holes = np.arange(T) != holes[:, None]
    yield "padding among the words", room.call("causal_weights", scores, holes)
    loud = np.where(np.tri(T, dtype=bool), scores, 1000.0)
    yield "a future that scores high", room.call("causal_weights", loud, all_real)
    left = np.arange(T) >= rng.permutation(np.arange(B) % (T - 1))[:, None]
    yield "padding on the left", room.call("causal_weights", scores, left)
    yield "a batch of one", room.call("causal_weights", scores[:1], holes[:1])


# 11.3 Several heads


def heads_by_blocks(X: Array, W_q: Array, W_k: Array, W_v: Array, W_o: Array, heads: int) -> Array:
    """Each head alone, with its columns of three maps and its rows of the last: what they give is added up."""
    blocks = [*zip(*(np.split(W, heads, 1) for W in (W_q, W_k, W_v)), np.split(W_o, heads))]
    return np.stack([sum(attention_by_torch(x, *maps) @ out for *maps, out in blocks) for x in X])


def cut(rows: Array, heads: int) -> Array:
    """(B, T, H d) -> (B, H, T, d)."""
    return rows.reshape(*rows.shape[:2], heads, -1).swapaxes(1, 2)


def dealt(rows: Array, heads: int) -> Array:
    """As `cut`, but each head gets every H-th column."""
    return rows.reshape(*rows.shape[:2], -1, heads).transpose(0, 3, 1, 2)


def joined(read: Array) -> Array:
    """(B, H, T, E) -> (B, T, H E)."""
    return flat(read.swapaxes(1, 2))


def flat(read: Array) -> Array:
    return read.reshape(*read.shape[:2], -1)


def heads_with(
    split: Callable = cut,
    join: Callable = joined,
    root: Callable = lambda X, q, heads: np.sqrt(q.shape[-1]),
    weigh: Callable = softmax,
    out: Callable = np.matmul,
) -> Callable:
    """out(join(weigh(scores / root(X, q, heads)) v), W_o), with q, k, v = split(X W, heads)."""

    def multi_head(X, W_q, W_k, W_v, W_o, heads):
        q, k, v = (split(X @ W, heads) for W in (W_q, W_k, W_v))
        return out(join(weigh(q @ k.swapaxes(-1, -2) / root(X, q, heads)) @ v), W_o)

    return multi_head


def uncut(rows: Array, heads: int) -> Array:
    """The numbers in their order, as (B, H, T, d): no transpose."""
    return rows.reshape(len(rows), heads, rows.shape[1], -1)


@task(
    "11.3",
    oracle={"multi_head": heads_by_blocks},
    mistakes={
        "words mixed up by the split": mistake(
            "Change the last word: the first numbers of your split should stay. Look at the order of axes that reshape sees.",
            multi_head=heads_with(split=uncut),
        ),
        "words mixed up by the join": mistake(
            "Your heads read right. Look at whose numbers stand side by side when you put the heads together.",
            multi_head=heads_with(join=lambda read: read.reshape(len(read), read.shape[2], -1)),
        ),
        "words mixed up both ways": mistake(
            "reshape moves no number. Write out the shape before and after it: whose numbers are in row 0 of head 0?",
            multi_head=heads_with(uncut, lambda read: read.reshape(len(read), read.shape[2], -1)),
        ),
        "heads that look at each other": mistake(
            "Your scores compare the heads of one word. Look at which two axes are left for the product.",
            multi_head=heads_with(lambda rows, heads: rows.reshape(*rows.shape[:2], heads, -1), flat),
        ),
        "every H-th column": mistake(
            "The columns of a head stand side by side. Look at which columns your first head gets.",
            multi_head=heads_with(dealt, lambda read: flat(read.transpose(0, 2, 3, 1))),
        ),
        "heads joined like a zip": mistake(
            "Your heads read right. All numbers of the first head come before those of the second: look at your join.",
            multi_head=heads_with(join=lambda read: flat(read.transpose(0, 2, 3, 1))),
        ),
        "one head": mistake(
            "Call it with another number of heads: your answer stays the same.",
            multi_head=lambda *args: heads_by_blocks(*args[:-1], 1),
        ),
        "the first head for all": mistake(
            "Each head has columns of its own. Look at which ones the last head reads.",
            multi_head=heads_with(lambda rows, heads: np.repeat(cut(rows, heads)[:, :1], heads, 1)),
        ),
        "the width of all heads": mistake(
            "A score is the sum of as many products as one head has columns. Look at what you divide by.",
            multi_head=heads_with(root=lambda X, q, heads: np.sqrt(heads * q.shape[-1])),
        ),
        "the width of a word": mistake(
            "Look at which vectors a head multiplies for a score, and how many numbers one of them holds. It is no row of X.",
            multi_head=heads_with(root=lambda X, q, heads: np.sqrt(X.shape[-1])),
        ),
        "no division": mistake(
            "Your weights are too sharp. Look at what 11.1 does to the scores before the softmax.",
            multi_head=heads_with(root=lambda X, q, heads: 1),
        ),
        "divided by the width itself": mistake(
            "Your weights are too flat. Look at what 11.1 divides the scores by.",
            multi_head=heads_with(root=lambda X, q, heads: q.shape[-1]),
        ),
        "softmax over the heads": mistake(
            "The heads do not share: each gives 1 to the words that it looks at. Look at the axis of your softmax.",
            multi_head=heads_with(weigh=lambda scores: softmax(scores, 1)),
        ),
        "softmax over the queries": mistake(
            "In a head, each word shares 1 among the words that it looks at. Look at which of the last two axes adds up to 1.",
            multi_head=heads_with(weigh=lambda scores: softmax(scores, -2)),
        ),
        "the output map left out": mistake(
            "Count the numbers in a row of your answer. Look at what is left to do once the heads stand side by side.",
            multi_head=heads_with(out=lambda read, W_o: read),
        ),
    },
)
def multi_head(room: Room, rng: np.random.Generator) -> Parts:
    B, T, H, d, E, out = sizes(rng, 6)
    D = 11  # no product of two of the others

    def asked(X: Array, H: int) -> Array:
        maps = [rng.normal(size=(D, H * width)) / np.sqrt(D) for width in (d, d, E)]
        return room.call("multi_head", X, *maps, rng.normal(size=(H * E, out)), H)

    X = 2 * rng.normal(size=(B, T, D))
    yield "several heads", asked(X, H)
    yield "one head", asked(X, 1)
    yield "one more head", asked(X, H + 1)
    yield "a batch of one", asked(X[:1], H)


# 11.4 Sinusoidal positions


def sinusoids_by_rotation(places: Array, D: int) -> Array:
    """Each pair is a pointer on the unit circle: a complex number."""
    pointers = np.exp(1j * np.outer(places, 1e4 ** -(np.arange(0, D, 2) / D)))
    return np.stack([pointers.imag, pointers.real], -1).reshape(len(places), D)


def paired(sine: Array, cosine: Array) -> Array:
    return np.stack([sine, cosine], -1).reshape(len(sine), -1)


def sinusoids_with(
    exponent: Callable = lambda i, D: 2 * i / D,
    lay: Callable = paired,
    angle: Callable = lambda t, wave: t / wave,
    place: Callable = lambda places: places,
) -> Callable:
    """lay(sin, cos) of angle(place(places), 10000^exponent(i, D)) for each pair i."""

    def sinusoids(places, D):
        angles = angle(place(places)[:, None], 1e4 ** exponent(np.arange(D // 2), D))
        return lay(np.sin(angles), np.cos(angles))

    return sinusoids


def of_each_column(places: Array, D: int) -> Array:
    """The exponent counts columns, so that a sine and its cosine have two wavelengths."""
    angles = places[:, None] / 1e4 ** (np.arange(D) / D)
    return np.where(np.arange(D) % 2, np.cos(angles), np.sin(angles))


@task(
    "11.4",
    oracle={"sinusoids": sinusoids_by_rotation},
    mistakes={
        "sines, then cosines": mistake(
            "Look at place 0 of your answer: where do its zeros stand, and where its ones?",
            sinusoids=sinusoids_with(lay=lambda sine, cosine: np.concatenate([sine, cosine], 1)),
        ),
        "the cosine first": mistake(
            "Look at the first number of place 0 in your answer.",
            sinusoids=sinusoids_with(lay=lambda sine, cosine: paired(cosine, sine)),
        ),
        "sines alone": mistake(
            "A pair is a point on a circle: its squares add up to 1. Look at the second number of yours.",
            sinusoids=sinusoids_with(lay=lambda sine, cosine: paired(sine, sine)),
        ),
        "half the exponent": mistake(
            "Your pairs slow down too little from one to the next. Look at what the exponent of the last pair is.",
            sinusoids=sinusoids_with(lambda i, D: i / D),
        ),
        "twice the exponent": mistake(
            "Your pairs slow down too much. Look at whether your index counts pairs or columns, and what the formula counts.",
            sinusoids=sinusoids_with(lambda i, D: 4 * i / D),
        ),
        "an exponent for each column": mistake(
            "The squares of a pair add up to 1. Look at the angle of the cosine, beside that of its sine.",
            sinusoids=of_each_column,
        ),
        "the last wave 10000 long": mistake(
            "The exponent never reaches 1. Look at what you divide by.",
            sinusoids=sinusoids_with(lambda i, D: i / (D // 2 - 1)),
        ),
        "multiplied": mistake(
            "The last pairs turn slowest. Look at the sign of your exponent.",
            sinusoids=sinusoids_with(angle=lambda t, wave: t * wave),
        ),
        "one wave for all pairs": mistake(
            "All your pairs are alike. Look at where the number of the pair enters.",
            sinusoids=sinusoids_with(lambda i, D: 0 * i),
        ),
        "degrees": mistake(
            "From place 0 to place 1 your first pair hardly moves. Look at the unit of an angle in NumPy.",
            sinusoids=sinusoids_with(angle=lambda t, wave: np.radians(t / wave)),
        ),
        "places from 1": mistake(
            "At place 0 every sine is 0. Look at yours.",
            sinusoids=sinusoids_with(place=lambda places: places + 1),
        ),
        "places counted anew": mistake(
            "Ask for the places 5 and 2. Look at what decides your rows.",
            sinusoids=sinusoids_with(place=lambda places: np.arange(len(places))),
        ),
        "columns in place of rows": mistake(
            "A place is a row. Look at the order of your axes.",
            sinusoids=lambda places, D: sinusoids_by_rotation(places, D).T,
        ),
    },
)
def sinusoids(room: Room, rng: np.random.Generator) -> Parts:
    T, half = rng.choice(np.arange(3, 7), 2, replace=False)
    D = 2 * int(half)
    yield "the first places", room.call("sinusoids", np.arange(D + 1 + T), D)
    yield "any places, in any order", room.call("sinusoids", rng.permutation(50)[:T], D)
    yield "far on, backwards", room.call("sinusoids", -np.sort(-1000 - rng.permutation(8000)[:T]), D)
    yield "wider", room.call("sinusoids", np.arange(T), D + 8)


# 11.5 Rotary positions


def rotary_by_pointers(q: Array, k: Array, q_places: Array, k_places: Array) -> Array:
    """Each pair is a complex number, and turning it multiplies it by another."""
    speeds = 1e4 ** -(np.arange(0, q.shape[1], 2) / q.shape[1])
    asked, told = (
        (x[:, ::2] + 1j * x[:, 1::2]) * np.exp(1j * np.outer(places, speeds)) for x, places in ((q, q_places), (k, k_places))
    )
    return (asked @ told.conj().T).real


def together(first: Array, second: Array, cos: Array, sin: Array) -> tuple[Array, Array]:
    """The pairs (first, second), turned."""
    return first * cos - second * sin, first * sin + second * cos


def turned(
    x: Array,
    places: Array,
    turn: Callable = together,
    exponent: Callable = lambda i, D: 2 * i / D,
    halves: bool = False,
) -> Array:
    """The rows of x (N, D), each turned as its place says. With `halves`, column i goes with column i + D / 2."""
    D = x.shape[1]
    order = np.arange(D).reshape(2, -1) if halves else np.arange(D).reshape(-1, 2).T
    angles = places[:, None] / 1e4 ** exponent(np.arange(D // 2), D)
    out = np.empty(x.shape)
    out[:, order[0]], out[:, order[1]] = turn(x[:, order[0]], x[:, order[1]], np.cos(angles), np.sin(angles))
    return out


def rotary_with(turn_q: Callable = turned, turn_k: Callable | None = None, end: Callable = np.asarray) -> Callable:
    """end(turn_q(q) turn_k(k)^T); the keys are turned as the queries are, where nothing else is said."""
    return lambda q, k, q_places, k_places: end(turn_q(q, q_places) @ (turn_k or turn_q)(k, k_places).T)


def turned_with(**how: object) -> Callable:
    return lambda x, places: turned(x, places, **how)


def overwritten(first: Array, second: Array, cos: Array, sin: Array) -> tuple[Array, Array]:
    """The second is made from the first as it has just become."""
    first = first * cos - second * sin
    return first, first * sin + second * cos


@task(
    "11.5",
    oracle={"rotary_scores": rotary_by_pointers},
    mistakes={
        "the keys not turned": mistake(
            "Move a key to another place: your score stays. Look at what a score knows of the place of its key.",
            rotary_scores=rotary_with(turn_k=lambda k, places: k),
        ),
        "the queries not turned": mistake(
            "Move a query to another place: your score stays. Look at what a score knows of the place of its query.",
            rotary_scores=rotary_with(lambda q, places: q, turned),
        ),
        "the keys turned against the queries": mistake(
            "Move a query and a key by the same distance: the score is to stay. Look at which way each of them turns.",
            rotary_scores=rotary_with(turn_k=lambda k, places: turned(k, -places)),
        ),
        "turned the other way": mistake(
            "Turn (1, 0) by a small angle: where does the second number go? Look at the signs beside your sines.",
            rotary_scores=rotary_with(lambda x, places: turned(x, -places)),
        ),
        "no rotation": mistake(
            "Turning keeps the length of a pair. Compare the lengths before and after, and look at your signs.",
            rotary_scores=rotary_with(
                turned_with(turn=lambda a, b, cos, sin: (a * cos + b * sin, a * sin + b * cos)),
            ),
        ),
        "the new first number in the second": mistake(
            "Both new numbers of a pair are made from the two old ones. Look at what the second of yours is made from.",
            rotary_scores=rotary_with(turned_with(turn=overwritten)),
        ),
        "each number by itself": mistake(
            "Turning mixes the two numbers of a pair. Look at what becomes of (1, 0) at a quarter of a turn.",
            rotary_scores=rotary_with(turned_with(turn=lambda a, b, cos, sin: (a * cos, b * sin))),
        ),
        "pairs of two halves": mistake(
            "Neighbours are a pair: the first two numbers, then the next two. Look at which numbers you turn together.",
            rotary_scores=rotary_with(turned_with(halves=True)),
        ),
        "half the exponent": mistake(
            "Your pairs slow down too little from one to the next. Look at what your exponent counts, and what it divides by.",
            rotary_scores=rotary_with(turned_with(exponent=lambda i, D: i / D)),
        ),
        "twice the exponent": mistake(
            "Your pairs slow down too much from one to the next. Does your index count pairs, or columns?",
            rotary_scores=rotary_with(turned_with(exponent=lambda i, D: 4 * i / D)),
        ),
        "faster and faster": mistake(
            "The first pair turns fastest. Look at the sign of your exponent.",
            rotary_scores=rotary_with(turned_with(exponent=lambda i, D: -2 * i / D)),
        ),
        "one speed for all pairs": mistake(
            "Each pair has a speed of its own. Look at where the number of the pair enters.",
            rotary_scores=rotary_with(turned_with(exponent=lambda i, D: 0 * i)),
        ),
        "positions added": mistake(
            "At place 0 nothing is to change. Look at what you do with query and key: do you add something to them?",
            rotary_scores=rotary_with(lambda x, places: x + sinusoids_by_rotation(places, x.shape[1])),
        ),
        "places counted anew": mistake(
            "Look at the places in which queries and keys stand: they need not begin at 0, nor be the same for both.",
            rotary_scores=rotary_with(lambda x, places: turned(x, np.arange(len(x)))),
        ),
        "divided by the root": mistake(
            "At place 0 the scores are plain products. Look at what you do to them.",
            rotary_scores=lambda *args: rotary_by_pointers(*args) / np.sqrt(args[0].shape[1]),
        ),
        "weights in place of scores": mistake(
            "Scores are asked for, as they come. Look at your last step.",
            rotary_scores=rotary_with(end=softmax),
        ),
    },
)
def rotary_scores(room: Room, rng: np.random.Generator) -> Parts:
    Q, K, half = rng.choice(np.arange(3, 8), 3, replace=False)
    q, k = rng.normal(size=(Q, 2 * half)), rng.normal(size=(K, 2 * half))
    still = np.zeros(Q, dtype=int), np.zeros(K, dtype=int)
    yield "everything at place 0", room.call("rotary_scores", q, k, *still)
    places = rng.permutation(60)[:Q] + 1, rng.permutation(60)[:K] + 1
    yield "each at its place", room.call("rotary_scores", q, k, *places)
    yield "all moved by the same distance", room.call("rotary_scores", q, k, places[0] + 1000, places[1] + 1000)
    yield "one pair", room.call("rotary_scores", q[:, :2], k[:, :2], *places)
    yield "one query", room.call("rotary_scores", q[:1], k, places[0][:1], places[1])


# 11.6 Does it look ahead?


def causal_by_draws(attention: Callable, x: Array) -> bool:
    """Words drawn anew from each place on change nothing before it, in several draws."""
    draws, before = np.random.default_rng(0), attention(x)
    for t in [*range(1, x.shape[1])] * 3:
        other = np.concatenate([x[:, :t], draws.normal(size=x[:, t:].shape)], 1)
        if np.abs(attention(other) - before)[:, :t].max() > 1e-6:
            return False
    return True


def by_experiment(
    change: Callable = lambda future: -future[..., ::-1] + np.cos(np.arange(future.size)).reshape(future.shape),
    first: Callable = lambda T: range(1, T),
    shown: Callable = lambda y, t: y[:, :t],
    same: Callable = np.allclose,
    part: Callable = lambda t, T: slice(t, T),
) -> Callable:
    """Causal if, for each t of first(T), shown(y, t) stays the same when change has changed the words of part(t, T)."""

    def is_causal(attention, x):
        before, T = attention(x), x.shape[1]
        for t in first(T):
            other = x.copy()
            other[:, part(t, T)] = change(x[:, part(t, T)])
            if not same(shown(before, t), shown(attention(other), t)):
                return False
        return True

    return is_causal


def without_copies(attention: Callable, x: Array) -> bool:
    """Each change is made to what the one before has left."""
    before, other = attention(x), x.copy()
    for t in range(1, x.shape[1]):
        other[:, t:] = -other[:, t:] + np.cos(np.arange(other[:, t:].size)).reshape(other[:, t:].shape)
        if not np.allclose(before[:, :t], attention(other)[:, :t]):
            return False
    return True


def attentions(rng: np.random.Generator, D: int, d: int, E: int, middle: int) -> dict[str, Callable]:
    """x (B, T, D) -> (B, T, E): some that look ahead, and some that do not. `middle` is a place where two of them change."""
    W_q, W_k, W_v = rng.normal(size=(D, d)), rng.normal(size=(D, d)), rng.normal(size=(D, E))

    def scores(x: Array) -> Array:
        """Cosines, so that no word is too loud for exp."""
        q, k = (np.divide(x @ W, np.linalg.norm(x @ W, axis=-1, keepdims=True) + 1e-9) for W in (W_q, W_k))
        return 3 * q @ k.swapaxes(1, 2)

    def under(may: Callable, prepare: Callable = np.asarray) -> Callable:
        """Attention in which the word in place i sees that in place j if may(i, j, T)."""

        def attention(x: Array) -> Array:
            T, x = x.shape[1], prepare(x)
            e = np.exp(scores(x)) * may(np.arange(T)[:, None], np.arange(T), T)
            return e / e.sum(-1, keepdims=True) @ (x @ W_v)

        return attention

    def normalised(x: Array) -> Array:
        return (x - x.mean(-1, keepdims=True)) / (x.std(-1, keepdims=True) + 1e-9)

    def before(x: Array) -> Array:
        """A word does not even ask: what it reads is the mean of the words before it, and 0 where there are none."""
        return np.tri(x.shape[1], k=-1) / np.arange(x.shape[1]).clip(1)[:, None] @ (x @ W_v)

    def behind(x: Array) -> Array:
        """Causal, though the largest of all scores is taken off each of them: the future shows in the last digits."""
        every = scores(x)
        e = np.exp(every - every.max((1, 2), keepdims=True)) * np.tri(x.shape[1])
        return e / e.sum(-1, keepdims=True) @ (x @ W_v)

    def hard(x: Array) -> Array:
        """All weight on the best of all words, of which only the largest entry is read."""
        best = np.take_along_axis(x @ W_v, scores(x).argmax(-1)[..., None], 1)
        return 1.0 * (best == best.max(-1, keepdims=True))

    def leaking(x: Array) -> Array:
        return softmax(scores(x)) * np.tri(x.shape[1]) @ (x @ W_v)

    return {
        "causal": under(lambda i, j, T: j <= i),
        "no mask": under(lambda i, j, T: True),
        "the mask after the softmax": leaking,
        "one word ahead": under(lambda i, j, T: j <= i + 1),
        "each word alone": lambda x: x @ W_v,
        "the mean of what came before": before,
        "from the right": under(lambda i, j, T: j >= i),
        "words normalised, no mask": under(lambda i, j, T: True, normalised),
        "all but the last word": under(lambda i, j, T: (j < T - 1) | (j <= i)),
        "ahead in the first half": under(lambda i, j, T: (j <= i) | (j < middle)),
        "ahead in the second half": under(lambda i, j, T: (j <= i) | (i >= middle)),
        "all weight on the best": hard,
        "causal, by another way": behind,
    }


@task(
    "11.6",
    oracle={"is_causal": causal_by_draws},
    mistakes={
        "turned round": mistake(
            "An output that stays as it is has not seen the change. Look at which way your answer goes.",
            is_causal=lambda *args: not causal_by_draws(*args),
        ),
        "every output compared": mistake(
            "A word may change its own output, and those after it. Look at which outputs have to stay.",
            is_causal=by_experiment(shown=lambda y, t: y),
        ),
        "the changed word's own output": mistake(
            "A word may see itself. Look at the first word that you change, and at the last output that you compare.",
            is_causal=by_experiment(shown=lambda y, t: y[:, : t + 1]),
        ),
        "one output too few": mistake(
            "The output right before the change has to stay too. Look at the last output that you compare.",
            is_causal=by_experiment(shown=lambda y, t: y[:, : t - 1], first=lambda T: range(2, T)),
        ),
        "the past changed": mistake(
            "That later outputs know earlier words is no fault. Look at which side you change, and which you compare.",
            is_causal=by_experiment(part=lambda t, T: slice(0, t), shown=lambda y, t: y[:, t:]),
        ),
        "the last word changed": mistake(
            "An attention may leave the last word alone and still look ahead. Look at which words you change.",
            is_causal=by_experiment(first=lambda T: [T - 1]),
        ),
        "the last word dropped": mistake(
            "That nobody misses the last word says nothing of the one before. Look at how often you shorten the sentence.",
            is_causal=lambda attention, x: bool(np.allclose(attention(x)[:, :-1], attention(x[:, :-1]))),
        ),
        "the first output compared": mistake(
            "An attention may be careful at the beginning and look ahead later. Look at which outputs you compare.",
            is_causal=by_experiment(first=lambda T: [1]),
        ),
        "one cut in the middle": mistake(
            "An attention may look ahead without ever looking across the middle. Look at how many cuts you try.",
            is_causal=by_experiment(first=lambda T: [T // 2]),
        ),
        "the future in another order": mistake(
            "Without positions, attention sees a set of words. Does your change bring in a word that was not there?",
            is_causal=by_experiment(lambda future: future[:, ::-1]),
        ),
        "words and outputs moved together": mistake(
            "Outputs that move with their words know of no order. That is another property: look at what you compare.",
            is_causal=lambda attention, x: bool(np.allclose(attention(x[:, ::-1]), attention(x)[:, ::-1])),
        ),
        "changes that pile up": mistake(
            "Your first change is right. Look at what your array holds when you make the second.",
            is_causal=without_copies,
        ),
        "the same added everywhere": mistake(
            "A layer may take the mean off each word before it looks. Look at what is left of your change then.",
            is_causal=by_experiment(lambda future: future + 1),
        ),
        "longer words": mistake(
            "A layer may bring each word to one length before it looks. Look at whether your change turns the words.",
            is_causal=by_experiment(lambda future: 2 * future),
        ),
        "a small nudge": mistake(
            "An attention may put all its weight on the best word. Look at whether your change makes another the best.",
            is_causal=by_experiment(lambda future: future + 1e-4 * np.cos(np.arange(future.size)).reshape(future.shape)),
        ),
        "equal to the last bit": mistake(
            "Rounding changes the last digits of a number that is the same. Look at how you compare.",
            is_causal=by_experiment(same=np.array_equal),
        ),
    },
)
def is_causal(room: Room, rng: np.random.Generator) -> Parts:
    B, D, d, E = np.add(sizes(rng, 4), 1)
    T = 2 * int(rng.integers(5, 7))
    cases = attentions(rng, D, d, E, T // 2)
    for name, attention in cases.items():
        yield name, room.call("is_causal", attention, rng.normal(size=(B, T, D)))
    yield "causal, and two words", room.call("is_causal", cases["causal"], rng.normal(size=(B, 2, D)))


# 11.7 What it costs to see everything

LAYERS = "self-attention", "recurrence", "convolution", "dilated convolution"


def layers_by_loop(n: int, width: int, dilate: bool) -> int:
    """Layers that are added until the last word sees the first."""
    layers, reach = 0, 1
    while reach < n:
        reach += (width - 1) * (width**layers if dilate else 1)
        layers += 1
    return layers


def paths_by_loop(n: int, width: int) -> list[int]:
    return [1, n, layers_by_loop(n, width, dilate=False), layers_by_loop(n, width, dilate=True)]


def attention_cost(n: int, d: int) -> int:
    return 3 * n * d * d + 2 * n * n * d


def costs_with(
    attention: Callable = attention_cost,
    recurrence: Callable = lambda n, d: 2 * n * d * d,
    convolution: Callable = lambda n, d, width: width * n * d * d,
    paths: Callable = paths_by_loop,
    layers: Callable = lambda path: path,
) -> Callable:
    """Costs from those of one layer; a convolution's is taken layers(path) times."""

    def costs(lengths, d, width):
        table = []
        for n in map(int, lengths):
            path = paths(n, width)
            stacks = [layers(path[i]) * convolution(n, d, width) for i in (2, 3)]
            table.append(([attention(n, d), recurrence(n, d), *stacks], path))
        cost, path = zip(*table)
        return np.array(cost), np.array(path)

    return costs


def with_path(which: int, count: Callable) -> Callable:
    """Costs in which the path of layer number `which` is count(n, width)."""
    return costs_with(paths=lambda n, w: [count(n, w) if i == which else path for i, path in enumerate(paths_by_loop(n, w))])


def off_at_powers(got: object, wanted: object) -> bool:
    """A sign of a rounded logarithm: of lengths that are powers of the width, some paths are one off and others right."""
    if not arrays(got, wanted) or wanted.ndim != 1 or got.shape != wanted.shape or got.dtype.kind not in "iu":
        return False
    return bool(np.isin(got - wanted, (-1, 0, 1)).all() and (got == wanted).any())


@task(
    "11.7",
    oracle={"costs": costs_with()},
    mistakes={
        "scores or sum left out": mistake(
            "Self-attention multiplies all words with all words twice: look for both, and at what each of them gives.",
            costs=costs_with(lambda n, d: 3 * n * d * d + n * n * d),
        ),
        "the three maps left out": mistake(
            "Look at how the words of self-attention become queries, keys and values, and what that costs.",
            costs=costs_with(lambda n, d: 2 * n * n * d),
        ),
        "one map for three": mistake(
            "Count the matrices that self-attention multiplies the words with.",
            costs=costs_with(lambda n, d: n * d * d + 2 * n * n * d),
        ),
        "an output map": mistake(
            "Self-attention as it is defined here ends with the average. Count the matrices.",
            costs=costs_with(lambda n, d: 4 * n * d * d + 2 * n * n * d),
        ),
        "one number for a score": mistake(
            "A score is one number. Look at how many multiplications it takes to get it.",
            costs=costs_with(lambda n, d: 3 * n * d * d + 2 * n * n),
        ),
        "half of all pairs": mistake(
            "No mask is spoken of here: look at how many words each word of self-attention is compared with.",
            costs=costs_with(lambda n, d: 3 * n * d * d + n * (n + 1) * d),
        ),
        "one map in the recurrence": mistake(
            "A step of the recurrence reads two things. Count its matrices.",
            costs=costs_with(recurrence=lambda n, d: n * d * d),
        ),
        "one step of the recurrence": mistake(
            "Look at how often the recurrence multiplies by its matrices in a whole sentence.",
            costs=costs_with(recurrence=lambda n, d: 2 * d * d),
        ),
        "each entry by itself": mistake(
            "Each of the d numbers that a convolution gives reads all d numbers of a word. Look at your factors of d.",
            costs=costs_with(convolution=lambda n, d, width: width * n * d),
        ),
        "the width left out": mistake(
            "Look at how many words one output of a convolution reads, and whether your cost knows of it.",
            costs=costs_with(convolution=lambda n, d, width: n * d * d),
        ),
        "one layer for the stack": mistake(
            "Your paths are right. Look at what the cost of a convolution is the cost of: one layer does not see everything.",
            costs=costs_with(layers=lambda path: 1),
        ),
        "the path of attention as long as the sentence": mistake(
            "Count the layers between the first word and the last output of self-attention.",
            costs=with_path(0, lambda n, w: n),
        ),
        "steps between the words": mistake(
            "The path through the recurrence begins with the step that reads the first word. Count it with the others.",
            costs=with_path(1, lambda n, w: n - 1),
        ),
        "the first step left out": mistake(
            "The recurrence has a step for each word. Count yours.",
            costs=costs_with(
                recurrence=lambda n, d: 2 * (n - 1) * d * d, paths=lambda n, w: [1, n - 1, *paths_by_loop(n, w)[2:]]
            ),
        ),
        "a whole width for each layer": mistake(
            "Draw two layers of width 3 and count the words that the last one reaches. How much further does each layer reach?",
            costs=with_path(2, lambda n, w: -(-n // w)),
        ),
        "one word too many to reach": mistake(
            "The last word sees itself without a layer. Look at how many words a convolution still has to reach.",
            costs=with_path(2, lambda n, w: -(-n // (w - 1))),
        ),
        "rounded down": mistake(
            "With the layers of convolution that you count, does the last word see the first? Look at how you round.",
            costs=with_path(2, lambda n, w: max(1, (n - 1) // (w - 1))),
        ),
        "dilation forgotten": mistake(
            "Your dilated convolutions reach as far as plain ones. Draw two layers, and look at the gaps of the second.",
            costs=with_path(3, lambda n, w: layers_by_loop(n, w, dilate=False)),
        ),
        "dilation that doubles": mistake(
            "Look at how much further a dilated layer reaches than the one below. Does it depend on the width?",
            costs=with_path(3, lambda n, w: layers_by_loop(n, 2, dilate=True)),
        ),
        "dilated, rounded down": mistake(
            "A dilated stack that reaches all but one word does not reach the first. Look at how you round its layers.",
            costs=with_path(3, lambda n, w: layers_by_loop(n + 1, w, dilate=True) - 1 or 1),
        ),
        "dilated, one too many": mistake(
            "Take a length that is a power of the width. Is the last layer of your dilated stack needed?",
            costs=with_path(3, lambda n, w: layers_by_loop(n + 1, w, dilate=True)),
        ),
        "a rounded logarithm": mistake(
            "Most of your paths are right. A computer's logarithm is not exact, and then rounding up can go one too far.",
            sign=off_at_powers,
        ),
    },
)
def costs(room: Room, rng: np.random.Generator) -> Parts:
    width, d = int(rng.integers(3, 5)), int(rng.integers(5, 12))
    lengths = rng.permutation([2 * width, 4 * width + 1, width**2, width**2 + 1, 5 * width + 3, 29, 30])
    cost, path = room.call("costs", lengths, d, width)
    for i, name in enumerate(LAYERS):
        yield name, (cost[:, i], path[:, i])
    powers = {w: w ** np.arange(2, 6) for w in (5, 6, 7, 3, 8, 9)}
    yield "lengths that are powers of the width", np.concatenate([room.call("costs", powers[w], d, w)[1][:, 3] for w in powers])
    cost, path = room.call("costs", np.array([2, 3, 40]), d, 2)
    yield "a width of 2", (cost, path)
