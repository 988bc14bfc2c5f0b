"""Checks of chapter 03, word vectors. Axes: N words, V vocabulary, P pairs, B windows, C contexts, K noise words, D width."""

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, normalize, softplus

from utils.grading.rooms import Room
from utils.grading.task import has_ceiling, mistake, not_finite, sizes, task

Parts = Iterator[tuple[str, object]]


def normal(rng: np.random.Generator, *shape: int) -> Tensor:
    """Normal numbers in PyTorch's default precision."""
    return torch.from_numpy(rng.normal(size=shape)).float()


def sigmoid(x: np.ndarray) -> np.ndarray:
    return (1 + np.tanh(x / 2)) / 2


# 03.1 Training pairs


def pairs_by_definition(words: np.ndarray, sentence: np.ndarray, window: int) -> np.ndarray:
    near = [(i, j) for i, j in product(range(len(words)), repeat=2) if 0 < abs(i - j) <= window]
    return np.array([(words[i], words[j]) for i, j in near if sentence[i] == sentence[j]])


def pairs_with(
    reach: Callable = lambda d, w: 0 < abs(d) <= w,
    together: Callable = lambda i, j, words, sentence: sentence[i] == sentence[j],
    centre: Callable = lambda i, n, w: True,
    show: Callable = lambda i, j, words: (words[i], words[j]),
) -> Callable:
    """Places i and j make a pair if reach(j - i, window), together(i, j, words, sentence) and centre(i, N, window)."""

    def training_pairs(words, sentence, window):
        n = len(words)
        met = [(i, j) for i, j in product(range(n), repeat=2) if reach(j - i, window) and together(i, j, words, sentence)]
        return np.array([show(i, j, words) for i, j in met if centre(i, n, window)])

    return training_pairs


def pairs_round_the_start(words: np.ndarray, sentence: np.ndarray, window: int) -> np.ndarray:
    places = [(i, j) for i in range(len(words)) for j in range(i - window, min(len(words), i + window + 1)) if j != i]
    return np.array([(words[i], words[j]) for i, j in places if sentence[i] == sentence[j]])


def pairs_by_distance(words: np.ndarray, sentence: np.ndarray, window: int) -> np.ndarray:
    steps = product([*range(-window, 0), *range(1, window + 1)], range(len(words)))
    places = [(i, i + d) for d, i in steps if 0 <= i + d < len(words)]
    return np.array([(words[i], words[j]) for i, j in places if sentence[i] == sentence[j]])


def as_pairs(value: object) -> list[tuple[int, int]]:
    fits = isinstance(value, np.ndarray) and value.ndim == 2 and value.shape[1] == 2
    return [tuple(pair) for pair in value.tolist()] if fits else []


def in_another_order(got: object, wanted: object) -> bool:
    """A sign of loops nested the other way round, or of contexts that do not run from left to right."""
    return as_pairs(got) != as_pairs(wanted) and sorted(as_pairs(got)) == sorted(as_pairs(wanted))


def each_once(got: object, wanted: object) -> bool:
    """A sign of a set."""
    return 0 < len(as_pairs(got)) < len(as_pairs(wanted)) and sorted(as_pairs(got)) == sorted(set(as_pairs(wanted)))


