"""The layouts themselves: one function per public bundle whose shape it has, in small."""

from __future__ import annotations

from zoo import (
    ARGMAX,
    CT_VALUES,
    INVERT,
    LOAD,
    RAS,
    SAVE,
    SOFTMAX,
    UNET,
    Layout,
    compose,
    image,
    outputs,
    scores,
    transform,
)

PLACED = "$@network_def.to(@device)"
CUBE = [32, 32, 32]
WINDOWS = {"_target_": "SlidingWindowInferer", "roi_size": CUBE, "sw_batch_size": 4, "overlap": 0.5}
CT = transform("ScaleIntensityRanged", **CT_VALUES)
TENSOR = transform("EnsureTyped")


def spacing(*pixdim: float, **more: object) -> dict[str, object]:
    return transform("Spacingd", pixdim=list(pixdim), mode="bilinear", **more)


def spleen_ct() -> Layout:
    return Layout(
        {
            "network_def": UNET,
            "network": PLACED,
            "preprocessing": compose(*LOAD, RAS, spacing(1.5, 1.5, 2.0), CT, TENSOR),
            "inferer": WINDOWS,
            "postprocessing": compose(SOFTMAX, INVERT, ARGMAX, SAVE),
        },
        image("CT", CUBE),
        outputs(["background", "spleen"], CUBE),
    )


def prostate_mri() -> Layout:
    keep = transform("KeepLargestConnectedComponentd", "pred", applied_labels=[1, 2])
    normal = (transform("ScaleIntensityd", minv=0, maxv=1), transform("NormalizeIntensityd"), TENSOR)
    return Layout(
        {
            "network_def": UNET | {"out_channels": 3, "act": "prelu", "dropout": 0.15},
            "network": PLACED,
            "preprocessing": compose(*LOAD, RAS, *normal),
            "inferer": WINDOWS,
            "postprocessing": compose(ARGMAX, keep, INVERT, SAVE | {"resample": False}),
            "checkpointloader": None,
            "handlers": [
                {
                    "_target_": "CheckpointLoader",
                    "load_path": "$@bundle_root + '/models/model.pt'",
                    "map_location": {"_target_": "torch.device", "device": "@device"},
                    "load_dict": {"model": "@network"},
                }
            ],
        },
        image("MR", CUBE),
        outputs(["background", "central gland", "peripheral zone"], CUBE, format="labels"),
    )


def swin_unetr_btcv() -> Layout:
    names = ["background", "spleen", "Right Kidney", "Left Kidney", "Liver"]
    return Layout(
        {
            "network_def": {
                "_target_": "SwinUNETR",
                "spatial_dims": 3,
                "in_channels": 1,
                "out_channels": 5,
                "feature_size": 12,
                "depths": [1, 1, 1, 1],
                "num_heads": [1, 1, 1, 1],
                "use_checkpoint": False,
            },
            "network": PLACED,
            "preprocessing": compose(
                transform("LoadImaged", reader="ITKReader"), LOAD[1], RAS, spacing(1.5, 1.5, 2.0), CT, TENSOR
            ),
            "inferer": WINDOWS | {"roi_size": [64, 64, 64], "sw_batch_size": 1, "overlap": 0.25},
            "postprocessing": compose(SOFTMAX, INVERT, ARGMAX, SAVE),
        },
        image("CT", CUBE),
        outputs(names, CUBE),
    )


