"""Our translator with attention beside the loop of a tutorial, with the same weights: target tokens a second in training.

The loop takes one pair at a time, and in it one word at a time, as such tutorials are written. Both are made to agree on the
loss first.
"""

from collections.abc import Iterator
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.compare import Row, pace
from utils.attention.additive import AdditiveAttention
from utils.attention.translator import AttentionTranslator
from utils.batches import bucketed, pad
from utils.seq2seq import Translator

V, D, H, B = 700, 64, 128, 64  # both vocabularies, a word's width, the states', the batch
START, END = 1, 2
PAIRS = 2_048


class TutorialLoop(nn.Module):
    """The same model for one pair: keys projected anew for every word, every layer called on one row."""

    def __init__(self, model: AttentionTranslator) -> None:
        super().__init__()
        self.model, ours = model, model.decoder
        self.cell = nn.GRU(ours.input_size, ours.hidden_size).to(ours.W_xh)
        with torch.no_grad():
            self.cell.weight_ih_l0.copy_(ours.W_xh.mT)
            self.cell.weight_hh_l0.copy_(ours.W_hh.mT)
            self.cell.bias_ih_l0.copy_(ours.b_x)
            self.cell.bias_hh_l0.copy_(ours.b_h)

    def loss(self, source: Tensor, target: Tensor) -> Tensor:
        """source (S,), target (T,) with its end -> the mean cross-entropy in nats."""
        model, total = self.model, 0.0
        annotations, last = model.encoder(model.source_words(source)[None])  # (1, S, 2H), (2, 1, H)
        s = torch.tanh(model.first_state(last[1]))  # (1, H)
        before = torch.full_like(target[:1], model.start)
        for t in range(len(target)):
            word = model.target_words(before)  # (1, D)
            context, _ = model.attention(s[:, None], annotations, annotations)  # (1, 1, 2H)
            _, (s,) = self.cell(torch.cat([word, context[0]], 1)[None], s[None])
            s, pairs = s.view(1, -1), model.deep_output(torch.cat([s.view(1, -1), word, context[0]], 1)).view(1, -1, 2)
            before = target[t : t + 1]
            total = total + F.cross_entropy(model.readout(pairs.amax(-1)), before)
        return total / len(target)


def random_pairs(generator: torch.Generator) -> list[tuple[list[int], list[int]]]:
    """Pairs of 4 to 18 source words and about as many target words; what they are changes no speed."""
    pairs = []
    for length in torch.randint(4, 19, (PAIRS,), generator=generator).tolist():
        more = int(torch.randint(-1, 4, (), generator=generator))
        source, target = (torch.randint(3, V, (n,), generator=generator).tolist() for n in (length, length + more))
        pairs.append((source, [*target, END]))
    return pairs


def training_pace(model: Translator, batches: list[tuple[Tensor, ...]]) -> float:
    """Target tokens a second: forward, backward and a step of Adam on one batch after another."""
    parameters = list(model.parameters())
    optimizer = torch.optim.Adam(parameters, 4e-3)

    def epoch() -> None:
        for batch in batches:
            optimizer.zero_grad()
            model.loss(*batch).backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()

    return pace(epoch, sum(int(batch[3].sum()) for batch in batches), rounds=3)


def loop_pace(loop: TutorialLoop, pairs: list[tuple[Tensor, Tensor]]) -> float:
    """The same for the loop: a step of plain gradient descent after each pair."""
    parameters = list(loop.parameters())
    optimizer = torch.optim.SGD(parameters, 0.01)

    def epoch() -> None:
        for source, target in pairs:
            optimizer.zero_grad()
            loop.loss(source, target).backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()

    return pace(epoch, sum(len(target) for _, target in pairs), rounds=3)


def rows() -> Iterator[Row]:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    model = AttentionTranslator(V, V, D, H, AdditiveAttention(H, 2 * H, H), start=START, end=END)
    loop, pairs = TutorialLoop(model), random_pairs(generator)
    sources, targets = pad([source for source, _ in pairs], 0), pad([target for _, target in pairs], 0)
    batches = list(islice(bucketed(sources, targets, size=B, generator=generator), 16))
    single = [(torch.tensor(source), torch.tensor(target)) for source, target in pairs[:16]]
    for source, target in single:
        ours = model.loss(source[None], torch.tensor([len(source)]), target[None], torch.tensor([len(target)]))
        torch.testing.assert_close(loop.loss(source, target), ours)
    paces = training_pace(model, batches), loop_pace(loop, single)
    yield Row(f"translator with attention, batch {B} in buckets: training", "a tutorial's loop, batch 1", *paces, "tokens/s")
