"""Matrices of weights for a page: a weight takes a byte, and each row has a scale of its own, in float32.

A page's text spells three bytes in four letters, so 300,000 weights make 0.4 MB of it, where float16 would make 0.8 and float32
1.6. `unpack` in embed.js is `rounded` in the page.
"""

import numpy as np
import torch
from torch import Tensor

LEVELS = 127  # of a weight on either side of 0


def packed(matrix: Tensor) -> dict[str, np.ndarray]:
    """matrix (R, C) -> `levels` (R, C) uint8, 128 standing for 0, and `scales` (R,) float32."""
    rows = matrix.detach().float().cpu().numpy()
    scales = np.abs(rows).max(1) / np.float32(LEVELS)
    levels = np.rint(rows / np.where(scales > 0, scales, 1)[:, None]) + 128
    return {"levels": levels.astype(np.uint8), "scales": scales}


def rounded(matrix: Tensor) -> Tensor:
    """The matrix (R, C) that the page has, in float32: each weight is off by at most 1 / 254 of its row's largest."""
    levels, scales = packed(matrix).values()
    return torch.from_numpy((levels.astype(np.float32) - 128) * scales[:, None])
