"""Reading: paths to studies, series and volumes; resampling, slicing and rendering. Numpy out."""
