"""Blocks, stacks and the translator are PyTorch's, gradient included; and to keep keys and values changes nothing."""

import copy
import math
import re
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from padding import padded
from torch import nn

from utils import training, translation
from utils.attention.multihead import causal_mask
from utils.attention.positions import sinusoidal
from utils.batches import pad
from utils.decoding import beam_search, from_logits, greedy, map_tensors
from utils.rnn import keep_mask
from utils.seq2seq import shift
from utils.transformer import Block, FeedForward, Stack, Transformer

pytestmark = pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")  # torch speaks of its own short cut
DEVICES = ["cpu"] + ["cuda"] * torch.cuda.is_available() + ["mps"] * torch.backends.mps.is_available()
B, T, S, SIZE, HEADS, HIDDEN = 3, 4, 5, 12, 2, 10
SOURCE_LENGTHS, TARGET_LENGTHS = torch.tensor([3, 5, 1]), torch.tensor([4, 2, 3])
close = {"rtol": 1e-10, "atol": 1e-10}
examples = settings(max_examples=12, deadline=None, derandomize=True)


def drawn(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype).requires_grad_()


def loud(module, seed=0, std=0.5):
    """The module in float64, with weights large enough for every part of it to be seen; biases are smaller, gains around 1."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in module.double().named_parameters():
            noise = torch.randn(p.shape, generator=g, dtype=p.dtype) * std
            p.copy_(noise if p.ndim > 1 else noise / 2 + ("norm" in name and name.endswith("weight")))
    return module


def gradients(value, inputs):
    return torch.autograd.grad(value, list(inputs), retain_graph=True)


def assert_same(got, expected, inputs, ours, theirs, convert):
    """Equal tensors, and equal gradients of a random function of them.

    Those of the weights are laid out as `convert` lays out the weights: it makes ours of a copy that holds their gradients.
    """
    torch.testing.assert_close(got, expected, **close)
    toward = drawn(*got.shape, seed=99).detach()
    (got * toward).sum().backward(inputs=[*inputs, *ours.parameters()], retain_graph=True)
    from_ours = [x.grad for x in inputs]
    for x in inputs:
        x.grad = None
    (expected * toward).sum().backward(inputs=[*inputs, *theirs.parameters()], retain_graph=True)
    torch.testing.assert_close([x.grad for x in inputs], from_ours, **close)
    slopes = copy.deepcopy(theirs)
    with torch.no_grad():
        for p, slope in zip(theirs.parameters(), slopes.parameters()):
            slope.copy_(p.grad)
    names = [name for name, _ in ours.named_parameters()]
    wanted = dict(convert(slopes).named_parameters())
    torch.testing.assert_close([p.grad for p in ours.parameters()], [wanted[name].data for name in names], **close)


# Blocks and stacks


def unit_block(norm_first):
    """Two features, and every map the identity but those of queries and keys, which are 0: all that is seen weighs the same."""
    block = Block(2, 1, 2, norm_first=norm_first).double()
    with torch.no_grad():
        for name, p in block.named_parameters():
            if p.ndim > 1:
                p.copy_(torch.zeros(2, 2) if name.endswith(("W_q.weight", "W_k.weight")) else torch.eye(2))
    return block


@pytest.mark.parametrize(
    ("norm_first", "expected"),
    [
        (True, [[6.0, -1.0], [0.0, 3.0]]),  # reads (1, -1) and (0, 0); sums (5, -1) and (0, 2); relus (1, 0) and (0, 1)
        (False, [[1.0, -1.0], [-1.0, 1.0]]),  # reads (4, 0) and (2, 1); sums (8, 0) and (2, 3), at once normalised; and again
    ],
)
def test_a_block_by_hand(norm_first, expected):
    """Two numbers normalised are 1 for the larger and -1 for the smaller."""
    x = torch.tensor([[[4.0, 0.0], [0.0, 2.0]]], dtype=torch.float64)
    out, kept, weights = unit_block(norm_first)(x, causal_mask(2))
    torch.testing.assert_close(out[0], torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-4)
    assert weights.own.tolist() == [[[[1.0, 0.0], [0.5, 0.5]]]] and weights.source is None
    seen = [[1.0, -1.0], [-1.0, 1.0]] if norm_first else x[0].tolist()
    torch.testing.assert_close(kept.values[0, 0], torch.tensor(seen, dtype=torch.float64), rtol=0, atol=1e-4)


def test_the_network_of_each_place_is_its_equation():
    net, x = loud(FeedForward(SIZE, HIDDEN)), drawn(B, T, SIZE)
    expected = (x @ net.widen.weight.T + net.widen.bias).clamp(min=0) @ net.narrow.weight.T + net.narrow.bias
    torch.testing.assert_close(net(x), expected, **close)
    torch.testing.assert_close(loud(FeedForward(SIZE, HIDDEN, torch.tanh))(x[0, 0]), net.narrow(net.widen(x[0, 0]).tanh()))


def test_first_weights_of_the_network_of_each_place():
    torch.manual_seed(0)
    net = FeedForward(40, 80)
    for linear in (net.widen, net.narrow):
        assert linear.weight.detach().abs().max() == pytest.approx((6 / 120) ** 0.5, rel=0.01) and not linear.bias.any()


KIND = {"nhead": HEADS, "dim_feedforward": HIDDEN, "dropout": 0.0, "batch_first": True, "layer_norm_eps": 0.1}
both_norms = pytest.mark.parametrize("norm_first", [False, True])
both_activations = pytest.mark.parametrize("activation", ["relu", "gelu"])
either_end = pytest.mark.parametrize("last", [False, True])


def last_norm(last):
    return nn.LayerNorm(SIZE, eps=0.3) if last else None


@both_norms
@both_activations
@either_end
@pytest.mark.parametrize("causal", [False, True])
def test_an_encoder_is_torchs_gradient_included(norm_first, activation, last, causal):
    layer = nn.TransformerEncoderLayer(SIZE, norm_first=norm_first, activation=activation, **KIND)
    theirs = loud(nn.TransformerEncoder(layer, 2, last_norm(last), enable_nested_tensor=False))
    ours, x, real = Stack.from_torch(theirs), drawn(B, S, SIZE), keep_mask(SOURCE_LENGTHS, S)
    mask = real[:, None] & causal_mask(S) if causal else real[:, None]
    expected = theirs(x, mask=~causal_mask(S) if causal else None, src_key_padding_mask=~real)
    out, kept, weights = ours(x, mask)
    assert_same(out[real], expected[real], [x], ours, theirs, Stack.from_torch)
    assert [one.keys.shape for one in kept] == [(B, HEADS, S, SIZE // HEADS)] * 2
    assert [one.own.shape for one in weights] == [(B, HEADS, S, S)] * 2 and all(one.source is None for one in weights)


@both_norms
@both_activations
@either_end
def test_a_decoder_is_torchs_gradient_included(norm_first, activation, last):
    layer = nn.TransformerDecoderLayer(SIZE, norm_first=norm_first, activation=activation, **KIND)
    theirs = loud(nn.TransformerDecoder(layer, 2, last_norm(last)))
    ours, x, source = Stack.from_torch(theirs), drawn(B, T, SIZE), drawn(B, S, SIZE, seed=1)
    seen = keep_mask(SOURCE_LENGTHS, S)
    expected = theirs(x, source, tgt_mask=~causal_mask(T), memory_key_padding_mask=~seen)
    out, _, weights = ours(x, causal_mask(T), None, ours.offer(source), seen[:, None])
    assert_same(out, expected, [x, source], ours, theirs, Stack.from_torch)
    assert [one.source.shape for one in weights] == [(B, HEADS, T, S)] * 2


def torchs(norm_first, activation="relu"):
    theirs = nn.Transformer(
        SIZE, num_encoder_layers=2, num_decoder_layers=3, norm_first=norm_first, activation=activation, **KIND
    )
    return loud(theirs)


class Ours(nn.Module):
    """Both stacks, with the weights of a torch.nn.Transformer."""

    def __init__(self, theirs):
        super().__init__()
        self.encoder, self.decoder = Stack.from_torch(theirs.encoder), Stack.from_torch(theirs.decoder)

    def forward(self, source, target, seen, mask):
        shown = self.decoder.offer(self.encoder(source, seen)[0])
        return self.decoder(target, mask, None, shown, seen)[0]


@both_norms
@both_activations
def test_the_whole_is_torchs_gradient_included(norm_first, activation):
    theirs = torchs(norm_first, activation)
    ours, source, target = Ours(theirs), drawn(B, S, SIZE), drawn(B, T, SIZE, seed=1)
    seen, real = keep_mask(SOURCE_LENGTHS, S), keep_mask(TARGET_LENGTHS, T)
    hidden = {"src_key_padding_mask": ~seen, "memory_key_padding_mask": ~seen, "tgt_key_padding_mask": ~real}
    expected = theirs(source, target, tgt_mask=~causal_mask(T), **hidden)
    got = ours(source, target, seen[:, None], causal_mask(T) & real[:, None])
    assert_same(got[real], expected[real], [source, target], ours, theirs, Ours)


def test_the_weights_of_torch_are_copied():
    theirs = torchs(True)
    before, ours = copy.deepcopy(theirs.state_dict()), Ours(theirs)
    loud(ours, seed=5)
    assert all(torch.equal(value, before[name]) for name, value in theirs.state_dict().items())


@pytest.mark.parametrize("rotary", [False, True])
@both_norms
@examples
@given(cuts=st.sets(st.integers(1, 6)), seed=st.integers(0, 99))
def test_in_pieces_of_any_cut_a_stack_does_the_same(rotary, norm_first, cuts, seed):
    """The outputs, what is kept, and where each place looked."""
    kind = {"cross": True, "norm_first": norm_first, "rotary": rotary}
    stack = loud(Stack([Block(SIZE, HEADS, HIDDEN, **kind) for _ in range(2)], nn.LayerNorm(SIZE)), seed)
    x, shown = drawn(B, 7, SIZE, seed=seed), stack.offer(drawn(B, S, SIZE, seed=seed + 1))
    seen = keep_mask(SOURCE_LENGTHS, S)[:, None]
    expected, kept, weights = stack(x, causal_mask(7), None, shown, seen)
    past = None
    for start, stop in pairwise([0, *sorted(cuts), 7]):
        out, past, looked = stack(x[:, start:stop], causal_mask(stop - start, stop), past, shown, seen)
        torch.testing.assert_close(out, expected[:, start:stop], **close)
        for one, whole in zip(looked, weights):
            torch.testing.assert_close(one.own, whole.own[:, :, start:stop, :stop], **close)
            torch.testing.assert_close(one.source, whole.source[:, :, start:stop], **close)
    torch.testing.assert_close(past, kept, **close)


def test_a_block_without_order_is_equivariant_and_a_rotary_one_is_not():
    x, order = drawn(B, T, SIZE), torch.tensor([2, 0, 3, 1])
    for rotary in (False, True):
        block = loud(Block(SIZE, HEADS, HIDDEN, rotary=rotary))
        assert torch.allclose(block(x[:, order])[0], block(x)[0][:, order]) != rotary


@both_norms
def test_another_network_may_stand_between(norm_first):
    block, x = loud(Block(SIZE, HEADS, HIDDEN, norm_first=norm_first, between=nn.Linear(SIZE, SIZE))), drawn(B, T, SIZE)
    plain = loud(Block(SIZE, HEADS, HIDDEN, norm_first=norm_first))
    plain.load_state_dict(block.state_dict(), strict=False)
    plain.between = block.between
    assert [name for name, _ in block.between.named_parameters()] == ["weight", "bias"]
    torch.testing.assert_close(block(x)[0], plain(x)[0], rtol=0, atol=0)


@both_norms
def test_dropout_falls_on_what_is_added_and_only_in_training(norm_first):
    """With all of it dropped, nothing remains but x and its normalisations."""
    kind = {"cross": True, "norm_first": norm_first}
    block, without = (loud(Block(SIZE, HEADS, HIDDEN, dropout=p, **kind)) for p in (1.0, 0.0))
    x = drawn(B, T, SIZE)
    shown = block.cross.offer(x, x)
    expected = x
    for norm in [] if norm_first else block.norms:
        expected = norm(expected)
    torch.testing.assert_close(block(x, source=shown)[0], expected, rtol=0, atol=0)
    torch.testing.assert_close(block.eval()(x, source=shown)[0], without(x, source=shown)[0], rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_block_in_half_precision(dtype):
    block, x = loud(Block(SIZE, HEADS, HIDDEN, rotary=True), std=0.3), drawn(B, T, SIZE)
    expected, _, _ = block(x, causal_mask(T))
    got, kept, weights = block.to(dtype)(x.to(dtype), causal_mask(T))
    assert got.dtype == kept.keys.dtype == weights.own.dtype == dtype
    torch.testing.assert_close(got.double(), expected, rtol=0.05, atol=0.1)


def test_bad_blocks_are_named():
    with pytest.raises(ValueError, match="size is 12 and heads is 5; expected a size that the heads share evenly"):
        Block(SIZE, 5, HIDDEN)
    layer = nn.TransformerEncoderLayer(SIZE, HEADS, HIDDEN, dropout=0.1, batch_first=True)
    with pytest.raises(ValueError, match="expected one with biases, without dropout"):
        Block.from_torch(layer)
    x = torch.zeros(B, T, SIZE)
    block, expected = Block(SIZE, HEADS, HIDDEN, cross=True), "expected one just if the block has cross-attention"
    with pytest.raises(ValueError, match=f"source is None; {expected}"):
        block(x)
    with pytest.raises(ValueError, match=f"source is given; {expected}"):
        Block(SIZE, HEADS, HIDDEN)(x, source=block.cross.offer(x, x))


# The translator

VS, VT = 9, 8
PAD, START, END = 0, 1, 2
SOURCES = [[3, 4, 5], [8, 6, 3, 3, 7], [5], [7, 4]]
TARGETS = [[3, 7, 4, END], [5, END], [6, 3, 3, 4, 5, END], [END]]
BATCH = (*pad(SOURCES, PAD), *pad(TARGETS, PAD))
REAL, SEEN = keep_mask(BATCH[3], 6), keep_mask(BATCH[1], 5)


def build(seed=0, norm_first=True, std=0.4, **options):
    kind = {"start": START, "end": END, "heads": HEADS, "layers": 2, "hidden": HIDDEN, "norm_first": norm_first}
    return loud(Transformer(VS, VT, SIZE, **kind | options), seed, std)


def one_pair(b):
    return *pad([SOURCES[b]], PAD), *pad([TARGETS[b]], PAD)


@both_norms
def test_the_translator_is_torchs_gradient_included(norm_first):
    """Embeddings times the root of their width and sinusoids before torch.nn.Transformer, the target's matrix behind it."""
    theirs, ours = torchs(norm_first), build(norm_first=norm_first)
    ours.encoder, ours.decoder = Stack.from_torch(theirs.encoder), Stack.from_torch(theirs.decoder)
    source, _, target, _ = BATCH
    places = sinusoidal(6, SIZE).double()
    read = torch.cat([torch.full((4, 1), START), target[:, :-1]], 1)
    x, y = (words.weight[ids] * SIZE**0.5 for words, ids in ((ours.source_words, source), (ours.target_words, read)))
    hidden = {"src_key_padding_mask": ~SEEN, "memory_key_padding_mask": ~SEEN}
    out = theirs(x + places[:5], y + places, tgt_mask=~causal_mask(6), **hidden)
    expected = out @ ours.target_words.weight.T + ours.readout.bias
    inputs = [ours.source_words.weight, ours.target_words.weight, ours.readout.bias]
    got = ours(*BATCH[:3])
    torch.testing.assert_close(got, expected, **close)
    by_hand = -expected.log_softmax(-1).gather(2, target[..., None])[..., 0][REAL].mean()
    torch.testing.assert_close(ours.loss(*BATCH), by_hand, **close)
    torch.testing.assert_close(gradients(ours.loss(*BATCH), inputs), gradients(by_hand, inputs), **close)


