"""Where the product keeps what it ships and what it writes. Environment variables are for tests and sites."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import platformdirs

_PACKAGE = Path(__file__).parent


def _shipped(name: str) -> Path:
    """Return a shipped top-level folder: inside an installed package, else beside it in a checkout."""
    installed = _PACKAGE / f"_{name}"
    return installed if installed.is_dir() else _PACKAGE.parent / name


def resources_dir() -> Path:
    """Return the folder with templates, translations, icons and samples."""
    return _shipped("resources")


def shipped_models_dir() -> Path:
    """Return the folder with the model packages that ship with the product."""
    return _shipped("models")


def _written(variable: str, fallback: str) -> Path:
    return Path(os.environ.get(variable) or fallback)


def portable_dir() -> Path | None:
    """Return the folder that holds all the program writes, None where it writes to the user's own folders.

    It is named by $MEDASSIST_PORTABLE; an installed program with a file or folder `portable` beside it writes to
    `medassist-data` beside it.
    """
    named = os.environ.get("MEDASSIST_PORTABLE")
    if named:
        return Path(named).absolute()
    beside = Path(sys.executable).parent
    return beside / "medassist-data" if hasattr(sys, "frozen") and (beside / "portable").exists() else None


def _own(variable: str, name: str, usual: str) -> Path:
    """Return a folder the program writes to: as a variable says, in the portable folder, or the user's own."""
    portable = portable_dir()
    return _written(variable, usual if portable is None else str(portable / name))


def user_models_dir() -> Path:
    """Return the folder for model packages the user added ($MEDASSIST_DATA/models)."""
    return data_dir() / "models"


def weights_dir() -> Path:
    """Return the folder for weights fetched for shipped packages, by their SHA-256 ($MEDASSIST_DATA/weights)."""
    return data_dir() / "weights"


def data_dir() -> Path:
    """Return the folder for the user's own data ($MEDASSIST_DATA)."""
    return _own("MEDASSIST_DATA", "data", platformdirs.user_data_dir("medassist", appauthor=False))


def cache_dir() -> Path:
    """Return the folder for what can be fetched or computed again ($MEDASSIST_CACHE)."""
    return _own("MEDASSIST_CACHE", "cache", platformdirs.user_cache_dir("medassist", appauthor=False))


def config_dir() -> Path:
    """Return the folder for settings ($MEDASSIST_CONFIG)."""
    return _own("MEDASSIST_CONFIG", "config", platformdirs.user_config_dir("medassist", appauthor=False))


def site_file() -> Path:
    """Return the file with which a site sets up this machine for everybody ($MEDASSIST_SITE)."""
    if sys.platform == "win32":
        usual = Path(os.environ.get("PROGRAMDATA", "C:/ProgramData")) / "MedAssist"
    elif sys.platform == "darwin":
        usual = Path("/Library/Application Support/MedAssist")
    else:
        usual = Path("/etc/medassist")
    return _written("MEDASSIST_SITE", str(usual / "site.toml"))


def about_dir() -> Path:
    """Return the folder with licences and bill of materials; only an installed package has one."""
    return Path(getattr(sys, "_MEIPASS", resources_dir())) / "about"


def log_file() -> Path:
    """Return the log file; it holds no names and no identifiers of patients."""
    return data_dir() / "medassist.log"
