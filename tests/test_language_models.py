"""GPT and BERT are the originals with the originals' weights; what is kept, hidden or padding does what it should, no more."""

import copy
import math
import re
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from transformers import BertConfig, BertForMaskedLM, BertForPreTraining, GPT2Config, GPT2LMHeadModel

from benchmarks import transformer as peers
from utils.attention.multihead import MultiHeadAttention
from utils.attention.positions import RotaryAttention
from utils.decoding import beam_search, from_logits, greedy, read
from utils.language_models import BERT, GPT, gelu, hide
from utils.rnn import keep_mask
from utils.sampling import sample
from utils.training import train

DEVICES = ["cpu"] + ["cuda"] * torch.cuda.is_available() + ["mps"] * torch.backends.mps.is_available()
B, T, V, SIZE, HEADS, LAYERS, LONGEST = 3, 7, 11, 12, 2, 2, 9
LENGTHS = torch.tensor([5, 7, 1])
REAL = keep_mask(LENGTHS, T)
close = {"rtol": 1e-10, "atol": 1e-10}
examples = settings(max_examples=12, deadline=None, derandomize=True)


def ids(*shape, seed=0, vocabulary=V):
    return torch.randint(vocabulary, shape, generator=torch.Generator().manual_seed(seed))


def expect_same_loss(loss, expected, ours, theirs, read):
    """The losses and all their gradients are equal; theirs, read as if they were weights, lie where ours do."""
    torch.testing.assert_close(loss, expected, **close)
    loss.backward()
    expected.backward()
    slopes = {name: p.grad for name, p in theirs.named_parameters()}
    wanted = dict(read(slopes, HEADS).named_parameters())
    for name, p in ours.named_parameters():
        torch.testing.assert_close(p.grad, wanted[name].data, **close)


