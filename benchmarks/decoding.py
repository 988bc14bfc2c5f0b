"""Our beam search beside the textbook's loop over lists and Hugging Face's generate: `python -m benchmarks.decoding`.

Tokens of the best sequence per second, beams of 4 over one LSTM language model, on one torch thread, all in one run. They must
find the same best sequences before they are timed. Only the ratios travel between machines. Hugging Face takes part where
transformers is installed.
"""

import importlib.util
import math
import time
from collections.abc import Callable
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from utils.decoding import Step, beam_search, recurrent_step, reorder
from utils.rnn import LSTM, LanguageModel

V, D, H = 91, 64, 256  # the alphabet, the embedding, the hidden width
L, BEAMS = 48, 4
SECONDS, ROUNDS = 1.0, 4  # each pace is the best of so many rounds of at least so many seconds

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


def hugging_face_beam(model: LanguageModel) -> Callable[[Tensor], Tensor]:
    """Hugging Face's beam search over the same model: start (B,) -> the best sequences (B, L).

    It hands each whole prefix to `forward`; the state after the prefix without its last token is looked up, not computed again.
    """
    from transformers import GenerationConfig, GenerationMixin, PretrainedConfig, PreTrainedModel
    from transformers.modeling_outputs import CausalLMOutput

    class Wrapped(PreTrainedModel, GenerationMixin):
        main_input_name = "input_ids"

        def __init__(self, config: PretrainedConfig) -> None:
            super().__init__(config)
            self.model, self.step = model, recurrent_step(model)

        def forward(self, input_ids: Tensor, **_: object) -> CausalLMOutput:
            prefixes = [tuple(prefix) for prefix in input_ids.tolist()]
            if input_ids.shape[1] == 1:
                state = None
            else:
                state = reorder(self.state, torch.tensor([self.row_of[prefix[:-1]] for prefix in prefixes]))
            scores, self.state = self.step(state, input_ids[:, -1])
            self.row_of = {prefix: row for row, prefix in enumerate(prefixes)}
            return CausalLMOutput(logits=scores[:, None])

    config = PretrainedConfig()
    config.vocab_size = V
    rules = {"num_beams": BEAMS, "max_new_tokens": L, "do_sample": False, "use_cache": False, "pad_token_id": 0}
    wrapped, generation = Wrapped(config), GenerationConfig(**rules, length_penalty=0.0, early_stopping="never")
    return lambda start: wrapped.generate(start[:, None], generation_config=generation)[:, 1:]


def pace(work: Callable[[], object], tokens: int) -> float:
    """Tokens per second of `work`, which finds so many: the best of the rounds."""
    best = 0.0
    for _ in range(ROUNDS):
        calls, begin = 0, time.perf_counter()
        while time.perf_counter() - begin < SECONDS:
            work()
            calls += 1
        best = max(best, calls * tokens / (time.perf_counter() - begin))
    return best


@torch.no_grad()
def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = LanguageModel(V, LSTM(D, H)).double()  # in float64 no two sums are so close that rounding could swap them
    model.readout.weight.mul_(10)  # as sure of itself as a trained model
    step = recurrent_step(model)

    def ours(start: Tensor) -> Tensor:
        return beam_search(step, None, start, L, BEAMS).sequences[:, 0]

    def listed(start: Tensor) -> Tensor:
        return torch.tensor([list_beam(step, None, one, L, BEAMS)[0][0] for one in start.split(1)])

    peers = {"loop over lists": listed}
    if importlib.util.find_spec("transformers"):
        peers["Hugging Face generate"] = hugging_face_beam(model)
    else:
        print("transformers is not installed: Hugging Face's generate is left out")
    table = Table("batch", "peer", "beam_search, tokens/s", "peer, tokens/s", "ratio")
    for batch in (1, 8):
        start = torch.arange(batch)
        our_pace = pace(lambda start=start: ours(start), batch * L)
        for name, theirs in peers.items():
            if not torch.equal(theirs(start), ours(start)):
                raise RuntimeError(f"beam_search and {name} found different sequences")
            their_pace = pace(lambda start=start, theirs=theirs: theirs(start), batch * L)
            table.add_row(str(batch), name, f"{our_pace:.0f}", f"{their_pace:.0f}", f"{our_pace / their_pace:.2f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
