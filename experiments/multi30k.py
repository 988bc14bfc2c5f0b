"""Chapter 08's translator on real text: captions of photographs, German to English, beside a tutorial's BLEU.

`course experiment multi30k` downloads the captions at its first run. To train on several devices or in several processes:

    torchrun --nproc-per-node 2 --local-ranks-filter 0 -m experiments.multi30k

Text is lower-cased, as in the tutorial. The model reads and writes subword units, one vocabulary for both languages, so that
no word is unknown. BLEU is taken on whole sentences, which sacrebleu cuts into words. At scale tiny the book's own pairs
stand in for the captions.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from utils import training
from utils.alignment import IBM1
from utils.attention.additive import AdditiveAttention
from utils.attention.translator import AttentionTranslator
from utils.batches import Padded, bucketed, pad
from utils.data import corpora
from utils.data.french.pairs import pairs as french_pairs
from utils.decoding import greedy
from utils.distributed import processes, shared_loss
from utils.metrics import bleu_of_text
from utils.seq2seq import Translator
from utils.tokenizer import Tokenizer, train_tokenizer

CHAPTER = "08-bahdanau-attention"
CLAIM = "On real captions the translator reaches the BLEU that a tutorial publishes for a model of the same kind."
SOURCE = "Elliott et al. 2016 for the captions; pytorch-seq2seq, notebook 4, for the number"
PUBLISHED = "BLEU 28.11 (packing, masking, attention; greedy; other tokens: lower-cased words, rare ones unknown)"
SCALE = "none: the same captions and test set; other tokens"
TOLERANCE = "test BLEU at least 28.11 on every seed, and at least 5 above a translation word for word"
SEEDS = (0, 1, 2)
LEAST = 28.11
SEARCHED = 100  # sentences at once
LENGTH = 64  # units that a translation may have, its end included: more than any caption
END = "<end>"
Pairs = list[tuple[str, str]]  # source and target sentences


class Size(NamedTuple):
    """How large a run is."""

    vocabulary: int  # subword units, `END` among them
    embedding: int
    hidden: int
    batch: int
    steps: int
    rate: float


FULL = Size(vocabulary=6000, embedding=256, hidden=256, batch=64, steps=2000, rate=2e-3)  # 4.4 epochs, 10 cpu-minutes
TINY = Size(vocabulary=300, embedding=8, hidden=12, batch=8, steps=4, rate=4e-3)


# --- text


def captions(source: str, target: str, split: str) -> Pairs:
    """A split of Multi30k in two of "en", "de" and "fr", in lower case."""
    sides = [[line.strip().lower() for line in corpora.multi30k(language, split)] for language in (source, target)]
    return list(zip(*sides, strict=True))


def generated(count: int, seed: int) -> Pairs:
    """The book's own pairs, English to French, as text: they stand in for the captions where nothing is downloaded."""
    return [(" ".join(pair.english), " ".join(pair.french)) for pair in french_pairs(count, seed)]


def subwords(pairs: Pairs, size: int) -> Tokenizer:
    """Byte-pair units learned on both languages together (Sennrich et al. 2016, section 3.2). A word begins with its blank."""
    return train_tokenizer("".join(f" {line}\n" for pair in pairs for line in pair), size, [END])


def encode(tokenizer: Tokenizer, lines: Sequence[str]) -> Padded:
    """Lines as padded ids on the device of training, each with its end: so none is empty, and padding is more ends."""
    end = tokenizer.specials[END]
    tokens, lengths = pad([[*tokenizer.encode(" " + line, specials="text"), end] for line in lines], padding=end)
    return tokens.to(training.device()), lengths


def decode(tokenizer: Tokenizer, ids: list[int]) -> str:
    """The text of what a search found, up to its first end: empty where it begins with one."""
    end = tokenizer.specials[END]
    return tokenizer.decode(ids[: ids.index(end)] if end in ids else ids).strip()


# --- training and translating