def loud(module, seed=0, std=0.3):
    """The module in float64, with weights large enough for every part of it to be seen; gains and biases too."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in module.double().parameters():
            p.copy_(torch.randn(p.shape, generator=g, dtype=p.dtype) * std + (p == 1).all())
    return module


def gpt(seed=0, **options):
    return loud(GPT(V, SIZE, heads=HEADS, **{"layers": LAYERS, "longest": LONGEST} | options), seed)


def bert(seed=0, **options):
    return loud(BERT(V, SIZE, heads=HEADS, layers=LAYERS, longest=LONGEST, **options), seed)


def huggings_gpt2(seed=0):
    config = GPT2Config(
        vocab_size=V, n_embd=SIZE, n_head=HEADS, n_layer=LAYERS, n_positions=LONGEST, bos_token_id=None, eos_token_id=None
    )
    return loud(GPT2LMHeadModel(config), seed).eval()


def huggings_bert(kind=BertForMaskedLM, seed=0):
    config = BertConfig(
        vocab_size=V,
        hidden_size=SIZE,
        num_attention_heads=HEADS,
        num_hidden_layers=LAYERS,
        intermediate_size=10,
        max_position_embeddings=LONGEST,
        pad_token_id=None,
    )
    return loud(kind(config), seed).eval()


def gradients(value, model):
    return torch.autograd.grad(value, list(model.parameters()), retain_graph=True)


# GPT and GPT-2

LAYOUTS = {
    "as the whole model holds them": lambda weights: weights,
    "as the body alone holds them": lambda weights: {
        name.removeprefix("transformer."): value for name, value in weights.items() if name != "lm_head.weight"
    },
    "with the masks that old files hold": lambda weights: (
        weights
        | {f"transformer.h.{i}.attn.{name}": torch.ones(1, 1, 9, 9) for i in range(LAYERS) for name in ("bias", "masked_bias")}
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.float64, 1e-10)])
def test_gpt_is_gpt2_with_its_weights(layout, dtype, tolerance):
    theirs, tokens = huggings_gpt2().to(dtype), ids(B, T)
    ours = GPT.from_gpt2(LAYOUTS[layout](theirs.state_dict()), HEADS)
    found, expected = ours(tokens)[0], theirs(tokens).logits
    assert found.dtype == dtype and expected.std() > 0.5
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)
    assert ours.longest == LONGEST and sum(p.numel() for p in ours.parameters()) == theirs.num_parameters()


def test_the_gradient_of_gpt_is_gpt2s():
    """Those of the weights are laid out as `from_gpt2` lays out the weights."""
    theirs, tokens = huggings_gpt2(), ids(B, T)
    ours = GPT.from_gpt2(theirs.state_dict(), HEADS)
    loss = ours.loss(tokens[:, :-1], tokens[:, 1:])
    expected = F.cross_entropy(theirs(tokens).logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
    expect_same_loss(loss, expected, ours, theirs, GPT.from_gpt2)


def test_weights_that_were_read_are_copies():
    for theirs, build in ((huggings_gpt2(), GPT.from_gpt2), (huggings_bert(), BERT.from_bert)):
        weights = theirs.state_dict()
        before = copy.deepcopy(weights)
        loud(build(weights, HEADS), seed=5)
        assert weights.keys() == before.keys() and all(torch.equal(weights[name], before[name]) for name in before)


def test_the_greedy_text_is_hugging_faces():
    theirs, prompt = huggings_gpt2(), ids(B, 3)
    ours = GPT.from_gpt2(theirs.state_dict(), HEADS)
    expected = theirs.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=6, do_sample=False)
    found = greedy(ours.step, *ours.begin(prompt), 6)
    assert torch.equal(found.sequences, expected[:, 3:])
    assert len(set(found.sequences.flatten().tolist())) > 2


def test_the_activation_is_the_one_of_gpt2():
    x = torch.linspace(-4, 4, 41, dtype=torch.float64)
    expected = x / 2 * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    torch.testing.assert_close(gelu(x), expected, **close)


# GPT by itself

both_places = pytest.mark.parametrize("rotary", [False, True])


@both_places
@examples
@given(cuts=st.sets(st.integers(1, T - 1)))
def test_in_pieces_of_any_cut_the_logits_are_the_same(rotary, cuts):
    model, tokens = gpt(rotary=rotary), ids(B, T)
    expected, kept = model(tokens)
    past = None
    for first, last in pairwise([0, *sorted(cuts), T]):
        logits, past = model(tokens[:, first:last], past)
        torch.testing.assert_close(logits, expected[:, first:last], **close)
    torch.testing.assert_close(past, kept, **close)
    assert past[0].keys.shape == (B, HEADS, T, SIZE // HEADS)


@both_places
def test_no_logit_depends_on_a_later_token(rotary):
    model, tokens = gpt(rotary=rotary), ids(B, T)
    logits = model(tokens)[0]
    for t in range(T):
        changed = tokens.clone()
        changed[:, t] = (changed[:, t] + 1) % V
        again = model(changed)[0]
        torch.testing.assert_close(again[:, :t], logits[:, :t], rtol=0, atol=0)
        assert (again[:, t:] != logits[:, t:]).any(-1).all()
    torch.testing.assert_close(model(tokens[1:2])[0], logits[1:2], **close)


def test_rotary_weights_know_distances_alone_and_no_text_is_too_long():
    """The places of a text may all move on: with the same past hidden, each block's weights stay."""
    model, tokens = gpt(rotary=True, layers=1), ids(B, T)
    assert model.places is None and isinstance(model.stack.blocks[0].attention, RotaryAttention)
    alone = model.read(tokens)[2][0].own
    _, _, shifted = model.read(torch.cat([ids(B, 4, seed=1), tokens], 1))
    after = shifted[0].own[:, :, 4:, 4:]
    torch.testing.assert_close(after / after.sum(-1, keepdim=True), alone, **close)
    assert model(ids(B, LONGEST + 3))[0].isfinite().all()
    x = ids(1, 1).expand(1, T)
    order = model(torch.cat([x, ids(1, 1, seed=2), x], 1))[0]
    assert not torch.allclose(order[:, T + 1], order[:, T + 2], atol=1e-4)  # and it does tell distances apart


def test_learned_places_end():
    model = gpt()
    assert type(model.stack.blocks[0].attention) is MultiHeadAttention
    assert model(ids(B, LONGEST))[0].shape == (B, LONGEST, V)
    message = f"T is {LONGEST + 1}; expected 1 to {LONGEST}, the places that have a vector"
    with pytest.raises(ValueError, match=message):
        model(ids(B, LONGEST + 1))
    _, past = model(ids(B, LONGEST))
    with pytest.raises(ValueError, match=message):
        model(ids(B, 1), past)


