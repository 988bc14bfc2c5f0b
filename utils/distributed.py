"""One training run in several processes, as torchrun starts them: each takes a share of every batch, gradients are averaged.

All processes build the same model and the same batches from the same seed; what differs is the rows that they read. Without
torchrun there is one process, and it reads them all. Left out: models too large for one device.

Axes: B sentences in a batch, the first axis of each of its parts.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


@contextmanager
def processes() -> Iterator[int]:
    """Connect the processes that torchrun started, and disconnect them at the end -> the rank of this one, 0 if it is alone."""
    if "RANK" not in os.environ:
        yield 0
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield dist.get_rank()
    finally:
        dist.destroy_process_group()


class Loss(nn.Module):
    """`model.loss` as a forward pass, which is what PyTorch's DDP looks after."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, *batch: Tensor) -> Tensor:
        return self.model.loss(*batch)


def shared_loss(model: nn.Module) -> Callable[..., Tensor]:
    """The loss of a batch, of which each process reads its share; after `backward` all hold the gradient of the whole batch.

    model.loss(*batch) must be a mean over tokens, and the last part of a batch (B,) how many each sentence has. A mean of the
    shares' means would overrate the tokens of short shares: so each share counts by its tokens. The mean over the processes,
    which DDP takes, of what this returns is model.loss of the whole batch.
    """
    if not dist.is_initialized():
        return model.loss
    rank, world, loss = dist.get_rank(), dist.get_world_size(), DistributedDataParallel(Loss(model))

    def weighted(*batch: Tensor) -> Tensor:
        everyone, mine = batch[-1].sum(), batch[-1][rank::world].sum()
        share = [part[rank::world] if mine else part[:1] for part in batch]  # without a row of its own, one that weighs 0
        return loss(*share) * (mine * world / everyone)

    return weighted