def whole_body_ct() -> Layout:
    names = ["background", "spleen", "kidney_right", "kidney_left", "vertebrae_L5"]
    keyed = [step | {"keys": "@image_key"} for step in (*LOAD, RAS)]
    return Layout(
        {
            "displayable_configs": {"highres": True, "sw_overlap": 0.25, "sw_batch_size": 1},
            "image_key": "image",
            "pixdim": "$[1.5, 1.5, 1.5] if @displayable_configs#highres else [3.0, 3.0, 3.0]",
            "modelname": "$'model.pt' if @displayable_configs#highres else 'model_lowres.pt'",
            "network_def": {
                "_target_": "SegResNet",
                "spatial_dims": 3,
                "in_channels": 1,
                "out_channels": 5,
                "init_filters": 8,
                "blocks_down": [1, 1],
                "blocks_up": [1],
                "dropout_prob": 0.2,
            },
            "network": PLACED,
            "preprocessing": compose(
                keyed[0],
                transform("EnsureTyped", "@image_key"),
                *keyed[1:],
                transform("Spacingd", "@image_key", pixdim="@pixdim", mode="bilinear"),
                transform("NormalizeIntensityd", "@image_key", nonzero=True),
                transform("ScaleIntensityd", "@image_key", minv=-1.0, maxv=1.0),
            ),
            "inferer": WINDOWS
            | {
                "sw_batch_size": "@displayable_configs#sw_batch_size",
                "overlap": "@displayable_configs#sw_overlap",
                "padding_mode": "replicate",
                "mode": "gaussian",
                "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
            },
            "postprocessing": compose(
                SOFTMAX, ARGMAX, INVERT | {"orig_keys": "@image_key", "nearest_interp": True}, SAVE
            ),
            "checkpointloader": {
                "_target_": "CheckpointLoader",
                "load_path": "$@bundle_root + '/models/' + @modelname",
                "load_dict": {"model": "@network"},
            },
        },
        image("CT", CUBE),
        outputs(names, CUBE, value_range=[0, 4]),
    )


def ventricles_by_slices() -> Layout:
    return Layout(
        {
            "network_def": UNET | {"spatial_dims": 2, "out_channels": 4, "norm": "instance"},
            "network": PLACED,
            "ckpt_path": "$@bundle_root + '/models/model.pt'",
            "preprocessing": compose(
                LOAD[0] | {"image_only": False},
                LOAD[1],
                transform("ScaleIntensityd"),
                transform("EnsureTyped", device="@device"),
            ),
            "inferer": {"_target_": "SliceInferer", "roi_size": [32, 32], "spatial_dim": 2},
            "postprocessing": compose(SOFTMAX, INVERT, ARGMAX, SAVE),
            "checkpointloader": None,
            "handlers": [
                {"_target_": "CheckpointLoader", "load_path": "@ckpt_path", "load_dict": {"model": "@network"}}
            ],
        },
        image("MR", [32, 32], is_patch_data=False),
        outputs(["background", "lv_pool", "myocardium", "rv_pool"], [32, 32]),
    )


def pediatric_abdomen() -> Layout:
    return Layout(
        {
            "input_channels": 1,
            "output_channels": 4,
            "spatial_size": CUBE,
            "spatial_dims": "$len(@spatial_size)",
            "image_key": "image",
            "network_def": {
                "_target_": "monai.networks.nets.DynUNet",
                "spatial_dims": "@spatial_dims",
                "in_channels": "@input_channels",
                "out_channels": "@output_channels",
                "kernel_size": [3, 3, 3],
                "strides": [1, 2, [2, 2, 1]],
                "upsample_kernel_size": [2, [2, 2, 1]],
                "filters": [4, 8, 16],
                "norm_name": "instance",
                "deep_supervision": False,
                "res_block": True,
            },
            "network": PLACED,
            "preprocessing": compose(
                transform("LoadImaged", "@image_key", reader="ITKReader"),
                transform("EnsureChannelFirstd", "@image_key"),
                RAS,
                transform("Spacingd", ["@image_key"], pixdim=[1.5, 1.5, 3.0], mode=["bilinear"]),
                transform("ScaleIntensityRanged", "@image_key", **CT_VALUES),
                transform("CropForegroundd", ["@image_key"], source_key="@image_key", mode=["minimum"]),
                TENSOR,
                transform("CastToTyped", "@image_key", dtype="$torch.float32"),
            ),
            "inferer": WINDOWS | {"overlap": 0.75},
            "postprocessing": compose(SOFTMAX, INVERT, ARGMAX, SAVE | {"output_dtype": "$torch.int16"}),
            "checkpointloader": None,
            "handlers": [
                {
                    "_target_": "CheckpointLoader",
                    "load_path": "$@bundle_root + '/models/dynunet_FT.pt'",
                    "load_dict": {"model": "@network"},
                }
            ],
        },
        image("CT", CUBE),
        outputs(["background", "liver", "spleen", "pancreas"], CUBE),
        yaml=True,
        weights="models/dynunet_FT.pt",
    )