@both_places
def test_one_vector_serves_as_word_and_as_readout(rotary):
    """The gradient of the tied matrix is that of both uses."""
    model, tokens, targets = gpt(rotary=rotary), ids(B, T), ids(B, T, seed=1)
    readout = model.words.weight.detach().clone().requires_grad_()
    vectors, _, weights = model.read(tokens)
    logits = vectors @ readout.T
    torch.testing.assert_close(model(tokens)[0], logits, **close)
    assert len(weights) == LAYERS and weights[0].own.shape == (B, HEADS, T, T) and weights[0].source is None
    apart = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    as_word, as_readout = torch.autograd.grad(apart, [model.words.weight, readout])
    loss = model.loss(tokens, targets)
    torch.testing.assert_close(loss, apart, **close)
    torch.testing.assert_close(torch.autograd.grad(loss, model.words.weight)[0], as_word + as_readout, **close)
    assert sum(p.shape == (V, SIZE) for p in model.parameters()) == 1


@pytest.mark.parametrize("layers", [1, 8])
def test_first_weights_of_gpt(layers):
    """.02, and in what writes into the sum of 2 * layers terms that over the root of their number."""
    torch.manual_seed(0)
    model = GPT(300, 64, heads=4, layers=layers, longest=50)
    for name, p in model.named_parameters():
        if p.ndim > 1:
            into_the_sum = any(part in name for part in ("W_o", "narrow"))
            expected = 0.02 / math.sqrt(2 * layers) if into_the_sum else 0.02
            assert p.std().item() == pytest.approx(expected, rel=0.06), name
            assert abs(p.mean().item()) < 0.1 * expected, name
        else:
            assert (p == ("norm" in name and name.endswith("weight"))).all(), name
    loss = model.loss(ids(4, 20, vocabulary=300), ids(4, 20, seed=1, vocabulary=300))
    assert loss.item() == pytest.approx(math.log(300), abs=0.1)  # it begins with no opinion


def test_the_sizes_and_options_of_gpt():
    model = gpt(between=lambda: nn.Linear(SIZE, SIZE), activation=F.relu)
    networks = [block.between for block in model.stack.blocks]
    assert all(type(net) is nn.Linear for net in networks) and networks[0] is not networks[1]
    model = gpt(activation=F.relu)
    assert model.stack.blocks[1].between.activation is F.relu and model.stack.blocks[0].norm_first
    assert model.stack.blocks[1].between.widen.weight.shape == (4 * SIZE, SIZE)
    assert not torch.allclose(model(ids(B, T))[0], gpt()(ids(B, T))[0])


def test_dropout_of_gpt_in_training_only():
    model, without, tokens = gpt(dropout=0.5), gpt(), ids(B, T)
    assert not torch.equal(model(tokens)[0], model(tokens)[0])
    torch.testing.assert_close(model.eval()(tokens)[0], without(tokens)[0], rtol=0, atol=0)
    vectors, _, _ = gpt(dropout=1.0).read(tokens)
    torch.testing.assert_close(vectors, gpt().stack.norm.bias.expand(B, T, SIZE), **close)  # nothing comes in, nothing is added
    assert all(block.dropout.p == 1 for block in gpt(dropout=1.0).stack.blocks)


# Searches and draws


def recomputing(model):
    """The same step without anything kept: it reads the whole text each time."""

    def step(text, tokens):
        text = tokens[:, None] if text is None else torch.cat([text, tokens[:, None]], 1)
        return model(text)[0][:, -1], text

    return from_logits(step)


@both_places
@pytest.mark.parametrize("prompted", [1, 3])
def test_searches_and_draws_are_those_without_what_is_kept(rotary, prompted):
    model, prompt = gpt(rotary=rotary), ids(B, prompted)
    kept, whole = model.begin(prompt), read(recomputing(model), None, prompt)
    assert (kept[0] is None) == (prompted == 1) and torch.equal(kept[1], prompt[:, -1])
    g = torch.Generator()
    searches = {
        "greedy": lambda *start: greedy(*start, 6, eos=2),
        "beams": lambda *start: beam_search(*start, 6, 3, eos=2, penalty=1.0),
        "drawn": lambda *start: sample(*start, 6, g.manual_seed(0), temperature=0.8, top_k=5),
    }
    for name, search in searches.items():
        got, expected = search(model.step, *kept), search(recomputing(model), *whole)
        assert torch.equal(got.sequences, expected.sequences) and torch.equal(got.lengths, expected.lengths), name
        torch.testing.assert_close(got.scores, expected.scores, rtol=0, atol=1e-5)
        assert len(set(got.sequences.flatten().tolist())) > 1, name


def test_a_step_gives_the_log_probabilities_of_what_follows():
    model, tokens = gpt(), ids(B, T)
    past, last = model.begin(tokens)
    scores, past = model.step(past, last)
    torch.testing.assert_close(scores, model(tokens)[0][:, -1].log_softmax(-1), **close)
    assert past[1].values.shape[2] == T


