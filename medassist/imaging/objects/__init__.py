"""DICOM objects that are no pictures: masks, contours, maps, reports, and what else refers to images."""
