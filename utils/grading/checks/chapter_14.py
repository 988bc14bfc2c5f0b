"""Checks of chapter 14, language models.

Axes: B sequences, T tokens, V words of the vocabulary, N tokens or pairs of them, D width of a state, E experts, L layers.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch.nn import functional as F

from utils.grading.rooms import Room
from utils.grading.task import has_ceiling, mistake, not_finite, sizes, task

Parts = Iterator[tuple[str, object]]
Array = np.ndarray


def softmax(scores: Array, axis: int = -1) -> Array:
    weights = np.exp(scores - scores.max(axis, keepdims=True))
    return weights / weights.sum(axis, keepdims=True)


# 14.1 The causal objective


def bits_by_torch(logits: Array, tokens: Array, lengths: Array) -> float:
    nats = 0.0
    for row, ids, n in zip(*map(torch.from_numpy, (logits, tokens)), lengths):
        nats += F.cross_entropy(row[: n - 1], ids[1:n], reduction="sum").item()
    return nats / (sum(lengths) - len(lengths)) / np.log(2)


def surprise(logits: Array) -> Array:
    """-log2 of the softmax: (T, V) -> (T, V)."""
    shifted = logits - logits.max(-1, keepdims=True)
    return (np.log(np.exp(shifted).sum(-1, keepdims=True)) - shifted) / np.log(2)


def over_predictions(bits: list[list[float]], lengths: Array, T: int) -> float:
    return sum(map(sum, bits)) / sum(map(len, bits))


def bits_with(
    pairs: Callable = lambda n, T: [(t, t + 1) for t in range(n - 1)],
    cost: Callable = surprise,
    mean: Callable = over_predictions,
) -> Callable:
    """mean(bits, lengths, T) of the costs of token j at the logits of place i, for all pairs(n, T) of a sequence."""

    def causal_bits(logits, tokens, lengths):
        T = tokens.shape[1]
        bits = [[float(cost(row)[i, ids[j]]) for i, j in pairs(int(n), T)] for row, ids, n in zip(logits, tokens, lengths)]
        return float(mean(bits, lengths, T))

    return causal_bits


@task(
    "14.1",
    oracle={"causal_bits": bits_by_torch},
    mistakes={
        "no shift": mistake(
            "Which token had the model just read when it gave these logits? It is not to be paid for guessing that one.",
            causal_bits=bits_with(lambda n, T: [(t, t) for t in range(n)]),
        ),
        "no shift, one place less": mistake(
            "You count as many predictions as there are. Look at which token each of them is held against.",
            causal_bits=bits_with(lambda n, T: [(t, t) for t in range(n - 1)]),
        ),
        "shifted the wrong way": mistake(
            "Your model is asked for what it has read before. Look at which of the two, logits or tokens, loses its first.",
            causal_bits=bits_with(lambda n, T: [(t, t - 1) for t in range(1, n)]),
        ),
        "one token too far": mistake(
            "Count the steps from the last token that was read to the one that you ask for.",
            causal_bits=bits_with(lambda n, T: [(t, t + 2) for t in range(n - 2)]),
        ),
        "the first token after the last": mistake(
            "What comes after the last token is not known. Look at what your shift puts there.",
            causal_bits=bits_with(lambda n, T: [(t, (t + 1) % T) for t in range(n)]),
        ),
        "padding predicted": mistake(
            "Change a token in the padding: your answer changes. Look at the places that you count.",
            causal_bits=bits_with(lambda n, T: [(t, t + 1) for t in range(T - 1)]),
        ),
        "the token after the end": mistake(
            "After its last real token a sentence predicts nothing. Count the predictions of a sentence of two tokens.",
            causal_bits=bits_with(lambda n, T: [(t, t + 1) for t in range(min(n, T - 1))]),
        ),
        "divided by the tokens": mistake(
            "How many tokens of a sentence does the model predict? Look at what you divide by: nobody predicts the first.",
            causal_bits=bits_with(mean=lambda bits, lengths, T: sum(map(sum, bits)) / sum(lengths)),
        ),
        "divided by all places": mistake(
            "Add a column of padding: your answer becomes smaller. Look at what you divide by.",
            causal_bits=bits_with(mean=lambda bits, lengths, T: sum(map(sum, bits)) / len(bits) / (T - 1)),
        ),
        "a mean of means": mistake(
            "Every predicted token counts alike, in a short sentence as in a long one. Look at how many means you take.",
            causal_bits=bits_with(mean=lambda bits, lengths, T: np.mean([sum(row) / max(len(row), 1) for row in bits])),
        ),
        "the sum": mistake(
            "Hand in every sentence twice: the loss is to stay. Look at what is left to do with your sum.",
            causal_bits=bits_with(mean=lambda bits, lengths, T: sum(map(sum, bits))),
        ),
        "nats": mistake(
            "Take two equal logits: what does a coin cost in your unit? Look at your logarithm.",
            causal_bits=bits_with(cost=lambda logits: surprise(logits) * np.log(2)),
        ),
        "logits for log probabilities": mistake(
            "Add 1 to all logits: your answer changes. Look at what makes probabilities of them.",
            causal_bits=bits_with(cost=lambda logits: -logits / np.log(2)),
        ),
        "a softmax over the places": mistake(
            "The probabilities of all words at one place add up to 1. Look at the axis of your softmax.",
            causal_bits=bits_with(cost=lambda logits: surprise(logits.T).T),
        ),
        "overflow": mistake(
            "Look at exp of a large number, and at the logarithm of 0. A softmax does not change when all its logits move.",
            sign=not_finite,
        ),
        "a ceiling": mistake(
            "A model that is sure and wrong pays without limit. Look for a small number that you add before the logarithm.",
            sign=has_ceiling,
        ),
    },
)
def causal_bits(room: Room, rng: np.random.Generator) -> Parts:
    B, T, V = np.add(sizes(rng, 3), 2)
    logits, tokens = rng.normal(size=(B, T, V)), rng.integers(V, size=(B, T))
    yield "no padding", room.call("causal_bits", logits, tokens, np.full(B, T))
    lengths = np.concatenate([[T, T - 2], rng.integers(2, T + 1, size=B - 2)])
    yield "padding", room.call("causal_bits", logits, tokens, lengths)
    lengths = np.concatenate([[1, 2], rng.integers(2, T + 1, size=B - 2)])
    yield "a sentence of one token", room.call("causal_bits", logits, tokens, lengths)
    yield "large logits", room.call("causal_bits", 1000 * logits, tokens, np.full(B, T))
    yield "a batch of one", room.call("causal_bits", logits[:1], tokens[:1], np.array([T - 1]))


# 14.2 The masked objective


def masked_by_loop(tokens: Array, real: Array, chance: Array, kind: Array, words: Array, mask: int) -> tuple[Array, Array]:
    inputs, chosen = tokens.copy(), np.zeros(tokens.shape, dtype=bool)
    for place in zip(*np.nonzero(real)):
        if chance[place] < 0.15:
            chosen[place] = True
            inputs[place] = mask if kind[place] < 0.8 else words[place] if kind[place] < 0.9 else tokens[place]
    return inputs, chosen


def in_shares(tokens: Array, kind: Array, words: Array, mask: int) -> Array:
    """What a token becomes: the mask below 0.8, another word below 0.9, itself above."""
    return np.where(kind < 0.8, mask, np.where(kind < 0.9, words, tokens))


def masked_with(
    choose: Callable = lambda chance, real: (chance < 0.15) & real,
    become: Callable = in_shares,
    where: Callable = lambda chosen, real, kind: chosen,
    count: Callable = lambda chosen, real, kind: chosen,
) -> Callable:
    """Of the chosen places: become(...) is put in at where(...), and count(...) is what counts."""

    def mask_tokens(tokens, real, chance, kind, words, mask):
        chosen = choose(chance, real)
        inputs = np.where(where(chosen, real, kind), become(tokens, kind, words, mask), tokens)
        return inputs, count(chosen, real, kind)

    return mask_tokens


def one_draw(tokens: Array, real: Array, chance: Array, kind: Array, words: Array, mask: int) -> tuple[Array, Array]:
    return masked_by_loop(tokens, real, chance, chance / 0.15, words, mask)


@task(
    "14.2",
    oracle={"mask_tokens": masked_by_loop},
    mistakes={
        "padding chosen": mistake(
            "Look at your inputs where `real` is false.",
            mask_tokens=masked_with(lambda chance, real: chance < 0.15),
        ),
        "all but 15 %": mistake(
            "Count the places that you choose. Look at which way your comparison goes.",
            mask_tokens=masked_with(lambda chance, real: (chance >= 0.15) & real),
        ),
        "shares of all tokens": mistake(
            "Most tokens are to be left alone. Look at whether 80, 10 and 10 % are shares of the text or of something smaller.",
            mask_tokens=masked_with(where=lambda chosen, real, kind: real),
        ),
        "the others hidden": mistake(
            "Look at the tokens that are not chosen: they are what the model guesses from.",
            mask_tokens=masked_with(where=lambda chosen, real, kind: real & ~chosen),
        ),
        "nothing but masks": mistake(
            "Look at what becomes of a chosen token whose `kind` is high.",
            mask_tokens=masked_with(become=lambda tokens, kind, words, mask: mask),
        ),
        "no token left as it is": mistake(
            "A chosen token becomes one of three things. Count yours.",
            mask_tokens=masked_with(become=lambda tokens, kind, words, mask: np.where(kind < 0.8, mask, words)),
        ),
        "no other words": mistake(
            "A chosen token becomes one of three things. Look for the place in your code where `words` are put in.",
            mask_tokens=masked_with(become=lambda tokens, kind, words, mask: np.where(kind < 0.8, mask, tokens)),
        ),
        "other words in the share of the mask": mistake(
            "A low `kind` belongs to the mask. Look at which ten percent you give to other words.",
            mask_tokens=masked_with(
                become=lambda tokens, kind, words, mask: np.where(kind < 0.1, words, np.where(kind < 0.8, mask, tokens))
            ),
        ),
        "the last two shares exchanged": mistake(
            "Look at the order in which the three shares follow each other as `kind` grows.",
            mask_tokens=masked_with(
                become=lambda tokens, kind, words, mask: np.where(kind < 0.8, mask, np.where(kind < 0.9, tokens, words))
            ),
        ),
        "one number for two questions": mistake(
            "Whether a token is chosen and what becomes of it are two questions. Look at which of the two arrays answers each.",
            mask_tokens=one_draw,
        ),
        "everything counts": mistake(
            "A model that sees a token need not guess it. Look at the places that your loss would be taken at.",
            mask_tokens=masked_with(count=lambda chosen, real, kind: real),
        ),
        "what stayed does not count": mistake(
            "Your inputs are right. If a token counts only when it was changed, what does the model learn about the others?",
            mask_tokens=masked_with(count=lambda chosen, real, kind: chosen & (kind < 0.9)),
        ),
        "masks alone count": mistake(
            "Your inputs are right. Tokens were chosen, and most of them masked: look at which of the two groups counts.",
            mask_tokens=masked_with(count=lambda chosen, real, kind: chosen & (kind < 0.8)),
        ),
        "the places that do not count": mistake(
            "Your inputs are right. True is a place that counts: look at how many you have.",
            mask_tokens=masked_with(count=lambda chosen, real, kind: ~chosen),
        ),
    },
)
def mask_tokens(room: Room, rng: np.random.Generator) -> Parts:
    B, T, V = 12 * np.array(sizes(rng, 3)) + 1

    def drawn(B: int, T: int, real: Array) -> tuple:
        tokens = rng.integers(V, size=(B, T))
        words = (tokens + rng.integers(1, V, size=(B, T))) % V  # another word is never the same
        return tokens, real, rng.random((B, T)), rng.random((B, T)), words, int(V)

    for name, real in (
        ("all tokens real", np.ones((B, T), dtype=bool)),
        ("padding and special tokens", (np.arange(T) < rng.integers(T // 2, T, size=(B, 1))) & (np.arange(T) > 0)),
    ):
        inputs, chosen = room.call("mask_tokens", *drawn(B, T, real))
        yield f"{name}: what is read", inputs
        yield f"{name}: what counts", chosen
    yield "one sentence", room.call("mask_tokens", *drawn(1, T, np.ones((1, T), dtype=bool)))


# 14.3 One measure for all tokens


def measured_by_loop(nats: Array, tokens: list[str]) -> tuple[float, float]:
    """By what a byte and a word cost: whole texts and nothing else are measured."""
    text = "".join(tokens)
    total = sum(nats.tolist())
    return total / len(text.encode()) / np.log(2), float(np.exp(total / len(text.split())))


def mean_cost(nats: Array, tokens: list[str], text: str) -> float:
    return nats.sum() / len(text.encode()) / np.log(2)


def mean_of_ratios(nats: Array, tokens: list[str]) -> float:
    return np.mean([cost / len(token.encode()) for cost, token in zip(nats, tokens)]) / np.log(2)


def measured_with(
    bits: Callable = mean_cost,
    words: Callable = lambda tokens, text: len(text.split()),
    perplexity: Callable = lambda nats, words: np.exp(nats.sum() / words),
) -> Callable:
    """bits(nats, tokens, text) and perplexity(nats, words(tokens, text))."""

    def measures(nats, tokens):
        text = "".join(tokens)
        return float(bits(nats, tokens, text)), float(perplexity(nats, words(tokens, text)))

    return measures


@task(
    "14.3",
    oracle={"measures": measured_by_loop},
    mistakes={
        "a mean of ratios": mistake(
            "Cut the text into other tokens that cost the same in all: your bits per byte change. Look at what you average.",
            measures=measured_with(lambda nats, tokens, text: mean_of_ratios(nats, tokens)),
        ),
        "nats per byte": mistake(
            "Your first number is in the unit of the losses. Look for what makes bits of it.",
            measures=measured_with(lambda nats, tokens, text: nats.sum() / len(text.encode())),
        ),
        "multiplied by the logarithm of 2": mistake(
            "A bit is less than a nat, so there must be more bits than nats. Look at what you do with the logarithm of 2.",
            measures=measured_with(lambda nats, tokens, text: nats.sum() / len(text.encode()) * np.log(2)),
        ),
        "bits per token": mistake(
            "Longer tokens cost more each, and there are fewer of them. Look at what you divide your bits by.",
            measures=measured_with(lambda nats, tokens, text: nats.mean() / np.log(2)),
        ),
        "bits per character": mistake(
            "An accented letter is one character. Look at how many bytes it takes in UTF-8.",
            measures=measured_with(lambda nats, tokens, text: nats.sum() / len(text) / np.log(2)),
        ),
        "spaces left out": mistake(
            "A space is a byte of the text like any other. Count your bytes.",
            measures=measured_with(lambda nats, tokens, text: nats.sum() / len("".join(text.split()).encode()) / np.log(2)),
        ),
        "perplexity per token": mistake(
            "Your first number is right. Look at whether your second knows how many words the text has.",
            measures=measured_with(words=lambda tokens, text: len(tokens)),
        ),
        "perplexity per byte": mistake(
            "Your first number is right. Look at what the nats of the second are shared out among: it is larger than a byte.",
            measures=measured_with(words=lambda tokens, text: len(text.encode())),
        ),
        "2 to the power of nats": mistake(
            "A perplexity is the same in any unit, if base and exponent belong together. Look at your base.",
            measures=measured_with(perplexity=lambda nats, words: 2 ** (nats.sum() / words)),
        ),
        "e to the power of bits": mistake(
            "A perplexity is the same in any unit, if base and exponent belong together. Look at your exponent.",
            measures=measured_with(perplexity=lambda nats, words: np.exp(nats.sum() / np.log(2) / words)),
        ),
        "no exponential": mistake(
            "A perplexity says between how many equal choices a model wavers. Look at the last step to your second number.",
            measures=measured_with(perplexity=lambda nats, words: nats.sum() / words),
        ),
        "the mean of perplexities": mistake(
            "Perplexity is made from a mean, and is not the mean of others. Look at the order of your last two steps.",
            measures=measured_with(perplexity=lambda nats, words: np.exp(nats).mean()),
        ),
        "one word for each space": mistake(
            "Words may stand on two lines, and two spaces in a row hold no word between them. Look at how you count words.",
            measures=measured_with(words=lambda tokens, text: len(text.split(" "))),
        ),
        "spaces between words": mistake(
            "A text with one space has two words. Count yours.",
            measures=measured_with(words=lambda tokens, text: text.count(" ")),
        ),
    },
)
def measures(room: Room, rng: np.random.Generator) -> Parts:
    plain = tokens_of(rng, ("can", "to", "lines", "re", "mi"), (" ",))
    mixed = tokens_of(rng, ("çà", "né", "to", "ñu", "über", "mi"), (" ", "\n", "\n", "  "))
    letters = [*"".join(mixed)]
    for name, tokens in (("plain words", plain), ("two lines, with accents", mixed), ("a token for each character", letters)):
        bits, perplexity = room.call("measures", 3 * rng.random(len(tokens)), tokens)
        yield f"{name}: bits per byte", bits
        yield f"{name}: perplexity per word", perplexity
    yield "one token", room.call("measures", np.array([rng.uniform(1, 3)]), ["été"])


def tokens_of(rng: np.random.Generator, pieces: Sequence[str], gaps: Sequence[str]) -> list[str]:
    """Words of some pieces each, all gaps and all pieces among them, and a gap at the head of each word but the first."""
    tokens = [pieces[0], gaps[0] + pieces[0]]  # a word may come twice
    for w in range(len(pieces) + int(rng.integers(2, 6))):
        tokens += [gaps[w % len(gaps)] + pieces[w % len(pieces)], *rng.choice(pieces, rng.integers(1, 3)).tolist()]
    return tokens


# 14.4 One matrix, used twice


def tied_by_torch(E: Array, W: Array, inputs: Array, targets: Array) -> tuple[Array, Array]:
    table = torch.from_numpy(E).requires_grad_()
    logits = F.embedding(torch.from_numpy(inputs), table) @ torch.from_numpy(W) @ table.T
    (slope,) = torch.autograd.grad(F.cross_entropy(logits, torch.from_numpy(targets)), table)
    return logits.detach().numpy(), slope.numpy()


def added(rows: Array, where: Array, V: int) -> Array:
    """Rows (N, D) added up by where they belong (N,): -> (V, D)."""
    return np.eye(V)[where].T @ rows


def overwritten(rows: Array, where: Array, V: int) -> Array:
    """As `added`, but of rows that belong together the last one stays."""
    out = np.zeros((V, rows.shape[1]))
    for row, v in zip(rows, where):
        out[v] = row
    return out


def tied_with(
    forward: Callable = lambda E, W, x: E[x] @ W @ E.T,
    pull: Callable = lambda p, y: (p - y) / len(y),
    read: Callable = lambda E, W, x: E[x] @ W,
    back: Callable = lambda pull, E, W: pull @ E @ W.T,
    gather: Callable = added,
    join: Callable = lambda out, into: out + into,
    where: Callable = lambda inputs, targets: inputs,
) -> Callable:
    """Logits, and join(pull^T read, gather(back(pull))): what the readout and what the embedding get."""

    def tied(E, W, inputs, targets):
        logits = forward(E, W, inputs)
        slope = pull(softmax(logits), np.eye(len(E))[targets])
        into = gather(back(slope, E, W), where(inputs, targets), len(E))
        return logits, join(slope.T @ read(E, W, inputs), into)

    return tied


@task(
    "14.4",
    oracle={"tied": tied_by_torch},
    mistakes={
        "W left out": mistake(
            "Double W: your logits stay.",
            tied=tied_with(lambda E, W, x: E[x] @ E.T),
        ),
        "W turned over": mistake(
            "States are rows, as the rows of E are. Look at which way W is turned in your logits.",
            tied=tied_with(lambda E, W, x: E[x] @ W.T @ E.T),
        ),
        "probabilities for logits": mistake(
            "Logits are asked for. Look at what you have done to them already.",
            tied=tied_with(lambda E, W, x: softmax(E[x] @ W @ E.T)),
        ),
        "logits of the targets' states": mistake(
            "The model reads one token and predicts another. Look at which of the two you look up.",
            tied=lambda E, W, inputs, targets: tied_by_torch(E, W, targets, inputs),
        ),
        "the readout alone": mistake(
            "Take a token that is only read: does the loss depend on its row before anything is read out?",
            tied=tied_with(join=lambda out, into: out),
        ),
        "the embedding alone": mistake(
            "Take a token that is never read: its logit still depends on its row. Look at the gradient of that row.",
            tied=tied_with(join=lambda out, into: into),
        ),
        "the mean of both": mistake(
            "Move E a little: how does the loss move through each use, and how through both? Look at how you join the two.",
            tied=tied_with(join=lambda out, into: (out + into) / 2),
        ),
        "what is read again overwrites": mistake(
            "Take a token that is read several times: each time it has a part in the loss. Look at what is left of the first.",
            tied=tied_with(gather=overwritten),
        ),
        "given to the targets": mistake(
            "Look at whose rows were looked up on the way forward, and to whose you give the gradient on the way back.",
            tied=tied_with(where=lambda inputs, targets: targets),
        ),
        "W not turned on the way back": mistake(
            "What was multiplied by W on the way forward goes back through W, but not the same way round.",
            tied=tied_with(back=lambda pull, E, W: pull @ E @ W),
        ),
        "back without W": mistake(
            "Your readout's part is right. Between embedding and logits stands W: look for it in the embedding's part.",
            tied=tied_with(back=lambda pull, E, W: pull @ E),
        ),
        "the embeddings for states": mistake(
            "What is it that the readout multiplies E with? Look at what stands in its part of your gradient.",
            tied=tied_with(read=lambda E, W, x: E[x]),
        ),
        "the sum of the losses": mistake(
            "Hand in every pair twice: the gradient of a mean is to stay.",
            tied=tied_with(pull=lambda p, y: p - y),
        ),
        "a mean over the words too": mistake(
            "The loss is a mean over pairs. Look at whether you divide by more than their number.",
            tied=tied_with(pull=lambda p, y: (p - y) / y.size),
        ),
        "uphill": mistake(
            "Take a step along your gradient: the loss is to rise. Look at a sign.",
            tied=tied_with(pull=lambda p, y: (y - p) / len(y)),
        ),
        "the targets left out": mistake(
            "Change the targets: your gradient hardly knows. Look at the derivative of the loss with respect to a logit.",
            tied=tied_with(pull=lambda p, y: p / len(y)),
        ),
        "in bits": mistake(
            "The loss of this task is in nats. Look for a logarithm of 2.",
            tied=tied_with(pull=lambda p, y: (p - y) / len(y) / np.log(2)),
        ),
        "overflow": mistake(
            "Look at exp of a large logit. A softmax does not change when all its logits move.",
            sign=not_finite,
        ),
    },
)
def tied(room: Room, rng: np.random.Generator) -> Parts:
    N, V, D = np.add(sizes(rng, 3), 2)
    N += V  # so that some token is read twice
    E, W = rng.normal(size=(V, D)) / D**0.25, rng.normal(size=(D, D)) / D**0.25
    inputs, targets = rng.integers(V, size=N), rng.integers(V, size=N)
    logits, slope = room.call("tied", E, W, inputs, targets)
    yield "the logits", logits
    yield "the gradient", slope
    yield "the same token again and again", room.call("tied", E, W, np.full(N, inputs[0]), targets)
    yield "large logits", room.call("tied", 30 * E, W, inputs, targets)
    yield "one pair", room.call("tied", E, W, inputs[:1], targets[:1])


# 14.5 The attention of GPT-2, out of its file


def attention_by_torch(x: Array, file: dict[str, Array], layer: int, heads: int) -> Array:
    """By torch.nn.functional, whose maps lie the other way round."""
    W, b, W_o, b_o = (torch.from_numpy(file[name]) for name in names(layer))
    T, D = x.shape
    query = torch.from_numpy(x)[:, None]
    hidden = ~torch.ones(T, T, dtype=torch.bool).tril()
    more = dict(need_weights=False, attn_mask=hidden, training=False)
    out, _ = F.multi_head_attention_forward(query, query, query, D, heads, W.T, b, None, None, False, 0.0, W_o.T, b_o, **more)
    return out[:, 0].numpy()


def names(layer: int) -> list[str]:
    """The four arrays of a layer's attention, as GPT-2's file calls them."""
    return [f"h.{layer}.attn.{map}.{kind}" for map in ("c_attn", "c_proj") for kind in ("weight", "bias")]


def a_third_each(x: Array, heads: int) -> list[Array]:
    """(T, 3 D) -> queries, keys, values, each (heads, T, d)."""
    return [cut(part, heads) for part in np.split(x, 3, 1)]


def cut(rows: Array, heads: int) -> Array:
    return rows.reshape(len(rows), heads, -1).swapaxes(0, 1)


def weighed(scores: Array) -> Array:
    return softmax(np.where(np.tri(scores.shape[-1], dtype=bool), scores, -np.inf))


def attention_with(
    project: Callable = lambda x, W, b: x @ W + b,
    split: Callable = a_third_each,
    width: Callable = lambda q, D: np.sqrt(q.shape[-1]),
    weigh: Callable = weighed,
    out: Callable = lambda read, W, b, x: read @ W + b,
) -> Callable:
    """out(...) of the heads that split(project(...)) makes and weigh(scores / width) reads."""

    def gpt2_attention(x, file, layer, heads):
        W, b, W_o, b_o = (file[name] for name in names(layer))
        q, k, v = split(project(x, W, b), heads)
        read = weigh(q @ k.swapaxes(1, 2) / width(q, x.shape[1])) @ v
        return out(read.swapaxes(0, 1).reshape(x.shape), W_o, b_o, x)

    return gpt2_attention


@task(
    "14.5",
    oracle={"gpt2_attention": attention_by_torch},
    mistakes={
        "the output map turned over": mistake(
            "Both maps of the file stand on the same side of what they map. Look at which way c_proj is turned.",
            gpt2_attention=attention_with(out=lambda read, W, b, x: read @ W.T + b),
        ),
        "the input map reshaped": mistake(
            "A matrix turned over and a matrix read in other rows are two things. Look at the shape that c_attn comes in.",
            gpt2_attention=attention_with(lambda x, W, b: x @ W.reshape(-1, len(W)).T + b),
        ),
        "keys before queries": mistake(
            "Row i of the weights belongs to the query of token i. Look at which third of the columns is whose.",
            gpt2_attention=attention_with(split=lambda x, heads: [a_third_each(x, heads)[i] for i in (1, 0, 2)]),
        ),
        "values before keys": mistake(
            "Look at which third of the columns your weights are computed from, and which they average.",
            gpt2_attention=attention_with(split=lambda x, heads: [a_third_each(x, heads)[i] for i in (0, 2, 1)]),
        ),
        "heads first": mistake(
            "The columns are cut twice: into three and into heads. Look at which cut comes first.",
            gpt2_attention=attention_with(split=lambda x, heads: x.reshape(len(x), heads, 3, -1).transpose(2, 1, 0, 3)),
        ),
        "every third column": mistake(
            "The columns of all queries stand side by side. Look at which ones you take.",
            gpt2_attention=attention_with(split=lambda x, heads: [cut(x[:, i::3], heads) for i in range(3)]),
        ),
        "tokens mixed up by the cut": mistake(
            "A head gets some columns of every token. Look at what your reshape puts into the first head's first row.",
            gpt2_attention=attention_with(split=lambda x, heads: [p.reshape(heads, len(x), -1) for p in np.split(x, 3, 1)]),
        ),
        "one head": mistake(
            "Call it with another number of heads: your answer stays the same.",
            gpt2_attention=lambda x, file, layer, heads: attention_by_torch(x, file, layer, 1),
        ),
        "no mask": mistake(
            "Change the last token: your output for the first changes.",
            gpt2_attention=attention_with(weigh=softmax),
        ),
        "the past hidden": mistake(
            "Change the first token: your output for the last stays. Look at which side of the diagonal you hide.",
            gpt2_attention=attention_with(weigh=lambda s: softmax(np.where(np.tri(s.shape[1]).T > 0, s, -np.inf))),
        ),
        "the mask after the softmax": mistake(
            "Add up the weights of the first token. Look at when you hide the future.",
            gpt2_attention=attention_with(weigh=lambda s: softmax(s) * np.tri(s.shape[1])),
        ),
        "hidden scores set to 0": mistake(
            "Look at exp of the score that you give to a hidden token: it still weighs something.",
            gpt2_attention=attention_with(weigh=lambda s: softmax(s * np.tri(s.shape[1]))),
        ),
        "the width of a token": mistake(
            "A head's score is the sum of as many products as the head has columns. Look at what you divide by.",
            gpt2_attention=attention_with(width=lambda q, D: np.sqrt(D)),
        ),
        "no division": mistake(
            "Your weights are too sharp. Look at what happens between a product and the softmax.",
            gpt2_attention=attention_with(width=lambda q, D: 1),
        ),
        "the input bias left out": mistake(
            "Hand in tokens that are all zero: queries, keys and values are not. Look at c_attn.",
            gpt2_attention=attention_with(lambda x, W, b: x @ W),
        ),
        "the output bias left out": mistake(
            "The heads are read right. Look at the last of the four arrays.",
            gpt2_attention=attention_with(out=lambda read, W, b, x: read @ W),
        ),
        "the output map left out": mistake(
            "The heads are read right, and stand side by side. Look at what the file has for them.",
            gpt2_attention=attention_with(out=lambda read, W, b, x: read),
        ),
        "the tokens added": mistake(
            "Attention is one thing, and the residual around it another. Look at your last step.",
            gpt2_attention=attention_with(out=lambda read, W, b, x: x + read @ W + b),
        ),
        "the first layer for all": mistake(
            "Call it with another layer: your answer stays the same.",
            gpt2_attention=lambda x, file, layer, heads: attention_by_torch(x, file, 0, heads),
        ),
        "layers from 1": mistake(
            "The file counts its layers from 0. Look at the names that you make.",
            gpt2_attention=lambda x, file, layer, heads: attention_by_torch(x, file, layer + 1, heads),
        ),
    },
)
def gpt2_attention(room: Room, rng: np.random.Generator) -> Parts:
    heads, d = (int(size) for size in np.add(rng.choice(4, 2, replace=False), 2))
    D, T, L, longest = heads * d, heads * d + int(rng.integers(1, 4)), 3, 24
    file = {}
    for layer in range(L):
        maps = zip(names(layer), ((D, 3 * D), (3 * D,), (D, D), (D,)))
        file |= {name: rng.normal(size=shape) / (np.sqrt(D) if len(shape) == 2 else 1) for name, shape in maps}
        file[f"h.{layer}.attn.bias"] = np.tri(longest)[None, None]  # as in the real file: it is the mask
    x = rng.normal(size=(T, D))
    yield "the first layer", room.call("gpt2_attention", x, file, 0, heads)
    yield "the third layer", room.call("gpt2_attention", x, file, 2, heads)
    yield "another number of heads", room.call("gpt2_attention", x, file, 1, D)
    yield "tokens that are zero", room.call("gpt2_attention", np.zeros((T, D)), file, 0, heads)
    yield "one token", room.call("gpt2_attention", x[:1], file, 2, heads)


# 14.6 A mixture of experts


def mixed_by_loop(x: Array, scores: Array, experts: Sequence[Callable], k: int) -> tuple[Array, float]:
    """Each expert reads the tokens that chose it, and adds its share to theirs."""
    y, best = np.zeros_like(x), np.argsort(-scores, 1)[:, :k]
    for e, expert in enumerate(experts):
        mine = np.nonzero((best == e).any(1))[0]
        if len(mine):
            chosen = np.exp(np.take_along_axis(scores[mine], best[mine], 1) - scores[mine, e][:, None])
            y[mine] += expert(x[mine]) / chosen.sum(1, keepdims=True)
    return y, balance_of(scores, best)


def first_choices(best: Array, E: int) -> Array:
    return np.bincount(best[:, 0], minlength=E) / len(best)


def balance_of(scores: Array, best: Array) -> float:
    """Fedus et al. 2022, eqs. 4 to 6, without alpha."""
    E = scores.shape[1]
    return float(E * first_choices(best, E) @ softmax(scores).mean(0))


def chosen_alone(scores: Array, best: Array) -> Array:
    """Weights (N, E): the softmax over the chosen, 0 elsewhere."""
    weights = np.zeros_like(scores)
    np.put_along_axis(weights, best, softmax(np.take_along_axis(scores, best, 1)), 1)
    return weights


def of_all(scores: Array, best: Array) -> Array:
    """Weights (N, E): the softmax over all, 0 where an expert is not chosen."""
    return softmax(scores) * chosen_alone(np.zeros_like(scores), best) * best.shape[1]


def mixed_with(
    choose: Callable = lambda scores, k: np.argsort(-scores, 1)[:, :k],
    weigh: Callable = chosen_alone,
    balance: Callable = balance_of,
) -> Callable:
    """Experts' outputs added up by weigh(scores, best), with best = choose(scores, k) (N, k)."""

    def mixture(x, scores, experts, k):
        best = choose(scores, k)
        weights, y = weigh(scores, best), np.zeros_like(x)
        for e, expert in enumerate(experts):
            mine = np.nonzero(weights[:, e])[0]
            if len(mine):
                y[mine] += weights[mine, e][:, None] * expert(x[mine])
        return y, float(balance(scores, best))

    return mixture


