from __future__ import annotations

import threading
from contextlib import suppress

import pytest
import torch

from medassist.entities.errors import Refused, UsageError
from medassist.inference import devices
from medassist.inference.devices import Device, available, choose, one_core_free, usable_cores
from medassist.plugins import Availability

NO_GPU = Device("cuda:0", "NVIDIA CUDA", Availability("no NVIDIA GPU with a working driver was found"))
CPU = Device("cpu", "CPU")


def test_every_device_is_listed_with_the_reason_when_it_cannot_be_used() -> None:
    listed = {device.name: device for device in available()}
    assert listed["cpu"].availability.ok
    assert {"cuda:0", "mps"} <= set(listed)
    assert listed["mps"].availability.ok == torch.backends.mps.is_available()
    assert (listed["cuda:0"].reason == "") == torch.cuda.is_available()


@pytest.mark.parametrize(
    ("there", "asked", "chosen"),
    [
        ((NO_GPU, CPU), "auto", "cpu"),
        ((NO_GPU, CPU), "cpu", "cpu"),
        ((Device("cuda:0", "GPU"), CPU), "auto", "cuda:0"),
        ((Device("cuda:0", "GPU"), CPU), "cuda", "cuda:0"),
        ((Device("cuda:0", "GPU"), Device("cuda:1", "GPU"), CPU), "cuda:1", "cuda:1"),
    ],
)
def test_a_device_is_chosen(monkeypatch: pytest.MonkeyPatch, there, asked, chosen) -> None:
    monkeypatch.setattr(devices, "available", lambda: there)
    assert choose(asked) == chosen


def test_an_unusable_device_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "available", lambda: (NO_GPU, CPU))
    for asked in ("cuda", "cuda:0", "cuda:3"):
        with pytest.raises(Refused, match=f"device {asked} cannot be used: no NVIDIA GPU"):
            choose(asked)
    monkeypatch.setattr(devices, "available", lambda: (Device("cuda:0", "GPU"), CPU))
    with pytest.raises(Refused, match="no CUDA device of that number"):
        choose("cuda:3")
    with pytest.raises(UsageError, match="no device called toaster"):
        choose("toaster")


def test_one_core_stays_free_and_the_threads_are_as_before() -> None:
    threads: list[int] = []

    @one_core_free()
    def fail() -> None:
        threads.append(torch.get_num_threads())
        raise KeyError

    def work() -> None:
        torch.set_num_threads(usable_cores() + 3)
        with suppress(KeyError):
            fail()
        threads.append(torch.get_num_threads())

    before = torch.get_num_threads()
    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    torch.set_num_threads(before)
    assert threads == [max(1, usable_cores() - 1), usable_cores() + 3]