def test_the_pair_of_stacks_is_built_as_asked():
    for norm_first in (False, True):
        model = build(norm_first=norm_first, layers=3)
        for stack, cross in ((model.encoder, False), (model.decoder, True)):
            assert len(stack.blocks) == 3 and (stack.norm is not None) == norm_first
            for block in stack.blocks:
                assert (block.cross is not None) == cross and block.norm_first == norm_first
                assert block.between.widen.weight.shape == (HIDDEN, SIZE) and block.attention.heads == HEADS
    torch.manual_seed(0)
    model = Transformer(500, 400, 64, start=START, end=END, heads=4, layers=1, hidden=8)
    for table in (model.source_words, model.target_words):
        assert table.weight.std().item() == pytest.approx(1 / 8, rel=0.02)  # of its width; times the root in `embed`


def test_a_token_is_its_vector_times_the_root_of_the_width_and_its_place():
    model, tokens = build(), BATCH[0]
    expected = model.source_words.weight[tokens] * math.sqrt(SIZE) + sinusoidal(12, SIZE).double()[7:]
    torch.testing.assert_close(model.embed(model.source_words, tokens, 7), expected, **close)
    assert model.embed(model.source_words.half(), tokens).dtype == torch.float16


def test_the_readout_is_the_matrix_of_the_target_words():
    """One parameter, whose gradient is that of the embedding and that of the readout together."""
    tied, apart = build(), build()
    assert tied.readout.weight is tied.target_words.weight
    apart.readout.weight = nn.Parameter(apart.target_words.weight.detach().clone())
    names = [name for name, _ in tied.named_parameters()]
    assert "readout.weight" not in names and len(list(apart.parameters())) == len(names) + 1
    tied.loss(*BATCH).backward()
    apart.loss(*BATCH).backward()
    as_word, as_readout = apart.target_words.weight.grad, apart.readout.weight.grad
    torch.testing.assert_close(tied.target_words.weight.grad, as_word + as_readout, **close)
    assert as_word[START].any() and as_readout.any(1).all() and not as_word[PAD].any()  # nobody reads PAD, nor END
    assert not as_word[END].any() and not apart.source_words.weight.grad[PAD].any()
    copied = build(seed=1)
    copied.load_state_dict(tied.state_dict())
    assert copied.readout.weight is copied.target_words.weight