def every_expert_works(x: Array, scores: Array, experts: Sequence[Callable], k: int) -> tuple[Array, float]:
    best = np.argsort(-scores, 1)[:, :k]
    return np.einsum("ne,end->nd", chosen_alone(scores, best), np.stack([expert(x) for expert in experts])), balance_of(
        scores, best
    )


def chosen_by_experts(scores: Array, k: int) -> Array:
    """Weights (N, E) in which each expert takes its best k tokens."""
    return chosen_alone(scores.T, np.argsort(-scores.T, 1)[:, :k]).T


def in_order_of_number(scores: Array, best: Array) -> Array:
    """The largest weight goes to the chosen expert of the lowest number."""
    weights = np.zeros_like(scores)
    np.put_along_axis(weights, np.sort(best, 1), softmax(np.take_along_axis(scores, best, 1)), 1)
    return weights


def balance_with(
    share: Callable = first_choices,
    probability: Callable = lambda scores, best: softmax(scores).mean(0),
    join: Callable = lambda f, P: len(f) * f @ P,
) -> Callable:
    """join(share of the experts, their mean probability)."""
    return mixed_with(balance=lambda scores, best: join(share(best, scores.shape[1]), probability(scores, best)))


def all_choices(best: Array, E: int) -> Array:
    return np.bincount(best.ravel(), minlength=E) / len(best)