def segmentation_template() -> Layout:
    return Layout(
        {
            "image": "$monai.utils.CommonKeys.IMAGE",
            "pred": "$monai.utils.CommonKeys.PRED",
            "num_classes": 4,
            "network_def": UNET | {"out_channels": "@num_classes", "norm": ["instance", {"affine": False}]},
            "network": PLACED,
            "transforms": [
                transform("LoadImaged", "@image", image_only=True),
                transform("EnsureChannelFirstd", "@image"),
                transform("ScaleIntensityd", "@image"),
            ],
            "preprocessing": {"_target_": "Compose", "transforms": "$@transforms"},
            "inferer": {"_target_": "SimpleInferer"},
            "postprocessing": compose(
                transform("Activationsd", "@pred", softmax=True),
                transform("AsDiscreted", "@pred", argmax=True),
                transform("SaveImaged", "@pred", dtype="$None", output_dtype="$None", resample=False),
            ),
            "handlers": [
                {
                    "_target_": "CheckpointLoader",
                    "_disabled_": "$not os.path.exists(@ckpt_path)",
                    "load_path": "@ckpt_path",
                    "load_dict": {"model": "@network"},
                }
            ],
            "ckpt_path": "$@bundle_root + '/models/model.pt'",
        },
        image("MR", CUBE),
        outputs(["background", "category 1", "category 1", "category 1"], CUBE),
        yaml=True,
    )


def classification_template() -> Layout:
    return Layout(
        {
            "image": "$monai.utils.CommonKeys.IMAGE",
            "label": "$monai.utils.CommonKeys.LABEL",
            "pred": "$monai.utils.CommonKeys.PRED",
            "num_classes": 4,
            "network_def": {
                "_target_": "DenseNet",
                "spatial_dims": 2,
                "in_channels": 1,
                "out_channels": "@num_classes",
                "init_features": 4,
                "growth_rate": 4,
                "block_config": [1, 1],
                "bn_size": 1,
            },
            "network": PLACED,
            "transforms": [
                transform("LoadImaged", "@image"),
                transform("EnsureChannelFirstd", "@image"),
                transform("ScaleIntensityd", "@image"),
            ],
            "preprocessing": {"_target_": "Compose", "transforms": "$@transforms"},
            "inferer": {"_target_": "SimpleInferer"},
            "postprocessing": compose(
                transform("Activationsd", "@pred", softmax=True),
                transform("AsDiscreted", ["@pred", "@label"], argmax=[True, False], to_onehot="@num_classes"),
                transform("ToTensord", ["@pred", "@label"], device="@device"),
            ),
        },
        image("none", [64, 64]),
        scores(["background", "circle", "triangle", "rectangle"]),
        metadata={"data_type": "png"},
        yaml=True,
    )


