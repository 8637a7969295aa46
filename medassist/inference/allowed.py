"""The names a package may use. Whatever is not here is refused, so widen a list only with a test beside it."""

from __future__ import annotations

_NETWORKS = """
    AHNet AttentionUnet BasicUNet BasicUNetPlusPlus Classifier DenseNet DenseNet121 DenseNet169 DenseNet201
    DenseNet264 DynUNet EfficientNet EfficientNetBN FlexibleUNet HighResNet MedNeXt Regressor ResNet SENet154
    SEResNet50 SEResNet101 SEResNet152 SEResNext50 SEResNext101 SegResNet SegResNetDS SegResNetVAE SwinUNETR UNet
    UNETR ViT VNet basicunet densenet121 densenet169 densenet201 densenet264 resnet10 resnet18 resnet34 resnet50
    resnet101 resnet152 seresnet50
"""
_TRANSFORMS = """
    CastToType CenterSpatialCrop ClipIntensityPercentiles CropForeground DivisiblePad EnsureType Flip GaussianSmooth
    HistogramNormalize MedianSmooth NormalizeIntensity Orientation RepeatChannel Resize ResizeWithPadOrCrop
    ScaleIntensity ScaleIntensityRange ScaleIntensityRangePercentiles ShiftIntensity Spacing SpatialPad
    ThresholdIntensity
"""

MONAI_NETWORKS = frozenset(_NETWORKS.split())
TORCH_LAYERS = frozenset({"Conv2d", "Conv3d", "Identity", "Linear"})

# Those that change the grid keep MetaTensor.affine true (tests/inference/test_inference_grid.py measures it).
TRANSFORMS = frozenset(_TRANSFORMS.split())

# The product reads and writes files itself, and its arrays are channel-first from the start.
OURS = frozenset({"EnsureChannelFirst", "LoadImage", "SaveImage"})

WINDOW_OPTIONS = frozenset({"roi_size", "sw_batch_size", "overlap", "mode", "sigma_scale", "padding_mode", "cval"})
PLACEMENT_OPTIONS = frozenset({"device", "sw_device", "progress", "cache_roi_weight_map"})
DICTIONARY_ONLY = frozenset({"keys", "allow_missing_keys", "lazy", "source_key", "start_coord_key", "end_coord_key"})
RAS_LABELS = (("L", "R"), ("P", "A"), ("I", "S"))