@task(
    "14.6",
    oracle={"mixture": mixed_by_loop},
    mistakes={
        "probabilities that do not add up to 1": mistake(
            "Add up the weights of one token. Look at which experts take part in your softmax.",
            mixture=mixed_with(weigh=of_all),
        ),
        "all experts added": mistake(
            "Call it with another k: your outputs stay the same.",
            mixture=mixed_with(weigh=lambda scores, best: softmax(scores)),
        ),
        "one expert for any k": mistake(
            "Count the experts that a token is given to. Look at what k is for.",
            mixture=mixed_with(lambda scores, k: scores.argmax(1)[:, None]),
        ),
        "the worst experts": mistake(
            "Look at which end of your sorted scores you take from.",
            mixture=mixed_with(lambda scores, k: np.argsort(scores, 1)[:, :k]),
        ),
        "experts that choose tokens": mistake(
            "Each token chooses among the experts. Look at the axis that you sort along.",
            mixture=mixed_with(weigh=lambda scores, best: chosen_by_experts(scores, best.shape[1])),
        ),
        "the mean of the chosen": mistake(
            "The better of two experts is to count for more. Look at your weights.",
            mixture=mixed_with(weigh=lambda scores, best: (of_all(scores, best) > 0) / best.shape[1]),
        ),
        "the sum of the chosen": mistake(
            "Give a token experts that all say the same: the mixture should say it too. Look at what you multiply with.",
            mixture=mixed_with(weigh=lambda scores, best: 1.0 * (of_all(scores, best) > 0)),
        ),
        "scores for weights": mistake(
            "Scores may be negative, weights may not. Look at what you multiply with.",
            mixture=mixed_with(weigh=lambda scores, best: scores * (of_all(scores, best) > 0)),
        ),
        "a softmax of a softmax": mistake(
            "Your weights add up to 1, and are too even. Look at what your last softmax is taken of.",
            mixture=mixed_with(weigh=lambda scores, best: chosen_alone(softmax(scores), best)),
        ),
        "weights of other experts": mistake(
            "Your weights are right, but not where they stand. Look at the order of the experts in both of your arrays.",
            mixture=mixed_with(weigh=in_order_of_number),
        ),
        "every expert works": mistake(
            "Your outputs are right, and cost too much. Look at which tokens you give to an expert.",
            mixture=every_expert_works,
        ),
        "all choices counted": mistake(
            "Look at your shares: how many experts does a token count for? In the loss it is the best one alone.",
            mixture=balance_with(all_choices),
        ),
        "the mean of all choices": mistake(
            "Your shares add up to 1, but are of all choices. Look at which of a token's experts counts in the loss.",
            mixture=balance_with(lambda best, E: all_choices(best, E) / best.shape[1]),
        ),
        "counts in place of shares": mistake(
            "Hand in every token twice: the loss is to stay. Look at whether your counts are shares.",
            mixture=balance_with(lambda best, E: len(best) * first_choices(best, E)),
        ),
        "not multiplied by the experts": mistake(
            "Experts that are all busy alike give 1, however many there are. Look for what is missing.",
            mixture=balance_with(join=lambda f, P: f @ P),
        ),
        "the mean over the experts": mistake(
            "Look at what becomes of the products of shares and probabilities: the paper adds them up, and does more.",
            mixture=balance_with(join=lambda f, P: f @ P / len(f)),
        ),
        "shares squared": mistake(
            "Change the scores a little, so that no choice changes: your loss stays, and nothing can be learned from it.",
            mixture=balance_with(join=lambda f, P: len(f) * f @ f),
        ),
        "probabilities squared": mistake(
            "Your loss does not know which expert was chosen. Look at its two factors.",
            mixture=balance_with(join=lambda f, P: len(f) * P @ P),
        ),
        "probabilities of the chosen": mistake(
            "In the loss, every expert has a probability at every token. Look at which softmax you take the mean of.",
            mixture=balance_with(probability=lambda scores, best: chosen_alone(scores, best).mean(0)),
        ),
        "scores for probabilities": mistake(
            "Add 1 to all scores: your loss changes. Look at what you take the mean of.",
            mixture=balance_with(probability=lambda scores, best: scores.mean(0)),
        ),
        "overflow": mistake(
            "Look at exp of a large score. A softmax does not change when all its scores move.",
            sign=not_finite,
        ),
    },
)
def mixture(room: Room, rng: np.random.Generator) -> Parts:
    D, N = 3 + int(rng.integers(3)), 24 + int(rng.integers(6))
    E = D + 1 + int(rng.integers(2))

    def asked(scores: Array, k: int) -> tuple[Array, Array, float]:
        """The outputs, how many tokens each expert was given, and the loss."""
        given = np.zeros(E, dtype=int)

        def expert(e: int, A: Array, c: Array) -> Callable:
            def work(x: Array) -> Array:
                given[e] += len(np.atleast_2d(x))
                return np.tanh(x @ A) + c

            return work

        experts = [expert(e, rng.normal(size=(D, D)), rng.normal(size=D)) for e in range(E)]
        y, balance = room.call("mixture", rng.normal(size=(len(scores), D)), scores, experts, k)
        return y, given, balance

    scores = 2 * rng.normal(size=(N, E)) + rng.normal(size=E)
    for name, k in (("two experts", 2), ("three experts", 3), ("one expert", 1)):
        y, given, balance = asked(scores, k)
        yield f"{name} for each token", y
        yield f"{name}: how many tokens each expert reads", given
        yield f"{name}: the loss", balance
    yield "large scores", asked(1000 * scores, 2)
    yield "one token", asked(scores[:1], 2)


