"""Add and remove models; each job is whole or leaves nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from medassist.entities.errors import MedAssistError, Refused, UsageError
from medassist.entities.model_change import ModelChange, ModelVerb
from medassist.entities.prediction import ModelRef
from medassist.locations import user_models_dir
from medassist.progress import Progress
from medassist.session.carried import add_weights, package_carried_by
from medassist.session.staging import brought, staged, told_of
from medassist.session.state import Session


@dataclass(frozen=True)
class ModelsChanged:
    """Remember a change of the installed models, so that panels read the catalogue again and the trail has it."""

    change: ModelChange

    def __call__(self, session: Session) -> Session:
        """Return the session with the change at the end of its list."""
        return replace(session, model_changes=(*session.model_changes, self.change))


def add_model(source: Path, *, name: str = "", progress: Progress) -> ModelsChanged:
    """Add the package in a zip or folder to the user's models, under `name` or the name it brings.

    It is unpacked aside, checked as a run would, and moved in one step. Refused, with nothing left, for what cannot
    run safely here and for a name in use; UnreadableInput for what is no package; UsageError for an unfit name.
    The name of a shipped package whose weights are fetched, or the file that carries them, brings just these.
    """
    from medassist.inference.packages import read
    from medassist.inference.trust import content_of
    from medassist.inference.verify import check_parts

    waiting = package_carried_by(source)
    if waiting is not None and not name:
        return add_weights(waiting, source if source.is_file() else None, progress=progress)
    with staged() as staging, told_of(source, staging):
        root = brought(source, staging, progress)
        name = _fit_name(name or root.name)
        _check_free(name)
        progress.step("Checking the model")
        package = read(root)
        check_parts(package)
        content = content_of(root)
        _put(root, name, content.sha256)
    return ModelsChanged(ModelChange(ModelVerb.ADD, replace(package.ref, name=name), content.sha256))


def remove_model(name: str, *, progress: Progress) -> ModelsChanged:
    """Remove one of the user's models (Refused for any other, UsageError for an unknown name)."""
    from medassist.inference.added import record_file
    from medassist.inference.catalogue import Origin, names, unknown
    from medassist.storage.files import locked, unwritable

    progress.step("Removing the model")
    origin = names().get(name)
    if origin is None:
        raise unknown(name)
    if origin is not Origin.USER:
        raise Refused("{name} came with {origin} and cannot be removed here.", name=name, origin=_sources()[origin])
    root = user_models_dir() / name
    ref = identity(root, name)
    with staged() as staging, locked(user_models_dir()):
        try:
            root.unlink() if root.is_symlink() else root.replace(staging / "removed")
            record_file(name).unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(root, error) from error
    return ModelsChanged(ModelChange(ModelVerb.REMOVE, ref))


def _sources() -> dict[object, str]:
    from medassist.inference.catalogue import Origin

    return {
        Origin.SHIPPED: "MedAssist",
        Origin.SITE: "the set-up of this site",
        Origin.PYTHON: "a Python package",
    }


def identity(root: Path, name: str) -> ModelRef:
    """Return the identity of a package, as far as it can be read."""
    from medassist.inference.packages import read

    try:
        return replace(read(root).ref, name=name)
    except MedAssistError:
        return ModelRef(name, "", "")


def _fit_name(name: str) -> str:
    from medassist.inference.catalogue import NAME

    if not NAME.fullmatch(name) or name.endswith("."):
        raise UsageError(
            "{name} cannot be the name of a model.",
            remedy="Give it one of letters, digits, _ and - with --name.",
            name=repr(name[:100]),
        )
    return name


def _check_free(name: str) -> None:
    """Refuse a name in use, in whatever case: shipped models cannot be shadowed, nothing is overwritten."""
    from medassist.inference.catalogue import names

    taken = next((one for one in names() if one.casefold() == name.casefold()), "")
    if taken:
        raise Refused(
            "There is a model called {name} already.",
            remedy="Choose another name with --name, or remove your own first: `medassist models remove {name}`.",
            name=taken,
        )


def _put(root: Path, name: str, content_sha256: str) -> None:
    """Move a checked package among the user's models, in one step, with what it was beside it."""
    from medassist.inference.added import as_added, record_file
    from medassist.storage.files import locked, make_folder, unwritable, write_atomically

    home = make_folder(user_models_dir())
    with locked(home):
        _check_free(name)
        write_atomically(record_file(name), as_added(content_sha256))
        try:
            root.replace(home / name)
        except OSError as error:
            record_file(name).unlink(missing_ok=True)
            raise unwritable(home / name, error) from error
