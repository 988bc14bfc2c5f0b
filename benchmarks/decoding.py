"""Our beam search beside the textbook's loop over lists and Hugging Face's generate: tokens of the best sequence a second.

Beams of 4 over one GPT-2 of four layers with the same weights. They must find the same best sequences before they are timed.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.compare import Row, pace
from utils.decoding import Step, beam_search, from_logits

V, D, HEADS, LAYERS = 91, 128, 4, 4  # the alphabet, and the model's size
L, BEAMS = 48, 4

Hypothesis = tuple[list[int], float]  # tokens and the sum of their scores


def list_beam(
    step: Step, state: Any, start: Tensor, length: int, beams: int, eos: int | None = None, penalty: float = 0.0
) -> list[Hypothesis]:
    """Beam search over one input, start (1,), as one first writes it: a list of hypotheses, extended one after another.

    The rules are those of `utils.decoding.beam_search`, except that it never stops early.
    """
    running, finished = [([], 0.0, state)], []
    for t in range(1, length + 1):
        candidates = []
        for tokens, total, state in running:
            last = torch.tensor(tokens[-1:], device=start.device) if tokens else start
            scores, after = step(state, last)
            candidates += [([*tokens, v], total + s, after) for v, s in enumerate(scores[0].tolist()) if s > -math.inf]
        candidates.sort(key=lambda hypothesis: -hypothesis[1])  # Python's sort is stable
        finished += [(tokens, total) for tokens, total, _ in candidates[:beams] if tokens[-1] == eos or t == length]
        finished = sorted(finished, key=lambda hypothesis: -hypothesis[1] / len(hypothesis[0]) ** penalty)[:beams]
        running = [hypothesis for hypothesis in candidates if hypothesis[0][-1] != eos][:beams]
    return finished


def cached_step(gpt: nn.Module) -> Step:
    """Hugging Face's GPT-2 as a step: its own weights, with the keys and values of the tokens before in the state."""
    heads, decoder, p = gpt.config.n_head, gpt.transformer, dict(gpt.named_parameters())

    def affine(x: Tensor, name: str) -> Tensor:
        return torch.addmm(p[f"{name}.bias"], x, p[f"{name}.weight"])

    def step(state: Any, tokens: Tensor) -> tuple[Tensor, Any]:
        time = 0 if state is None else state[0].shape[3]
        x, after = decoder.wte.weight[tokens] + decoder.wpe.weight[time], []  # (N, D)
        for i, block in enumerate(decoder.h):
            name = f"transformer.h.{i}"
            q, new = affine(block.ln_1(x), f"{name}.attn.c_attn").view(len(x), 3, heads, 1, -1).split([1, 2], 1)
            past = new if state is None else torch.cat([state[i], new], 3)  # (N, 2, heads, T, D / heads): keys, values
            after.append(past)
            read = F.scaled_dot_product_attention(q[:, 0], past[:, 0], past[:, 1])  # (N, heads, 1, D / heads)
            x = x + affine(read.flatten(1), f"{name}.attn.c_proj")
            hidden = F.gelu(affine(block.ln_2(x), f"{name}.mlp.c_fc"), approximate="tanh")
            x = x + affine(hidden, f"{name}.mlp.c_proj")
        return decoder.ln_f(x) @ p["transformer.wte.weight"].T, after  # its readout is its embedding

    return from_logits(step)


def hugging_face() -> tuple[nn.Module, Callable[[Tensor], Tensor]]:
    """A random GPT-2 of theirs, and their beam search with it: start (B,) -> the best sequences (B, L)."""
    from transformers import GenerationConfig, GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    size = {"n_layer": LAYERS, "n_embd": D, "n_head": HEADS, "vocab_size": V, "n_positions": L + 1}
    ends = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": 0}
    gpt = GPT2LMHeadModel(GPT2Config(**size, **ends)).eval()
    with torch.no_grad():
        gpt.transformer.wte.weight.mul_(10)  # as sure of itself as a trained model
    rules = GenerationConfig(num_beams=BEAMS, max_new_tokens=L, do_sample=False, length_penalty=0.0, pad_token_id=0)

    def generated(start: Tensor) -> Tensor:
        return gpt.generate(start[:, None], attention_mask=torch.ones_like(start[:, None]), generation_config=rules)[:, 1:]

    return gpt, generated


@torch.no_grad()
def rows() -> Iterator[Row]:
    gpt, generated = hugging_face()
    step = cached_step(gpt)

    def ours(start: Tensor) -> Tensor:
        return beam_search(step, None, start, L, BEAMS).sequences[:, 0]

    def listed(start: Tensor) -> Tensor:
        return torch.tensor([list_beam(step, None, one, L, BEAMS)[0][0] for one in start.split(1)])

    for peer, theirs in {"a loop over lists": listed, "Hugging Face generate": generated}.items():
        for batch in (1, 8):
            start = torch.arange(batch)
            if not torch.equal(theirs(start), ours(start)):
                raise RuntimeError(f"beam_search and {peer} found different sequences")
            both = (pace(lambda f=f, start=start: f(start), batch * L) for f in (ours, theirs))
            yield Row(f"beam search, k = {BEAMS}, batch {batch}", peer, *both, "tokens/s")
