"""Find and fetch one file of the package indexes pip is set up to use.

`pip download` would run the build backend of a source archive to read its metadata, and a sample must never be built.
So pip is only asked where it would look (`pip config list`: environment, configuration files), and the file itself is
fetched here, by its name; the caller checks its hash. Indexes speak the simple repository API (PEP 503).
"""

from __future__ import annotations

import ast
import base64
import os
import re
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from http.client import HTTPException
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit
from urllib.response import addinfourl

from medassist.entities.errors import UnreadableInput
from medassist.progress import Progress
from medassist.storage.files import unwritable

DEFAULT_INDEX = "https://pypi.org/simple"
_TIMEOUT_S = 30
_PAGE_BYTES = 50_000_000
_CHUNK_BYTES = 1 << 18
# ssl.SSLError and URLError are OSErrors; ValueError is what urllib says about a malformed address.
_FAILURES = (OSError, HTTPException, ValueError)


@dataclass(frozen=True)
class Places:
    """Where pip looks: pages or folders with links to files, index roots, and how to connect."""

    links: tuple[str, ...] = ()
    indexes: tuple[str, ...] = (DEFAULT_INDEX,)
    cert: str = ""
    proxy: str = ""


def pip_places() -> Places:
    """Return where the pip of this Python looks (UnreadableInput when there is no pip to ask).

    The installed package has no pip: it looks where pip's own variables say, else at the public index.
    """
    if getattr(sys, "frozen", False):
        index, cert = os.environ.get("PIP_INDEX_URL", DEFAULT_INDEX), os.environ.get("PIP_CERT", "")
        return Places(tuple(os.environ.get("PIP_FIND_LINKS", "").split()), (index,), cert)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise UnreadableInput(
            "Samples are fetched from the package index of pip, and this Python ({python}) has no working pip.",
            remedy="Install it with `{python} -m ensurepip`.",
            python=sys.executable,
        )
    return places_from(done.stdout)


def places_from(config: str) -> Places:
    """Read the output of `pip config list`: [global] first, then [download], then the environment, as pip does."""
    settings: dict[str, str] = {}
    found = re.findall(r"^(.+?)\.([a-z-]+)=('.*'|\".*\")$", config, flags=re.MULTILINE)
    for section in ("global", "download", ":env:"):
        settings |= {key: str(ast.literal_eval(value)) for where, key, value in found if where == section}
    offline = settings.get("no-index", "").lower() in ("1", "true", "yes", "on")
    roots = [settings.get("index-url", DEFAULT_INDEX), *settings.get("extra-index-url", "").split()]
    return Places(
        links=tuple(settings.get("find-links", "").split()),
        indexes=() if offline else tuple(roots),
        cert=settings.get("cert", ""),
        proxy=settings.get("proxy", ""),
    )


class _Links(HTMLParser):
    """Collect the targets of all links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the href of an <a>."""
        target = dict(attrs).get("href") if tag == "a" else None
        if target:
            self.targets.append(target)


class Fetcher:
    """Open addresses with the certificates and proxy of pip; names and passwords in them go to that host only."""

    def __init__(self, places: Places) -> None:
        self._places = places
        context = ssl.create_default_context(cafile=places.cert or None)
        handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=context)]
        if places.proxy:
            proxy = places.proxy if "://" in places.proxy else f"http://{places.proxy}"
            handlers.append(urllib.request.ProxyHandler({"http": proxy, "https": proxy}))
        self._opener = urllib.request.build_opener(*handlers)

    def open(self, address: str) -> addinfourl:
        """Open an http, https or file address (OSError, HTTPException or ValueError when that fails)."""
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https", "file"):
            raise ValueError(f"the address scheme {parts.scheme!r} is not one of http, https, file")
        host = parts.netloc.rpartition("@")[2]
        request = urllib.request.Request(urlunsplit(parts._replace(netloc=host, fragment="")))  # noqa: S310 - checked above
        if "@" in parts.netloc:
            login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
            # unredirected: a redirect to another host must not carry the password there
            request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(login.encode()).decode()}")
        opened: addinfourl = self._opener.open(request, timeout=_TIMEOUT_S)
        return opened

    def addresses(self, page: str) -> tuple[str, ...]:
        """Return the absolute addresses a page or a local folder links to."""
        local = _local(page)
        if local is not None and local.is_dir():
            if not (local / "index.html").is_file():
                return tuple(path.as_uri() for path in sorted(local.iterdir()))
            page = (local / "index.html").as_uri()
        elif local is not None:
            page = local.as_uri()
        with self.open(page) as answer:
            links = _Links()
            links.feed(answer.read(_PAGE_BYTES).decode("utf-8", errors="replace"))
            base = answer.geturl()
        return tuple(urljoin(base, target) for target in links.targets)


def _local(address: str) -> Path | None:
    """Return the path a find-links entry or a file address means, None for an address of a network."""
    parts = urlsplit(address)
    if parts.scheme == "file":
        return Path(urllib.request.url2pathname(parts.path))
    # a single letter is a Windows drive
    return Path(address).expanduser().absolute() if len(parts.scheme) < 2 else None


def _named(addresses: tuple[str, ...], name: str) -> str | None:
    matching = (one for one in addresses if unquote(urlsplit(one).path).rpartition("/")[2] == name)
    return next(matching, None)


def _pages(places: Places, package: str) -> Mapping[str, str]:
    """Return page -> name of the place in a message (its host: a path may hold a token)."""
    normalized = re.sub(r"[-_.]+", "-", package).lower()
    roots = (f"{root.rstrip('/')}/{normalized}/" for root in places.indexes)
    return {page: urlsplit(page).hostname or page for page in (*places.links, *roots)}


def fetch(package: str, file: str, target: Path, places: Places, *, progress: Progress) -> None:
    """Write `file` of `package` to `target` from the first place that has it.

    Raises UnreadableInput with what each place answered when none has it. The content is not trusted: check its hash.
    """
    fetcher = Fetcher(places)
    reasons: list[str] = []
    for page, name in _pages(places, package).items():
        progress.step("Looking for the sample")
        try:
            address = _named(fetcher.addresses(page), file)
            if address is not None:
                _save(fetcher, address, target, progress)
                return
            reasons.append(f"{name}: no such file")
        except _FAILURES as error:
            reasons.append(f"{name}: {getattr(error, 'reason', None) or getattr(error, 'strerror', None) or error}")
    raise UnreadableInput(
        "{file} could not be fetched ({reasons}).",
        remedy="Connect to the network, or set an index that has it with `pip config set global.index-url`.",
        file=file,
        reasons="; ".join(reasons) or "pip is set up to use no index",
    )


def _save(fetcher: Fetcher, address: str, target: Path, progress: Progress) -> None:
    with fetcher.open(address) as answer, target.open("wb") as file:
        size = int(answer.headers.get("Content-Length") or 0)
        done = 0
        while chunk := answer.read(_CHUNK_BYTES):
            progress.step("Fetching the sample", min(done / size, 1.0) if size else None)
            _write(file, chunk, target)
            done += len(chunk)
    if size and done != size:
        raise OSError(f"the connection broke after {done} of {size} bytes")


def _write(file: IO[bytes], chunk: bytes, target: Path) -> None:
    try:
        file.write(chunk)
    except OSError as error:
        raise unwritable(target, error) from error
