"""Objects that refer to a written series: SEG, RTSTRUCT, SR, GSPS, key objects, PDF, parametric map."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from phantoms import save
from pydicom import Dataset, dcmread
from pydicom.sequence import Sequence as Items
from pydicom.uid import generate_uid

from medassist.imaging.quiet import quietly


def code(value: str, scheme: str, meaning: str) -> Dataset:
    ds = Dataset()
    ds.CodeValue, ds.CodingSchemeDesignator, ds.CodeMeaning = value, scheme, meaning
    return ds


def bare(images: Sequence[Path], sop_class: str, modality: str) -> Dataset:
    """Return an object of the study of `images`, with a series of its own and nothing in it."""
    source, ds = dcmread(images[0], stop_before_pixels=True), Dataset()
    for keyword in ("PatientName", "PatientID", "StudyInstanceUID", "StudyDate", "StudyTime", "StudyDescription"):
        setattr(ds, keyword, source[keyword].value)
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID, ds.SeriesInstanceUID = sop_class, generate_uid(), generate_uid()
    ds.Modality, ds.SeriesNumber, ds.SeriesDescription = modality, 50, f"{modality} object"
    return ds


def series_items(images: Sequence[Path], series_uid: str = "") -> Dataset:
    """Return a series item that names images."""
    headers = [dcmread(path, stop_before_pixels=True) for path in images]
    item = Dataset()
    item.SeriesInstanceUID = series_uid or headers[0].SeriesInstanceUID
    item.ReferencedInstanceSequence = item.ReferencedSOPSequence = Items([_image(header) for header in headers])
    return item


def _image(header: Dataset) -> Dataset:
    ds = Dataset()
    ds.ReferencedSOPClassUID, ds.ReferencedSOPInstanceUID = header.SOPClassUID, header.SOPInstanceUID
    return ds


def evidence(images: Sequence[Path]) -> Items:
    study = Dataset()
    study.StudyInstanceUID = dcmread(images[0], stop_before_pixels=True).StudyInstanceUID
    study.ReferencedSeriesSequence = Items([series_items(images)])
    return Items([study])


@quietly()
def highdicom_seg(
    images: Sequence[Path], masks: NDArray, kind: str = "BINARY", *, labels: Sequence[str] = ("Lesion",), **more: object
) -> Dataset:
    """Build a SEG with highdicom: masks are (slice, row, column[, segment]) in the order of `images`."""
    import highdicom as hd
    from pydicom.sr.codedict import codes

    descriptions = [
        hd.seg.SegmentDescription(
            number, label, codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Lesion,
            hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for number, label in enumerate(labels, 1)
    ]  # fmt: skip
    values = {
        "series_instance_uid": generate_uid(), "series_number": 60, "sop_instance_uid": generate_uid(),
        "instance_number": 1, "manufacturer": "Tests", "manufacturer_model_name": "Phantom", "software_versions": "1",
        "device_serial_number": "1",
    }  # fmt: skip
    sources = [dcmread(path) for path in images]
    return hd.seg.Segmentation(sources, masks, kind, descriptions, **(values | more))


@quietly()
def highdicom_map(images: Sequence[Path], values: NDArray, *, slope: float, intercept: float) -> Dataset:
    """Build a float Parametric Map of diffusion with highdicom: values are (slice, row, column) in image order."""
    import highdicom as hd
    from pydicom.sr.codedict import codes

    mapping = hd.pm.RealWorldValueMapping(
        lut_label="ADC", lut_explanation="ADC map", unit=code_concept("um2/s", "UCUM", "um2/s"), slope=slope,
        intercept=intercept, value_range=(-1e6, 1e6),
        quantity_definition=codes.DCM.ApparentDiffusionCoefficient,
    )  # fmt: skip
    return hd.pm.ParametricMap(
        [dcmread(path) for path in images], values, generate_uid(), 61, generate_uid(), 1, "Tests", "Phantom", "1",
        "1", False, [mapping], window_center=0.0, window_width=10.0,
    )  # fmt: skip


def code_concept(value: str, scheme: str, meaning: str) -> Dataset:
    from highdicom.sr import CodedConcept

    return CodedConcept(value, scheme, meaning)


def write_seg(path: Path, images: Sequence[Path], masks: NDArray | None = None, series_uid: str = "") -> Path:
    """Write a binary SEG; `series_uid` makes it refer to a series that is elsewhere."""
    if masks is None:
        masks = np.zeros((len(images), 64, 64), np.uint8)
        masks[2:5, 10:20, 30:44] = 1
    ds = highdicom_seg(images, masks)
    if series_uid:
        ds.ReferencedSeriesSequence[0].SeriesInstanceUID = series_uid
    ds.save_as(path, enforce_file_format=True)
    return path


def write_rtstruct(
    path: Path, images: Sequence[Path], contours: Sequence[tuple[str, Sequence[NDArray]]] = (), frame: str = ""
) -> Path:
    """Write an RTSTRUCT of named regions, each a list of (n, 3) closed contours in LPS mm."""
    ds = bare(images, "1.2.840.10008.5.1.4.1.1.481.3", "RTSTRUCT")
    header = dcmread(images[0], stop_before_pixels=True)
    uid = frame or header.FrameOfReferenceUID
    place, study = Dataset(), Dataset()
    place.FrameOfReferenceUID = uid
    study.RTReferencedSeriesSequence = Items([series_items(images)])
    place.RTReferencedStudySequence = Items([study])
    ds.ReferencedFrameOfReferenceSequence = Items([place])
    ds.StructureSetLabel, ds.StructureSetROISequence, ds.ROIContourSequence = "Phantom", Items([]), Items([])
    for number, (name, loops) in enumerate(contours, 1):
        roi, drawn = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = number, name, uid
        drawn.ReferencedROINumber, drawn.ROIDisplayColor, drawn.ContourSequence = number, [10, 200, 30], Items([])
        for points in loops:
            contour = Dataset()
            contour.ContourGeometricType, contour.NumberOfContourPoints = "CLOSED_PLANAR", len(points)
            contour.ContourData = [f"{value:.6g}" for value in np.asarray(points).ravel()]
            drawn.ContourSequence.append(contour)
        ds.StructureSetROISequence.append(roi)
        ds.ROIContourSequence.append(drawn)
    return save(ds, path, {})


def content(kind: str, relation: str, concept: Dataset, **values: object) -> Dataset:
    ds = Dataset()
    ds.RelationshipType, ds.ValueType, ds.ConceptNameCodeSequence = relation, kind, Items([concept])
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def write_sr(path: Path, images: Sequence[Path]) -> Path:
    """Write a report of no template: a text, a code with a Chinese meaning, a measurement below it, an image."""
    ds = bare(images, "1.2.840.10008.5.1.4.1.1.88.33", "SR")
    ds.CurrentRequestedProcedureEvidenceSequence = evidence(images)
    ds.ValueType, ds.ConceptNameCodeSequence = "CONTAINER", Items([code("T1", "99T", "Odd report")])
    measured = Dataset()
    measured.NumericValue, measured.MeasurementUnitsCodeSequence = "12.5", Items([code("mm", "UCUM", "millimeter")])
    size = content("NUM", "HAS PROPERTIES", code("L", "99T", "Length"), MeasuredValueSequence=Items([measured]))
    finding = content(
        "CODE", "CONTAINS", code("F", "99T", "发现"), ConceptCodeSequence=Items([code("N", "99T", "结节")]),
        ContentSequence=Items([size]),
    )  # fmt: skip
    text = content("TEXT", "CONTAINS", code("C", "99T", "Comment"), TextValue="Left lung")
    shown = _image(dcmread(images[2], stop_before_pixels=True))
    image = content("IMAGE", "CONTAINS", code("I", "99T", "Key image"), ReferencedSOPSequence=Items([shown]))
    ds.ContentSequence = Items([text, finding, image])
    return save(ds, path, {})


def write_key_objects(path: Path, images: Sequence[Path], chosen: Sequence[int] = (5, 2)) -> Path:
    ds = bare(images, "1.2.840.10008.5.1.4.1.1.88.59", "KO")
    ds.CurrentRequestedProcedureEvidenceSequence = evidence([images[index] for index in chosen])
    ds.ValueType, ds.ConceptNameCodeSequence = "CONTAINER", Items([code("113000", "DCM", "Of Interest")])
    ds.ContentSequence = Items([])
    for index in chosen:
        item = Dataset()
        item.RelationshipType, item.ValueType = "CONTAINS", "IMAGE"
        item.ReferencedSOPSequence = Items([_image(dcmread(images[index], stop_before_pixels=True))])
        ds.ContentSequence.append(item)
    return save(ds, path, {})


def write_presentation(path: Path, images: Sequence[Path], window: tuple[float, float], shape: str) -> Path:
    ds = bare(images, "1.2.840.10008.5.1.4.1.1.11.1", "PR")
    ds.ReferencedSeriesSequence = Items([series_items(images)])
    ds.ContentLabel, ds.PresentationLUTShape = "READER", shape
    voi = Dataset()
    voi.WindowCenter, voi.WindowWidth = window
    ds.SoftcopyVOILUTSequence = Items([voi])
    return save(ds, path, {})


def write_pdf(path: Path, images: Sequence[Path], data: bytes = b"%PDF-1.4\n%%EOF\n\0") -> Path:
    ds = bare(images, "1.2.840.10008.5.1.4.1.1.104.1", "DOC")
    ds.MIMETypeOfEncapsulatedDocument, ds.DocumentTitle = "application/pdf", "Letter"
    ds.EncapsulatedDocument = data
    return save(ds, path, {})


def write_dose(path: Path, images: Sequence[Path], dose_gy: NDArray, grid: NDArray, offsets: Sequence[float], **tags):
    """Write an RT dose: (plane, row, column) values in Gy; `grid` is the affine (LPS mm) of its first plane."""
    source = dcmread(images[0], stop_before_pixels=True)
    ds = bare(images, "1.2.840.10008.5.1.4.1.1.481.2", "RTDOSE")
    ds.FrameOfReferenceUID = source.FrameOfReferenceUID
    scaling = float(dose_gy.max()) / 4_000_000_000
    steps = np.linalg.norm(grid[:3, :2], axis=0)
    ds.ImagePositionPatient = [f"{value:.8g}" for value in grid[:3, 3]]
    ds.ImageOrientationPatient = [f"{value:.10g}" for value in (*grid[:3, 0] / steps[0], *grid[:3, 1] / steps[1])]
    ds.PixelSpacing = [steps[1], steps[0]]
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
    ds.NumberOfFrames, ds.Rows, ds.Columns = dose_gy.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 32, 32, 31
    ds.DoseUnits, ds.DoseType, ds.DoseSummationType = "GY", "PHYSICAL", "PLAN"
    ds.DoseGridScaling, ds.GridFrameOffsetVector = f"{scaling:.10g}", list(offsets)
    ds.PixelData = np.rint(dose_gy / scaling).astype("<u4").tobytes()
    return save(ds, path, tags)


def graphic(kind: str, points: Sequence[float], units: str = "PIXEL", filled: str = "N") -> Dataset:
    ds = Dataset()
    ds.GraphicAnnotationUnits, ds.GraphicDimensions, ds.NumberOfGraphicPoints = units, 2, len(points) // 2
    ds.GraphicData, ds.GraphicType, ds.GraphicFilled = list(points), kind, filled
    return ds


def text_object(text: str, corner: Sequence[float], anchor: Sequence[float], units: str = "PIXEL") -> Dataset:
    ds = Dataset()
    ds.BoundingBoxAnnotationUnits = ds.AnchorPointAnnotationUnits = units
    ds.UnformattedTextValue, ds.BoundingBoxTopLeftHandCorner, ds.AnchorPoint = text, list(corner), list(anchor)
    ds.BoundingBoxBottomRightHandCorner, ds.AnchorPointVisibility = [value + 5 for value in corner], "Y"
    return ds


def annotate(path: Path, graphics: Sequence[Dataset], texts: Sequence[Dataset], images: Sequence[Path] = (), **tags):
    """Add graphics and texts to a presentation state, on some images or on all, and other attributes."""
    ds, item = dcmread(path), Dataset()
    if images:
        item.ReferencedImageSequence = Items([_image(dcmread(one, stop_before_pixels=True)) for one in images])
    item.GraphicLayer = "MARKS"
    item.GraphicObjectSequence, item.TextObjectSequence = Items(list(graphics)), Items(list(texts))
    ds.GraphicAnnotationSequence = Items([*(ds.get("GraphicAnnotationSequence") or []), item])
    return save(ds, path, tags)
