"""Two language models from one block: GPT (Radford et al. 2019) predicts the next token, BERT (Devlin et al. 2019) hidden ones.

Between them lie a mask and an objective. Both can be read from the weights of their originals. Left out: BERT's guess whether
two sentences follow each other, and texts longer than those that a model has places for.

Axes: B sequences, T tokens, D their width, V vocabulary.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from utils.attention.multihead import KeysValues, causal_mask
from utils.attention.positions import LearnedPositions
from utils.decoding import from_logits
from utils.rnn import keep_mask
from utils.shapes import expect_lengths, expect_tokens
from utils.transformer import Activation, Block, Stack

Past = tuple[KeysValues, ...]  # keys and values of the tokens read so far, for each block
Layout = Mapping[str, Tensor]  # weights under the names of the original
gelu = partial(F.gelu, approximate="tanh")  # as GPT-2 has it; BERT takes F.gelu itself


class GPT(nn.Module):
    """p(next token | the tokens so far): a stack of blocks that normalise first, under a causal mask.

    Tokens and places have learned vectors, and the readout is the matrix of the tokens (weight tying, Press and Wolf 2017).
    With rotary=True the places turn queries and keys instead, and no text is too long. `between` makes what stands in each
    block for the network of a place. First weights have deviation .02, and those that write into the sum of 2 * layers terms
    that over its root, as in GPT-2.
    """

    def __init__(
        self,
        vocabulary: int,
        size: int,
        *,
        heads: int,
        layers: int,
        longest: int,
        dropout: float = 0.0,
        activation: Activation = gelu,
        rotary: bool = False,
        between: Callable[[], nn.Module] | None = None,
    ) -> None:
        super().__init__()
        self.longest = longest
        self.words = nn.Embedding(vocabulary, size)
        self.places = None if rotary else LearnedPositions(longest, size)
        kind = {"dropout": dropout, "activation": activation, "rotary": rotary}
        blocks = [Block(size, heads, 4 * size, between=between and between(), **kind) for _ in range(layers)]
        self.stack = Stack(blocks, nn.LayerNorm(size))
        self.dropout = nn.Dropout(dropout)
        for name, p in self.named_parameters():
            if p.ndim > 1:
                into_the_sum = name.endswith(("W_o.weight", "narrow.weight"))
                nn.init.normal_(p, std=0.02 * ((2 * layers) ** -0.5 if into_the_sum else 1))

    @classmethod
    def from_gpt2(cls, weights: Layout, heads: int) -> Self:
        """The model whose weights GPT-2's file holds, under its names. Its matrices are used as x W, torch.nn's as x W^T."""
        weights = {name.removeprefix("transformer."): value for name, value in weights.items()}
        vocabulary, size = weights["wte.weight"].shape
        layers = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("h."))
        model = cls(vocabulary, size, heads=heads, layers=layers, longest=len(weights["wpe.weight"]))
        found = {"words.weight": weights["wte.weight"], "places.places.weight": weights["wpe.weight"]}
        found |= _renamed(weights, "ln_f", "stack.norm")
        for i in range(layers):
            theirs, ours = f"h.{i}.", f"stack.blocks.{i}."
            for kind in ("weight", "bias"):
                parts = weights[f"{theirs}attn.c_attn.{kind}"].chunk(3, -1)
                found |= {f"{ours}attention.W_{name}.{kind}": part.t() for name, part in zip("qkv", parts)}
                for their, our in (
                    ("attn.c_proj", "attention.W_o"),
                    ("mlp.c_fc", "between.widen"),
                    ("mlp.c_proj", "between.narrow"),
                ):
                    found[f"{ours}{our}.{kind}"] = weights[f"{theirs}{their}.{kind}"].t()
            found |= _renamed(weights, f"{theirs}ln_1", f"{ours}norms.0") | _renamed(weights, f"{theirs}ln_2", f"{ours}norms.1")
        model.to(weights["wte.weight"]).load_state_dict(found)
        return model

    def read(self, tokens: Tensor, past: Past | None = None) -> tuple[Tensor, Past, tuple]:
        """tokens (B, T), after those of `past` -> vectors (B, T, D), keys and values of all so far, each block's weights."""
        expect_tokens("tokens", tokens, ("B", "T"), self.words.num_embeddings)
        first, T = 0 if past is None else past[0].keys.shape[2], tokens.shape[1]
        x = self.words(tokens)
        if self.places is not None:
            x = x + self.places(first + T)[first:]
        mask = causal_mask(T, first + T).to(tokens.device) if T > 1 else None  # the last token sees all
        return self.stack(self.dropout(x), mask, past)

    def forward(self, tokens: Tensor, past: Past | None = None) -> tuple[Tensor, Past]:
        """tokens (B, T) -> logits (B, T, V) of the token that follows each one, and what a later call takes as `past`."""
        x, past, _ = self.read(tokens, past)
        return x @ self.words.weight.T, past

    def loss(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """The mean cross-entropy in nats of targets (B, T), the tokens that follow tokens (B, T)."""
        logits, _ = self(tokens)
        expect_tokens("targets", targets, tokens.shape, self.words.num_embeddings)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())

    def begin(self, prompt: Tensor) -> tuple[Past | None, Tensor]:
        """Where a search or a draw starts: what the prompt (B, T) leaves behind without its last token, and that token (B,)."""
        expect_tokens("prompt", prompt, ("B", "T"), self.words.num_embeddings)
        past = self.read(prompt[:, :-1])[1] if prompt.shape[1] > 1 else None
        return past, prompt[:, -1]

    def step(self, past: Past | None, tokens: Tensor) -> tuple[Tensor, Past]:
        """Log probabilities (N, V) of what follows tokens (N,): a step for all searches in `utils.decoding`, and `sample`."""
        return from_logits(self._next_logits)(past, tokens)

    def _next_logits(self, past: Past | None, tokens: Tensor) -> tuple[Tensor, Past]:
        logits, past = self(tokens[:, None], past)
        return logits[:, 0], past


