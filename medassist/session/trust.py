"""Let a package run code, and take that back: by the SHA-256 of its whole content, in the user's own list."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

from medassist.entities.errors import MedAssistError, UsageError
from medassist.entities.model_change import ModelChange, ModelVerb
from medassist.entities.prediction import ModelRef
from medassist.progress import Progress
from medassist.session.models import ModelsChanged, identity
from medassist.session.staging import package_at


def trust_model(which: str, *, progress: Progress) -> ModelsChanged:
    """Let the package of that name, folder or zip run code: this very content, until a byte of it changes.

    It need not be readable: what it wants to run may be what keeps it from being read. Refused when it holds a link,
    UsageError for an unknown name, UnwritableOutput.
    """
    from medassist.inference.trust import Trust, as_bytes, content_of, trust_file, trusted
    from medassist.storage.audit import login
    from medassist.storage.files import locked, write_atomically

    with package_at(which, progress) as (root, name):
        progress.step("Hashing the model")
        found, model = content_of(root), identity(root, name)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        line = Trust(found.sha256, found.size_bytes, found.files, name, model.version, login(), now)
        with locked(trust_file()):
            others = tuple(one for one in trusted() if one.content_sha256 != found.sha256)
            write_atomically(trust_file(), as_bytes((*others, line)))
    return ModelsChanged(ModelChange(ModelVerb.TRUST, model, found.sha256))


def revoke_trust(which: str, *, progress: Progress) -> ModelsChanged:
    """Take back the trust in a package, also one that has changed or gone since (UsageError when nobody trusts it)."""
    from medassist.inference.trust import as_bytes, content_of, trust_file, trusted
    from medassist.storage.files import locked, write_atomically

    names, content = {which}, ""
    with contextlib.suppress(MedAssistError), package_at(which, progress) as (root, name):
        names.add(name)
        content = content_of(root).sha256
    with locked(trust_file()):
        known = trusted()
        dropped = [one for one in known if one.content_sha256 == content or one.name in names]
        if not dropped:
            raise UsageError("{name} is not trusted, so there is nothing to take back.", name=which)
        write_atomically(trust_file(), as_bytes(tuple(one for one in known if one not in dropped)))
    last = dropped[-1]
    return ModelsChanged(ModelChange(ModelVerb.REVOKE, ModelRef(last.name, last.version, ""), last.content_sha256))
