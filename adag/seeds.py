"""From a text that says what is drawn to the seed it is drawn with. Called by `adag.families` and `benchmarks.keys`."""

import hashlib
from functools import lru_cache

import numpy as np
import torch


@lru_cache(maxsize=1024)
def seed_of(text: str) -> int:
    """A 63-bit seed, a function of the text alone: the same on every machine, and unrelated for another text."""
    words = np.frombuffer(hashlib.sha256(text.encode()).digest(), dtype=np.uint32)
    return int(np.random.SeedSequence(words.tolist()).generate_state(1, np.uint64)[0] >> np.uint64(1))


def generator_of(text: str) -> torch.Generator:
    """A CPU generator seeded by `seed_of`."""
    return torch.Generator().manual_seed(seed_of(text))
