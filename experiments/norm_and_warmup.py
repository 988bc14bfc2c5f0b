"""Where a deep transformer normalises, and whether it then needs a warm-up."""

import numpy as np

from experiments.without_recurrence import transformer
from utils import training
from utils.translation import english_french, right, train, translate

CHAPTER = "13-transformer"
CLAIM = (
    "A deep transformer that normalises after its sums, as in the paper, needs a warm-up; one that normalises first does not."
)
SOURCE = "Xiong et al. 2020, sections 3 and 4"
PUBLISHED = (
    "IWSLT14 German to English, 6 layers: normalising last BLEU 34 with warm-up and about 8 without; first, 34 with and without"
)
SCALE = "theirs: real text, 6 layers; ours: sentences that a grammar makes, 6 narrower blocks, 600 steps"
TOLERANCE = (
    "loss in nats of the last 20 of 600 steps, on every seed: normalising last, at least 0.5 higher without a warm-up than "
    "with it; normalising first, at most 0.2 higher"
)
SEEDS = (0, 1, 2)
DEEP = {"layers": 6, "size": 64, "hidden": 256}  # 750,000 parameters
STEPS, WARMUP = 600, 0.25  # about 60 cpu-seconds each; the share of the steps on which the rate rises
SHARE = 0.25  # of the rate of the other translators, which is too high for such depth
ORDERS = {"first": True, "last": False}
WARMUPS = {"with": WARMUP, "without": 0.0}


def settings(scale: str) -> list[dict]:
    return [{"norm": norm, "warmup": warmup} for norm in ORDERS for warmup in WARMUPS]


def run(seed: int, scale: str, norm: str, warmup: str) -> dict[str, float]:
    tiny = scale == "tiny"
    data = english_french(600, longest=8) if tiny else english_french()
    training.seed(seed)
    model = transformer(data, **DEEP, norm_first=ORDERS[norm])
    history = train(
        model, data, 2 if tiny else STEPS, seed, lambda progress: SHARE * training.warmup_cosine(progress, WARMUPS[warmup])
    )
    label = f"norm {norm}, {warmup} warm-up"
    numbers = {f"last loss, {label}": float(np.mean(history.loss[-20:]))}
    if tiny:
        return numbers
    test = data.split.test
    return numbers | {f"exact match, {label}": float(right(translate(model, data, test), test).mean())}


def price(numbers: dict, norm: str) -> np.ndarray:
    """How much higher the loss ends without a warm-up: (seeds,)."""
    with_it, without = (numbers[f"last loss, norm {norm}, {warmup} warm-up"] for warmup in WARMUPS)
    return without - with_it


def holds(numbers: dict) -> bool:
    return bool(price(numbers, "last").min() >= 0.5 and price(numbers, "first").max() <= 0.2)
