"""What a run has to work with: the devices of this machine, the memory it will need, and the kind of picture.

Found by jobs, and not once for all: torch is slow to come, and free memory changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from medassist.entities.prediction import Check, ModelRef
from medassist.entities.volume import Volume
from medassist.inference.devices import Device, available
from medassist.progress import Progress
from medassist.session import jobs

if TYPE_CHECKING:
    from medassist.inference.expected import MemoryForecast
    from medassist.inference.packages import Package
    from medassist.session.state import Session


@dataclass(frozen=True)
class Outlook:
    """What one model will meet on one series: `memory` it will need, None where that cannot be told.

    `checks` are the rows of the suitability table for which the picture was looked at. `device` is what the reader
    chose ("auto" or a torch name); `memory.device` is what that comes to.
    """

    model: ModelRef
    series_key: str
    device: str
    memory: MemoryForecast | None = None
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True)
class KnowDevices:
    """Keep what devices there are."""

    devices: tuple[Device, ...]

    def __call__(self, session: Session) -> Session:
        """Return the session with these devices and their free memory of now."""
        return replace(session, devices=self.devices)


@dataclass(frozen=True)
class KnowOutlook:
    """Keep the newest forecast; there is one series on screen, and one model chosen."""

    outlook: Outlook

    def __call__(self, session: Session) -> Session:
        """Return the session with the forecast."""
        return replace(session, outlook=self.outlook)


def find_devices(*, progress: Progress) -> KnowDevices:
    """Ask torch which devices there are, why others cannot be used, and how much memory is free."""
    progress.step("Looking for devices")
    return KnowDevices(available())


def foresee(package: Package, volume: Volume, device: str, *, progress: Progress) -> KnowOutlook:
    """Tell how much memory a run will need, and what the picture is; loads the networks, which the run then finds."""
    progress.step("Estimating the memory")
    memory = jobs.forecast(package, volume, device)
    return KnowOutlook(Outlook(package.ref, volume.series.key, device, memory, jobs.look(package, volume)))
