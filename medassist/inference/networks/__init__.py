"""Networks MONAI does not have; a package names one by its place, `medassist.inference.networks.fcn.FCN`."""