def train(pairs: Pairs, tokenizer: Tokenizer, size: Size, seed: int) -> Translator:
    """A translator trained on pairs, by all the processes that there are together. `END` is its start as well."""
    training.seed(seed)
    end, vocabulary, hidden = tokenizer.specials[END], len(tokenizer), size.hidden
    attention = AdditiveAttention(hidden, 2 * hidden, hidden)
    model = AttentionTranslator(vocabulary, vocabulary, size.embedding, hidden, attention, start=end, end=end)
    model.to(training.device())
    sides = [encode(tokenizer, side) for side in zip(*pairs)]
    batches = bucketed(*sides, size=size.batch, generator=torch.Generator().manual_seed(seed))
    optimizer = torch.optim.Adam(model.parameters(), lr=size.rate)
    training.train(shared_loss(model), batches, optimizer, steps=size.steps, clip=1.0, schedule=training.warmup_cosine)
    return model


@torch.no_grad()
def translate(model: Translator, tokenizer: Tokenizer, lines: Sequence[str], length: int) -> list[str]:
    """The greedy translation of each line in at most `length` units: empty where the model ends at once."""
    found: dict[int, str] = {}
    tokens, lengths = encode(tokenizer, lines)
    by_length = lengths.argsort(stable=True)  # so that a search ends for all its sentences at about the same time
    for index in by_length.split(SEARCHED):
        first = model.begin(tokens[index, : int(lengths[index].max())], lengths[index])
        rows = greedy(model.step, *first, length, model.end).sequences
        found |= {i: decode(tokenizer, row) for i, row in zip(index.tolist(), rows.tolist())}
    return [found[i] for i in range(len(lines))]


def word_for_word(pairs: Pairs, lines: Sequence[str]) -> list[str]:
    """Each word by itself, as the likeliest of IBM Model 1 has it, in the order of the source; an unknown one stays."""
    model = IBM1([(source.split(), target.split()) for source, target in pairs], iterations=5)
    known = {word for line in lines for word in line.split()} & model.sources.keys()
    table = {word: next(iter(model.translations(word))) for word in known}
    return [" ".join(table.get(word, word) for word in line.split()) for line in lines]


def task(scale: str) -> tuple[Size, Pairs, list[str], list[str]]:
    """The size of a run, what is trained on, and the sources and references of the test."""
    tiny = scale == "tiny"
    pairs = generated(40, seed=0) if tiny else captions("de", "en", "train")
    sources, references = zip(*(generated(10, seed=1) if tiny else captions("de", "en", "test")))
    return TINY if tiny else FULL, pairs, list(sources), list(references)


# --- the experiment


def settings(scale: str) -> list[dict]:
    return [{"name": name} for name in ("with attention", "word for word")]


def run(seed: int, scale: str, name: str) -> dict[str, float]:
    size, pairs, sources, references = task(scale)
    if name == "word for word":
        return {f"BLEU, {name}": bleu_of_text(word_for_word(pairs, sources), references)[0]}
    tokenizer = subwords(pairs, size.vocabulary)
    model = train(pairs, tokenizer, size, seed)
    lines = translate(model, tokenizer, sources, LENGTH)
    return {f"BLEU, {name}": bleu_of_text(lines, references)[0]}


def holds(numbers: dict) -> bool:
    found, baseline = (numbers[f"BLEU, {name}"] for name in ("with attention", "word for word"))
    return bool(found.min() >= LEAST and (found - baseline).min() >= 5)


def main() -> None:
    """All seeds one after another, each by all the processes that torchrun started."""
    torch.set_num_threads(1)
    size, pairs, sources, references = task(training.scale())
    tokenizer = subwords(pairs, size.vocabulary)
    with processes() as rank:
        for seed in SEEDS:
            model = train(pairs, tokenizer, size, seed)
            if rank == 0:
                score, signature = bleu_of_text(translate(model, tokenizer, sources, LENGTH), references)
                print(f"seed {seed}: BLEU {score:.2f} ({signature})")


if __name__ == "__main__":
    main()
