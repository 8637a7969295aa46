"""What the values of a Parametric Map are: method, target, layer, model and stamp beside the code of the quantity.

PS3.3 C.7.6.16.2.11.1.1: the Quantity Definition Sequence is a list of name and value pairs (content item macro,
PS3.3 table 10-2) that describe what the real world values are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medassist.entities.heatmap import Heatmap, MapKind
from medassist.entities.prediction import Code
from medassist.entities.stamp import Standing
from medassist.imaging.objects.spoken_codes import SCHEME
from medassist.report.identity import code_for, concept

if TYPE_CHECKING:
    from pydicom import Dataset

METHOD = Code("370129005", "SCT", "Measurement Method")
ALGORITHM = Code("111001", "DCM", "Algorithm Name")
VERSION = Code("111003", "DCM", "Algorithm Version")
PARAMETERS = Code("111002", "DCM", "Algorithm Parameters")
TARGET = Code("99MA020", SCHEME, "Explained label")
AGAINST = Code("99MA021", SCHEME, "Label compared with")
LAYER = Code("99MA022", SCHEME, "Layer of the network")
SCORE = Code("99MA023", SCHEME, "Score of the explained label")
WEIGHTS = Code("99MA024", SCHEME, "SHA-256 of the weights")
STANDING = Code("99MA025", SCHEME, "Standing of the map")
REASON = Code("99MA026", SCHEME, "Why the map is not to be believed")
SECOND = Code("99MA027", SCHEME, "Method compared with")
REFERENCE = Code("99MA028", SCHEME, "Reference the map was held against")
STANDINGS = {
    Standing.HOLDS: Code("99MA030", SCHEME, "Passed every measure"),
    Standing.FAILS: Code("99MA031", SCHEME, "Fails, not to be relied on"),
    Standing.MEANINGLESS: Code("99MA032", SCHEME, "Means nothing"),
}


def characteristics(heatmap: Heatmap) -> list[Dataset]:
    """Return the items that describe a map; what is not known is left out."""
    attribution = heatmap.kind is MapKind.ATTRIBUTION
    texts = (
        (METHOD, heatmap.method),
        (TARGET, heatmap.target if attribution else ""),
        (AGAINST, heatmap.against),
        (LAYER, heatmap.layer),
        (PARAMETERS, "; ".join(f"{name}={value}" for name, value in heatmap.parameters.items())),
        (ALGORITHM, heatmap.model.name),
        (VERSION, heatmap.model.version),
        (WEIGHTS, heatmap.model.sha256),
    )
    score = [] if heatmap.target_score is None else [_number(SCORE, heatmap.target_score)]
    return [*(_text(name, value) for name, value in texts if value), *score, *_stamp(heatmap)]


def _stamp(heatmap: Heatmap) -> list[Dataset]:
    """Return standing, reasons and every number; the standing is missing where nobody measured."""
    stamp = heatmap.stamp
    numbers = {**heatmap.quality, **(stamp.numbers if stamp else {})}
    measures = [_number(code_for(name.replace("_", " "), None), value) for name, value in numbers.items()]
    if stamp is None:
        return measures
    compared = [_text(SECOND, stamp.second_method)] if stamp.second_method else []
    reasons = [_text(REASON, one.text()) for one in stamp.reasons]
    held = [_text(REFERENCE, stamp.reference)] if stamp.reference else []
    return [_code(STANDING, STANDINGS[stamp.standing]), *reasons, *measures, *compared, *held]


def _item(kind: str, name: Code) -> Dataset:
    from pydicom import Dataset

    item = Dataset()
    item.ValueType, item.ConceptNameCodeSequence = kind, [concept(name)]
    return item


def _text(name: Code, value: str) -> Dataset:
    item = _item("TEXT", name)
    item.TextValue = value
    return item


def _code(name: Code, value: Code) -> Dataset:
    item = _item("CODE", name)
    item.ConceptCodeSequence = [concept(value)]
    return item


def _number(name: Code, value: float) -> Dataset:
    from pydicom.sr.codedict import codes
    from pydicom.valuerep import DSfloat

    item = _item("NUMERIC", name)
    item.NumericValue = DSfloat(value, auto_format=True)
    unit = codes.UCUM.NoUnits
    item.MeasurementUnitsCodeSequence = [concept(Code(unit.value, unit.scheme_designator, unit.meaning))]
    return item
