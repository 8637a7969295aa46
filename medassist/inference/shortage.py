"""Tell a want of memory from other errors, whichever library raised it."""

from __future__ import annotations

SIGNS = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "cannot allocate memory",
    "defaultcpuallocator",
    "bad_alloc",
    "bad alloc",
    "failed to allocate",
    "alloc_failed",
)
"""What torch (CPU, CUDA, MPS, cuDNN), OpenVINO and the C++ library say, in lower case."""


def is_shortage(error: BaseException) -> bool:
    """Tell whether `error` says that memory ran out: MemoryError, or a RuntimeError of torch or OpenVINO that says so.

    torch.cuda.OutOfMemoryError is a RuntimeError whose text says so.
    """
    if isinstance(error, MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(sign in text for sign in SIGNS)