def endoscopic_inbody() -> Layout:
    keyed = {"keys": "@image_key"}
    return Layout(
        {
            "image_key": "image",
            "output_filename": "predictions.csv",
            "test_fp": "$open(@test_json,'r', encoding='utf8')",
            "test_dict": "$json.load(@test_fp)",
            "network_def": {"_target_": "SEResNet50", "spatial_dims": 2, "in_channels": 3, "num_classes": 2},
            "network": PLACED,
            "preprocessing": compose(
                LOAD[0] | keyed | {"image_only": False},
                LOAD[1] | keyed | {"channel_dim": -1},
                transform("Resized", "@image_key", spatial_size=[64, 64], mode="bilinear"),
                transform("CastToTyped", "@image_key", dtype="$torch.float32"),
                transform("NormalizeIntensityd", "@image_key", nonzero=True, channel_wise=True),
                transform("EnsureTyped", "@image_key"),
            ),
            "inferer": {"_target_": "SimpleInferer"},
            "postprocessing": compose(
                transform("AsDiscreted", ["pred"], argmax=True, to_onehot=2),
                transform("SaveClassificationd", "pred", meta_keys="$@image_key + '_meta_dict'", filename="@x"),
            ),
        },
        image("regular", [64, 64], 3, type="magnitude", format="RGB", channel_def={"0": "R", "1": "G", "2": "B"}),
        scores(["in body", "out body"]),
        metadata={"data_type": "RGB"},
    )


def endoscopic_tool() -> Layout:
    """The public one ends with a lambda, which is refused; without it this is what it does."""
    return Layout(
        {
            "network_def": {
                "_target_": "FlexibleUNet",
                "in_channels": 3,
                "out_channels": 2,
                "backbone": "efficientnet-b0",
                "spatial_dims": 2,
                "pretrained": False,
                "is_pad": False,
                "pre_conv": None,
            },
            "network": PLACED,
            "preprocessing": compose(
                LOAD[0],
                LOAD[1] | {"channel_dim": -1},
                transform("Resized", ["image"], spatial_size=[64, 96], mode=["bilinear"]),
                transform("ScaleIntensityd", ["image"]),
            ),
            "inferer": {"_target_": "SimpleInferer"},
            "postprocessing": compose(INVERT, transform("AsDiscreted", ["pred"], argmax=True), SAVE),
        },
        image("regular", [64, 96], 3, type="magnitude", format="RGB", channel_def={"0": "R", "1": "G", "2": "B"}),
        outputs(["background", "tools"], [64, 96]),
        metadata={"data_type": "RGB"},
        example=(1, 3, 64, 96),
    )


def brats() -> Layout:
    """The public one ends with a lambda, which is refused; without it this is what it does."""
    return Layout(
        {
            "network_def": {
                "_target_": "SegResNet",
                "blocks_down": [1, 1],
                "blocks_up": [1],
                "init_filters": 8,
                "in_channels": 4,
                "out_channels": 3,
                "dropout_prob": 0.2,
            },
            "network": PLACED,
            "preprocessing": compose(*LOAD, transform("NormalizeIntensityd", nonzero=True, channel_wise=True)),
            "inferer": WINDOWS,
            "postprocessing": compose(
                transform("Activationsd", "pred", sigmoid=True),
                INVERT,
                transform("AsDiscreted", "pred", threshold=0.5),
                SAVE,
            ),
        },
        image("MR", ["8*n"] * 3, 4, channel_def={"0": "T1c", "1": "T1", "2": "T2", "3": "FLAIR"}),
        outputs(["Tumor core", "Whole tumor", "Enhancing tumor"], ["8*n"] * 3),
    )


def one_sigmoid() -> Layout:
    return Layout(
        {
            "network_def": UNET | {"out_channels": 1},
            "network": PLACED,
            "preprocessing": compose(*LOAD, RAS, CT),
            "inferer": {"_target_": "monai.inferers.SlidingWindowInferer", "roi_size": CUBE},
            "postprocessing": compose(
                transform("Activationsd", "pred", sigmoid=True),
                INVERT,
                transform("AsDiscreted", "pred", threshold=0.55),
                transform("FillHolesd", "pred"),
                transform("RemoveSmallObjectsd", "pred", min_size=20),
            ),
        },
        image("CT", CUBE),
        outputs(["lesion"], CUBE),
    )
