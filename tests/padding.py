"""For the tests of translators: a batch with more padding, which must change nothing."""

import torch.nn.functional as F

from utils.rnn import keep_mask


def padded(batch, padding, more=4):
    """(source, lengths, target, lengths) with `more` places on each side, all padding being the id `padding`."""
    parts = []
    for tokens, lengths in (batch[:2], batch[2:]):
        longer = F.pad(tokens, (0, more), value=padding)
        parts += [longer.where(keep_mask(lengths, longer.shape[1]), padding), lengths]
    return parts