# 14.7 Mend a cache


def read_at_once(pieces: list[Array], qkv: Callable) -> Array:
    """The whole text in one forward: what reading in pieces must give."""
    tokens = np.concatenate(pieces)
    q, k, v = qkv(tokens, np.arange(len(tokens)))
    return weighed(q @ k.T / np.sqrt(q.shape[1])) @ v


def read_with(
    place: Callable = lambda m, before: m,
    reach: Callable = lambda m: m,
    join: Callable = lambda old, new: np.concatenate([old, new]),
    hide: Callable = lambda n, K, m: np.tri(n, K, m, dtype=bool),
) -> Callable:
    """Piece by piece: a piece begins at place(m, before), m tokens in all lying before it, and sees reach(m) of them."""

    def read_in_pieces(pieces, qkv):
        contexts, before, cache = [], [], []
        for tokens in pieces:
            n, m = len(tokens), sum(before)
            q, *new = qkv(tokens, place(m, before) + np.arange(n))
            cache = [join(*pair) for pair in zip(cache, new)] if cache else new
            seen = hide(n, len(cache[0]), reach(m))
            scores = np.where(seen, q @ cache[0].T / np.sqrt(q.shape[1]), np.finfo(q.dtype).min)
            contexts.append(softmax(scores) @ cache[1])
            before.append(n)
        return np.concatenate(contexts)

    return read_in_pieces


