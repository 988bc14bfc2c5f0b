"""Recurrent networks from scratch: the plain cell, the LSTM and the GRU, over padded batches, and a language model on top.

What each layer computes is what torch.nn computes with the same weights, gradient included. Left out: stacked layers,
dropout, projections. One `scan` runs over time for all three; a layer adds only its `step`.

Axes: B sequences in the batch, T time steps, D input width, H hidden width, V vocabulary. Rows are vectors: x @ W + b.
"""

from typing import Self

import torch
from torch import Tensor, nn

from utils.shapes import expect, expect_lengths, expect_tokens

State = tuple[Tensor, ...]  # (h,) or (h, c), each (B, H); the first is always h, the layer's output


def keep_mask(lengths: Tensor, time: int) -> Tensor:
    """True where a padded batch holds a real step: lengths (B,) -> (B, T)."""
    return torch.arange(time, device=lengths.device) < lengths[:, None]


class Recurrent(nn.Module):
    """A layer that reads x (B, T, D) from left to right and carries a state: what RNN, LSTM and GRU share.

    W_xh (D, G*H) and W_hh (H, G*H) hold the layer's G gates side by side, in the order that its class states; so do the
    biases b_x and b_h (G*H,). All start uniform in +-1/sqrt(H), as in torch.nn.
    """

    gates: int
    state_size: int  # how many tensors make the state

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        for name, size in (("input_size", input_size), ("hidden_size", hidden_size)):
            if size < 1:
                raise ValueError(f"{name} is {size}; expected at least 1")
        self.input_size, self.hidden_size = input_size, hidden_size
        width, bound = self.gates * hidden_size, hidden_size**-0.5
        self.W_xh = nn.Parameter(torch.empty(input_size, width).uniform_(-bound, bound))
        self.W_hh = nn.Parameter(torch.empty(hidden_size, width).uniform_(-bound, bound))
        self.b_x = nn.Parameter(torch.empty(width).uniform_(-bound, bound))
        self.b_h = nn.Parameter(torch.empty(width).uniform_(-bound, bound))

    @classmethod
    def from_torch(cls, layer: nn.RNNBase) -> Self:
        """The same function as a one-layer, one-direction torch.nn layer, with its weights copied (theirs are transposed)."""
        if not isinstance(layer, nn.RNNBase) or layer.mode.split("_")[0] != cls.__name__:
            raise TypeError(f"layer is of type {type(layer).__name__}; expected a torch.nn.{cls.__name__}")
        if layer.num_layers != 1 or layer.bidirectional or not layer.bias or layer.proj_size or layer.mode == "RNN_RELU":
            raise ValueError(f"layer is {layer}; expected one layer, one direction, tanh, with biases and no projection")
        ours = cls(layer.input_size, layer.hidden_size).to(layer.weight_hh_l0)
        with torch.no_grad():
            ours.W_xh.copy_(layer.weight_ih_l0.mT)
            ours.W_hh.copy_(layer.weight_hh_l0.mT)
            ours.b_x.copy_(layer.bias_ih_l0)
            ours.b_h.copy_(layer.bias_hh_l0)
        return ours

    def initial_state(self, batch: int) -> State:
        """All zeros: a tuple of `state_size` tensors (B, H)."""
        return tuple(self.W_hh.new_zeros(batch, self.hidden_size) for _ in range(self.state_size))

    def step(self, from_input: Tensor, state: State) -> State:
        """One time step: from_input (B, G*H) is x_t @ W_xh + b_x, already computed; -> the next state."""
        raise NotImplementedError

    def scan(self, from_input: Tensor, state: State, keep: Tensor | None = None) -> tuple[Tensor, State]:
        """Apply `step` along the time axis of from_input (B, T, G*H) -> outputs (B, T, H), state after the last step.

        Where keep (B, T) is false the state stays as it was and the output is 0.
        """
        outputs = []
        for t, from_x_t in enumerate(from_input.unbind(1)):
            new = self.step(from_x_t, state)
            if keep is None:
                state = new
            else:
                real = keep[:, t, None]  # (B, 1)
                state = tuple(torch.where(real, after, before) for after, before in zip(new, state))
            outputs.append(new[0] if keep is None else new[0] * real)
        return torch.stack(outputs, 1), state  # (B, T, H)

    def forward(self, x: Tensor, state: State | None = None, lengths: Tensor | None = None) -> tuple[Tensor, State]:
        """Read x (B, T, D) -> outputs (B, T, H) and the state after each sequence's last step.

        `state` is a tuple as this layer returns it, zeros if None. `lengths` (B,) says how many steps of each sequence are
        real; outputs past them are 0, and the state is the one at the last real step, as with torch's packed sequences.
        """
        expect("x", x, ("B", "T", self.input_size), self.W_xh.dtype)
        batch, time, _ = x.shape
        if state is None:
            state = self.initial_state(batch)
        expect_state("state", state, self, batch)
        if lengths is not None:
            expect_lengths("lengths", lengths, batch, time)
        keep = None if lengths is None else keep_mask(lengths.to(x.device), time)
        if keep is not None:
            x = x.masked_fill(~keep[..., None], 0)  # so that no padding, however large, can overflow into a gradient
        return self.scan(x @ self.W_xh + self.b_x, state, keep)


