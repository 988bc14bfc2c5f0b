"""Left to right or from both sides: what a hidden character costs a GPT and a BERT that were trained equally long."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from experiments.recurrence_or_attention import HELDOUT, LARGE, RATE, STEPS, TIME, WIDTHS, character_gpt, train_gpt, windows
from utils import training
from utils.data.text import characters
from utils.data.wikipedia import split, wikipedia
from utils.language_models import BERT, GPT, hide
from utils.ngram import NGram

CHAPTER = "14-language-models"
CLAIM = (
    "After a minute's training, what stands behind a hidden character is worth more than what the masked objective learns "
    "more slowly: BERT guesses a character in the middle of a text better than GPT, and one at its end worse."
)
SOURCE = "Devlin et al. 2019, section 5.1"
PUBLISHED = (
    "none of this kind; on tasks of understanding, one that reads left to right does worse than BERT (table 5)"
)
TOLERANCE = (
    "on every seed, bits for a hidden character: in the middle of 64 BERT at least 0.1 below GPT; at "
    "the end at least 0.1 above it"
)
SEEDS = (0, 1, 2)
SHARE = 0.15  # of the characters that BERT is asked in training
PLACES = {"in the middle": TIME // 2, "at the end": TIME - 1}
BERT_STEPS = 1_900  # about as long as STEPS of the GPT
STRIDE = 16  # between the windows of the test


def train_bert(model: BERT, ids: Tensor, steps: int, seed: int) -> training.History:
    """Train the model on ids (N,), SHARE of them hidden; its mask is the last token of its vocabulary."""
    model.to(training.device())
    generator, mask = torch.Generator().manual_seed(seed), model.words.num_embeddings - 1

    def loss(tokens: Tensor, _: Tensor) -> Tensor:
        lengths = torch.full((len(tokens),), TIME, device=tokens.device)
        inputs, asked = hide(tokens, torch.ones_like(tokens, dtype=torch.bool), mask, mask, generator, SHARE)
        return model.loss(inputs, lengths, tokens, asked)

    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, betas=(0.9, 0.95))
    pieces = windows(ids, torch.Generator().manual_seed(seed))
    history = training.train(loss, pieces, optimizer, steps=steps, clip=1.0, schedule=training.warmup_cosine)
    model.cpu().eval()
    return history


@torch.no_grad()
def bits_at(model: GPT | BERT, ids: Tensor, place: int) -> float:
    """The mean bits of the character at `place` of each window of TIME in ids (N,): after those before it, or among all."""
    total, pieces = 0.0, ids.unfold(0, TIME, STRIDE)  # (windows, TIME)
    for some in pieces.split(256):
        if isinstance(model, GPT):
            logits = model(some[:, :place])[0][:, -1]
        else:
            hidden = some.clone()
            hidden[:, place] = model.words.num_embeddings - 1
            logits = model(hidden, torch.full((len(some),), TIME))[:, place]
        total += F.cross_entropy(logits, some[:, place], reduction="sum").item()
    return total / len(pieces) / math.log(2)


def settings(scale: str) -> list[dict]:
    return [{"kind": kind} for kind in ("GPT", "BERT", "n-gram")]


def run(seed: int, scale: str, kind: str) -> dict[str, float]:
    tiny, corpus = scale == "tiny", wikipedia()
    vocabulary = characters(corpus)
    text, heldout = split(corpus, HELDOUT)
    ids, tested = vocabulary.encode(text[: 20_000 if tiny else LARGE]), vocabulary.encode(heldout[: 2_000 if tiny else None])
    if kind == "n-gram":
        return {"5-gram": NGram(ids.numpy(), 5, len(vocabulary)).bits_per_token(tested.numpy())}
    size = 8 if tiny else WIDTHS["GPT"]
    if kind == "GPT":
        model = character_gpt(len(vocabulary), seed, size)
        history = train_gpt(model, ids, 3 if tiny else STEPS["GPT"], seed)
    else:
        training.seed(seed)
        model = BERT(len(vocabulary) + 1, size, heads=4, layers=2, longest=TIME)
        history = train_bert(model, ids, 3 if tiny else BERT_STEPS, seed)
    numbers = {f"{kind}, {where}": bits_at(model, tested, place) for where, place in PLACES.items()}
    return numbers if tiny else numbers | {f"{kind}, cpu-seconds": history.cpu_seconds}


def holds(numbers: dict) -> bool:
    def worse(where: str):
        return numbers[f"BERT, {where}"] - numbers[f"GPT, {where}"]  # (seeds,)

    return bool(worse("in the middle").max() <= -0.1 and worse("at the end").min() >= 0.1)
