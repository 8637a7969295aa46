"""The codes our structured reports speak, for those that write them and those that read them again."""

from __future__ import annotations

from medassist.entities.finding import Judgement
from medassist.entities.measurement import Shape
from medassist.entities.prediction import Code

SCHEME = "99MEDASSIST"

PRESENCE = Code("705057003", "SCT", "Presence")
PRESENT = Code("52101004", "SCT", "Present")
ABSENT = Code("272519000", "SCT", "Absent")
CERTAINTY = Code("111012", "DCM", "Certainty of Finding")
OUTPUT_SCORE = Code("99MA001", SCHEME, "Classifier output score")
READER_VERDICT = Code("99MA002", SCHEME, "Verdict of the reader")
IMAGE_VALUE = Code("99MA003", SCHEME, "Value of the image")
PIXEL_COUNT = Code("99MA004", SCHEME, "Number of pixels")
EDITED_BY = Code("99MA005", SCHEME, "Person who changed what a model claimed")
VERDICTS = {
    Judgement.UNREVIEWED: Code("99MA010", SCHEME, "Not reviewed"),
    Judgement.ACCEPTED: Code("99MA011", SCHEME, "Accepted"),
    Judgement.EDITED: Code("99MA012", SCHEME, "Accepted with changes"),
    Judgement.REJECTED: Code("99MA013", SCHEME, "Rejected"),
    Judgement.DEFERRED: Code("99MA014", SCHEME, "Deferred"),
}
DRAWN_AS = {
    shape: Code(f"99MA{number:03d}", SCHEME, f"Drawn by hand: {shape.value}")
    for number, shape in enumerate(Shape, start=40)
}
"""How a measurement was made (370129005, SCT, "Measurement Method"), so that a rectangle comes back as one."""

SIZES = {
    "volume": Code("118565006", "SCT", "Volume"),
    "length": Code("410668003", "SCT", "Length"),
    "long_axis": Code("103339001", "SCT", "Long axis"),
    "short_axis": Code("103340004", "SCT", "Short axis"),
    "angle": Code("1483009", "SCT", "Angle"),
    "cobb_angle": Code("285285000", "SCT", "Cobb angle"),
    "area": Code("42798000", "SCT", "Area"),
    "perimeter": Code("131191004", "SCT", "Perimeter"),
    "pixels": PIXEL_COUNT,
    "certainty": CERTAINTY,
    "score": OUTPUT_SCORE,
}
STATISTICS = {
    "mean": Code("373098007", "SCT", "Mean"),
    "sd": Code("386136009", "SCT", "Standard Deviation"),
    "min": Code("255605001", "SCT", "Minimum"),
    "max": Code("56851009", "SCT", "Maximum"),
    "median": Code("373099004", "SCT", "Median"),
}
INTENSITIES = {
    "[hnsf'U]": Code("112031", "DCM", "Attenuation Coefficient"),
    "g/ml{SUVbw}": Code("126401", "DCM", "SUVbw"),
    "[arb'U]": Code("110852", "DCM", "MR signal intensity"),
}
"""What a statistic is one of, by its unit; anything else is a private concept."""

UNITS = {"{SUVbw}g/ml": "g/ml{SUVbw}"}
"""Units DICOM (CID 85) spells in another order than UCUM likes them."""

PRIVATE_LABEL = "99MAL"
"""What the private code of a label without a code begins with."""
