"""Our word vectors beside gensim's: words a second, agreement with people at equal epochs, seconds until it is good.

Both read the same sentences, keep the same words, and learn 100 numbers a word from windows of 5 with 5 negatives, each
with its own defaults otherwise, on one thread. Seconds are process seconds; agreement is Spearman's rho on WordSim-353,
the median of three seeds.
"""

import time
from collections.abc import Callable, Iterator
from statistics import median

import torch
from gensim.models import Word2Vec

from benchmarks.compare import Row
from utils.data.similarity import similarity_table
from utils.data.wikipedia import article_words
from utils.data.words import Corpus, corpus
from utils.word_space import WordVectors, agreement
from utils.word_vectors import Model, train

SEEDS = (1, 2, 3)
GOOD = 0.52  # the rho to reach, in the fewest epochs of those that are tried
OUR_EPOCHS, THEIR_EPOCHS = (5, 6, 7), (25, 30)
Trained = tuple[float, float]  # rho and process seconds
Trainer = Callable[[Corpus, Model, int, int], Trained]


def ours(text: Corpus, model: Model, epochs: int, seed: int) -> Trained:
    start = time.process_time()
    vectors, _ = train(text, model, seed=seed, epochs=epochs)
    seconds = time.process_time() - start
    return agreement(vectors, similarity_table("wordsim353")).rho, seconds


def theirs(text: Corpus, model: Model, epochs: int, seed: int) -> Trained:
    sizes = {"vector_size": 100, "window": 5, "negative": 5, "min_count": 5}
    peer = Word2Vec(sg=int(model == "skip-gram"), workers=1, epochs=epochs, seed=seed, **sizes)
    peer.build_vocab(article_words())  # ours is given its corpus ready-made
    start = time.process_time()
    peer.train(article_words(), total_examples=peer.corpus_count, epochs=epochs)
    seconds = time.process_time() - start
    if peer.wv.key_to_index.keys() != text.vocabulary.ids.keys():
        raise RuntimeError("gensim kept other words")
    vectors = WordVectors(text.vocabulary, torch.from_numpy(peer.wv[text.vocabulary.tokens]))
    return agreement(vectors, similarity_table("wordsim353")).rho, seconds


def over_seeds(trainer: Trainer, text: Corpus, model: Model, epochs: int) -> Trained:
    """The median rho and the fewest seconds."""
    rhos, seconds = zip(*(trainer(text, model, epochs, seed) for seed in SEEDS))
    return median(rhos), min(seconds)


def until_good(trainer: Trainer, text: Corpus, epochs: tuple[int, ...]) -> Trained:
    """The first of the numbers of epochs whose median rho is good, or else the last."""
    for number in epochs:
        rho, seconds = over_seeds(trainer, text, "skip-gram", number)
        if rho >= GOOD:
            break
    return rho, seconds


def rows() -> Iterator[Row]:
    text = corpus(article_words())
    words = 7 * len(text.ids)
    for model in ("skip-gram", "cbow"):
        (our_rho, our_seconds), (their_rho, their_seconds) = (over_seeds(who, text, model, 7) for who in (ours, theirs))
        yield Row(f"{model}, 7 epochs", "gensim", words / our_seconds, words / their_seconds, "words/s")
        yield Row(f"{model}, 7 epochs", "gensim", our_rho, their_rho, "rho")
    our_rho, our_seconds = until_good(ours, text, OUR_EPOCHS)
    their_rho, their_seconds = until_good(theirs, text, THEIR_EPOCHS)
    yield Row(f"skip-gram until rho {GOOD}", "gensim", our_rho, their_rho, "rho")
    yield Row(f"skip-gram until rho {GOOD}", "gensim", our_seconds, their_seconds, "s, less is better")