class BERT(nn.Module):
    """p(hidden tokens | all others): a stack of blocks that normalise last, and nothing but padding is masked.

    A token's vector, its place's and its segment's are added and normalised. The readout is a layer with its own
    normalisation, then the matrix of the tokens. First vectors have deviation 1 / sqrt(D) and first matrices are Glorot's:
    with the .02 of the paper, made for D = 768, a narrow model learns nothing for long.
    """

    def __init__(self, vocabulary: int, size: int, *, heads: int, layers: int, longest: int, hidden: int | None = None) -> None:
        super().__init__()
        self.words, self.segments = nn.Embedding(vocabulary, size), nn.Embedding(2, size)
        self.places = LearnedPositions(longest, size)
        self.norm = nn.LayerNorm(size)
        hidden = 4 * size if hidden is None else hidden
        self.stack = Stack([Block(size, heads, hidden, norm_first=False, activation=F.gelu) for _ in range(layers)])
        self.readout = nn.Sequential(nn.Linear(size, size), nn.GELU(), nn.LayerNorm(size))
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        nn.init.zeros_(self.readout[0].bias)
        for module in self.modules():
            if isinstance(module, nn.LayerNorm):
                module.eps = 1e-12
            elif isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=size**-0.5)

    @classmethod
    def from_bert(cls, weights: Layout, heads: int) -> Self:
        """The model whose weights BERT's file holds, under its names: embeddings, encoder and the masked language model.

        Its first files call the gain and the bias of a normalisation gamma and beta.
        """
        weights = {
            name.removeprefix("bert.").replace("Norm.gamma", "Norm.weight").replace("Norm.beta", "Norm.bias"): value
            for name, value in weights.items()
        }
        table = {theirs: weights[f"embeddings.{theirs}_embeddings.weight"] for theirs in ("word", "position", "token_type")}
        layers = 1 + max(int(name.split(".")[2]) for name in weights if name.startswith("encoder.layer."))
        hidden = len(weights["encoder.layer.0.intermediate.dense.weight"])
        size = {"heads": heads, "layers": layers, "longest": len(table["position"]), "hidden": hidden}
        model = cls(*table["word"].shape, **size)
        found = {
            "words.weight": table["word"],
            "places.places.weight": table["position"],
            "segments.weight": table["token_type"],
        }
        found |= _renamed(weights, "embeddings.LayerNorm", "norm") | {"bias": weights["cls.predictions.bias"]}
        found |= _renamed(weights, "cls.predictions.transform.dense", "readout.0")
        found |= _renamed(weights, "cls.predictions.transform.LayerNorm", "readout.2")
        names = {
            "attention.self.query": "attention.W_q",
            "attention.self.key": "attention.W_k",
            "attention.self.value": "attention.W_v",
            "attention.output.dense": "attention.W_o",
            "attention.output.LayerNorm": "norms.0",
            "intermediate.dense": "between.widen",
            "output.dense": "between.narrow",
            "output.LayerNorm": "norms.1",
        }
        for i in range(layers):
            for theirs, ours in names.items():
                found |= _renamed(weights, f"encoder.layer.{i}.{theirs}", f"stack.blocks.{i}.{ours}")
        model.to(table["word"]).load_state_dict(found)
        return model

    def read(self, tokens: Tensor, lengths: Tensor, segments: Tensor | None = None) -> tuple[Tensor, tuple]:
        """tokens (B, T), lengths (B,), segments (B, T) of 0 and 1, else all 0 -> vectors (B, T, D), each block's weights."""
        expect_tokens("tokens", tokens, ("B", "T"), self.words.num_embeddings)
        expect_lengths("lengths", lengths, *tokens.shape)
        segments = torch.zeros_like(tokens) if segments is None else segments
        expect_tokens("segments", segments, tokens.shape, self.segments.num_embeddings)
        x = self.norm(self.words(tokens) + self.places(tokens.shape[1]) + self.segments(segments))
        x, _, weights = self.stack(x, keep_mask(lengths.to(tokens.device), tokens.shape[1])[:, None])
        return x, weights

    def forward(self, tokens: Tensor, lengths: Tensor, segments: Tensor | None = None) -> Tensor:
        """The logits (B, T, V) of what stands, or stood, at each place; those of padding mean nothing."""
        return self.readout(self.read(tokens, lengths, segments)[0]) @ self.words.weight.T + self.bias

    def loss(self, tokens: Tensor, lengths: Tensor, targets: Tensor, asked: Tensor) -> Tensor:
        """The mean cross-entropy in nats of targets (B, T) where asked (B, T) is true."""
        return F.cross_entropy(self(tokens, lengths)[asked], targets[asked])


def hide(
    tokens: Tensor, may: Tensor, mask: int, vocabulary: int, generator: torch.Generator, share: float = 0.15
) -> tuple[Tensor, Tensor]:
    """What BERT reads, and what it is asked: each place of tokens (B, T) where may (B, T) is true, with probability `share`.

    Of the places asked, 80 % show the token `mask`, 10 % a token drawn from the vocabulary, 10 % what stood there, so that
    the model cannot know which to trust (Devlin et al. 2019, section 3.1). -> inputs (B, T), asked (B, T) bool.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}; expected above 0, at most 1")
    chance, kind = torch.rand(2, *tokens.shape, generator=generator, device=generator.device).to(tokens.device)
    drawn = torch.randint(vocabulary, tokens.shape, generator=generator, device=generator.device).to(tokens.device)
    asked = may & (chance < share)
    inputs = torch.where(asked & (kind < 0.8), mask, tokens)
    return torch.where(asked & (kind >= 0.9), drawn, inputs), asked


def _renamed(weights: Layout, theirs: str, ours: str) -> dict[str, Tensor]:
    """The weight and the bias of one part, under our name."""
    return {f"{ours}.{kind}": weights[f"{theirs}.{kind}"] for kind in ("weight", "bias")}
