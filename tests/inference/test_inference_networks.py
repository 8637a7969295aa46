"""The networks MONAI does not have: shapes, gradients, and that a package may name them."""

from __future__ import annotations

import pytest
import torch

from medassist.inference.networks.fcn import FCN
from medassist.inference.networks.reconstruction import ReconstructionError
from medassist.inference.networks.slice_reader import SliceReader


@pytest.mark.parametrize(("dims", "size"), [(2, (33, 20)), (3, (9, 16, 11))])
def test_fcn_answers_at_the_size_of_any_image(dims, size) -> None:
    network = FCN(dims, 1, 3, channels=(4, 8, 8, 8)).eval()
    assert network(torch.rand(2, 1, *size)).shape == (2, 3, *size)


@pytest.mark.parametrize("stages", [1, 2, 5])
def test_fcn_of_few_or_many_stages(stages) -> None:
    network = FCN(2, 1, 2, channels=(4,) * stages).eval()
    assert network(torch.rand(1, 1, 32, 32)).shape == (1, 2, 32, 32)
    assert len(network.scores) == min(3, stages)


def test_fcn_learns_a_square() -> None:
    torch.manual_seed(0)
    network, image = FCN(2, 1, 2, channels=(8, 8, 8)), torch.rand(4, 1, 24, 24)
    truth = torch.zeros(4, 24, 24, dtype=torch.long)
    truth[:, 6:18, 6:18] = 1
    image[:, 0][truth == 1] += 1.0
    optimiser = torch.optim.Adam(network.parameters(), 0.02)
    for _ in range(40):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(image), truth).backward()
        optimiser.step()
    assert (network.eval()(image).argmax(1) == truth).float().mean() > 0.95


def test_slice_reader_reads_any_number_of_slices_in_order() -> None:
    torch.manual_seed(0)
    network = SliceReader(1, 2, channels=(4, 8), hidden=8).eval()
    volume = torch.rand(2, 1, 16, 16, 7)
    assert network(volume).shape == (2, 2)
    assert network(volume[..., :3]).shape == (2, 2)
    assert not torch.allclose(network(volume), network(volume.flip(-1)), atol=1e-6)


def test_slice_reader_tells_order_apart_after_learning() -> None:
    """Bright before dark against dark before bright: no network that forgets the order can tell."""
    torch.manual_seed(0)
    network = SliceReader(1, 1, channels=(4, 8), hidden=8, dropout=0.0)
    ramp = torch.linspace(0, 1, 6).expand(8, 1, 8, 8, 6) + 0.05 * torch.rand(8, 1, 8, 8, 6)
    volumes, truth = torch.cat([ramp, ramp.flip(-1)]), torch.cat([torch.zeros(8, 1), torch.ones(8, 1)])
    optimiser = torch.optim.Adam(network.parameters(), 0.02)
    for _ in range(60):
        optimiser.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(network(volumes), truth).backward()
        optimiser.step()
    assert ((network(volumes) > 0) == (truth > 0.5)).all()


def test_reconstruction_error_is_plain_while_learning_and_a_logarithm_after() -> None:
    torch.manual_seed(0)
    network = ReconstructionError(spatial_dims=2, in_channels=1, out_channels=1, channels=(4, 8), strides=(2, 2))
    image = torch.rand(3, 1, 16, 16)
    learning = network(image)
    assert torch.allclose(learning[:, 0], ((network.autoencoder(image) - image) ** 2).mean(dim=(1, 2, 3)), atol=1e-6)
    network.eval()
    wanted = ((network.autoencoder(image) - image) ** 2).mean(dim=(1, 2, 3)).log()
    assert torch.allclose(network(image)[:, 0], wanted, atol=1e-5)
    with pytest.raises(ValueError, match="autoencoder makes"):
        network(torch.rand(1, 1, 15, 16))
