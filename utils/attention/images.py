"""Self-attention for images, in place of a convolution: a pixel looks at the window around it (Ramachandran et al. 2019).

Left out: strides, their values that know their place in the window (for the first layer), and kernels that never unfold.

Axes: B images, C channels, H rows, W columns, k width of the window, N heads of width d = C_out / N, P = H W pixels.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from utils.attention.core import attend
from utils.shapes import expect


def windows(x: Tensor, k: int) -> Tensor:
    """The k x k pixels around each, row by row, zeros beyond the border: (B, C, H, W) -> (B, C, k * k, H * W)."""
    return F.unfold(x, k, padding=k // 2).unflatten(1, (x.shape[1], k * k))


class WindowAttention(nn.Module):
    """y_p = sum over a in the window around p of softmax_a(q_p . (k_a + r_{a - p})) v_a (equation 3), for each head.

    q, k and v are linear in the pixels, without biases. r_{a - p} has d / 2 numbers for the row offset and d / 2 for the column
    offset, k of each. Nothing beyond the border is looked at. As in the paper no score is divided by sqrt(d). The sizes are
    those of a convolution padded by k // 2: (B, C_in, H, W) -> (B, C_out, H, W).
    """

    def __init__(self, channels_in: int, channels_out: int, kernel: int, heads: int) -> None:
        super().__init__()
        if kernel < 1 or kernel % 2 == 0:
            raise ValueError(f"kernel is {kernel}; expected an odd width, so that the window has a middle")
        if channels_out % (2 * heads):
            raise ValueError(f"channels_out is {channels_out}; expected a multiple of 2 * heads = {2 * heads}")
        self.kernel, self.heads = kernel, heads
        self.query, self.key, self.value = (nn.Conv2d(channels_in, channels_out, 1, bias=False) for _ in range(3))
        half = channels_out // heads // 2
        self.rows = nn.Parameter(torch.randn(heads, half, kernel))
        self.columns = nn.Parameter(torch.randn(heads, half, kernel))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, C_in, H, W) -> (B, C_out, H, W), and the weights (B, N, H, W, k, k), 0 beyond the border."""
        expect("x", x, ("B", self.query.in_channels, "H", "W"), self.rows.dtype)
        B, _, H, W = x.shape
        k, split = self.kernel, (self.heads, -1)
        q = self.query(x).flatten(2).unflatten(1, split)  # (B, N, d, P)
        keys, values = (windows(part(x), k).unflatten(1, split) for part in (self.key, self.value))  # (B, N, d, k * k, P)
        scores = torch.einsum("bndp,bndap->bnpa", q, keys) + self.offset_scores(q)
        seen = windows(x.new_ones(1, 1, H, W), k)[0, 0].T.bool()  # (P, k * k)
        values = values.permute(0, 1, 4, 3, 2)  # (B, N, P, k * k, d)
        context, weights = attend(scores[..., None, :], values, seen[:, None])  # (B, N, P, 1, d), (B, N, P, 1, k * k)
        y = context.squeeze(3).mT.reshape(B, -1, H, W)
        return y, weights.reshape(B, self.heads, H, W, k, k)

    def offset_scores(self, q: Tensor) -> Tensor:
        """q_p . r for each offset: q (B, N, d, P) -> (B, N, P, k * k). A row's part is the same in all its columns."""
        by_row, by_column = q.chunk(2, 2)
        rows = torch.einsum("bndp,ndr->bnpr", by_row, self.rows)
        columns = torch.einsum("bndp,ndc->bnpc", by_column, self.columns)
        return (rows[..., None] + columns[..., None, :]).flatten(3)


def attention_cost(channels_in: int, channels_out: int, kernel: int) -> dict[str, int]:
    """Parameters, and multiply-adds for a pixel away from the border, of a `WindowAttention`; the heads do not matter.

    Three maps of C_in C_out, and k C_out numbers for the offsets; then k^2 C_out for the scores, as much for the average, and
    k C_out for the scores of the offsets. Softmax is not counted.
    """
    maps, offsets = 3 * channels_in * channels_out, kernel * channels_out
    return {"parameters": maps + offsets, "multiply-adds": maps + 2 * kernel**2 * channels_out + offsets}


def convolution_cost(channels_in: int, channels_out: int, kernel: int) -> dict[str, int]:
    """The same for a convolution without bias: k^2 C_in C_out of both."""
    maps = kernel**2 * channels_in * channels_out
    return {"parameters": maps, "multiply-adds": maps}
