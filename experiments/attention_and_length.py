"""What attention buys as sentences grow: exact match and BLEU against length, with and without it."""

from experiments.one_vector import EMBEDDING, by_band, corpus
from utils import training
from utils.attention.additive import AdditiveAttention
from utils.attention.translator import AttentionTranslator
from utils.data.french.pairs import word_for_word, word_table
from utils.translation import END, START, Corpus, right, train

CHAPTER = "08-bahdanau-attention"
CLAIM = "With attention long sentences are translated about as well as short ones; the same network without it fails on them."
SOURCE = "Bahdanau, Cho and Bengio 2015, figure 2 and table 1"
PUBLISHED = "BLEU on all sentences, trained up to 30 and 50 words: 21.50 and 26.75 with attention, 13.93 and 17.82 without"
SCALE = (
    "theirs: real text, millions of sentence pairs, days of training; ours: sentences that a grammar makes, minutes of one core"
)
TOLERANCE = (
    "on every seed: exact match up to 20 words is at least 0.95 with attention and at least 0.3 lower without it; from 17 to "
    "20 words at least 0.9 with and at most 0.5 without; from 26 to 30, longer than any in training, below 0.5 for both"
)
SEEDS = (0, 1, 2)
STEPS = {"with attention": 1_150, "without": 1_600}  # about 60 cpu-seconds each
WIDTHS = {"with attention": 128, "without": 136}  # about 600,000 parameters each


def translator(
    corpus: Corpus, width: int, *, attends: bool = True, bidirectional: bool = True, word_in_query: bool = True
) -> AttentionTranslator:
    """Chapter 08's translator; without attention the last state of each direction stands at every step in its place."""
    attention = None
    if attends:
        attention = AdditiveAttention(width + EMBEDDING * word_in_query, width * (1 + bidirectional), width)
    V = len(corpus.source), len(corpus.target)
    options = {"bidirectional": bidirectional, "word_in_query": word_in_query and attends}
    return AttentionTranslator(*V, EMBEDDING, width, attention, start=START, end=END, **options)


def settings(scale: str) -> list[dict]:
    return [{"name": name} for name in (*STEPS, "word for word")]


def run(seed: int, scale: str, name: str) -> dict[str, float]:
    data, tiny = corpus(scale), scale == "tiny"
    if name == "word for word":
        table = word_table(data.split.train)
        chosen = [pair for pair in data.split.test if len(pair.english) <= 20]
        return {"exact match, word for word": float(right([word_for_word(table, p.english) for p in chosen], chosen).mean())}
    training.seed(seed)
    model = translator(data, 8 if tiny else WIDTHS[name], attends=name == "with attention")
    history = train(model, data, 4 if tiny else STEPS[name], seed)
    numbers = by_band(name, model, data)
    return numbers if tiny else numbers | {f"cpu-seconds, {name}": history.cpu_seconds}


def holds(numbers: dict) -> bool:
    def exact(name: str, band: str):
        return numbers[f"exact match, {name}, {band} words"]

    (whole, without), (long, long_without), (longer, longer_without) = (
        (exact("with attention", band), exact("without", band)) for band in ("3 to 20", "17 to 20", "26 to 30")
    )
    return bool(
        (whole.min() >= 0.95 and (whole - without).min() >= 0.3)
        and (long.min() >= 0.9 and long_without.max() <= 0.5)
        and max(longer.max(), longer_without.max()) < 0.5
    )