@both_norms
def test_padding_and_the_rest_of_the_batch_change_nothing(norm_first):
    model = build(norm_first=norm_first)
    together = model.log_probability(*BATCH)
    for b in range(4):
        torch.testing.assert_close(model.log_probability(*one_pair(b))[0], together[b], **close)
    loss = model.loss(*BATCH)
    expected = gradients(loss, model.parameters())
    for padding in (PAD, 5):
        again = model.loss(*padded(BATCH, padding))
        torch.testing.assert_close(again, loss, **close)
        torch.testing.assert_close(gradients(again, model.parameters()), expected, **close)


def test_padding_reaches_no_state():
    model, longer = build(), F.pad(BATCH[0], (0, 3), value=6)
    state, padded = (model.begin(source, BATCH[1])[0] for source in (BATCH[0], longer))
    assert torch.equal(padded.seen[:, :5], state.seen) and not padded.seen[:, 5:].any()
    for one, other in zip(state.source, padded.source):
        for ours, theirs in zip(one, other):
            rows = SEEN[:, None].expand(ours.shape[:-1])
            torch.testing.assert_close(theirs[:, :, :5][rows], ours[rows], **close)
    assert all(len(part) == 4 for part in leaves(state)) and state.past[0].keys.shape == (4, HEADS, 0, SIZE // HEADS)


def leaves(nest):
    found = []
    map_tensors(found.append, nest)
    return found


@both_norms
def test_no_logit_depends_on_its_own_token_or_a_later_one(norm_first):
    model, (source, lengths, target, _) = build(norm_first=norm_first), BATCH
    logits = model(source, lengths, target)
    for t in range(6):
        changed = target.clone()
        changed[:, t] = (changed[:, t] + 1) % VT
        again = model(source, lengths, changed)
        torch.testing.assert_close(again[:, : t + 1], logits[:, : t + 1], rtol=0, atol=0)
        assert (again[:, t + 1 :] != logits[:, t + 1 :]).any(-1).all()


def test_every_source_token_has_a_say_and_so_has_its_place():
    model, (source, lengths, target, _) = build(), BATCH
    logits = model(source, lengths, target)
    for s in range(5):
        changed = source.clone()
        changed[:, s] = 3 + (changed[:, s] - 2) % (VS - 3)
        moved = (model(changed, lengths, target) != logits).flatten(1).any(1)
        assert torch.equal(moved, s < lengths)
    turned = model(source[1:2].flip(1), lengths[1:2], target[1:2])
    assert not torch.allclose(turned, logits[1:2], atol=1e-3)


# What is kept from token to token


@both_norms
def test_step_by_step_is_teacher_forcing(norm_first):
    """The scores, where each step looked, and how much is kept."""
    model = build(norm_first=norm_first)
    expected, logits = model.alignments(*BATCH), model(*BATCH[:3])
    state, tokens = model.begin(*BATCH[:2])
    for t, following in enumerate(BATCH[2].unbind(1)):
        scores, state = model.step(state, tokens)
        torch.testing.assert_close(scores, logits[:, t].log_softmax(-1), **close)
        torch.testing.assert_close(state.weights[REAL[:, t]], expected[REAL[:, t], t], **close)
        assert state.past[1].values.shape == (4, HEADS, t + 1, SIZE // HEADS)
        tokens = following


@examples
@given(cuts=st.sets(st.integers(1, 5)))
def test_pieces_of_any_cut_are_the_whole(cuts):
    model = build()
    state, start = model.begin(*BATCH[:2])
    read, pieces = shift(BATCH[2], start), []
    for first, last in pairwise([0, *sorted(cuts), 6]):
        logits, state = model.decode(read[:, first:last], state)
        pieces.append(logits)
    torch.testing.assert_close(torch.cat(pieces, 1), model(*BATCH[:3]), **close)
    torch.testing.assert_close(state.weights, model.looks(read, model.begin(*BATCH[:2])[0])[:, -1], **close)


def recomputing(model):
    """The same step without anything kept: it encodes the source and reads the whole prefix each time."""

    def step(state, tokens):
        source, lengths, prefix = state
        prefix = torch.cat([prefix, tokens[:, None]], 1)
        return model.decode(prefix, model.encode(source, lengths))[0][:, -1], (source, lengths, prefix)

    return from_logits(step)


@both_norms
@pytest.mark.parametrize("seed", range(3))
def test_searches_find_the_same_without_what_is_kept(norm_first, seed):
    model = build(seed, norm_first)
    kept, start = model.begin(*BATCH[:2])
    whole = (*BATCH[:2], BATCH[0][:, :0])
    for penalty in (0.0, 1.0):
        got = beam_search(model.step, kept, start, 8, 3, END, penalty)
        expected = beam_search(recomputing(model), whole, start, 8, 3, END, penalty)
        assert torch.equal(got.sequences, expected.sequences) and torch.equal(got.lengths, expected.lengths)
        torch.testing.assert_close(got.scores, expected.scores, rtol=0, atol=1e-5)
        assert len(set(map(tuple, got.sequences.flatten(0, 1).tolist()))) > 2
    got, expected = greedy(model.step, kept, start, 8, END), greedy(recomputing(model), whole, start, 8, END)
    assert torch.equal(got.sequences, expected.sequences)
    torch.testing.assert_close(got.scores, expected.scores, rtol=0, atol=1e-5)


def test_what_beams_find_has_the_score_that_teacher_forcing_gives_it():
    model = build()
    with torch.no_grad():
        model.readout.bias[END] += 4
    found = beam_search(model.step, *model.begin(*BATCH[:2]), 7, beams=3, eos=END)
    ended = found.sequences.gather(2, found.lengths[..., None] - 1)[..., 0] == END  # the others ran out of places
    assert ended.sum() >= 6
    for rank in range(3):
        rows = ended[:, rank]
        pairs = BATCH[0][rows], BATCH[1][rows], found.sequences[rows, rank], found.lengths[rows, rank]
        torch.testing.assert_close(model.log_probability(*pairs), found.scores[rows, rank], rtol=0, atol=1e-5)


def test_alignments_are_the_mean_over_heads_and_blocks_of_weights_over_real_words():
    model = build()
    weights = model.alignments(*BATCH)
    torch.testing.assert_close(weights.sum(-1), REAL.double(), **close)
    assert torch.equal(weights > 0, REAL[:, :, None] & SEEN[:, None])
    state, start = model.begin(*BATCH[:2])
    looked = model.read(shift(BATCH[2], start), state)[2]
    assert len(looked) == 2
    expected = sum(one.source[:, head] for one in looked for head in range(HEADS)) / (2 * HEADS)
    torch.testing.assert_close(weights, expected * REAL[..., None], **close)


# Training


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
def test_the_loss_is_torchs_with_smoothed_labels(smoothing):
    model, target = build(smoothing=smoothing), BATCH[2]
    logits = model(*BATCH[:3])
    theirs = nn.CrossEntropyLoss(ignore_index=-100, label_smoothing=smoothing)
    expected = theirs(logits.flatten(0, 1), target.masked_fill(~REAL, -100).flatten())
    weights = list(model.parameters())
    loss = model.loss(*BATCH)
    torch.testing.assert_close(loss, expected, **close)
    torch.testing.assert_close(gradients(loss, weights), gradients(expected, weights), **close)
    log_p = logits.log_softmax(-1)[REAL]  # smoothed: a share of each label spread evenly over all V
    spread = (1 - smoothing) * F.one_hot(target[REAL], VT).double() + smoothing / VT
    torch.testing.assert_close(loss, -(spread * log_p).sum(-1).mean(), **close)
    per_token = -model.log_probability(*BATCH).sum() / BATCH[3].sum()
    assert torch.allclose(loss, per_token, rtol=0, atol=1e-10) == (smoothing == 0)
    torch.testing.assert_close(build().log_probability(*BATCH), model.log_probability(*BATCH), rtol=0, atol=0)


def test_dropout_in_training_only():
    model, without = build(dropout=0.5), build()
    expected = without.loss(*BATCH)
    assert model.loss(*BATCH) != model.loss(*BATCH)
    torch.testing.assert_close(model.eval().loss(*BATCH), expected, rtol=0, atol=0)
    model = build(dropout=1.0)
    assert not model.embed(model.source_words, BATCH[0]).any()
    for stack in (model.encoder, model.decoder):
        assert all(block.dropout.p == 1 for block in stack.blocks)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(dtype):
    model = build(std=0.25)
    expected, found = model.log_probability(*BATCH), model.alignments(*BATCH)
    model = model.to(dtype)
    got = model.log_probability(*BATCH)
    assert got.dtype == dtype
    torch.testing.assert_close(got.double(), expected, rtol=0.1, atol=0.3)
    torch.testing.assert_close(model.alignments(*BATCH).double(), found, rtol=0, atol=0.05)
    model.loss(*BATCH).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    assert greedy(model.step, *model.begin(*BATCH[:2]), 4, END).scores.dtype == torch.float32


@pytest.mark.parametrize("where", DEVICES)
def test_moves_to_every_device(where):
    model = build().float()
    expected = model.log_probability(*BATCH)
    model, source, target = model.to(where), BATCH[0].to(where), BATCH[2].to(where)  # lengths may stay where they are
    got = model.log_probability(source, BATCH[1], target, BATCH[3])
    torch.testing.assert_close(got.cpu(), expected, rtol=1e-4, atol=1e-4)
    assert model.loss(source, BATCH[1], target, BATCH[3]).device.type == where
    assert beam_search(model.step, *model.begin(source, BATCH[1]), 4, 2, END).sequences.device.type == where


def test_the_arguments_are_left_as_they_were():
    model, before = build(), [part.clone() for part in BATCH]
    state, start = model.begin(*BATCH[:2])
    kept = map_tensors(torch.clone, state)
    model.loss(*BATCH)
    model.step(state, start)
    beam_search(model.step, state, start, 4, 2, END)
    assert all(torch.equal(a, b) for a, b in zip(before, BATCH))
    assert all(torch.equal(a, b) for a, b in zip(leaves(kept), leaves(state)))


@both_norms
def test_learns_to_turn_five_symbols_around(norm_first):
    """All 30 words of 1 or 2 symbols, backwards, as a greedy search writes them."""
    words = [[3 + n // 5**i % 5 for i in range(size)] for size in (1, 2) for n in range(5**size)]
    sides = (*pad(words, PAD), *pad([[*word[::-1], END] for word in words], PAD))
    torch.manual_seed(0)
    kind = {"heads": 4, "layers": 1, "hidden": 64, "norm_first": norm_first}
    model = Transformer(8, 8, 32, start=START, end=END, **kind)
    history = training.train(model.loss, [sides] * 80, torch.optim.Adam(model.parameters(), 0.01), steps=80, clip=1.0)
    assert history.loss[0] > 1.9  # log 8 = 2.08
    found = greedy(model.step, *model.begin(*sides[:2]), 5, END)
    right = [found.sequences[i, : len(word) + 1].tolist() == [*word[::-1], END] for i, word in enumerate(words)]
    assert sum(right) >= 29


def test_takes_part_in_the_books_task():
    """It trains, translates and aligns like every other translator: here for a few steps only."""
    corpus = translation.english_french(300, longest=4)
    training.seed(0)
    sizes = len(corpus.source), len(corpus.target), 16
    model = Transformer(*sizes, start=translation.START, end=translation.END, heads=2, layers=1, hidden=32, smoothing=0.1)
    history = translation.train(model, corpus, 12, 0)
    assert history.loss[-1] < history.loss[0]
    test = corpus.split.test
    found = translation.translate(model, corpus, test, longest=6)
    assert len(found) == len(test) and all(len(one) <= 6 for one in found)
    for pair, rows in zip(test, translation.alignments(model, corpus, test)):
        assert rows.shape == (len(pair.french), len(pair.english))
        assert rows.sum(1) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({0: BATCH[0][0]}, ValueError, "source has shape (5,); expected (B, S)"),
        ({0: BATCH[0] + 1}, ValueError, "source holds ids from 1 to 9; expected 0 to 8"),
        ({0: BATCH[0].float()}, TypeError, "source has dtype torch.float32"),
        ({1: BATCH[1] * 0}, ValueError, "source_lengths runs from 0 to 0; expected 1 to 5"),
        ({2: BATCH[2][:3]}, ValueError, "target has shape (3, 6); expected (4, T)"),
        ({2: BATCH[2] + 1}, ValueError, "target holds ids from 1 to 8; expected 0 to 7"),
        (
            {2: BATCH[2].where(BATCH[2] != END, 3)},
            ValueError,
            "target has a sentence whose last token is not end = 2; expected it in all of them",
        ),
        ({3: BATCH[3] + 1}, ValueError, "target_lengths runs from 2 to 7; expected 1 to 6"),
        ({3: BATCH[3][:2]}, ValueError, "target_lengths has shape (2,); expected (4,)"),
    ],
)
def test_bad_input_is_named(changed, error, message):
    with pytest.raises(error, match=re.escape(message)):
        build(smoothing=0.1).loss(*(changed.get(i, part) for i, part in enumerate(BATCH)))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"start": 8}, "start is 8; expected a target token from 0 to 7"),
        ({"heads": 5}, "size is 12 and heads is 5; expected a size that the heads share evenly"),
    ],
)
def test_bad_settings_are_named(changed, message):
    with pytest.raises(ValueError, match=message):
        build(**changed)
