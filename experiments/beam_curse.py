"""The beam-search curse: a wider beam finds more probable sentences, and they are shorter and shorter.

A character model of sentences, with an end token, completes the first twelve characters of sentences that it never saw.
"""

import math
from itertools import repeat

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from utils import training
from utils.data.text import Vocabulary, pad
from utils.data.wikipedia import sentences
from utils.decoding import beam_search, read, recurrent_step
from utils.rnn import LanguageModel, keep_mask

CHAPTER = "02-decoding"
CLAIM = "Without length normalisation completions get shorter as the beam gets wider; divided by their length they do not."
SOURCE = "Koehn and Knowles 2017, section 3.6; Stahlberg and Byrne 2019; Murray and Chiang 2018"
PUBLISHED = "in translation the most probable output is empty for more than half of the sentences (Stahlberg and Byrne 2019)"
SCALE = "theirs: a transformer on real text, the best output found exactly; ours: a small character model"
TOLERANCE = (
    "on every seed: the mean length at k = 32 is below three quarters of that at k = 1 with penalty 0, "
    "and above three quarters of it with penalty 1"
)
SEEDS = (0, 1, 2)
END = "\n"
PROMPT, LENGTH, HELDOUT = 12, 80, 100


def sentence_data() -> tuple[Vocabulary, list[Tensor], list[Tensor]]:
    """The vocabulary, the end token first, and the encoded sentences, each with its end: to train on, and held out."""
    lines = [line + END for line in sentences()]
    vocabulary = Vocabulary([END, *sorted(set("".join(lines)) - {END})])
    encoded = [vocabulary.encode(line) for line in lines]
    return vocabulary, encoded[:-HELDOUT], encoded[-HELDOUT:]


def train_sentence_model(lines: list[Tensor], vocabulary: int, steps: int, seed: int) -> LanguageModel:
    """An LSTM of 128 units over padded batches of whole sentences, the loss taken over real characters only."""
    training.seed(seed)
    model = LanguageModel(vocabulary, nn.LSTM(32, 128, batch_first=True))

    def batches():
        for _ in repeat(None):
            tokens, lengths = pad([lines[i] for i in torch.randint(len(lines), (32,))])
            yield tokens, keep_mask(lengths - 1, tokens.shape[1] - 1)

    def loss(tokens: Tensor, keep: Tensor) -> Tensor:
        return F.cross_entropy(model(tokens[:, :-1])[0][keep], tokens[:, 1:][keep])

    optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
    training.train(loss, batches(), optimizer, steps=steps, clip=1.0, schedule=training.warmup_cosine)
    return model.eval()


def complete(model: LanguageModel, lines: list[Tensor], beams: int, penalty: float):
    """The best completion of the first characters of each line: what `beam_search` returns, (B, k, L)."""
    step = recurrent_step(model)
    state, last = read(step, None, torch.stack([line[:PROMPT] for line in lines]))
    return beam_search(step, state, last, LENGTH, beams, eos=0, penalty=penalty)


def settings(scale: str) -> list[dict]:
    return [{}]


def run(seed: int, scale: str) -> dict[str, float]:
    """Mean length and mean bits of the completions, for each width and penalty; and the lengths that people wrote."""
    tiny = scale == "tiny"
    vocabulary, lines, heldout = sentence_data()
    heldout = heldout[:3] if tiny else heldout
    model = train_sentence_model(lines, len(vocabulary), steps=3 if tiny else 1000, seed=seed)
    numbers = {"length, as written": sum(len(line) - PROMPT for line in heldout) / len(heldout)}
    for beams in (1, 2) if tiny else (1, 2, 4, 8, 16, 32):
        for penalty in (0, 1):
            found = complete(model, heldout, beams, float(penalty))
            numbers[f"length, k = {beams}, penalty {penalty}"] = found.lengths[:, 0].double().mean().item()
            numbers[f"bits, k = {beams}, penalty {penalty}"] = -found.scores[:, 0].double().mean().item() / math.log(2)
    return numbers


def holds(numbers: dict) -> bool:
    greedy, plain, divided = (numbers[f"length, k = {k}, penalty {p}"] for k, p in ((1, 0), (32, 0), (32, 1)))
    return bool((plain < 0.75 * greedy).all() and (divided > 0.75 * greedy).all())