def read_anew(pieces: list[Array], qkv: Callable) -> Array:
    """No cache: at each piece the whole text is read again."""
    texts = [pieces[: i + 1] for i in range(len(pieces))]
    return np.concatenate([read_at_once(text, qkv)[-len(text[-1]) :] for text in texts])


@task(
    "14.7",
    oracle={"read_in_pieces": read_at_once},
    mistakes={
        "as it was found": mistake(
            "The first piece is read right, and the next ones are not. Look at what the code knows of the first by then.",
            read_in_pieces=read_with(lambda m, before: 0, lambda m: 0),
        ),
        "the places forget": mistake(
            "You have found one of two faults. Look at what qkv is told about each token beside the token.",
            read_in_pieces=read_with(lambda m, before: 0),
        ),
        "the mask forgets": mistake(
            "You have found one of two faults. Look at what the first token of the second piece may see.",
            read_in_pieces=read_with(reach=lambda m: 0),
        ),
        "the cache forgets": mistake(
            "What has been read is to be seen by what follows. Look at which keys the second piece is compared with.",
            read_in_pieces=read_with(join=lambda old, new: new, reach=lambda m: 0),
        ),
        "the pieces counted": mistake(
            "A piece may hold many tokens. Look at the place of the first token after a long one.",
            read_in_pieces=read_with(lambda m, before: len(before)),
        ),
        "the first piece alone counted": mistake(
            "The second piece is read right. Look at where the third begins.",
            read_in_pieces=read_with(lambda m, before: before[0] if before else 0),
        ),
        "the piece before alone counted": mistake(
            "The second piece is read right. Look at how many tokens lie before the third, and how many you count.",
            read_in_pieces=read_with(lambda m, before: before[-1] if before else 0),
        ),
        "a place left out": mistake(
            "If three tokens have been read, at which place does the next one stand? They are counted from 0.",
            read_in_pieces=read_with(lambda m, before: m + bool(m)),
        ),
        "a place given twice": mistake(
            "No two tokens stand at one place. Look at the last token of a piece and the first of the next.",
            read_in_pieces=read_with(lambda m, before: m - bool(m)),
        ),
        "the future of its own piece": mistake(
            "Single tokens need no mask, but a piece of several does. Look at what its first token sees.",
            read_in_pieces=read_with(hide=lambda n, K, m: np.tri(n, K, m, dtype=bool) | bool(m)),
        ),
        "no mask at all": mistake(
            "Change the last token of the first piece: what is read at its first place changes.",
            read_in_pieces=read_with(hide=lambda n, K, m: np.ones((n, K), dtype=bool)),
        ),
        "new keys before old ones": mistake(
            "The mask takes the cache to be in the order of the text. Look at the end at which new keys come in.",
            read_in_pieces=read_with(join=lambda old, new: np.concatenate([new, old])),
        ),
        "everything read again": mistake(
            "What is read is right, but the cache saves nothing. Count the tokens that you hand to qkv.",
            read_in_pieces=read_anew,
        ),
    },
)
def read_in_pieces(room: Room, rng: np.random.Generator) -> Parts:
    d, D, V = (int(size) for size in np.add(sizes(rng, 3), 1))
    maps = [rng.normal(size=(V, width)) for width in (d, d, D)]
    turns = [rng.normal(size=(60, width)) for width in (d, d, D)]

    def asked(*lengths: int) -> tuple[Array, int]:
        """What is read in pieces of these lengths, and how many tokens were handed in for that."""
        handed = []

        def qkv(tokens: Array, places: Array) -> tuple[Array, ...]:
            handed.extend(tokens)
            return tuple(of_token[tokens] + of_place[places] for of_token, of_place in zip(maps, turns))

        read = room.call("read_in_pieces", [rng.integers(V, size=n) for n in lengths], qkv)
        return read, len(handed)

    first, more = (int(n) for n in rng.choice(np.arange(3, 8), 2, replace=False))
    yield "one piece", asked(first)[0]
    yield "a prompt, then token by token", asked(first, 1, 1, 1, 1)[0]
    read, handed = asked(first, 1, more, 1, first + more)
    yield "long pieces later on", read
    yield "how many tokens are handed to qkv", handed
    yield "token by token from the start", asked(1, 1, 1, more)[0]
