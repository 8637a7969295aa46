"""Networks of the field, small enough to test on: a builder, the input size and a layer for class activation maps."""

from __future__ import annotations

from typing import Any


def densenet121_2d() -> Any:
    """DenseNet121 whose every ReLU is in place: the norm after the layer is overwritten by the ReLU that follows."""
    from monai.networks.nets import DenseNet121

    return DenseNet121(spatial_dims=2, in_channels=1, out_channels=3)


def resnet_2d() -> Any:
    from monai.networks.nets import ResNet

    return _resnet(ResNet, 2)


def resnet_3d() -> Any:
    from monai.networks.nets import ResNet

    return _resnet(ResNet, 3)


def _resnet(kind: Any, dimensions: int) -> Any:
    return kind(
        block="basic",
        layers=[1, 1, 1, 1],
        block_inplanes=[4, 8, 16, 32],
        spatial_dims=dimensions,
        n_input_channels=1,
        num_classes=3,
        conv1_t_size=7 if dimensions == 2 else 3,
        conv1_t_stride=2,
    )


def densenet_3d() -> Any:
    from monai.networks.nets import DenseNet

    return DenseNet(
        spatial_dims=3, in_channels=1, out_channels=3, init_features=8, growth_rate=4, block_config=(2, 2, 2)
    )


def unet_3d() -> Any:
    from monai.networks.nets import UNet

    return UNet(spatial_dims=3, in_channels=1, out_channels=3, channels=(4, 8, 16), strides=(2, 2), num_res_units=1)


def segresnet_3d() -> Any:
    from monai.networks.nets import SegResNet

    return SegResNet(
        spatial_dims=3, in_channels=1, out_channels=3, init_filters=8, blocks_down=(1, 1, 1), blocks_up=(1, 1)
    )


def densenet121_3d() -> Any:
    from monai.networks.nets import DenseNet121

    return DenseNet121(spatial_dims=3, in_channels=1, out_channels=3)


def unet_2d() -> Any:
    from monai.networks.nets import UNet

    return UNet(spatial_dims=2, in_channels=1, out_channels=3, channels=(4, 8, 16), strides=(2, 2), num_res_units=1)


def segresnet_2d() -> Any:
    from monai.networks.nets import SegResNet

    return SegResNet(
        spatial_dims=2, in_channels=1, out_channels=3, init_filters=8, blocks_down=(1, 1, 1), blocks_up=(1, 1)
    )


def vit_2d() -> Any:
    return _vit((32, 48))


def vit_3d() -> Any:
    return _vit((16, 24, 16))


def _vit(size: tuple[int, ...]) -> Any:
    from monai.networks.nets import ViT

    return ViT(
        in_channels=1, img_size=size, patch_size=8, hidden_size=24, mlp_dim=32, num_layers=3, num_heads=3,
        classification=True, num_classes=3, post_activation=None, spatial_dims=len(size),
    )  # fmt: skip


CLASSIFIERS = {
    "densenet121_2d": (densenet121_2d, (64, 96), "features.norm5"),
    "densenet121_2d_block": (densenet121_2d, (64, 96), "features.denseblock3"),
    "resnet_2d": (resnet_2d, (64, 96), "layer4"),
    "densenet_3d": (densenet_3d, (32, 48, 32), "features.norm5"),
    "resnet_3d": (resnet_3d, (32, 32, 48), "layer3"),
}

SEGMENTERS = {
    "unet_3d": (unet_3d, (16, 24, 16), "model.1.submodule.1.submodule"),
    "segresnet_3d": (segresnet_3d, (16, 24, 16), "down_layers.2"),
}

TRANSFORMERS = {
    "vit_2d": (vit_2d, (32, 48), "blocks.2.norm1"),
    "vit_3d": (vit_3d, (16, 24, 16), "blocks.2.norm1"),
}

OTHERS = {
    "densenet121_3d": (densenet121_3d, (32, 48, 32), "features.denseblock3"),
    "unet_2d": (unet_2d, (32, 48), "model.1.submodule.1.submodule"),
    "segresnet_2d": (segresnet_2d, (32, 48), "down_layers.2"),
}
"""Networks for the slower tests alone."""
