"""The names a package may use. Whatever is not here is refused, so widen a list only with a test beside it."""

from __future__ import annotations

_OURS = """
    AddChannel AsChannelFirst EnsureChannelFirst EnsureType FromMetaTensor Identity LoadImage SaveClassification
    SaveImage ToDevice ToNumpy ToTensor
"""
_DICTIONARY_ONLY = """
    keys allow_missing_keys lazy source_key start_coord_key end_coord_key device meta_keys meta_key_postfix
    image_only track_meta wrap_sequence
"""
_PER_KEY = "align_corners anti_aliasing argmax dtype mode padding_mode sigmoid softmax threshold to_onehot"
_NETWORKS = """
    AHNet AttentionUnet BasicUNet BasicUNetPlusPlus BasicUnet Classifier DenseNet DenseNet121 DenseNet169 DenseNet201
    DenseNet264 Densenet121 DynUNet DynUnet EfficientNet EfficientNetBN FlexUNet FlexibleUNet HighResNet MedNeXt
    MedNeXtB MedNeXtL MedNeXtM MedNeXtS Regressor ResNet SENet154 SEResNet50 SEResNet101 SEResNet152 SEResNeXt50
    SEResNeXt101 SEResNext50 SEResNext101 SegResNet SegResNetDS SegResNetDS2 SegResNetVAE SwinUNETR UNet UNETR Unet ViT
    VNet basicunet densenet121 densenet169 densenet201 densenet264 resnet10 resnet18 resnet34 resnet50 resnet101
    resnet152 seresnet50
"""
_TRANSFORMS = """
    AdjustContrast BorderPad CastToType CenterSpatialCrop ClipIntensityPercentiles CropForeground DivisiblePad Flip
    GaussianSmooth HistogramNormalize MedianSmooth NormalizeIntensity Orientation RepeatChannel Resize
    ResizeWithPadOrCrop ScaleIntensity ScaleIntensityFixedMean ScaleIntensityRange ScaleIntensityRangePercentiles
    ShiftIntensity Spacing SpatialCrop SpatialPad StdShiftIntensity ThresholdIntensity
"""

MONAI_NETWORKS = frozenset(_NETWORKS.split())
OWN_NETWORKS = frozenset(
    {
        "medassist.inference.interactive.lite_medsam.LiteMedSam",
        "medassist.inference.networks.ensemble.Ensemble",
        "medassist.inference.networks.fcn.FCN",
        "medassist.inference.networks.placed_gradients.PlacedGradients",
        "medassist.inference.networks.reconstruction.ReconstructionError",
        "medassist.inference.networks.slice_reader.SliceReader",
    }
)
TORCH_LAYERS = frozenset({"Conv2d", "Conv3d", "Identity", "Linear"})

# Those that change the grid keep MetaTensor.affine true (tests/inference/test_inference_grid.py measures it).
TRANSFORMS = frozenset(_TRANSFORMS.split())

# How far GaussianSmooth (standard deviation) and MedianSmooth may look, in voxels; the steps of a histogram.
MAX_REACH = {"sigma": 100, "radius": 3, "num_bins": 1 << 20}

# The product reads and writes files itself, its arrays are channel-first tensors from the start, and it places them.
OURS = frozenset(_OURS.split())

# These only name, copy or forget entries of the dictionary a bundle passes along.
BOOKKEEPING = frozenset({"CopyItems", "DeleteItems", "SelectItems"})

WINDOW_OPTIONS = frozenset({"roi_size", "sw_batch_size", "overlap", "mode", "sigma_scale", "padding_mode", "cval"})
PLACEMENT_OPTIONS = frozenset({"device", "sw_device", "progress", "cache_roi_weight_map", "buffer_steps", "buffer_dim"})
DICTIONARY_ONLY = frozenset(_DICTIONARY_ONLY.split())
# What a dictionary transform may list once per key (monai.utils.ensure_tuple_rep over its keys).
PER_KEY = frozenset(_PER_KEY.split())
RAS_LABELS = (("L", "R"), ("P", "A"), ("I", "S"))

# Why a network of MONAI is not on the list, where there is more to say than that.
REASONS = {
    "DiNTS": "its architecture is found by a search and read from another file",
    "HoVerNet": "it answers several maps that need code of their own",
    "RetinaNet": "it detects boxes, and MedAssist runs segmentation and classification",
    "TorchVisionFCModel": "it needs torchvision, which MedAssist does not carry",
    "VISTA3D": "it needs prompts besides the image",
}

# Arguments of older versions of MONAI: dropped where MONAI dropped them without effect, renamed where it renamed them.
FORMER_ARGUMENTS = {
    ("SwinUNETR", "img_size"): "",
    ("UNETR", "pos_embed"): "proj_type",
    ("ViT", "pos_embed"): "proj_type",
    ("UNet", "dimensions"): "spatial_dims",
    ("BasicUNet", "dimensions"): "spatial_dims",
}