def test_the_score_of_a_text_is_what_its_loss_says():
    model, prompt = gpt(), ids(B, 1)
    found = greedy(model.step, *model.begin(prompt), 6)
    text = torch.cat([prompt, found.sequences], 1)
    assert model.loss(text[:, :-1], text[:, 1:]).item() == pytest.approx(-found.scores.mean().item() / 6)


# BERT

SEGMENTS = torch.tensor([[0, 0, 1, 1, 1, 0, 0], [0, 1, 1, 1, 1, 1, 1], [0] * 7])


@pytest.mark.parametrize("segmented", [False, True])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.float64, 1e-10)])
def test_bert_is_bert_with_its_weights(segmented, dtype, tolerance):
    theirs, tokens = huggings_bert().to(dtype), ids(B, T)
    ours = BERT.from_bert(theirs.state_dict(), HEADS)
    segments = SEGMENTS if segmented else None
    expected = theirs(tokens, attention_mask=REAL.long(), token_type_ids=segments).logits
    found = ours(tokens, LENGTHS, segments)
    assert found.dtype == dtype and found.shape == (B, T, V) and expected.std() > 0.5
    torch.testing.assert_close(found[REAL], expected[REAL], rtol=tolerance, atol=tolerance)
    assert sum(p.numel() for p in ours.parameters()) == theirs.num_parameters()


def test_the_gradient_of_bert_is_theirs():
    theirs, tokens, targets, asked = huggings_bert(), ids(B, T), ids(B, T, seed=1), REAL & (ids(B, T, seed=2) < 6)
    ours = BERT.from_bert(theirs.state_dict(), HEADS)
    loss = ours.loss(tokens, LENGTHS, targets, asked)
    expected = F.cross_entropy(theirs(tokens, attention_mask=REAL.long()).logits[asked], targets[asked])
    expect_same_loss(loss, expected, ours, theirs, BERT.from_bert)


def test_the_files_of_bert_itself_name_gains_and_biases_otherwise_and_hold_more():
    theirs, tokens = huggings_bert(BertForPreTraining), ids(B, T)
    weights = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value
        for name, value in theirs.state_dict().items()
    }
    assert "bert.pooler.dense.weight" in weights and "cls.predictions.transform.LayerNorm.gamma" in weights
    expected = theirs(tokens).prediction_logits
    torch.testing.assert_close(BERT.from_bert(weights, HEADS)(tokens, torch.full((B,), T)), expected, **close)


def test_padding_and_the_rest_of_the_batch_change_nothing():
    model, tokens = bert(), ids(B, T)
    together = model(tokens, LENGTHS, SEGMENTS)
    for b, n in enumerate(LENGTHS.tolist()):
        alone = model(tokens[b : b + 1, :n], LENGTHS[b : b + 1], SEGMENTS[b : b + 1, :n])
        torch.testing.assert_close(alone[0], together[b, :n], **close)
    targets, asked = ids(B, T, seed=1), REAL & (ids(B, T, seed=2) < 8)
    loss = model.loss(tokens, LENGTHS, targets, asked)
    longer = [F.pad(part, (0, 2)) for part in (tokens, targets, asked)]
    filled = longer[0].where(keep_mask(LENGTHS, T + 2), 5)
    again = model.loss(filled, LENGTHS, longer[1], longer[2])
    torch.testing.assert_close(again, loss, **close)
    torch.testing.assert_close(gradients(again, model), gradients(loss, model), **close)


def test_bert_sees_both_sides_and_the_weights_say_so():
    model, tokens = bert(), ids(B, T)
    logits, (_, weights) = model(tokens, LENGTHS), model.read(tokens, LENGTHS)
    assert len(weights) == LAYERS
    for one in weights:
        torch.testing.assert_close(one.own.sum(-1), torch.ones(B, HEADS, T, dtype=torch.float64), **close)
        assert torch.equal(one.own > 0, REAL[:, None, None].expand_as(one.own))
    for t in range(T):
        changed = tokens.clone()
        changed[:, t] = (changed[:, t] + 1) % V
        moved = ((model(changed, LENGTHS) != logits).any(-1) & REAL).sum(1)
        assert torch.equal(moved, LENGTHS * (t < LENGTHS))


