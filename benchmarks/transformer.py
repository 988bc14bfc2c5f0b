"""Our GPT beside PyTorch's encoder and beside one as nanoGPT is written, in training; generation with a cache and without.

All three compute the same function of the same weights, which is asserted first. Ours alone gives back where it looked: it
holds the weights of its attention, where the other two use the fused form that never does.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from statistics import median

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.compare import Row
from utils.decoding import beam_search, greedy
from utils.language_models import GPT
from utils.transformer import Stack

V, D, HEADS, B = 91, 128, 4, 12  # the alphabet, and the model's size
SIZES = ((2, 64), (4, 128))  # layers and tokens, in training
LENGTHS = (64, 128, 256, 512)  # of what is generated


class Encoder(nn.Module):
    """PyTorch's own parts: an encoder under a causal mask, which it is told is causal, so that it takes its fast form."""

    def __init__(self, layers: int, T: int) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(V, D), nn.Embedding(T, D)
        layer = nn.TransformerEncoderLayer(D, HEADS, 4 * D, 0.0, F.gelu, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, nn.LayerNorm(D), enable_nested_tensor=False)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(T))

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens (B, T) -> logits (B, T, V)."""
        x = self.words(tokens) + self.places.weight
        return self.encoder(x, self.mask, is_causal=True) @ self.words.weight.T


class Layer(nn.Module):
    """A block in the manner of nanoGPT: one product for queries, keys and values, and fused attention."""

    def __init__(self) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(D), nn.LayerNorm(D)
        self.c_attn, self.c_proj = nn.Linear(D, 3 * D), nn.Linear(D, D)
        self.mlp = nn.Sequential(nn.Linear(D, 4 * D), nn.GELU(), nn.Linear(4 * D, D))

    def forward(self, x: Tensor) -> Tensor:
        heads = (part.unflatten(2, (HEADS, -1)).transpose(1, 2) for part in self.c_attn(self.ln_1(x)).split(D, 2))
        read = F.scaled_dot_product_attention(*heads, is_causal=True)  # (B, heads, T, D / heads)
        x = x + self.c_proj(read.transpose(1, 2).flatten(2))
        return x + self.mlp(self.ln_2(x))


class NanoGPT(nn.Module):
    """The whole model of such blocks, its readout tied to its words, with the weights of our `gpt`."""

    def __init__(self, gpt: GPT) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(V, D), nn.Embedding(gpt.longest, D)
        self.h = nn.ModuleList(Layer() for _ in gpt.stack.blocks)
        self.ln_f, self.readout = nn.LayerNorm(D), nn.Linear(D, V, bias=False)
        self.readout.weight = self.wte.weight
        for mine, ours in ((self.wte, gpt.words), (self.wpe, gpt.places.places), (self.ln_f, gpt.stack.norm)):
            mine.load_state_dict(ours.state_dict())
        for layer, block in zip(self.h, gpt.stack.blocks):
            attention, (norm_1, norm_2), between = block.attention, block.norms, block.between
            three = [linear.state_dict() for linear in (attention.W_q, attention.W_k, attention.W_v)]
            layer.c_attn.load_state_dict({kind: torch.cat([one[kind] for one in three]) for kind in ("weight", "bias")})
            pairs = (layer.ln_1, norm_1), (layer.ln_2, norm_2), (layer.c_proj, attention.W_o)
            for mine, ours in (*pairs, (layer.mlp[0], between.widen), (layer.mlp[2], between.narrow)):
                mine.load_state_dict(ours.state_dict())

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens (B, T) -> logits (B, T, V)."""
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1]))
        for layer in self.h:
            x = layer(x)
        return self.readout(self.ln_f(x))


