"""A translator without recurrence before the transformer: convolutions on both sides, and attention in every decoder layer."""

from experiments.one_vector import by_band, corpus
from utils import training
from utils.attention.conv_translator import ConvolutionalAttentionTranslator
from utils.translation import END, START, train

CHAPTER = "11-self-attention"
CLAIM = "Convolutions with attention in each layer translate sentences as long as those of the training, with no recurrence."
SOURCE = "Gehring, Auli, Grangier, Yarats and Dauphin 2017, Convolutional Sequence to Sequence Learning"
PUBLISHED = "BLEU 40.51 on English to French, newstest2014 (another task and scale)"
SCALE = "theirs: real text, millions of sentence pairs; ours: sentences that a grammar makes, minutes of one core"
TOLERANCE = "on every seed: exact match up to 20 words is at least 0.85, and from 17 to 20 words at least 0.7"
SEEDS = (0, 1, 2)
STEPS, WIDTH, LAYERS, KERNEL, LONGEST = 1_450, 114, 3, 3, 96  # about 600,000 parameters, about 60 cpu-seconds
NAME = "convolutions with attention"


def settings(scale: str) -> list[dict]:
    return [{}]


def run(seed: int, scale: str) -> dict[str, float]:
    data, tiny = corpus(scale), scale == "tiny"
    sizes = {"layers": LAYERS, "kernel": KERNEL, "longest": LONGEST, "start": START, "end": END}
    training.seed(seed)
    model = ConvolutionalAttentionTranslator(len(data.source), len(data.target), 8 if tiny else WIDTH, **sizes)
    history = train(model, data, 4 if tiny else STEPS, seed)
    numbers = by_band(NAME, model, data)
    return numbers if tiny else numbers | {f"cpu-seconds, {NAME}": history.cpu_seconds}


def holds(numbers: dict) -> bool:
    whole, long = (numbers[f"exact match, {NAME}, {band} words"] for band in ("3 to 20", "17 to 20"))
    return bool(whole.min() >= 0.85 and long.min() >= 0.7)
