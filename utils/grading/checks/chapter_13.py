"""Checks of chapter 13, the transformer.

Axes: B sentences, T words, S source words, D width of a word, H heads, d width of a key, E of a value, V words known, N models.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from utils.grading.rooms import Room
from utils.grading.task import has_ceiling, mistake, not_finite, sizes, task

Parts = Iterator[tuple[str, object]]
Array = np.ndarray


def softmax(scores: Array, axis: int = -1) -> Array:
    weights = np.exp(scores - scores.max(axis, keepdims=True))
    return weights / weights.sum(axis, keepdims=True)


# 13.1 Layer normalisation


def layer_norm_by_torch(x: Array, gain: Array, bias: Array, epsilon: float) -> Array:
    x, gain, bias = map(torch.from_numpy, (x, gain, bias))
    return F.layer_norm(x, gain.shape, gain, bias, epsilon).numpy()


def layer_norm_with(
    axis: int | tuple = -1,
    root: Callable = lambda variance, epsilon: np.sqrt(variance + epsilon),
    less: int = 0,
    centre: Callable = lambda x, mean: x - mean,
    variance: Callable = lambda x, **over: x.var(**over),
    end: Callable = lambda x, gain, bias: x * gain + bias,
) -> Callable:
    """end(centre(x, mean) / root(variance, epsilon), gain, bias), with mean and variance along `axis`."""

    def layer_norm(x, gain, bias, epsilon):
        spread = variance(x, axis=axis, ddof=less, keepdims=True)
        return end(centre(x, x.mean(axis, keepdims=True)) / root(spread, epsilon), gain, bias)

    return layer_norm


def mean_square(x: Array, axis: int, ddof: int, keepdims: bool) -> Array:
    return (x**2).mean(axis, keepdims=keepdims)


@task(
    "13.1",
    oracle={"layer_norm": layer_norm_by_torch},
    mistakes={
        "over the words of a sentence": mistake(
            "Change the last word of a sentence: the others must stay. Look at the axis of your mean.",
            layer_norm=layer_norm_with(1),
        ),
        "over a whole sentence": mistake(
            "Make one word ten times as long: your other words change. Look at how many numbers your mean is taken over.",
            layer_norm=layer_norm_with((1, 2)),
        ),
        "over all words of the batch": mistake(
            "That is batch normalisation: each column by itself. Look at what is left for a batch of one word.",
            layer_norm=layer_norm_with((0, 1)),
        ),
        "over everything": mistake(
            "Each word has a mean of its own. Count yours.",
            layer_norm=layer_norm_with((0, 1, 2)),
        ),
        "divided by one less": mistake(
            "The variance asked for is the mean of the squares, not an estimate from a sample. Look at what you divide by.",
            layer_norm=layer_norm_with(less=1),
        ),
        "epsilon outside the root": mistake(
            "Your answer is right where epsilon is tiny. Look at what it is added to.",
            layer_norm=layer_norm_with(root=lambda variance, epsilon: np.sqrt(variance) + epsilon),
        ),
        "no epsilon": mistake(
            "Change epsilon: your answer stays. Look at a word whose numbers are all equal.",
            layer_norm=layer_norm_with(root=lambda variance, epsilon: np.sqrt(variance)),
        ),
        "divided by the variance": mistake(
            "Make a word twice as long: it is to come out as before. Look at what you divide by.",
            layer_norm=layer_norm_with(root=lambda variance, epsilon: variance + epsilon),
        ),
        "the mean left in": mistake(
            "With gain 1 and bias 0 the numbers of a word add up to 0. Look at what yours add up to.",
            layer_norm=layer_norm_with(centre=lambda x, mean: x),
        ),
        "the root mean square": mistake(
            "You bring each word to one length, and leave its mean in it. Look at what is to be taken off first.",
            layer_norm=layer_norm_with(centre=lambda x, mean: x, variance=mean_square),
        ),
        "a spread around 0": mistake(
            "Your numbers add up to 0, but are too small. Look at what your squares are the squares of.",
            layer_norm=layer_norm_with(variance=mean_square),
        ),
        "only the mean taken off": mistake(
            "Make a word twice as long: yours comes out twice as long. Look at what is left to do.",
            layer_norm=layer_norm_with(root=lambda variance, epsilon: 1),
        ),
        "no gain": mistake(
            "Change the gain: your answer stays.",
            layer_norm=layer_norm_with(end=lambda x, gain, bias: x + bias),
        ),
        "no bias": mistake(
            "Change the bias: your answer stays.",
            layer_norm=layer_norm_with(end=lambda x, gain, bias: x * gain),
        ),
        "the bias multiplied too": mistake(
            "Double the gain: what the bias adds must stay. Look at what comes first.",
            layer_norm=layer_norm_with(end=lambda x, gain, bias: (x + bias) * gain),
        ),
        "gain and bias exchanged": mistake(
            "Look at which of the two vectors multiplies, and which is added.",
            layer_norm=layer_norm_with(end=lambda x, gain, bias: x * bias + gain),
        ),
    },
)
def layer_norm(room: Room, rng: np.random.Generator) -> Parts:
    B, T, D = sizes(rng, 3)
    gain, bias = rng.normal(size=(2, D)) + 1
    x = rng.uniform(0.5, 5, size=(B, T, 1)) * rng.normal(size=(B, T, D)) + 3 * rng.normal(size=(B, T, 1))
    yield "each word by itself", room.call("layer_norm", x, gain, bias, 1e-6)
    yield "a large epsilon", room.call("layer_norm", x, gain, bias, 0.5)
    even = np.where(np.arange(T)[:, None] == 1, x[..., :1], x)
    yield "a word of equal numbers", room.call("layer_norm", even, gain, bias, 1e-6)
    yield "a batch of one word", room.call("layer_norm", x[:1, :1], gain, bias, 1e-6)


# 13.2 Two orders


def orders_by_lists(x: Array, attention: Callable, feed_forward: Callable, norm_1: Callable, norm_2: Callable) -> tuple:
    """Each order is a list of steps; what is added to is handed along."""
    sublayers = [(attention, norm_1), (feed_forward, norm_2)]
    post = pre = x
    for sublayer, norm in sublayers:
        post = norm(np.add(post, sublayer(post)))
        pre = np.add(pre, sublayer(norm(pre)))
    return post, pre


def post_norm(x: Array, attention: Callable, feed_forward: Callable, norm_1: Callable, norm_2: Callable) -> Array:
    y = norm_1(x + attention(x))
    return norm_2(y + feed_forward(y))


def pre_norm(x: Array, attention: Callable, feed_forward: Callable, norm_1: Callable, norm_2: Callable) -> Array:
    y = x + attention(norm_1(x))
    return y + feed_forward(norm_2(y))


def two(post: Callable = post_norm, pre: Callable = pre_norm) -> Callable:
    return lambda *args: (post(*args), pre(*args))


def given_to_both(change: Callable) -> Callable:
    """Both orders, right but for the functions that they get: change(x, attention, feed_forward, norm_1, norm_2)."""
    return lambda *args: orders_by_lists(*change(*args))


def bare_post(x: Array, a: Callable, f: Callable, n1: Callable, n2: Callable) -> Array:
    y = n1(a(x))
    return n2(f(y))


def bare_pre(x: Array, a: Callable, f: Callable, n1: Callable, n2: Callable) -> Array:
    return f(n2(a(n1(x))))


def added_after(x: Array, a: Callable, f: Callable, n1: Callable, n2: Callable) -> Array:
    y = x + n1(a(x))
    return y + n2(f(y))


def from_the_start(x: Array, a: Callable, f: Callable, n1: Callable, n2: Callable) -> Array:
    return n2(x + f(n1(x + a(x))))


def pre_from_the_start(x: Array, a: Callable, f: Callable, n1: Callable, n2: Callable) -> Array:
    return x + f(n2(x + a(n1(x))))


def one_norm_post(x: Array, a: Callable, f: Callable, n1: Callable, n2: Callable) -> Array:
    y = x + a(x)
    return n2(y + f(y))


def normed_residual(x: Array, a: Callable, f: Callable, n1: Callable, n2: Callable) -> Array:
    x = n1(x)
    y = n2(x + a(x))
    return y + f(y)


@task(
    "13.2",
    oracle={"two_orders": orders_by_lists},
    mistakes={
        "the two exchanged": mistake(
            "Before or after what? Look at which of your two orders hands a sum to a norm.",
            two_orders=lambda *args: two()(*args)[::-1],
        ),
        "post-norm twice": mistake(
            "Your two answers are the same. Look at what the attention of pre-norm reads.",
            two_orders=two(pre=post_norm),
        ),
        "pre-norm twice": mistake(
            "Your two answers are the same. Look at what the attention of post-norm reads.",
            two_orders=two(post=pre_norm),
        ),
        "nothing added": mistake(
            "Let both functions give 0: what came in is to go on. Look at the way past them.",
            two_orders=two(bare_post, bare_pre),
        ),
        "added after the norm": mistake(
            "In post-norm nothing leaves the layer but what a norm has seen. Look at whether you add first.",
            two_orders=two(added_after),
        ),
        "the words added once more": mistake(
            "The second sum goes on from where the first one ended. Look at what you add the feed-forward network to.",
            two_orders=two(from_the_start, pre_from_the_start),
        ),
        "the words added once more, in pre-norm": mistake(
            "Your post-norm is right. In pre-norm too the second sum goes on from the first: look at what you add to.",
            two_orders=two(pre=pre_from_the_start),
        ),
        "a norm on the way past": mistake(
            "In pre-norm, what came in reaches the end as it is: all else is only added. Look at what you add to.",
            two_orders=two(pre=normed_residual),
        ),
        "the norms exchanged": mistake(
            "Each norm has weights of its own, and belongs to one sublayer. Look at which comes first.",
            two_orders=given_to_both(lambda x, a, f, n1, n2: (x, a, f, n2, n1)),
        ),
        "the first norm twice": mistake(
            "Change norm_2: your answer stays the same.",
            two_orders=given_to_both(lambda x, a, f, n1, n2: (x, a, f, n1, n1)),
        ),
        "one norm in post-norm": mistake(
            "Post-norm has a norm after each of the two sums. Count yours.",
            two_orders=two(one_norm_post),
        ),
        "one norm in pre-norm": mistake(
            "Your post-norm is right. In pre-norm each of the two functions reads something normalised: look at the second.",
            two_orders=two(pre=lambda x, a, f, n1, n2: (y := x + a(n1(x))) + f(y)),
        ),
        "a norm at the end of pre-norm": mistake(
            "Stacks of pre-norm layers end in one more norm, one for the whole stack. Look at how your layer ends.",
            two_orders=two(pre=lambda *args: args[-1](pre_norm(*args))),
        ),
        "feed-forward first": mistake(
            "Look at which of the two functions reads x.",
            two_orders=given_to_both(lambda x, a, f, n1, n2: (x, f, a, n1, n2)),
        ),
    },
)
def two_orders(room: Room, rng: np.random.Generator) -> Parts:
    B, T, D = np.add(sizes(rng, 3), 1)
    W_a, W_f = rng.normal(size=(2, D, D)) / np.sqrt(D)
    learned = rng.normal(size=(4, D)) + 1

    def attention(x: Array) -> Array:
        return softmax(x @ W_a @ x.swapaxes(1, 2) / np.sqrt(D)) @ x @ W_f

    def feed_forward(x: Array) -> Array:
        return np.maximum(x @ W_f, 0) @ W_a + 0.5

    def norm(gain: Array, bias: Array) -> Callable:
        return lambda x: (x - x.mean(-1, keepdims=True)) / (x.std(-1, keepdims=True) + 1e-3) * gain + bias

    norms = norm(*learned[:2]), norm(*learned[2:])
    yield "post-norm and pre-norm", room.call("two_orders", 2 * rng.normal(size=(B, T, D)), attention, feed_forward, *norms)
    still = [lambda x: 0 * x] * 2
    yield "sublayers that add nothing", room.call("two_orders", rng.normal(size=(B, T, D)) + 1, *still, *norms)
    loud = lambda x: x**2, lambda x: 3 - x, lambda x: x / 2, lambda x: x + 1
    yield "a batch of one", room.call("two_orders", rng.normal(size=(1, T, D)), *loud)


# 13.3 How long to warm up


def warmups_by_trying(peaks: Array, D: int) -> Array:
    """One step more as long as any step of the run has too high a rate."""

    def highest(w: int) -> float:
        t = np.arange(1.0, w + 2)
        return (D**-0.5 * np.minimum(t**-0.5, t * w**-1.5)).max()

    found = []
    for peak in peaks.tolist():
        w = 1
        while highest(w) > peak:
            w += 1
        found.append(w)
    return np.array(found)


def warmups_with(solved: Callable = lambda p, D: 1 / (D * p**2), whole: Callable = np.ceil) -> Callable:
    """whole(solved(peaks, D)), from 1."""
    return lambda peaks, D: np.maximum(whole(solved(peaks, float(D))), 1).astype(int)


@task(
    "13.3",
    oracle={"warmups": warmups_by_trying},
    mistakes={
        "rounded down": mistake(
            "Put your warm-up back into the formula: its highest rate is a little above the peak.",
            warmups=warmups_with(whole=np.floor),
        ),
        "rounded to the nearest": mistake(
            "Put your warm-ups back into the formula: some stay below the peak, others do not. Look at where the line is.",
            warmups=warmups_with(whole=np.round),
        ),
        "the first step at the peak": mistake(
            "Your warm-up keeps the first step at the peak. Look at the steps after it.",
            warmups=warmups_with(lambda p, D: (p * D**0.5) ** (-2 / 3)),
        ),
        "no width": mistake(
            "Change D: your answer stays.",
            warmups=warmups_with(lambda p, D: p**-2),
        ),
        "the root of the width left": mistake(
            "Your answer is right for a width of 1. Look at what becomes of the width when you solve for w.",
            warmups=warmups_with(lambda p, D: 1 / (D**0.5 * p**2)),
        ),
        "the width squared": mistake(
            "Your answer is right for a width of 1, and too short for others. Look at what you square.",
            warmups=warmups_with(lambda p, D: 1 / (D * p) ** 2),
        ),
        "longer for a wider model": mistake(
            "A wider model has lower rates to begin with. Look at what a larger D does to your warm-up.",
            warmups=warmups_with(lambda p, D: D / p**2),
        ),
        "not squared": mistake(
            "A warm-up four times as long halves the highest rate. Look at what half the peak does to yours.",
            warmups=warmups_with(lambda p, D: 1 / (D**0.5 * p)),
        ),
        "longer for a higher peak": mistake(
            "The lower a rate must stay, the longer the rise has to be. Look at your warm-ups for two peaks.",
            warmups=warmups_with(lambda p, D: D * p**2),
        ),
    },
)
def warmups(room: Room, rng: np.random.Generator) -> Parts:
    D = int(rng.integers(6, 60))

    def peaks(lengths: Array, D: int) -> Array:
        """Rates that a run with one step less would exceed, on either side of the middle between the two."""
        less = rng.permutation(np.linspace(0.2, 0.7, len(lengths))) + rng.uniform(0, 0.1)
        return (D * (lengths - less)) ** -0.5

    yield "peaks in any order", room.call("warmups", peaks(rng.permutation(np.arange(5, 90))[:7], D), D)
    yield "another width", room.call("warmups", peaks(rng.permutation(np.arange(90, 300))[:7], 4 * D), 4 * D)
    yield "short ones", room.call("warmups", peaks(np.array([3, 1, 2, 1]), D), D)
    yield "one peak", room.call("warmups", peaks(np.array([40, 6]), D)[:1], D)


# 13.4 Label smoothing


def smoothed_by_torch(logits: Array, targets: Array, real: Array, epsilon: float) -> float:
    rows, words = torch.from_numpy(logits[real]), torch.from_numpy(targets[real])
    return F.cross_entropy(rows, words, label_smoothing=epsilon).item()


def log_softmax(logits: Array) -> Array:
    logits = logits - logits.max(-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def smoothed_with(
    due: Callable = lambda hit, V, e: (1 - e) * hit + e / V,
    one: Callable = lambda q, log_p: -(q * log_p).sum(-1),
    average: Callable = lambda loss, real: loss[real].mean(),
) -> Callable:
    """average(one(due(hit, V, epsilon), log p), real), where hit (B, T, V) is 1 at the target and 0 elsewhere."""

    def smoothed_loss(logits, targets, real, epsilon):
        V = logits.shape[-1]
        return float(average(one(due(np.eye(V)[targets], V, epsilon), log_softmax(logits)), real))

    return smoothed_loss


def without_certainty(q: Array, log_p: Array) -> Array:
    """The divergence: the entropy of what is due is taken off."""
    return (q * (np.log(np.maximum(q, 1e-300)) - log_p)).sum(-1)


def smoothed_probabilities(logits: Array, targets: Array, real: Array, epsilon: float) -> float:
    p = (1 - epsilon) * softmax(logits) + epsilon / logits.shape[-1]
    return float(-np.log(np.take_along_axis(p, targets[..., None], -1)[..., 0][real]).mean())


def mean_of_means(loss: Array, real: Array) -> float:
    return np.mean([row[seen].mean() for row, seen in zip(loss, real)])


@task(
    "13.4",
    oracle={"smoothed_loss": smoothed_by_torch},
    mistakes={
        "no smoothing": mistake(
            "Change epsilon: your answer stays the same.",
            smoothed_loss=smoothed_with(lambda hit, V, e: hit),
        ),
        "spread over the others alone": mistake(
            "All V words get a share of epsilon, and the target is one of them. Look at what you divide epsilon by.",
            smoothed_loss=smoothed_with(lambda hit, V, e: np.where(hit, 1 - e, e / (V - 1))),
        ),
        "the target without its share": mistake(
            "Add up what is due to the V words: it is to be 1. Look at the target.",
            smoothed_loss=smoothed_with(lambda hit, V, e: np.where(hit, 1 - e, e / V)),
        ),
        "more than 1 in all": mistake(
            "Add up what is due to the V words: it is to be 1. Look at what the target has to give away.",
            smoothed_loss=smoothed_with(lambda hit, V, e: hit + e / V),
        ),
        "epsilon on the target": mistake(
            "With an epsilon of 0 all is due to the target. Look at what is left for it in yours.",
            smoothed_loss=smoothed_with(lambda hit, V, e: e * hit + (1 - e) / V),
        ),
        "a lowered target, and nothing for the rest": mistake(
            "Add up what is due to the V words: it is to be 1. Look at where epsilon went.",
            smoothed_loss=smoothed_with(lambda hit, V, e: (1 - e) * hit),
        ),
        "probabilities smoothed": mistake(
            "What is smoothed is what is due, not what the model says. Look at what you mix with epsilon.",
            smoothed_loss=smoothed_probabilities,
        ),
        "the divergence": mistake(
            "Your loss is 0 where the model says what is due. A cross-entropy is not: look at what you take off.",
            smoothed_loss=smoothed_with(one=without_certainty),
        ),
        "in bits": mistake(
            "The loss is asked for in nats. Look at your logarithm.",
            smoothed_loss=smoothed_with(one=lambda q, log_p: -(q * log_p).sum(-1) / np.log(2)),
        ),
        "padding counted": mistake(
            "Change the logits in the padding: your loss must stay. Look at which places you average over.",
            smoothed_loss=smoothed_with(average=lambda loss, real: loss.mean()),
        ),
        "divided by all places": mistake(
            "Put more padding behind the sentences: your loss becomes smaller. Look at what you divide by.",
            smoothed_loss=smoothed_with(average=lambda loss, real: loss[real].sum() / real.size),
        ),
        "a mean of means": mistake(
            "A word of a long sentence counts as much as one of a short sentence. Look at how many means you take.",
            smoothed_loss=smoothed_with(average=mean_of_means),
        ),
        "a sum": mistake(
            "Say every sentence twice: the loss must stay. Look at what is left to do after the sum.",
            smoothed_loss=smoothed_with(average=lambda loss, real: loss[real].sum()),
        ),
        "the mask turned round": mistake(
            "True is a real word. Look at which places you keep.",
            smoothed_loss=smoothed_with(average=lambda loss, real: loss[~real].mean()),
        ),
        "overflow": mistake(
            "Look at what exp does to a large number, and at the logarithm of a probability that has become 0.",
            sign=not_finite,
        ),
        "a ceiling": mistake(
            "Your loss does not grow with the logits. Look at what you add to a probability, or at what you cut it off.",
            sign=has_ceiling,
        ),
    },
)
def smoothed_loss(room: Room, rng: np.random.Generator) -> Parts:
    B, T, V = np.add(sizes(rng, 3), 1)
    logits, targets = 2 * rng.normal(size=(B, T, V)), rng.integers(V, size=(B, T))
    lengths = rng.permutation(np.arange(B) % (T - 1)) + 1  # each sentence has padding, and not all as much
    real = np.arange(T) < lengths[:, None]
    loud = np.where(real[..., None], logits, 10 * logits)

    def asked(logits: Array, real: Array, epsilon: float) -> float:
        return room.call("smoothed_loss", logits, targets[: len(logits)], real, epsilon)

    yield "sentences of unequal lengths", asked(loud, real, 0.2)
    yield "no smoothing", asked(logits, real, 0.0)
    yield "everything smoothed", asked(logits, real, 1.0)
    yield "padding on the left", asked(logits, real[:, ::-1], 0.1)
    yield "large logits", asked(1000 * logits, real, 0.3)
    yield "a batch of one", asked(logits[:1], real[:1], 0.1)


# 13.5 Count the parameters

COLUMNS = "the embeddings", "the encoder", "the decoder", "the output"


def counted_by_torch(D: Array, hidden: Array, heads: int, layers: int, source: int, target: int, tied: bool) -> Array:
    """A model is built for each width, of tensors that take no memory."""
    rows = []
    for width, inner in zip(D.tolist(), hidden.tolist()):
        model = nn.Transformer(width, heads, layers, layers, inner, batch_first=True, device="meta")
        tables = [nn.Embedding(words, width, device="meta") for words in (source, target)]
        output = nn.Linear(width, target, device="meta")
        parts = [tables, [model.encoder], [model.decoder], [output]]
        counts = [sum(p.numel() for module in part for p in module.parameters()) for part in parts]
        rows.append([*counts[:3], counts[3] - tied * output.weight.numel()])
    return np.array(rows)


def counted_with(
    attention: Callable = lambda D, H: 4 * D * D + 4 * D,
    network: Callable = lambda D, hidden: 2 * D * hidden + hidden + D,
    norm: Callable = lambda D: 2 * D,
    tables: Callable = lambda D, source, target: D * (source + target),
    output: Callable = lambda D, source, target, tied: (not tied) * D * target + target,
    in_decoder: tuple = (2, 3),
    last: int = 1,
    depth: Callable = lambda layers: layers,
) -> Callable:
    """The four counts from those of the parts; `in_decoder` attentions and norms a layer, `last` norms after each stack."""

    def count_parameters(D, hidden, heads, layers, source_words, target_words, tied):
        attentions, norms = in_decoder
        encoder = attention(D, heads) + network(D, hidden) + 2 * norm(D)
        decoder = attentions * attention(D, heads) + network(D, hidden) + norms * norm(D)
        stacks = [depth(layers) * layer + last * norm(D) for layer in (encoder, decoder)]
        ends = tables(D, source_words, target_words), output(D, source_words, target_words, tied) + 0 * D
        return np.stack([ends[0], *stacks, ends[1]], 1)

    return count_parameters


@task(
    "13.5",
    oracle={"count_parameters": counted_by_torch},
    mistakes={
        "one table for two languages": mistake(
            "Two languages, two tables. Look at how many words have a vector in yours.",
            count_parameters=counted_with(tables=lambda D, source, target: D * target),
        ),
        "multiplied by the heads": mistake(
            "More heads are narrower heads. Look at how wide one is, and at all of them side by side.",
            count_parameters=counted_with(lambda D, H: H * (4 * D * D + 4 * D)),
        ),
        "the maps of one head": mistake(
            "Your maps serve one head. Look at how many stand side by side.",
            count_parameters=counted_with(lambda D, H: 3 * (D * D + D) // H + D * D + D),
        ),
        "no map of the output in attention": mistake(
            "What the heads read is put side by side, and then? Count the maps of an attention.",
            count_parameters=counted_with(lambda D, H: 3 * D * D + 3 * D),
        ),
        "no biases in attention": mistake(
            "Each of the maps of an attention adds a bias here. Look at what your count of them is for a width of 1.",
            count_parameters=counted_with(lambda D, H: 4 * D * D),
        ),
        "no biases in the network": mistake(
            "Both maps of the feed-forward network add a bias. Look at how long each of the two is.",
            count_parameters=counted_with(network=lambda D, hidden: 2 * D * hidden),
        ),
        "one map in the network": mistake(
            "The feed-forward network goes to the hidden layer and back. Count its maps.",
            count_parameters=counted_with(network=lambda D, hidden: D * hidden + hidden),
        ),
        "a hidden layer four times as wide": mistake(
            "Change the hidden width: your count stays. Look at what you take in its place.",
            count_parameters=counted_with(network=lambda D, hidden: 8 * D * D + 5 * D),
        ),
        "norms without a bias": mistake(
            "A norm learns two vectors, as in 13.1. Count yours.",
            count_parameters=counted_with(norm=lambda D: D),
        ),
        "no norms": mistake(
            "A norm learns something too. Look at 13.1 for what.",
            count_parameters=counted_with(norm=lambda D: 0 * D),
        ),
        "no norm at the end": mistake(
            "You are short by one norm, however many layers there are. Look at what comes after the last layer.",
            count_parameters=counted_with(last=0),
        ),
        "one layer": mistake(
            "Layers do not share. Look at what your count does with more of them.",
            count_parameters=counted_with(depth=lambda layers: 1),
        ),
        "a decoder like the encoder": mistake(
            "The decoder's layer looks at the source as well. Look at what that takes.",
            count_parameters=counted_with(in_decoder=(1, 2)),
        ),
        "no look at the source": mistake(
            "Your decoder has its three norms. Look at what the second of them belongs to.",
            count_parameters=counted_with(in_decoder=(1, 3)),
        ),
        "two norms in the decoder": mistake(
            "Each of the decoder's sublayers has a norm. Count both.",
            count_parameters=counted_with(in_decoder=(2, 2)),
        ),
        "scores for the source's words": mistake(
            "Which language does the decoder write? Look at how many words it scores.",
            count_parameters=counted_with(output=lambda D, source, target, tied: (not tied) * D * source + source),
        ),
        "no bias in the output": mistake(
            "Each word that can be written has a bias. Look at what your output has beside its matrix.",
            count_parameters=counted_with(output=lambda D, source, target, tied: (not tied) * D * target),
        ),
        "a tied matrix counted twice": mistake(
            "Tied, one matrix serves two ends. Look at where it has been counted already.",
            count_parameters=counted_with(output=lambda D, source, target, tied: D * target + target),
        ),
        "nothing left of a tied output": mistake(
            "Only the matrix is shared. Look at what else the output learns.",
            count_parameters=counted_with(output=lambda D, source, target, tied: (not tied) * (D * target + target)),
        ),
    },
)
def count_parameters(room: Room, rng: np.random.Generator) -> Parts:
    heads, layers = (int(n) for n in rng.choice([2, 3, 4, 5], 2, replace=False))
    words = [int(n) for n in rng.choice(np.arange(50, 90), 2, replace=False)]
    D = heads * rng.choice(np.arange(2, 8), 3, replace=False)
    hidden = rng.choice(np.arange(90, 99), 3, replace=False)

    def column(counts: object, i: int) -> object:
        return counts[:, i] if isinstance(counts, np.ndarray) and counts.shape == (3, 4) else counts

    counts = room.call("count_parameters", D, hidden, heads, layers, *words, False)
    for i, name in enumerate(COLUMNS):
        yield name, column(counts, i)
    yield "a tied output", column(room.call("count_parameters", D, hidden, heads, layers, *words, True), 3)
    yield "one layer, one head", room.call("count_parameters", D, hidden, 1, 1, *words, True)
    yield "one model", room.call("count_parameters", D[:1], hidden[:1], heads, layers + 1, *words, False)


# 13.6 One word at a time


def step_by_torch(x: Array, keys: Array, values: Array, W_q: Array, W_k: Array, W_v: Array, W_o: Array) -> tuple:
    q, k, v = (torch.from_numpy(x @ W).reshape(len(keys), 1, -1) for W in (W_q, W_k, W_v))
    keys, values = torch.cat([torch.from_numpy(keys), k], 1), torch.cat([torch.from_numpy(values), v], 1)
    read = F.scaled_dot_product_attention(q, keys, values)  # (H, 1, E)
    return read.flatten().numpy() @ W_o, keys.numpy(), values.numpy()


def blocks(row: Array, heads: int) -> Array:
    """(H d) -> (H, d)."""
    return row.reshape(heads, -1)


def dealt(row: Array, heads: int) -> Array:
    """As `blocks`, but each head gets every H-th number."""
    return row.reshape(-1, heads).T


def behind(cache: Array, new: Array) -> Array:
    return np.concatenate([cache, new[:, None]], 1)


def before(cache: Array, new: Array) -> Array:
    return np.concatenate([new[:, None], cache], 1)


def without_the_oldest(cache: Array, new: Array) -> Array:
    return behind(cache, new)[:, cache.shape[1] > 0 :]


def over_the_last(cache: Array, new: Array) -> Array:
    return behind(cache[:, :-1], new)


def step_with(
    split: Callable = blocks,
    root: Callable = lambda x, q: np.sqrt(q.shape[1]),
    weigh: Callable = softmax,
    join: Callable = np.ravel,
    out: Callable = np.matmul,
    seen: Callable = lambda cache, grown: grown,
    keep: Callable = behind,
    give: Callable = lambda out, keys, values, old: (out, keys, values),
    stored: Callable = lambda q, k: k,
) -> Callable:
    """give(out(join(read), W_o), keys, values, the old two), where each head reads seen(cache, keep(cache, new))."""

    def attend_step(x, keys, values, W_q, W_k, W_v, W_o):
        q, k, v = (split(x @ W, len(keys)) for W in (W_q, W_k, W_v))
        grown = keep(keys, stored(q, k)), keep(values, v)
        K, V = (seen(*pair) for pair in zip((keys, values), grown))
        if K.shape[1] == 0:
            return give(0 * x, *grown, (keys, values))
        weights = weigh((K @ q[:, :, None])[..., 0] / root(x, q))  # (H, t + 1)
        return give(out(join((weights[:, None] @ V)[:, 0]), W_o), *grown, (keys, values))

    return attend_step


@task(
    "13.6",
    oracle={"attend_step": step_by_torch},
    mistakes={
        "the new word not seen": mistake(
            "A word sees itself too. Look at when your caches grow, and at when you read them.",
            attend_step=step_with(seen=lambda cache, grown: cache),
        ),
        "the past not seen": mistake(
            "Change the caches: your output stays. Look at which keys your query meets.",
            attend_step=step_with(seen=lambda cache, grown: grown[:, -1:]),
        ),
        "caches that do not grow": mistake(
            "Your output is right. Look at what the next step will know of this word.",
            attend_step=step_with(give=lambda out, keys, values, old: (out, *old)),
        ),
        "the new word put first": mistake(
            "Attention does not mind the order, but whoever reads the caches does. Look at which end is the newest.",
            attend_step=step_with(keep=before),
        ),
        "the oldest forgotten": mistake(
            "Nothing is to be forgotten here. Count the words in your caches before and after.",
            attend_step=step_with(keep=without_the_oldest),
        ),
        "the last word overwritten": mistake(
            "The word before this one is still needed. Look at where the new key is put.",
            attend_step=step_with(keep=over_the_last),
        ),
        "values, then keys": mistake(
            "Your output is right. Look at the order in which you return the caches.",
            attend_step=step_with(give=lambda out, keys, values, old: (out, values, keys)),
        ),
        "the query kept": mistake(
            "Change W_k: your answer stays the same. Look at what goes into the cache of the keys.",
            attend_step=step_with(stored=lambda q, k: q),
        ),
        "no division": mistake(
            "Your weights are too sharp. Look at what holds the scores together when heads are wide.",
            attend_step=step_with(root=lambda x, q: 1),
        ),
        "the width of a word": mistake(
            "Look at how many numbers of a query one head has. x is wider.",
            attend_step=step_with(root=lambda x, q: np.sqrt(len(x))),
        ),
        "divided by the width itself": mistake(
            "Your weights are too flat. Look at what you divide the scores by.",
            attend_step=step_with(root=lambda x, q: q.shape[1]),
        ),
        "softmax over the heads": mistake(
            "Each head shares 1 among the words. Look at the axis along which your weights add up to 1.",
            attend_step=step_with(weigh=lambda scores: softmax(scores, 0)),
        ),
        "one softmax for all heads": mistake(
            "Each head has a softmax of its own. Add up the weights of one of yours.",
            attend_step=step_with(weigh=lambda scores: softmax(scores.ravel()).reshape(scores.shape)),
        ),
        "every H-th number": mistake(
            "The numbers of a head stand side by side. Look at which ones your first head gets.",
            attend_step=step_with(dealt, join=lambda read: read.T.ravel()),
        ),
        "heads joined like a zip": mistake(
            "Your heads read right. All numbers of the first head come before those of the second: look at your join.",
            attend_step=step_with(join=lambda read: read.T.ravel()),
        ),
        "the output map left out": mistake(
            "Count the numbers of your output. Look at what is left to do once the heads stand side by side.",
            attend_step=step_with(out=lambda read, W_o: read),
        ),
    },
)
def attend_step(room: Room, rng: np.random.Generator) -> Parts:
    H, t, d, E = sizes(rng, 4)
    D = 11  # no product of two of the others
    maps = [1.5 * rng.normal(size=(D, H * width)) / np.sqrt(D) for width in (d, d, E)] + [rng.normal(size=(H * E, D))]
    words = 1.5 * rng.normal(size=(t + 3, D))
    past = rng.normal(size=(H, t, d)), rng.normal(size=(H, t, E))
    yield "the output, the keys and the values", room.call("attend_step", words[0], *past, *maps)
    empty = np.zeros((H, 0, d)), np.zeros((H, 0, E))
    yield "the first word", room.call("attend_step", words[0], *empty, *maps)
    written, caches = [], empty
    for word in words:
        out, *caches = room.call("attend_step", word, *caches, *maps)
        written.append(out)
    yield "a whole sentence", [*written, *caches]
    one = [past[0][:1], past[1][:1], *(W[:, : W.shape[1] // H] for W in maps[:3]), maps[3][:E]]
    yield "one head", room.call("attend_step", words[1], *one)


# 13.7 Repair a famous decoder

Layers = list[tuple[Array, Array, Array, Array]]


def normalised(x: Array) -> Array:
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)


def scores_by_torch(target: Array, memory: Array, real: Array, E: Array, start: int, layers: Layers) -> Array:
    """Each sentence alone, its source without the padding."""

    def read(asks: torch.Tensor, told: torch.Tensor, maps: Array, causal: bool) -> torch.Tensor:
        q, k, v = (x @ torch.from_numpy(W) for x, W in zip((asks, told, told), maps))
        return F.scaled_dot_product_attention(q[None], k[None], v[None], is_causal=causal)[0]

    def scores(words: Array, source: torch.Tensor) -> Array:
        x = torch.from_numpy(E[[start, *words[:-1]]])
        for self_maps, cross_maps, W_in, W_out in layers:
            x = F.layer_norm(x + read(x, x, self_maps, True), x.shape[1:])
            x = F.layer_norm(x + read(x, source, cross_maps, False), x.shape[1:])
            x = F.layer_norm(x + (x @ torch.from_numpy(W_in)).relu() @ torch.from_numpy(W_out), x.shape[1:])
        return x.numpy() @ E.T

    return np.array([scores(words, torch.from_numpy(source[seen])) for words, source, seen in zip(target, memory, real)])


def attend(asks: Array, told: Array, maps: Array, seen: Array | bool = True) -> Array:
    W_q, W_k, W_v = maps
    scores = asks @ W_q @ (told @ W_k).swapaxes(1, 2) / np.sqrt(W_q.shape[1])
    return softmax(np.where(seen, scores, np.finfo(scores.dtype).min)) @ (told @ W_v)


def shifted(target: Array, start: int) -> Array:
    return np.insert(target, 0, start, axis=1)[:, :-1]


def as_it_is(target: Array, start: int) -> Array:
    return target


def to_the_source(x: Array, memory: Array, real: Array, maps: Array, past: Array) -> Array:
    return attend(x, memory, maps, real[:, None])


def with_padding_at_0(x: Array, memory: Array, real: Array, maps: Array, past: Array) -> Array:
    return attend(x, memory * real[:, :, None], maps)


def up_to_itself(T: int) -> Array:
    return np.tri(T, dtype=bool)


def scores_with(
    inputs: Callable = shifted,
    cross: Callable = to_the_source,
    past: Callable = up_to_itself,
    later: Callable | None = None,
    shown: slice = slice(None),
) -> Callable:
    """inputs(target, start) through the layers, masked by past(T), or later(T) after the first; `shown` places are scored."""

    def word_scores(target, memory, real, E, start, layers):
        x = E[inputs(target, start)]
        for i, (self_maps, cross_maps, W_in, W_out) in enumerate(layers):
            seen = (later if i and later else past)(x.shape[1])
            x = normalised(x + attend(x, x, self_maps, seen))
            x = normalised(x + cross(x, memory, real, cross_maps, seen))
            x = normalised(x + np.maximum(x @ W_in, 0) @ W_out)
        return x[:, shown] @ E.T

    return word_scores


@task(
    "13.7",
    oracle={"word_scores": scores_by_torch},
    mistakes={
        "as it was found": mistake(
            "That is the decoder as it was found. Print what it reads at each place, beside what it is to predict there.",
            word_scores=scores_with(as_it_is, with_padding_at_0),
        ),
        "a word that reads itself": mistake(
            "Change a word, and look at its own place: the scores know it. Print what is read, beside what is to be predicted.",
            word_scores=scores_with(as_it_is),
        ),
        "a stricter mask": mistake(
            "A mask hides a word in attention alone. Look at the other way by which a place's own input reaches its output.",
            word_scores=scores_with(as_it_is, past=lambda T: np.tri(T, k=-1, dtype=bool)),
        ),
        "shifted, and a stricter mask": mistake(
            "What is read at a place is known when its word is predicted. Look at why your mask hides it.",
            word_scores=scores_with(past=lambda T: np.tri(T, k=-1, dtype=bool)),
        ),
        "start in place of the first word": mistake(
            "No word is to be lost but the last. Look at where the first one is read.",
            word_scores=scores_with(lambda target, start: np.insert(target[:, 1:], 0, start, axis=1)),
        ),
        "the last word read first": mistake(
            "Change the last word, and look at the first place. What stands before the first word of a sentence?",
            word_scores=scores_with(lambda target, start: np.roll(target, 1, 1)),
        ),
        "shifted the other way": mistake(
            "Your decoder reads the word that comes next. Look at the end to which start is joined.",
            word_scores=scores_with(lambda target, start: np.insert(target, target.shape[1], start, axis=1)[:, 1:]),
        ),
        "one place too many": mistake(
            "Count your places: there is one for each word to be predicted. Look at which of them nobody asks for.",
            word_scores=scores_with(lambda target, start: np.insert(target, 0, start, axis=1)),
        ),
        "the first place dropped": mistake(
            "You drop the place that predicts the first word. Look at which of your places has no word to predict.",
            word_scores=scores_with(lambda target, start: np.insert(target, 0, start, axis=1), shown=slice(1, None)),
        ),
        "the future seen": mistake(
            "Change the last word: the places before it notice. Look at your mask.",
            word_scores=scores_with(past=lambda T: np.ones((T, T), dtype=bool)),
        ),
        "the mask in the first layer alone": mistake(
            "One layer is right by itself. Look at what the second one may see.",
            word_scores=scores_with(later=lambda T: np.ones((T, T), dtype=bool)),
        ),
        "padding set to 0": mistake(
            "What stands in the padding no longer matters. Add more of it, and look at the weights that it gets.",
            word_scores=scores_with(cross=with_padding_at_0),
        ),
        "padding seen": mistake(
            "Change what stands in the padding: your scores notice. Look at what attention to the source may see.",
            word_scores=scores_with(cross=lambda x, memory, real, maps, past: attend(x, memory, maps)),
        ),
        "the mask turned round": mistake(
            "True is a real word. Look at which words of the source are seen.",
            word_scores=scores_with(cross=lambda x, memory, real, maps, past: attend(x, memory, maps, ~real[:, None])),
        ),
        "the decoder asks itself twice": mistake(
            "Change the source: your scores stay. Look at what the second attention reads.",
            word_scores=scores_with(cross=lambda x, memory, real, maps, past: attend(x, x, maps, past)),
        ),
        "no look at the source": mistake(
            "Change the source, and cross_maps: your scores stay. Look at how many attentions a layer has.",
            word_scores=scores_with(cross=lambda x, memory, real, maps, past: 0 * x),
        ),
    },
)
def word_scores(room: Room, rng: np.random.Generator) -> Parts:
    B, T, S, D, hidden = np.add(sizes(rng, 5), 2)
    V, start = 12, 0

    def layer() -> tuple:
        maps = 1.2 * rng.normal(size=(2, 3, D, D)) / np.sqrt(D)
        return *maps, rng.normal(size=(D, hidden)) / np.sqrt(D), rng.normal(size=(hidden, D)) / np.sqrt(hidden)

    E, layers = rng.normal(size=(V, D)), [layer(), layer()]
    target, memory = rng.permuted(np.tile(np.arange(1, V), (B, 1)), axis=1)[:, :T], rng.normal(size=(B, S, D))
    real = np.arange(S) < rng.permutation(np.arange(B) % (S - 1))[:, None] + 1

    def asked(target: Array = target, memory: Array = memory, real: Array = real, layers: Layers = layers) -> Array:
        return room.call("word_scores", target, memory, real, E, start, layers)

    def moved(one: object, other: object, places: slice) -> int | None:
        """At how many of these places the scores differ; None for no scores."""
        if any(not isinstance(s, np.ndarray) or s.shape != (B, T, V) or not np.isfinite(s).all() for s in (one, other)):
            return None
        return int((np.abs(one - other)[:, places] > 1e-4).any((0, 2)).sum())

    yield "the scores", (scores := asked())
    futures = [np.where(np.arange(T) < t, target, target % (V - 1) + 1) for t in range(T)]  # other words from place t on
    told = [moved(scores, asked(future), slice(t + 1)) for t, future in enumerate(futures)]
    yield "a word and those after it change nothing", told
    unlike = np.where(real[:, :, None], rng.normal(size=memory.shape), memory)
    yield "another source changes every place", moved(scores, asked(memory=unlike), slice(T))
    within = np.where(real[:, :, None], memory, 5 * rng.normal(size=memory.shape))
    yield "what stands in the padding changes nothing", moved(scores, asked(memory=within), slice(T))
    longer = np.pad(memory, ((0, 0), (0, 3), (0, 0))), np.pad(real, ((0, 0), (0, 3)))
    yield "more padding changes nothing", moved(scores, asked(target, *longer), slice(T))
    yield "one layer, no padding", asked(real=np.ones_like(real), layers=layers[:1])
    yield "one word, one sentence", asked(target[:1, :1], memory[:1], real[:1])