class Ours(nn.Module):
    """Our GPT as the two above: tokens to logits, with the weights of the encoder."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.gpt = GPT(V, D, heads=HEADS, layers=len(encoder.encoder.layers), longest=len(encoder.mask), activation=F.gelu)
        self.gpt.words.load_state_dict(encoder.words.state_dict())
        self.gpt.places.places.load_state_dict(encoder.places.state_dict())
        self.gpt.stack = Stack.from_torch(encoder.encoder)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.gpt(tokens)[0]


def train(model: nn.Module, tokens: Tensor) -> Callable[[], Tensor]:
    """One step on tokens (B, T + 1), each predicted from those before it: forward, backward, Adam. It returns the loss."""
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)

    def step() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def seconds(works: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """The median seconds of each, taken in turn, so that whatever else the machine does falls on all of them alike."""
    taken = [[] for _ in works]
    for _ in range(rounds):
        for work, times in zip(works, taken):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
    return [median(times) for times in taken]


def training() -> Iterator[Row]:
    for layers, T in SIZES:
        encoder, tokens = Encoder(layers, T), torch.randint(V, (B, T + 1))
        ours = Ours(encoder)
        models = {"ours": ours, "TransformerEncoder": encoder, "nanoGPT's way": NanoGPT(ours.gpt)}
        steps = {name: train(model, tokens) for name, model in models.items()}
        for _ in range(3):  # equal losses, the second and third of them after equal gradients
            ours, *others = (step() for step in steps.values())
            for loss in others:
                torch.testing.assert_close(ours, loss, atol=1e-4, rtol=1e-4)
        ours, *others = (B * T / taken for taken in seconds(list(steps.values()), 4000 // (layers * T)))
        for peer, theirs in zip(list(steps)[1:], others):
            yield Row(f"GPT of {layers} layers, T = {T}: training", peer, ours, theirs, "tokens/s")


@torch.no_grad()
def caching() -> Iterator[Row]:
    """What cached keys and values are worth: one model reads a token at a time, or all so far, time after time."""
    gpt = GPT(V, D, heads=HEADS, layers=2, longest=max(LENGTHS)).eval()
    gpt.words.weight.mul_(10)  # as sure of itself as a trained model

    def cached(start: Tensor, length: int) -> Tensor:
        return greedy(gpt.step, None, start, length).sequences

    def anew(start: Tensor, length: int) -> Tensor:
        tokens = start[:, None]
        for _ in range(length):
            tokens = torch.cat([tokens, gpt(tokens)[0][:, -1:].argmax(-1)], 1)
        return tokens[:, 1:]

    for batch in (1, 8):
        start = torch.arange(batch)
        for length in LENGTHS:
            found = []
            works = [
                lambda way=way, start=start, length=length, found=found: found.append(way(start, length))
                for way in (cached, anew)
            ]
            paces = (batch * length / taken for taken in seconds(works, 1))
            if not torch.equal(*found):
                raise RuntimeError("with cached keys and values other tokens were found than without")
            yield Row(f"greedy, batch {batch}, {length} tokens: cached", "all read anew", *paces, "tokens/s")


@torch.no_grad()
def searching() -> Iterator[Row]:
    """Beam search by our own GPT with the weights of Hugging Face's, and by their generate."""
    from benchmarks.decoding import BEAMS, L, hugging_face

    gpt, generated = hugging_face()
    step = GPT.from_gpt2(gpt.state_dict(), HEADS).eval().step
    for batch in (1, 8):
        start = torch.arange(batch)
        works = (
            lambda start=start: beam_search(step, None, start, L, BEAMS).sequences[:, 0],
            lambda start=start: generated(start),
        )
        if not torch.equal(*(work() for work in works)):
            raise RuntimeError("our GPT and Hugging Face's found different sequences")
        paces = (batch * L / taken for taken in seconds(works, 7))
        yield Row(f"our GPT, beam search, k = {BEAMS}, batch {batch}", "Hugging Face generate", *paces, "tokens/s")


def rows() -> Iterator[Row]:
    torch.manual_seed(0)
    for part in (training, caching, searching):
        yield from part()
