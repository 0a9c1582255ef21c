"""The `device` parameter of methods whose library can use a GPU; called by `golem` and `notears_torch`."""

from adag.errors import UsageError

DEVICES = ("auto", "cpu", "cuda")


def checked(device: str, method: str) -> str:
    """The value itself, where it is one of `DEVICES`."""
    if device not in DEVICES:
        raise UsageError(f"parameter 'device' of method '{method}' is {device!r}: write {', '.join(DEVICES)}")
    return device


def on_gpu(device: str, method: str) -> bool:
    """Whether to run on the GPU; ``cuda`` without one is refused, not silently run on the CPU and timed as such."""
    import torch

    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise UsageError(f"method '{method}' was asked for device=cuda, but torch sees no GPU here: write device=auto")
    return available and device != "cpu"
