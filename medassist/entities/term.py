"""A term: what a reader may type, and the code other systems read for it."""

from __future__ import annotations

from dataclasses import dataclass

from medassist.entities.prediction import Code

LEFT = Code("7771000", "SCT", "Left")
RIGHT = Code("24028007", "SCT", "Right")


@dataclass(frozen=True)
class Term:
    """One row of a table of terms.

    Attributes:
        label, title_zh: what it is called in English and in Chinese.
        code, category: what it is, and of which kind (DICOM CID 7150, or disease).
        also: further words for it.
        sides: whether there is one on each side of the body.
        site: the label of the structure it lies in, "" where the table names none.
    """

    label: str
    title_zh: str
    code: Code
    category: Code
    also: tuple[str, ...] = ()
    sides: bool = False
    site: str = ""


@dataclass(frozen=True)
class Named:
    """What a label means: a term, the side that was said with it, and the structure it lies in."""

    term: Term
    laterality: Code | None = None
    site: Code | None = None

    @property
    def title_zh(self) -> str:
        """What it is called in Chinese, with its side."""
        side = {LEFT: "左侧", RIGHT: "右侧", None: ""}[self.laterality]
        return f"{side}{self.term.title_zh}"