@task(
    "03.1",
    oracle={"training_pairs": pairs_by_definition},
    mistakes={
        "across sentences": mistake(
            "The last word of one sentence knows nothing of the first word of the next. Look at where a window ends.",
            training_pairs=pairs_with(together=lambda i, j, words, sentence: True),
        ),
        "the centre paired with itself": mistake(
            "A word is not its own context. Look at the middle of your window.",
            training_pairs=pairs_with(lambda d, w: abs(d) <= w),
        ),
        "equal words not paired": mistake(
            "A word may stand twice in a window, and then it is its own neighbour. Look at what you compare: places or words.",
            training_pairs=pairs_with(lambda d, w: abs(d) <= w, lambda i, j, words, s: s[i] == s[j] and words[i] != words[j]),
        ),
        "the words before the centre only": mistake(
            "A window has two sides. Look at the words that follow the centre.",
            training_pairs=pairs_with(lambda d, w: -w <= d < 0),
        ),
        "the words after the centre only": mistake(
            "A window has two sides. Look at the words that come before the centre.",
            training_pairs=pairs_with(lambda d, w: 0 < d <= w),
        ),
        "one word short on the right": mistake(
            "Both sides are equally wide. Look at the last number that your range gives.",
            training_pairs=pairs_with(lambda d, w: d and -w <= d < w),
        ),
        "one word short on both sides": mistake(
            "With a window of 1 the direct neighbours are in. Look at whether your comparison takes equals.",
            training_pairs=pairs_with(lambda d, w: 0 < abs(d) < w),
        ),
        "one word too far": mistake(
            "With a window of 1 a word has at most two neighbours. Count yours.",
            training_pairs=pairs_with(lambda d, w: 0 < abs(d) <= w + 1),
        ),
        "full windows only": mistake(
            "Words near the ends of the text are centres too. Look at where your outer loop begins and where it ends.",
            training_pairs=pairs_with(centre=lambda i, n, w: w <= i < n - w),
        ),
        "the end of the text before its beginning": mistake(
            "Index -1 is the last word. Look at what the first word of the text is paired with.",
            training_pairs=pairs_round_the_start,
        ),
        "the context first": mistake(
            "The centre comes first in each pair. Look at the pairs of the first word: they stand at the top.",
            training_pairs=pairs_with(show=lambda i, j, words: (words[j], words[i])),
        ),
        "distance by distance": mistake(
            "The right pairs, all of one distance, then all of the next. Look at which of your loops is the outer one.",
            training_pairs=pairs_by_distance,
        ),
        "places in place of words": mistake(
            "A pair holds the ids of two words. Look at whether you return where they stand.",
            training_pairs=pairs_with(show=lambda i, j, words: (i, j)),
        ),
        "each pair once": mistake(
            "A pair that occurs twice is learned twice. Look at what drops its second occurrence.",
            sign=each_once,
        ),
        "another order": mistake(
            "These are the right pairs. Look at their order: first by the centre's place in the text, then by the context's.",
            sign=in_another_order,
        ),
    },
)
def training_pairs(room: Room, rng: np.random.Generator) -> Parts:
    V, window = 9, int(rng.integers(2, 4))

    def text(lengths: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """Words in which no neighbours are equal, but for one word said twice running in the longest sentence."""
        words = (rng.integers(V) + rng.integers(1, V, size=sum(lengths)).cumsum()) % V
        middle = sum(lengths[: np.argmax(lengths)]) + max(lengths) // 2
        words[middle + 1] = words[middle]
        return words, np.arange(len(lengths)).repeat(lengths)

    some = [window + 1, *rng.permutation([1, 2, 2 * window + 3, int(rng.integers(3, 6))]).tolist(), 2]
    yield "the words around each word, sentence by sentence", room.call("training_pairs", *text(some), window)
    yield "one sentence", room.call("training_pairs", *text([2 * window + 6]), window + 1)
    yield "a window wider than any sentence", room.call("training_pairs", *text([3, 1, 4]), 5)
    yield "the direct neighbours", room.call("training_pairs", *text([4, 2, 1, 6]), 1)


# 03.2 Subsampling


def kept_by_loop(counts: np.ndarray, threshold: float) -> np.ndarray:
    total = sum(counts.tolist())
    return np.array([min(1.0, (threshold * total / count) ** 0.5) for count in counts.tolist()])


def kept_with(probability: Callable, share: Callable = lambda counts: counts / counts.sum()) -> Callable:
    """probability(ratio of the threshold to each word's share)."""
    return lambda counts, threshold: probability(threshold / share(counts))


def at_most_one(ratio: np.ndarray) -> np.ndarray:
    return np.minimum(1, np.sqrt(ratio))


@task(
    "03.2",
    oracle={"keep_probability": kept_by_loop},
    mistakes={
        "counts in place of shares": mistake(
            "Twice the text has twice the counts, and the same shares. Look at what you divide the threshold by.",
            keep_probability=kept_with(at_most_one, lambda counts: counts),
        ),
        "the share of the vocabulary": mistake(
            "The shares of all words sum to 1. Look at the sum of yours.",
            keep_probability=kept_with(at_most_one, lambda counts: counts / len(counts)),
        ),
        "the most frequent word as the whole": mistake(
            "A share is a part of all the words in the text. Look at what you divide the counts by.",
            keep_probability=kept_with(at_most_one, lambda counts: counts / counts.max()),
        ),
        "the probability of being dropped": mistake(
            "Rare words are to stay. Look at what your function gives for the rarest one.",
            keep_probability=kept_with(lambda ratio: 1 - at_most_one(ratio)),
        ),
        "the fraction turned round": mistake(
            "The more frequent a word is, the less of it is kept. Look at which way yours goes.",
            keep_probability=kept_with(lambda ratio: at_most_one(1 / ratio)),
        ),
        "above 1": mistake(
            "A probability is at most 1. Look at what your formula gives for the rarest word.",
            keep_probability=kept_with(np.sqrt),
        ),
        "no square root": mistake(
            "A word with four times the threshold keeps one half. Look at what yours keeps.",
            keep_probability=kept_with(lambda ratio: np.minimum(1, ratio)),
        ),
        "the square": mistake(
            "A word with four times the threshold keeps one half, not one in sixteen. Look at your exponent.",
            keep_probability=kept_with(lambda ratio: np.minimum(1, ratio**2)),
        ),
        "all or nothing": mistake(
            "Frequent words become rarer and do not vanish. Look at what is left of the most frequent one.",
            keep_probability=kept_with(lambda ratio: (ratio >= 1) * 1.0),
        ),
        "the formula of the original program": mistake(
            "The program adds the ratio itself to its square root. Look at the formula above, which is the paper's.",
            keep_probability=kept_with(lambda ratio: np.minimum(1, np.sqrt(ratio) + ratio)),
        ),
        "made to sum to 1": mistake(
            "Each word has a probability of its own, and these are no distribution. Look at your last division.",
            keep_probability=kept_with(lambda ratio: at_most_one(ratio) / at_most_one(ratio).sum()),
        ),
    },
)
def keep_probability(room: Room, rng: np.random.Generator) -> Parts:
    V = int(rng.integers(7, 12))
    counts = rng.permutation((3000 * rng.uniform(0.8, 1.2, size=V) / 2.0 ** np.arange(V)).astype(int))
    shares = np.sort(counts) / counts.sum()
    threshold = float((shares[2] + shares[3]) / 2)  # three words are rarer
    yield "frequent words are thinned out", room.call("keep_probability", counts, threshold)
    yield "a lower threshold: every word is", room.call("keep_probability", counts, float(shares[0] / 3))
    yield "a higher one: no word is", room.call("keep_probability", counts, float(shares[-1] * 1.5))


# 03.3 The noise distribution


def noise_by_softmax(counts: np.ndarray, power: float) -> np.ndarray:
    return torch.from_numpy(counts).double().log().mul(power).softmax(0).numpy()


def noise_with(weights: Callable, total: Callable = np.sum) -> Callable:
    """weights(counts, power) over their total."""
    return lambda counts, power: weights(counts, power) / total(weights(counts, power))


def powers(counts: np.ndarray, power: float) -> np.ndarray:
    return counts**power


@task(
    "03.3",
    oracle={"noise_distribution": noise_by_softmax},
    mistakes={
        "the power left out": mistake(
            "Change the power: your answer stays the same. Look at where it enters, and at what cancels it.",
            noise_distribution=noise_with(lambda counts, power: counts),
        ),
        "the power fixed at 3/4": mistake(
            "The power is an argument. Look at the number that you wrote in its place.",
            noise_distribution=noise_with(lambda counts, power: counts**0.75),
        ),
        "powers that do not sum to 1": mistake(
            "Probabilities sum to 1. Look at what is left to do.",
            noise_distribution=powers,
        ),
        "shares raised to the power, and left so": mistake(
            "Shares sum to 1; their powers do not. Look at the order of your two steps.",
            noise_distribution=lambda counts, power: (counts / counts.sum()) ** power,
        ),
        "divided by the number of words in the text": mistake(
            "Look at the sum of your answer. It is the powers that are to sum to 1, so add those.",
            noise_distribution=lambda counts, power: counts**power / counts.sum(),
        ),
        "the power turned round": mistake(
            "A power below 1 makes rare words less rare. Look at which way yours goes.",
            noise_distribution=noise_with(lambda counts, power: counts ** (1 / power)),
        ),
        "one less the power": mistake(
            "Power 1 gives the words' own shares. Look at what it gives in your formula.",
            noise_distribution=noise_with(lambda counts, power: counts ** (1 - power)),
        ),
        "softmax of the powers": mistake(
            "A word twice as frequent is drawn less than twice as often. Look at how fast your exp grows.",
            noise_distribution=noise_with(lambda counts, power: np.exp(counts**power - (counts**power).max())),
        ),
        "the largest made 1": mistake(
            "Probabilities sum to 1. Look at what you divide by: all of them or one.",
            noise_distribution=noise_with(powers, np.max),
        ),
        "a vector of length 1": mistake(
            "The sum is to be 1, not the sum of the squares. Look at what you divide by.",
            noise_distribution=noise_with(powers, np.linalg.norm),
        ),
        "added up from the left": mistake(
            "A sampler may want running sums; here each word's own probability is asked for. Look at your last step.",
            noise_distribution=lambda counts, power: noise_by_softmax(counts, power).cumsum(),
        ),
    },
)
def noise_distribution(room: Room, rng: np.random.Generator) -> Parts:
    V = int(rng.integers(6, 12))
    counts = rng.permutation((900 * rng.uniform(0.8, 1.2, size=V) / np.arange(1, V + 1)).astype(int))
    yield "word2vec's power", room.call("noise_distribution", counts, 0.75)
    yield "another power", room.call("noise_distribution", counts, float(rng.uniform(0.3, 0.45)))
    yield "power 1: the shares as they are", room.call("noise_distribution", counts, 1.0)
    yield "power 0: all words alike", room.call("noise_distribution", counts, 0.0)


# 03.4 The hidden layer of CBOW


def means_by_loop(vectors: Tensor, contexts: Tensor, there: Tensor) -> Tensor:
    return torch.stack([vectors[row[mask > 0]].mean(0) for row, mask in zip(contexts, there)])


def means_with(
    weights: Callable = lambda contexts, there: there, divisor: Callable = lambda weights: weights.sum(1, keepdim=True)
) -> Callable:
    """The sum of the vectors by weights(contexts, there) (B, C), over divisor(weights)."""

    def context_means(vectors, contexts, there):
        shares = weights(contexts, there).float()
        return (shares[:, :, None] * vectors[contexts]).sum(1) / divisor(shares)

    return context_means


def first_of_each(contexts: Tensor, there: Tensor) -> Tensor:
    """1 where a word stands in its row for the first time, elsewhere 0."""
    equal = (contexts[:, :, None] == contexts[:, None]) & (there[:, None] > 0)
    return there * ~equal.tril(-1).any(-1)


@task(
    "03.4",
    oracle={"context_means": means_by_loop},
    may_use=("torch",),
    mistakes={
        "empty places counted": mistake(
            "Change the id in an empty place: your answer must stay. Look at where the mask enters.",
            context_means=means_with(lambda contexts, there: torch.ones_like(there)),
        ),
        "divided by the width of the window": mistake(
            "The mean of a single word's vector is that vector. Look at what you divide by.",
            context_means=means_with(divisor=lambda shares: shares.shape[1]),
        ),
        "the sum": mistake(
            "A window with twice the words is no longer than one with half of them. Look at what is left to do after the sum.",
            context_means=means_with(divisor=lambda shares: 1),
        ),
        "the mask turned round": mistake(
            "A 1 marks a word. Look at which places you take.",
            context_means=means_with(lambda contexts, there: 1 - there),
        ),
        "word 0 taken for an empty place": mistake(
            "0 is a word like any other. Look at how you tell an empty place from a word.",
            context_means=means_with(lambda contexts, there: contexts != 0),
        ),
        "word 0 left out besides": mistake(
            "The mask alone says what is there. Look at what else you ask of an id.",
            context_means=means_with(lambda contexts, there: there * (contexts != 0)),
        ),
        "a repeated word counted once": mistake(
            "A word that stands twice in a window counts twice. Look at what drops its second occurrence.",
            context_means=means_with(first_of_each),
        ),
        "one divisor for the whole batch": mistake(
            "Each window has its own number of words. Look at the shape of what you divide by.",
            context_means=means_with(divisor=lambda shares: shares.sum(1).mean()),
        ),
        "one word too many in the divisor": mistake(
            "The mean of a single word's vector is that vector. Look at how you count the words.",
            context_means=means_with(divisor=lambda shares: shares.sum(1, keepdim=True) + 1),
        ),
        "a square root in the divisor": mistake(
            "A mean divides by the number of words itself. Look at your root.",
            context_means=means_with(divisor=lambda shares: shares.sum(1, keepdim=True).sqrt()),
        ),
        "made a vector of length 1": mistake(
            "The mean is asked for, as long as it is. Look at your last step.",
            context_means=lambda *args: normalize(means_by_loop(*args), dim=1),
        ),
    },
)
def context_means(room: Room, rng: np.random.Generator) -> Parts:
    B, C, V, D = np.add(sizes(rng, 4), 2).tolist()

    def windows(empty: int | None) -> tuple[Tensor, Tensor]:
        """Contexts of which each has two words at least and one place empty, there word `empty`, or any."""
        there = torch.from_numpy(rng.random((B, C))).argsort(1) < torch.from_numpy(rng.integers(2, C, size=(B, 1)))
        there[0] = torch.arange(C) < 2  # the fewest
        contexts = torch.from_numpy(rng.integers(1, V, size=(B, C)))
        repeated = there.int().argsort(dim=1, descending=True, stable=True)[:, :2]  # the first two words of each window
        contexts[-1, repeated[-1]] = int(rng.integers(1, V))
        contexts[-2, repeated[-2, 0]] = 0
        contexts[~there] = 0 if empty == 0 else torch.from_numpy(rng.integers(1, V, size=int((~there).sum())))
        return contexts, there.float()

    vectors = normal(rng, V, D)
    vectors[1::2, 0] = 0
    yield "empty places that hold a 0", room.call("context_means", vectors, *windows(0))
    yield "empty places that hold any word", room.call("context_means", vectors, *windows(None))
    contexts, there = windows(None)
    yield "no place empty", room.call("context_means", vectors, contexts, torch.ones_like(there))
    alone = torch.arange(C)[None] == torch.from_numpy(rng.integers(C, size=(B, 1)))
    yield "one word in each window", room.call("context_means", vectors, contexts, alone.float())
    yield "a single window", room.call("context_means", vectors, contexts[:1], there[:1])


# 03.5 The nearest words


def cosines(vectors: np.ndarray, word: int) -> np.ndarray:
    lengths = np.sqrt((vectors**2).sum(1))
    return (vectors * vectors[word]).sum(1) / (lengths * lengths[word])


def nearest_by_sorting(vectors: np.ndarray, word: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    values = cosines(vectors, word)
    best = sorted(set(range(len(vectors))) - {word}, key=lambda v: (-values[v], v))[:k]
    return np.array(best), values[best]


def highest_first(values: np.ndarray) -> np.ndarray:
    return np.argsort(-values, kind="stable")


def nearest_with(
    value: Callable = cosines,
    order: Callable = highest_first,
    choose: Callable = lambda order, word, k: order[order != word][:k],
    show: Callable = lambda values: values,
) -> Callable:
    """The words that choose(order(values), word, k) takes, with show of their values."""

    def nearest(vectors, word, k):
        values = value(vectors, word)
        chosen = choose(order(values), word, k)
        return chosen, show(values)[chosen]

    return nearest


def dots(vectors: np.ndarray, word: int) -> np.ndarray:
    return vectors @ vectors[word]


def distances(vectors: np.ndarray, word: int) -> np.ndarray:
    return np.linalg.norm(vectors - vectors[word], axis=1)


def nearest_in_the_table_without(vectors: np.ndarray, word: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    ids, values = nearest_by_sorting(vectors, word, k)
    return ids - (ids > word), values


@task(
    "03.5",
    oracle={"nearest": nearest_by_sorting},
    mistakes={
        "dot products": mistake(
            "A long vector is not nearer for its length. Look at what you divide by.",
            nearest=nearest_with(dots),
        ),
        "the word's own length left in": mistake(
            "A cosine is between -1 and 1. Your order is right; look at the size of your numbers.",
            nearest=nearest_with(lambda x, word: dots(x, word) / np.linalg.norm(x, axis=1)),
        ),
        "the others' lengths left in": mistake(
            "Double one word's vector: its cosines must stay. Look at whose length you divide by.",
            nearest=nearest_with(lambda x, word: dots(x, word) / np.linalg.norm(x[word])),
        ),
        "columns made length 1": mistake(
            "A word is a row. Look at the axis along which you take the length.",
            nearest=nearest_with(lambda x, word: dots(x / np.linalg.norm(x, axis=0), word)),
        ),
        "the word itself among them": mistake(
            "The nearest word of all is the word itself, which tells you nothing. Look at the first one in your list.",
            nearest=nearest_with(choose=lambda order, word, k: order[:k]),
        ),
        "the first one left out, whoever it is": mistake(
            "Another word may point the same way. Look at whether it is the word itself that you leave out.",
            nearest=nearest_with(choose=lambda order, word, k: order[1 : k + 1]),
        ),
        "one too few": mistake(
            "k words are left when the word itself is out. Look at which comes first, choosing or leaving out.",
            nearest=nearest_with(choose=lambda order, word, k: order[1:k]),
        ),
        "the word itself given the cosine 0": mistake(
            "0 is larger than many cosines. Ask for all other words, and look at who is among them.",
            nearest=nearest_with(
                lambda x, word: np.where(np.arange(len(x)) == word, 0, cosines(x, word)), choose=lambda o, w, k: o[:k]
            ),
        ),
        "the farthest": mistake(
            "A cosine is larger, the nearer two words are. Look at which end of the sorted list you take.",
            nearest=nearest_with(order=lambda values: np.argsort(values, kind="stable")),
        ),
        "the least near of them first": mistake(
            "The nearest comes first. Look at the order of your answer.",
            nearest=lambda *args: tuple(part[::-1] for part in nearest_by_sorting(*args)),
        ),
        "distances": mistake(
            "Words are compared by the angle between them here. Look at whether your measure changes when a vector is doubled.",
            nearest=nearest_with(distances, order=lambda values: np.argsort(values, kind="stable")),
        ),
        "one less the cosine": mistake(
            "The right words. Look at the number beside each: the cosine is asked for, not how much it lacks.",
            nearest=nearest_with(show=lambda values: 1 - values),
        ),
        "opposites counted as near": mistake(
            "A cosine of -1 is as far as words can be apart. Look at what you do with the sign.",
            nearest=nearest_with(lambda x, word: np.abs(cosines(x, word))),
        ),
        "ids of a table without the word": mistake(
            "Take a row out of a table, and all rows below it move up. Look at what your numbers count.",
            nearest=nearest_in_the_table_without,
        ),
        "ties to the larger id": mistake(
            "Of equally near words the smaller id comes first. Look at what turning an order round does to ties.",
            nearest=nearest_with(order=lambda values: np.argsort(values, kind="stable")[::-1]),
        ),
    },
)
def nearest(room: Room, rng: np.random.Generator) -> Parts:
    V, D, k = int(rng.integers(14, 19)), int(rng.integers(4, 8)), int(rng.integers(3, 6))
    word = int(rng.integers(2, V // 3))

    def case() -> np.ndarray:
        """Vectors of which other measures choose others than the cosine does."""
        while True:
            vectors = rng.normal(size=(V, D)) * rng.uniform(0.3, 3, size=(V, 1))
            vectors[0] = vectors[word] * -1.5 + 0.05 * rng.normal(size=D)  # an opposite
            vectors[-1] = vectors[word] * 0.6 + 0.05 * rng.normal(size=D)  # a neighbour below the word in the table
            chosen = {frozenset(highest_first(v)[: k + 1]) for v in (cosines(vectors, word), dots(vectors, word))}
            if len(chosen | {frozenset(highest_first(-distances(vectors, word))[: k + 1])}) == 3:
                return vectors

    vectors = case()
    yield "the nearest words, the best first", room.call("nearest", vectors, word, k)
    yield "all other words", room.call("nearest", vectors, word, V - 1)
    signs = np.array(list(product((-1.0, 1.0), repeat=4)))[rng.permutation(16)]  # cosines that no rounding can part
    word = int(rng.integers(5, 15))
    signs[int(rng.integers(word))] = 2 * signs[word]
    yield "of equals the smaller id; another word of the same direction", room.call("nearest", signs, word, 9)
    yield "the nearest one", room.call("nearest", vectors, int(V - 1), 1)


# 03.6 Pointwise mutual information


def ppmi_by_loop(counts: np.ndarray) -> np.ndarray:
    V, C = counts.shape
    information, total = np.zeros((V, C)), counts.sum()
    for w, c in np.argwhere(counts):
        information[w, c] = max(0.0, np.log2(counts[w, c] * total / (counts[w].sum() * counts[:, c].sum())))
    return information


def ppmi_with(
    read: Callable = lambda ratio: np.maximum(0, np.log2(ratio)),
    ratio: Callable = lambda counts, rows, columns: counts * counts.sum() / (rows * columns),
) -> Callable:
    """read(how many times as often two meet as chance would have it)."""

    def ppmi(counts):
        rows, columns = counts.sum(1, keepdims=True), counts.sum(0, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(counts > 0, read(ratio(counts, rows, columns)), 0)

    return ppmi


def weighted_by_share(counts: np.ndarray) -> np.ndarray:
    return counts / counts.sum() * ppmi_by_loop(counts)


def void_where_nothing_is(got: object, wanted: object) -> bool:
    """A sign of 0 / 0: NaN, and none of it in rows and columns that hold information."""
    if not isinstance(got, np.ndarray) or got.shape != wanted.shape or got.dtype.kind != "f":
        return False
    void = np.isnan(got)
    return bool(void.any() and not void[np.ix_(wanted.any(1), wanted.any(0))].any())


def all_zero(got: object, wanted: object) -> bool:
    """A sign of a ratio of probabilities that cannot exceed 1."""
    fits = isinstance(got, np.ndarray) and got.shape == np.shape(wanted) and got.dtype.kind == "f"
    return bool(fits and not got.any() and np.any(wanted))


@task(
    "03.6",
    oracle={"ppmi": ppmi_by_loop},
    mistakes={
        "negative values left": mistake(
            "Two that meet less often than by chance get 0 here. Look at the smallest number in your table.",
            ppmi=ppmi_with(np.log2),
        ),
        "minus infinity for pairs that never met": mistake(
            "Pairs that never met have 0. Look at what the logarithm of 0 leaves in your table.",
            ppmi=lambda counts: np.where(counts > 0, ppmi_by_loop(counts), -np.inf),
        ),
        "nats": mistake(
            "The answer is asked for in bits. Look at the base of your logarithm.",
            ppmi=ppmi_with(lambda ratio: np.maximum(0, np.log(ratio))),
        ),
        "no logarithm": mistake(
            "Twice as often as by chance is one bit. Look at what you make of the ratio.",
            ppmi=ppmi_with(lambda ratio: ratio),
        ),
        "1 added inside the logarithm": mistake(
            "As often as by chance is no information, 0 bits. Look at what your formula gives for a ratio of 1.",
            ppmi=ppmi_with(lambda ratio: np.log2(1 + ratio)),
        ),
        "1 added to every count": mistake(
            "The counts are taken as they are. Look at what you do to them before you divide.",
            ppmi=lambda counts: ppmi_by_loop(counts + 1),
        ),
        "less often counted like more often": mistake(
            "Half as often as by chance is -1 bit, and becomes 0. Look at what you do with the sign.",
            ppmi=ppmi_with(lambda ratio: np.abs(np.log2(ratio))),
        ),
        "the sign turned round": mistake(
            "Pairs that meet more often than by chance get the large numbers. Look at which way your ratio stands.",
            ppmi=ppmi_with(lambda ratio: np.maximum(0, -np.log2(ratio))),
        ),
        "everything 0": mistake(
            "Look at whether your ratio can exceed 1 at all. Which of its three numbers are counts, and which probabilities?",
            sign=all_zero,
        ),
        "counts over probabilities": mistake(
            "Multiply all counts by ten: your answer must stay. Look at which of your numbers are not probabilities yet.",
            ppmi=ppmi_with(ratio=lambda counts, rows, columns: counts * counts.sum() ** 2 / (rows * columns)),
        ),
        "every word as frequent as any other": mistake(
            "Frequent words meet everything often. Look at what you hold the shared count against.",
            ppmi=ppmi_with(ratio=lambda counts, rows, columns: counts * counts.size / counts.sum()),
        ),
        "the contexts' frequencies left out": mistake(
            "A context that stands beside every word tells nothing of any. Look at where its own frequency enters.",
            ppmi=ppmi_with(ratio=lambda counts, rows, columns: counts * counts.shape[1] / rows),
        ),
        "the words' frequencies left out": mistake(
            "A word that is in every second pair meets all contexts often. Look at where its own frequency enters.",
            ppmi=ppmi_with(ratio=lambda counts, rows, columns: counts * counts.shape[0] / columns),
        ),
        "contexts smoothed by the power 3/4": mistake(
            "The chapter's refinement is not asked for here. Look at the contexts' probabilities in the formula above.",
            ppmi=ppmi_with(ratio=lambda counts, rows, columns: counts * (columns**0.75).sum() / (rows * columns**0.75)),
        ),
        "weighted by the shared probability": mistake(
            "Each pair has its own value, however rare it is. Look at what you multiply the logarithm by.",
            ppmi=weighted_by_share,
        ),
        "nothing divided by nothing": mistake(
            "A word that meets no context has a row of zeros. Look at what you divide there.",
            sign=void_where_nothing_is,
        ),
    },
)
def ppmi(room: Room, rng: np.random.Generator) -> Parts:
    V, C = np.add(sizes(rng, 2), (2, 2)).tolist()

    def table(least: int) -> np.ndarray:
        frequent = rng.permutation(2.0 ** np.arange(V))[:, None] ** 0.5 * rng.permutation(2.0 ** np.arange(C)) ** 0.5
        return least + rng.poisson(2 * frequent * rng.exponential(size=(V, C)))

    yield "words that meet every context", room.call("ppmi", table(1))
    sparse = table(1) * (rng.random((V, C)) < 0.6)
    sparse[np.arange(V), np.arange(V) % C] += 1  # no row without a count
    sparse[np.arange(C) % V, np.arange(C)] += 1  # and no column
    sparse[0, -1] = 0
    sparse[0, 0], sparse[-1, -1] = 5, 4
    sparse[2] = np.arange(C) % V == 2  # a word as rare as can be
    yield "pairs that never meet", room.call("ppmi", sparse)
    sparse[1], sparse[:, 1] = 0, 0
    yield "a word and a context that never occur", room.call("ppmi", sparse)


# 03.7 The loss of negative sampling


def sampled_loss_by_softplus(centres: Tensor, contexts: Tensor, noise: Tensor) -> Tensor:
    right = torch.stack([c @ u for c, u in zip(centres.double(), contexts.double())])
    wrong = torch.stack([n @ c for c, n in zip(centres.double(), noise.double())])
    return (softplus(-right) + softplus(wrong).sum(1)).mean().float()


def loss_with(
    each: Callable = lambda right, wrong: -logsigmoid(right) - logsigmoid(-wrong).sum(1), over_batch: Callable = torch.mean
) -> Callable:
    """over_batch(each(scores of the contexts (B,), scores of the noise words (B, K)))."""

    def sampled_loss(centres, contexts, noise):
        return over_batch(each((centres * contexts).sum(1), (noise @ centres[:, :, None])[:, :, 0]))

    return sampled_loss


def by_softmax(right: Tensor, wrong: Tensor) -> Tensor:
    return torch.logsumexp(torch.cat([right[:, None], wrong], 1), 1) - right


@task(
    "03.7",
    oracle={"sampled_loss": sampled_loss_by_softplus},
    may_use=("torch",),
    mistakes={
        "noise drawn near": mistake(
            "Noise is pushed away: a high score there costs much. Look at the sign inside the second sigmoid.",
            sampled_loss=loss_with(lambda right, wrong: -logsigmoid(right) - logsigmoid(wrong).sum(1)),
        ),
        "the context pushed away": mistake(
            "The true context is drawn near: its high score costs little. Look at the sign inside the first sigmoid.",
            sampled_loss=loss_with(lambda right, wrong: -logsigmoid(-right) - logsigmoid(-wrong).sum(1)),
        ),
        "the two sides exchanged": mistake(
            "Give it a perfect model, high scores for contexts and low ones for noise. Look at whether your loss is near 0.",
            sampled_loss=loss_with(lambda right, wrong: -logsigmoid(-right) - logsigmoid(wrong).sum(1)),
        ),
        "the sign turned round": mistake(
            "A loss falls as the model gets better, and the logarithm of a probability is at most 0. Look at your sign.",
            sampled_loss=loss_with(over_batch=lambda losses: -losses.mean()),
        ),
        "the mean over the noise words": mistake(
            "Every noise word counts in full. Look at what you do along the axis K.",
            sampled_loss=loss_with(lambda right, wrong: -logsigmoid(right) - logsigmoid(-wrong).mean(1)),
        ),
        "the sum over the batch": mistake(
            "Repeat the batch twice: the loss must stay. Look at what you do along the axis B.",
            sampled_loss=loss_with(over_batch=torch.sum),
        ),
        "no logarithm": mistake(
            "A sure mistake must cost more than an unsure one, without bound. Look at what you do with the sigmoid.",
            sampled_loss=loss_with(lambda right, wrong: -torch.sigmoid(right) - torch.sigmoid(-wrong).sum(1)),
        ),
        "no sigmoid": mistake(
            "A mean loss is never negative. Look at what you add up: scores or logarithms of probabilities.",
            sampled_loss=loss_with(lambda right, wrong: wrong.sum(1) - right),
        ),
        "the logarithm after the sum": mistake(
            "Each noise word is a decision of its own: logarithms are added. Look at the order of log and sum.",
            sampled_loss=loss_with(lambda right, wrong: -logsigmoid(right) - torch.sigmoid(-wrong).sum(1).log()),
        ),
        "the scores added before the sigmoid": mistake(
            "Each noise word is a decision of its own. Look at how many sigmoids you take.",
            sampled_loss=loss_with(lambda right, wrong: -logsigmoid(right) - logsigmoid(-wrong.sum(1))),
        ),
        "bits": mistake(
            "The natural logarithm is asked for. Look at the base of yours.",
            sampled_loss=loss_with(over_batch=lambda losses: losses.mean() / np.log(2)),
        ),
        "a softmax over context and noise": mistake(
            "Each word has a yes or no of its own, by a sigmoid. Look at whether your words compete with each other.",
            sampled_loss=loss_with(by_softmax),
        ),
        "the context alone": mistake(
            "Change the noise words: your loss stays the same.",
            sampled_loss=loss_with(lambda right, wrong: -logsigmoid(right)),
        ),
        "the noise alone": mistake(
            "Change the contexts: your loss stays the same.",
            sampled_loss=loss_with(lambda right, wrong: -logsigmoid(-wrong).sum(1)),
        ),
        "cosines in place of scores": mistake(
            "Double the centres: the loss must change. Look at what you do to the lengths of the vectors.",
            sampled_loss=lambda *args: sampled_loss_by_softplus(*(normalize(x, dim=-1) for x in args)),
        ),
        "the first window's noise for all": mistake(
            "Each centre has noise words of its own. Look at which of them your centre meets.",
            sampled_loss=lambda centres, contexts, noise: sampled_loss_by_softplus(
                centres, contexts, noise[:1].expand_as(noise)
            ),
        ),
        "a small number inside the logarithm": mistake(
            "A score of -300 costs 300. Look at what keeps your loss from growing any further.",
            sign=has_ceiling,
        ),
        "overflow": mistake(
            "Where a sigmoid rounds to 0 its logarithm is no number. Look for a function that gives the logarithm in one step.",
            sign=not_finite,
        ),
    },
)
def sampled_loss(room: Room, rng: np.random.Generator) -> Parts:
    B, K, D = np.add(sizes(rng, 3), 1).tolist()

    def vectors(B: int, K: int) -> tuple[Tensor, Tensor, Tensor]:
        return normal(rng, B, D), normal(rng, B, D), normal(rng, B, K, D)

    centres, contexts, noise = vectors(B, K)
    two = [(centres, contexts, noise), vectors(B + 1, K + 1)]  # one number alone may be right by luck
    yield "the mean over each of two batches", [room.call("sampled_loss", *batch) for batch in two]
    far = -300 * normalize(centres) / centres.norm(dim=1, keepdim=True)  # scores of -300
    yield "contexts of very low scores", room.call("sampled_loss", centres, far, noise)
    noise[:, -1] = -far
    yield "noise of very high scores", room.call("sampled_loss", centres, contexts, noise)
    yield "a batch of one", room.call("sampled_loss", *vectors(1, K + 2))
    yield "one noise word", room.call("sampled_loss", *vectors(B, 1))


# 03.8 The gradient by hand


def gradient_by_autograd(centres: np.ndarray, contexts: np.ndarray, noise: np.ndarray) -> np.ndarray:
    c, u, n = (torch.from_numpy(x) for x in (centres, contexts, noise))
    c.requires_grad_()
    right, wrong = torch.einsum("bd,bd->b", c, u), torch.einsum("bd,bkd->bk", c, n)
    loss = -(logsigmoid(right).sum() + logsigmoid(-wrong).sum()) / len(centres)
    return torch.autograd.grad(loss, c)[0].numpy()


def gradient_with(
    pull: Callable = lambda s: s - 1,
    push: Callable = lambda s: s,
    scale: Callable = lambda B, K: 1 / B,
    of_noise: Callable = lambda terms: terms.sum(1),
    moves: Callable = lambda c, u, n: (u, n),
) -> Callable:
    """pull(sigmoid of its score) times the context, plus push(theirs) times the noise words; moves gives both vectors."""

    def centre_gradient(centres, contexts, noise):
        right, wrong = sigmoid((centres * contexts).sum(1)), sigmoid((noise @ centres[:, :, None])[:, :, 0])
        u, n = moves(centres, contexts, noise)
        whole = pull(right)[:, None] * u + of_noise(push(wrong)[:, :, None] * n)
        return whole * scale(*wrong.shape)

    return centre_gradient


@task(
    "03.8",
    oracle={"centre_gradient": gradient_by_autograd},
    mistakes={
        "the sign turned round": mistake(
            "A gradient points to where the loss grows; the step goes against it. Look at which of the two you return.",
            centre_gradient=gradient_with(scale=lambda B, K: -1 / B),
        ),
        "the sum over the batch": mistake(
            "The loss is a mean over the batch. Look at what that does to each row of its gradient.",
            centre_gradient=gradient_with(scale=lambda B, K: 1.0),
        ),
        "the 1 of the true context left out": mistake(
            "A context that the model is sure of pulls no more. Look at your factor when the sigmoid is 1.",
            centre_gradient=gradient_with(pull=lambda s: s),
        ),
        "noise drawn near": mistake(
            "A step against the gradient leads away from a noise word of high score. Look at the sign of your second term.",
            centre_gradient=gradient_with(push=lambda s: -s),
        ),
        "noise treated like the context": mistake(
            "A noise word of very low score pushes no more. Look at your factor when its sigmoid is 0.",
            centre_gradient=gradient_with(push=lambda s: s - 1),
        ),
        "noise of low score pushed hardest": mistake(
            "The noise word that the model takes for a context must move most. Look at the sign inside your second sigmoid.",
            centre_gradient=gradient_with(push=lambda s: 1 - s),
        ),
        "the slope of the sigmoid": mistake(
            "The loss holds the logarithm of a sigmoid. Look at what the logarithm's own derivative does to the slope.",
            centre_gradient=gradient_with(lambda s: -s * (1 - s), lambda s: s * (1 - s)),
        ),
        "the slope of the sigmoid once too often": mistake(
            "The factor s - 1 has the slope of the sigmoid in it already. Count how often you apply the chain rule.",
            centre_gradient=gradient_with(lambda s: (s - 1) * s * (1 - s), lambda s: s * s * (1 - s)),
        ),
        "the centre in place of the other words": mistake(
            "The derivative of a dot product by one vector is the other. Look at which vector your factor stands before.",
            centre_gradient=gradient_with(moves=lambda c, u, n: (c, c[:, None])),
        ),
        "the noise left out": mistake(
            "Change the noise words: your answer stays the same.",
            centre_gradient=gradient_with(of_noise=lambda terms: 0),
        ),
        "the context left out": mistake(
            "Change the contexts: your answer stays the same.",
            centre_gradient=gradient_with(pull=lambda s: 0 * s),
        ),
        "the mean over the noise words": mistake(
            "Every noise word counts in full in the loss. Look at what you do along the axis K.",
            centre_gradient=gradient_with(of_noise=lambda terms: terms.mean(1)),
        ),
        "divided by the noise words too": mistake(
            "The loss is a mean over one axis only. Look at what you divide by.",
            centre_gradient=gradient_with(scale=lambda B, K: 1 / (B * K)),
        ),
        "scores in place of sigmoids": mistake(
            "A push is never stronger than 1. Look at what you do with the scores.",
            centre_gradient=lambda centres, contexts, noise: (
                (((centres * contexts).sum(1) - 1)[:, None] * contexts + ((noise @ centres[:, :, None]) * noise).sum(1))
                / len(centres)
            ),
        ),
        "overflow": mistake(
            "Look at what exp does to a large score, and at infinity over infinity. The sigmoid has a form without it.",
            sign=not_finite,
        ),
    },
)
def centre_gradient(room: Room, rng: np.random.Generator) -> Parts:
    B, K, D = np.add(sizes(rng, 3), 1).tolist()

    def vectors(B: int, K: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return rng.normal(size=(B, D)), rng.normal(size=(B, D)), rng.normal(size=(B, K, D))

    yield "each row of the gradient", room.call("centre_gradient", *vectors(B, K))
    centres, contexts, noise = vectors(B, K)
    contexts[0] = centres[0]
    yield "scores beyond a thousand", room.call("centre_gradient", 2000 * centres, contexts, noise)
    yield "a batch of one", room.call("centre_gradient", *vectors(1, K + 2))
    yield "one noise word", room.call("centre_gradient", *vectors(B, 1))
