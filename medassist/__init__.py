"""MedAssist: open studies, run models on them, see why, and report what the reader accepts."""

__version__ = "0.1.0"

RESEARCH_USE_NOTICE = "Research use only, not for diagnosis"