def test_first_weights_and_sizes_of_bert():
    torch.manual_seed(0)
    model = BERT(300, 64, heads=4, layers=2, longest=60)
    for name, p in model.named_parameters():
        if p.ndim > 1 and "readout" not in name:
            glorot = (2 / sum(p.shape)) ** 0.5 if "stack" in name else 64**-0.5
            assert p.std().item() == pytest.approx(glorot, rel=0.12 if "segments" in name else 0.06), name
        gain = p.ndim == 1 and name.endswith("weight")
        assert p.ndim > 1 or (p == gain).all(), name
    norms = [module for module in model.modules() if isinstance(module, nn.LayerNorm)]
    assert len(norms) == 6 and all(norm.eps == 1e-12 for norm in norms)
    assert model.stack.blocks[0].between.widen.out_features == 256 and model.stack.norm is None
    assert not any(block.norm_first for block in model.stack.blocks)
    assert sum(p.shape == (300, 64) for p in model.parameters()) == 1  # words and readout
    assert bert(hidden=10).stack.blocks[1].between.widen.out_features == 10


# What is hidden from BERT

MASK = 1


def test_a_share_is_asked_and_shown_as_the_paper_says():
    g = torch.Generator().manual_seed(0)
    tokens = 200 + ids(400, 1000, vocabulary=800)
    may = torch.rand(400, 1000, generator=g) < 0.5
    before = tokens.clone(), may.clone()
    inputs, asked = hide(tokens, may, MASK, 1000, g)
    assert torch.equal(tokens, before[0]) and torch.equal(may, before[1])
    assert inputs.dtype == torch.int64 and asked.dtype == torch.bool and not (asked & ~may).any()
    assert torch.equal(inputs[~asked], tokens[~asked])
    n = may.sum().item()

    def near(count, of, p):  # four deviations of a binomial
        return abs(count.item() - of * p) < 4 * math.sqrt(of * p * (1 - p))

    assert near(asked.sum(), n, 0.15)
    shown, true, n = inputs[asked], tokens[asked], asked.sum().item()
    masked, kept = shown == MASK, shown == true
    other = ~masked & ~kept
    # a drawn token is MASK, or the true one, one time in a thousand each
    assert near(masked.sum(), n, 0.8 + 0.1 / 1000) and near(kept.sum(), n, 0.1 + 0.1 / 1000) and near(other.sum(), n, 0.0998)
    assert near((shown[other] < 200).sum(), other.sum().item(), 199 / 998)  # from the whole vocabulary, evenly
    assert shown[other].min() <= 3 and shown[other].max() >= 996
    places = asked.nonzero()[:, 1].double()
    assert abs(places.mean() - 499.5) < 4 * 1000 / math.sqrt(12 * n)  # everywhere in a text
    assert abs(torch.corrcoef(torch.stack([places, masked.double()]))[0, 1]) < 4 / math.sqrt(n)


def test_the_same_generator_hides_the_same():
    tokens, may = ids(B, 200), torch.ones(B, 200, dtype=torch.bool)
    first, again, other = (hide(tokens, may, MASK, V, torch.Generator().manual_seed(seed), share=0.4) for seed in (3, 3, 4))
    assert all(torch.equal(a, b) for a, b in zip(first, again))
    assert not torch.equal(first[1], other[1]) and first[1].double().mean() == pytest.approx(0.4, abs=0.08)
    _, asked = hide(tokens, may, MASK, V, torch.Generator(), share=1.0)
    assert asked.all()
    nothing, asked = hide(tokens, ~may, MASK, V, torch.Generator())
    assert torch.equal(nothing, tokens) and not asked.any()
    for share in (0.0, 1.5):
        with pytest.raises(ValueError, match=re.escape(f"share is {share}; expected above 0, at most 1")):
            hide(tokens, may, MASK, V, torch.Generator(), share)


# Both

CALLS = {
    "GPT": (gpt, lambda model, tokens: model(tokens)[0]),
    "rotary GPT": (lambda: gpt(rotary=True), lambda model, tokens: model(tokens)[0]),
    "BERT": (bert, lambda model, tokens: model(tokens, LENGTHS)[REAL]),
}
both = pytest.mark.parametrize("name", CALLS)


@both
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(name, dtype):
    build, call = CALLS[name]
    model = build()
    expected = call(model, ids(B, T))
    got = call(model.to(dtype), ids(B, T))
    assert got.dtype == dtype
    off = (got.double() - expected).square().mean().sqrt() / expected.std()
    assert off < (0.05 if dtype == torch.bfloat16 else 0.01)
    got.float().square().mean().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


