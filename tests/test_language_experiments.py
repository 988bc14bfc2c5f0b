"""How chapter 14's experiments cut a text, read what is held out, and look back."""

import math

import pytest
import torch
import torch.nn.functional as F

from experiments import both_sides
from experiments.recurrence_or_attention import BATCH, TIME, character_gpt, heldout_nats, windows
from experiments.shakespeare import look_back

V = 11


def ids(n, seed=0):
    return torch.randint(V, (n,), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("stride", [TIME // 2, TIME])
def test_each_character_that_is_held_out_counts_once(stride):
    model, text = character_gpt(V, 0, 8).eval(), ids(3 * TIME + 1)
    nats = []
    with torch.no_grad():
        for t in range(1, len(text)):
            window = 0 if t <= TIME else math.ceil((t - TIME) / stride) * stride  # where the window that counts t begins
            logits = model(text[None, window:t])[0][0, -1]
            nats.append(F.cross_entropy(logits, text[t]).item())
    assert heldout_nats(model, text, stride) == pytest.approx(sum(nats) / len(nats), rel=1e-5)


def test_a_pass_over_the_text_repeats_nothing():
    text = torch.arange(5 * BATCH * TIME)
    inputs, targets = next(windows(text, torch.Generator().manual_seed(0)))
    more, _ = next(windows(text, torch.Generator().manual_seed(1), time=16, batch=3))
    assert inputs.shape == (BATCH, TIME) and more.shape == (3, 16)
    assert torch.equal(targets, inputs + 1)
    pieces = windows(text, torch.Generator().manual_seed(0))
    read = torch.cat([next(pieces)[0].flatten() for _ in range(4)])
    assert len(read.unique()) == len(read)


def test_looking_back_sees_no_future():
    model, text = character_gpt(V, 0, 8).eval(), ids(TIME)[None]
    look_back(model)
    other = text.clone()
    other[:, 20:] = (other[:, 20:] + 1) % V
    moved = (model(text)[0] != model(other)[0]).any(-1)[0]
    assert not moved[:20].any() and moved[20:].all()


def test_a_hidden_word_is_asked_where_it_stands():
    gpt, bert = character_gpt(V, 0, 8).eval(), both_sides.bert_of(V, 8, 0).eval()
    text, place = ids(both_sides.TIME + 1), 5
    expected = {gpt: 0.0, bert: 0.0}
    with torch.no_grad():
        for window in (text[:-1], text[1:]):
            shown = window.clone()
            shown[place] = V
            predicted = {
                gpt: gpt(window[None, :place])[0][0, -1],
                bert: bert(shown[None], torch.tensor([both_sides.TIME]))[0, place],
            }
            for model, logits in predicted.items():
                expected[model] += F.cross_entropy(logits, window[place]).item() / math.log(2) / 2
    for model, bits in expected.items():
        assert both_sides.bits_at(model, text, place) == pytest.approx(bits, rel=1e-5)