def detach(state: State | Tensor) -> State | Tensor:
    """The same state cut off from the steps that made it: truncated backpropagation carries this from piece to piece.

    A tuple, as our layers and torch.nn.LSTM return it, or a single tensor, as torch.nn.GRU and torch.nn.RNN do.
    """
    return state.detach() if isinstance(state, Tensor) else tuple(part.detach() for part in state)


def expect_state(name: str, state: State, layer: Recurrent, batch: int) -> None:
    """Raise unless `state` is a tuple of as many (B, H) tensors as `layer` carries."""
    if not isinstance(state, tuple) or len(state) != layer.state_size:
        got = f"a tuple of {len(state)}" if isinstance(state, tuple) else type(state).__name__
        raise TypeError(f"{name} is {got}; expected a tuple of {layer.state_size} tensors, as {type(layer).__name__} returns")
    for i, part in enumerate(state):
        expect(f"{name}[{i}]", part, (batch, layer.hidden_size), layer.W_hh.dtype)


class RNN(Recurrent):
    """h_t = tanh(x_t W_xh + b_x + h_{t-1} W_hh + b_h) (Elman 1990)."""

    gates, state_size = 1, 1

    def step(self, from_input: Tensor, state: State) -> State:
        (h,) = state
        return (torch.tanh(from_input + torch.addmm(self.b_h, h, self.W_hh)),)


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber 1997) with a forget gate (Gers et al. 2000).

    i, f, g, o = x_t W_xh + b_x + h_{t-1} W_hh + b_h, in this order;
    c_t = sigmoid(f) * c_{t-1} + sigmoid(i) * tanh(g);  h_t = sigmoid(o) * tanh(c_t).
    """

    gates, state_size = 4, 2

    def step(self, from_input: Tensor, state: State) -> State:
        h, c = state
        i, f, g, o = (from_input + torch.addmm(self.b_h, h, self.W_hh)).chunk(4, -1)  # (B, H) each
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class GRU(Recurrent):
    """Gated recurrent unit (Cho et al. 2014), in the form that torch.nn and cuDNN use.

    r, z, n in this order: r and z = sigmoid(x_t W_xh + b_x + h_{t-1} W_hh + b_h);
    n = tanh(x_t W_xn + b_xn + r * (h_{t-1} W_hn + b_hn));  h_t = (1 - z) * n + z * h_{t-1}.
    Cho et al. multiply r with h before W_hn and swap z and 1 - z; the first is a different model, the second a name.
    """

    gates, state_size = 3, 1

    def step(self, from_input: Tensor, state: State) -> State:
        (h,) = state
        r_x, z_x, n_x = from_input.chunk(3, -1)  # (B, H) each
        r_h, z_h, n_h = torch.addmm(self.b_h, h, self.W_hh).chunk(3, -1)
        r, z = torch.sigmoid(r_x + r_h), torch.sigmoid(z_x + z_h)
        n = torch.tanh(n_x + r * n_h)
        return (n + z * (h - n),)


class LanguageModel(nn.Module):
    """p(next token | the tokens so far): an embedding (V, D), a recurrent layer and a linear readout to V logits.

    The layer is one of ours, or torch.nn's with batch_first=True, one direction and no projection.
    """

    def __init__(self, vocabulary: int, layer: Recurrent | nn.RNNBase) -> None:
        super().__init__()
        if vocabulary < 2:
            raise ValueError(f"vocabulary is {vocabulary}; expected at least 2 tokens to tell apart")
        if not isinstance(layer, Recurrent | nn.RNNBase):
            raise TypeError(f"layer is of type {type(layer).__name__}; expected a recurrent layer of utils.rnn or torch.nn")
        if isinstance(layer, nn.RNNBase) and (not layer.batch_first or layer.bidirectional or layer.proj_size):
            raise ValueError(f"layer is {layer}; expected batch_first=True, one direction and no projection")
        self.vocabulary = vocabulary
        self.embedding = nn.Embedding(vocabulary, layer.input_size)
        self.layer = layer
        self.readout = nn.Linear(layer.hidden_size, vocabulary)

    def forward(self, tokens: Tensor, state: State | Tensor | None = None) -> tuple[Tensor, State | Tensor]:
        """tokens (B, T) int64 -> logits (B, T, V) of the token that follows each one, and the layer's state after the last."""
        expect_tokens("tokens", tokens, ("B", "T"), self.vocabulary)
        outputs, state = self.layer(self.embedding(tokens), state)
        return self.readout(outputs), state