@both
@pytest.mark.parametrize("where", DEVICES)
def test_moves_to_every_device(name, where):
    build, call = CALLS[name]
    model = build().float()
    expected = call(model, ids(B, T))
    torch.testing.assert_close(call(model.to(where), ids(B, T).to(where)).cpu(), expected, rtol=1e-4, atol=1e-4)
    inputs, asked = hide(ids(B, T).to(where), REAL.to(where), MASK, V, torch.Generator())
    assert inputs.device.type == asked.device.type == where


def test_gpt_learns_to_count_and_bert_to_fill_gaps():
    """Texts that count upwards modulo 7, from anywhere."""
    torch.manual_seed(0)
    text = (torch.arange(9) + torch.arange(7)[:, None]) % 7
    model = GPT(8, 16, heads=2, layers=1, longest=9)
    batches = [(text[:, :-1], text[:, 1:])] * 60
    history = train(model.loss, batches, torch.optim.Adam(model.parameters(), 0.01), steps=60)
    assert history.loss[0] == pytest.approx(math.log(8), abs=0.1)
    found = greedy(model.step, *model.begin(text[:, :3]), 5)
    assert torch.equal(found.sequences, text[:, 3:8])
    model, g = BERT(8, 32, heads=4, layers=1, longest=9), torch.Generator().manual_seed(0)
    texts, lengths = text.repeat(4, 1), torch.full((28,), 9)

    def batches():
        while True:
            inputs, asked = hide(texts, torch.ones_like(texts, dtype=torch.bool), 7, 7, g, share=0.2)
            yield inputs, lengths, texts, asked

    train(model.loss, batches(), torch.optim.Adam(model.parameters(), 0.003), steps=220)
    gaps = text.clone()
    gaps[:, 4] = 7
    assert torch.equal(model(gaps, lengths[:7])[:, 4].argmax(-1), text[:, 4])


TOKENS = ids(B, T)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: gpt()(TOKENS[0]), ValueError, "tokens has shape (7,); expected (B, T)"),
        (lambda: gpt()(TOKENS + 5), ValueError, "expected 0 to 10"),
        (lambda: gpt()(TOKENS.float()), TypeError, "tokens has dtype torch.float32; expected torch.int64"),
        (lambda: gpt()(TOKENS[:, :0]), ValueError, "tokens is empty"),
        (lambda: gpt().begin(TOKENS[:, :0]), ValueError, "prompt is empty"),
        (lambda: gpt().begin(TOKENS[0]), ValueError, "prompt has shape (7,); expected (B, T)"),
        (lambda: gpt().loss(TOKENS[:, :4], TOKENS.T[:4]), ValueError, "targets has shape (4, 3); expected (3, 4)"),
        (lambda: gpt().loss(TOKENS, TOKENS + 5), ValueError, "targets holds ids from 5 to"),
        (lambda: bert()(TOKENS[0], LENGTHS), ValueError, "tokens has shape (7,); expected (B, T)"),
        (lambda: bert()(TOKENS, LENGTHS + 1), ValueError, "lengths runs from 2 to 8; expected 1 to 7"),
        (lambda: bert()(TOKENS, LENGTHS, SEGMENTS * 2), ValueError, "segments holds ids from 0 to 2; expected 0 to 1"),
        (lambda: bert()(TOKENS, LENGTHS, SEGMENTS[:1]), ValueError, "segments has shape (1, 7); expected (3, 7)"),
        (lambda: bert()(F.pad(TOKENS, (0, 3)), LENGTHS), ValueError, "T is 10; expected 1 to 9, the places that have a vector"),
        (
            lambda: GPT(V, 10, heads=4, layers=1, longest=9),
            ValueError,
            "size is 10 and heads is 4; expected a size that the heads share evenly",
        ),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call()


def test_the_benchmarks_peers_are_the_same_model():
    """What ours is timed against computes the same logits from the same weights, and the same loss after one step on them."""
    torch.manual_seed(0)
    encoder, tokens = peers.Encoder(2, 7), torch.randint(peers.V, (3, 8))
    for parameter in encoder.parameters():  # biases and norms too, so that one left out would show
        nn.init.normal_(parameter, std=0.1)
    ours = peers.Ours(encoder)
    models = ours, encoder, peers.NanoGPT(ours.gpt)
    logits, *others = (model(tokens[:, :-1]) for model in models)
    for other in others:
        torch.testing.assert_close(other, logits)
    steps = [peers.train(model, tokens) for model in models]
    (before, *_), (after, *others) = ([step() for step in steps] for _ in range(2))
    assert after < before
    for other in others:
        torch.testing.assert_close(other, after, atol=1e-4, rtol=1e-4)
