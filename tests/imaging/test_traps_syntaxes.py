"""Traps of ../shared/notes, section 8, about transfer syntaxes and containers: every one decodes, or says why not."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813
from phantoms import write_ct_series, write_mr_series
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from medassist.entities.errors import MedAssistError, UnreadableInput
from medassist.entities.study import SeriesKind
from medassist.imaging.load import load
from medassist.imaging.scan import scan

# 32 x 32 values 31 * column + 17 * row, reversible, made with imagecodecs 2026.3.6 (OpenJPH).
HTJ2K = base64.b85decode(
    "|4;u>04YEK0000W0000W00000000000000W0000W0000000000009pH0sl|{2mk^A000XAQUDA90ssL31q1{@0smY86Cj9?kdTm&"
    "kdTm&kdTmwh=~7W02crOPjF>!N>E53R%LP^FfKASE;BCwkN^q*00000yZ{0JlfVEbkNgD(bO68r6F>kH0BrmMhjajJ{sISd0Kfnf"
    "zyK3~Hf;O?0(1a2ZT<jbQ~<yL6)*q=P#PK<8me)EbpV<gjpo210qnK_zyKBS00p87g+ifFC=}<)dU|mJcmPU8Q4~c{{{4g?d-f24"
    "?79HJ04;a`1-zVd&N=6tbIv*E`Tq)fdU|?#dT;`L03ZMW000000002~|9D^k2fttd9{qp-d-ebU?6U#?*#"
)

# What cannot be shown of the test files of pydicom and pydicom-data, and the words that say why.
FAILURES = {
    "JPEG2000-embedded-sequence-delimiter.dcm": "cannot be decoded",  # its fragments end early
    "MR_truncated.dcm": "fewer pixels",
    "UN_sequence.dcm": "holds no pixels",  # the header alone
    "crayons.icc": "not an image",
    "emri_small_jpeg_2k_lossless_too_short.dcm": "holds no pixels",
    "empty_charset_LEI.dcm": "not a DICOM file",  # two attributes, no SOP class
    "meta_missing_tsyntax.dcm": "not a DICOM file",  # one attribute, no SOP class
    "nested_priv_SQ.dcm": "not a DICOM file",  # one private sequence, no SOP class
    "no_meta.dcm": "not an image",  # begins in the middle of an element
    "priv_SQ.dcm": "holds no pixels",  # one private sequence
    "rtplan.dump": "not an image",
    "rtstruct.dump": "not an image",
    "zipMR.gz": "not an image",
}
WITHOUT_PICTURES = ("RTPLAN", "RTDOSE", "RTSTRUCT", "SEG", "SR", "ECG", "")


def bundled_files():
    """Return the files of pydicom and, where it is installed, pydicom-data, but for those about DICOMDIR."""
    folders = [Path(pydicom.__file__).parent / "data" / "test_files"]
    try:
        import data_store
    except ImportError:
        pass
    else:
        folders.append(Path(data_store.__file__).parent / "data")
    files = (path for folder in folders for path in sorted(folder.iterdir()))
    return [path for path in files if path.is_file() and path.suffix not in (".py", ".json", ".txt")]


def outcome(path):
    """Return "" when everything in a file can be shown, else the reason."""
    try:
        for series in scan(path).all_series():
            if series.kind is not SeriesKind.OTHER:
                volume = load(series)
                assert not volume.lost_slices
                assert volume.array_tzyx.dtype.isnative
            else:
                assert series.modality in WITHOUT_PICTURES
    except MedAssistError as problem:
        return problem.sentence()
    return ""


def test_trap_34_every_syntax():
    files = bundled_files()
    found = {path.name: outcome(path) for path in files}
    unexpected = {name: why for name, why in found.items() if why and name not in FAILURES}
    assert not unexpected
    assert not [name for name, why in found.items() if why and name not in why]
    expected = {name: word for name, word in FAILURES.items() if name in found}
    assert {name: word in found[name] for name, word in expected.items()} == dict.fromkeys(expected, True)
    assert len(files) > 80


def loaded(path):
    (series,) = scan(path).all_series()
    return load(series)


RAMP = (31 * np.arange(64)[None, :] + 17 * np.arange(64)[:, None]).astype(np.int32)
VALUES = {
    "uint8": (RAMP % 256).astype(np.uint8),
    "uint16": (RAMP * 20 % 65536).astype(np.uint16),
    "int16": (RAMP * 20 % 65536 - 32768).astype(np.int16),
    "12 of 16": (RAMP % 4096).astype(np.uint16),
    "signed 12 of 16": (RAMP % 4096 - 2048).astype(np.int16),
}


def written(folder, name):
    """Write one uncompressed MR slice of these values."""
    values = VALUES[name]
    (path,) = write_mr_series(folder, slices=1)
    dataset = pydicom.dcmread(path)
    bits = 12 if "12" in name else 8 * values.dtype.itemsize
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8 * values.dtype.itemsize, bits, bits - 1
    dataset.PixelRepresentation = int(values.dtype.kind == "i")
    dataset.PixelData = values.tobytes()
    dataset["PixelData"].VR = "OW"
    dataset.save_as(path)
    return path


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize(
    ("syntax", "error"),
    [
        (ImplicitVRLittleEndian, 0),
        (DeflatedExplicitVRLittleEndian, 0),
        (RLELossless, 0),
        (JPEG2000Lossless, 0),
        (JPEGLSLossless, 0),
        (JPEGLSNearLossless, 2),
        (JPEG2000, 300),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_values_survive_every_syntax(tmp_path, name, syntax, error):
    path = written(tmp_path, name)
    dataset = pydicom.dcmread(path)
    if syntax.is_encapsulated:
        more = {JPEGLSNearLossless: {"jls_error": error}, JPEG2000: {"j2k_cr": [4]}}.get(syntax, {})
        if syntax is JPEGLSNearLossless and VALUES[name].dtype.kind == "i":
            pytest.skip("pydicom does not encode signed values with losses")
        dataset.compress(syntax, **more)
    else:
        dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path)
    volume = loaded(path)
    difference = volume.array_zyx[0].astype(int) - VALUES[name]
    assert np.abs(difference).max() <= error
    assert not volume.lost_slices


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"])
def test_lossless_jpeg_goes_through_simpleitk(tmp_path, name, syntax):
    path = written(tmp_path, name)
    writer = sitk.ImageFileWriter()
    writer.SetFileName(str(tmp_path / "jpeg.dcm"))
    writer.SetUseCompression(True)
    writer.SetCompressor("JPEG")
    writer.Execute(sitk.GetImageFromArray(VALUES[name][None]))
    packed = pydicom.dcmread(tmp_path / "jpeg.dcm")
    assert packed.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.70"
    (tmp_path / "jpeg.dcm").unlink()
    frame = next(generate_frames(packed.PixelData, number_of_frames=1))
    dataset = pydicom.dcmread(path)
    dataset.PixelData, dataset.NumberOfFrames = encapsulate([frame] * 3), 3
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path)
    values = loaded(path).array_zyx
    assert values.shape == (3, 64, 64)
    assert (values == VALUES[name]).all()


def test_trap_35_htj2k(tmp_path):
    for number in (201, 202, 203):
        (path,) = write_mr_series(tmp_path / str(number), slices=1, rows=32, columns=32)
        dataset = pydicom.dcmread(path)
        dataset.PixelData = encapsulate([HTJ2K])
        dataset["PixelData"].VR = "OB"
        dataset.file_meta.TransferSyntaxUID = f"1.2.840.10008.1.2.4.{number}"
        dataset.save_as(path)
        np.testing.assert_array_equal(loaded(path).array_zyx[0], RAMP[:32, :32])


def test_trap_36_twelve_bit_jpeg():
    lossy = loaded(bundled("JPEG-lossy.dcm")).array_tzyx.astype(int)
    assert (lossy.shape, lossy.max() > 255) == ((1, 1, 1024, 256), True)
    exact, extended = (loaded(bundled(name)).array_tzyx.astype(int) for name in ("JPEG-LL.dcm", "JPGExtended.dcm"))
    assert np.abs(exact - extended).mean() < 3
    assert extended.max() > 255


def bundled(name):
    found = get_testdata_file(name, download=False)
    if found is None:
        pytest.skip("pydicom-data is not installed")
    return Path(found)


def test_trap_37_broken_encapsulation(tmp_path):
    with pytest.raises(UnreadableInput, match=r"JPEG2000-embedded.* cannot be decoded.*JPEG 2000"):
        loaded(bundled("JPEG2000-embedded-sequence-delimiter.dcm"))
    (path,) = write_ct_series(tmp_path, slices=1)
    dataset = pydicom.dcmread(path)
    dataset.compress(JPEG2000Lossless)
    for frame in (b"\xff\x4f\xff\x51", b"not a codestream at all" * 9):
        dataset.PixelData = encapsulate([frame])
        dataset.save_as(path)
        with pytest.raises(UnreadableInput, match=path.name):
            loaded(path)


def test_trap_38_truncated_pixels(tmp_path):
    with pytest.raises(UnreadableInput, match=r"MR_truncated.dcm is cut off"):
        scan(bundled("MR_truncated.dcm"))
    paths = write_ct_series(tmp_path, slices=5)
    paths[1].write_bytes(paths[1].read_bytes()[:-1000])
    found = scan(tmp_path)
    (series,) = found.all_series()
    assert series.shape_zyx == (4, 64, 64)
    assert paths[1].name in series.irregularity
    assert [one.path for one in found.skipped] == [paths[1]]


@pytest.mark.parametrize("implicit", [True, False])
@pytest.mark.parametrize("preamble", [True, False])
def test_trap_39_no_file_meta(tmp_path, implicit, preamble):
    paths = write_ct_series(tmp_path, slices=2)
    true = loaded(tmp_path).array_tzyx
    for path in paths:
        dataset = pydicom.dcmread(path)
        dataset.remove_private_tags()
        del dataset.file_meta, dataset.preamble
        with path.open("wb") as file:
            if preamble:
                file.write(bytes(128) + b"DICM")
            pydicom.dcmwrite(file, dataset, implicit_vr=implicit, little_endian=True, enforce_file_format=False)
    np.testing.assert_array_equal(loaded(tmp_path).array_tzyx, true)


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_trap_51_big_endian(tmp_path, bits):
    (path,) = write_mr_series(tmp_path, slices=1)
    values = (RAMP % 200).astype(f">u{bits // 8}")
    dataset = pydicom.dcmread(path)
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelData = values.tobytes()
    dataset["PixelData"].VR = "OW" if bits > 8 else "OB"
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    pydicom.dcmwrite(path, dataset, implicit_vr=False, little_endian=False, force_encoding=True)
    array = loaded(path).array_tzyx
    np.testing.assert_array_equal(array[0, 0], values)
    assert array.dtype.isnative


def test_trap_56_j2k_sign_mismatch():
    path = bundled("J2K_pixelrep_mismatch.dcm")
    array = loaded(path).array_zyx[0]
    assert array.min() == -2000
    assert (array[0, 0], array.max() > 1000) == (-2000, True)


def test_missing_codec_is_named_with_syntax_file_and_remedy(tmp_path, monkeypatch):
    from pydicom.pixels import get_decoder

    (path,) = write_ct_series(tmp_path, slices=1)
    dataset = pydicom.dcmread(path)
    dataset.compress(JPEGLSLossless)
    dataset.save_as(path)
    decoder = get_decoder(JPEGLSLossless)
    monkeypatch.setattr(decoder, "_available", {})
    with pytest.raises(UnreadableInput) as caught:
        loaded(path)
    for part in (str(path), "JPEG-LS Lossless", "not installed", "Install the Python package pyjpegls."):
        assert part in caught.value.sentence()


def test_video_is_named_with_syntax_file_and_remedy(tmp_path):
    (path,) = write_ct_series(tmp_path, slices=1)
    dataset = pydicom.dcmread(path)
    dataset.PixelData = encapsulate([b"\0\0\1\xb3" * 10])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"
    dataset.save_as(path)
    with pytest.raises(UnreadableInput, match=r"CT0000.dcm is compressed as MPEG-4.*cannot decode. Save it"):
        loaded(path)
