"""First weights: every kind of source fills the backbone exactly, or says why it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from graticule.bundle import BundleCard, write_bundle
from graticule.errors import BundleError, MissingFileError, TrainingError
from graticule.models import create_backbone, load_backbone_weights, read_tensors
from graticule.models.weights import default_bundle, tensors_of_onnx
from graticule.partitions import Partition


@pytest.fixture
def published() -> torch.nn.Module:
    """A network with a classifier, as somebody would publish it."""
    torch.manual_seed(3)
    return timm.create_model("test_resnet", num_classes=10)


def is_filled_from(backbone: torch.nn.Module, source: torch.nn.Module, **tolerance: float) -> bool:
    expected = source.state_dict()
    return all(
        torch.allclose(value.float(), expected[name].float(), **(tolerance or {"rtol": 0, "atol": 0}))
        for name, value in backbone.state_dict().items()
    )


def test_a_published_file_with_its_classifier(published: torch.nn.Module, tmp_path: Path) -> None:
    save_file(published.state_dict(), tmp_path / "w.safetensors")
    backbone = create_backbone("test_resnet")
    load_backbone_weights(backbone, tmp_path / "w.safetensors", architecture="test_resnet")
    assert is_filled_from(backbone, published)


def test_float16_is_read_as_float32(published: torch.nn.Module, tmp_path: Path) -> None:
    halves = {
        name: value.half() for name, value in published.state_dict().items() if value.is_floating_point()
    }
    save_file(halves, tmp_path / "w.safetensors")  # without BatchNorm's counters, as some files are
    backbone = create_backbone("test_resnet")
    load_backbone_weights(backbone, tmp_path / "w.safetensors", architecture="test_resnet")
    assert backbone.conv1[0].weight.dtype == torch.float32
    assert is_filled_from(backbone, published, rtol=1e-3, atol=1e-4)


def test_a_whole_network_gives_its_backbone(published: torch.nn.Module, tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    whole = {f"backbone.{name}": value for name, value in published.state_dict().items() if "fc" not in name}
    whole["head.linear.weight"] = torch.zeros(4, 96)
    save_file(whole, run / "checkpoints" / "best_loss.safetensors", metadata={"architecture": "test_resnet"})
    backbone = create_backbone("test_resnet")
    load_backbone_weights(backbone, run, architecture="test_resnet")
    assert is_filled_from(backbone, published)
    assert read_tensors(run).about == {"architecture": "test_resnet"}


def test_a_hub_folder(published: torch.nn.Module, tmp_path: Path) -> None:
    save_file(published.state_dict(), tmp_path / "model.safetensors")
    backbone = create_backbone("test_resnet")
    load_backbone_weights(backbone, tmp_path, architecture="test_resnet")
    assert is_filled_from(backbone, published)


def test_another_network_is_named(published: torch.nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file(published.state_dict(), path, metadata={"architecture": "test_resnet"})
    with pytest.raises(TrainingError) as caught:
        load_backbone_weights(create_backbone("test_vit"), path, architecture="test_vit")
    text = str(caught.value)
    assert "are of 'test_resnet', not of the backbone 'test_vit'" in text
    assert "tensors are missing in the file, first 'blocks.0.attn.proj.bias'" in text
    assert "tensors of the file are not in the backbone, first 'bn1.bias'" in text


def test_another_shape_is_named(published: torch.nn.Module, tmp_path: Path) -> None:
    tensors = dict(published.state_dict())
    tensors["conv1.0.weight"] = torch.zeros(3, 3, 3, 3)
    save_file(tensors, tmp_path / "w.safetensors")
    with pytest.raises(TrainingError, match=r"first 'conv1.0.weight': \(3, 3, 3, 3\), expected"):
        load_backbone_weights(create_backbone("test_resnet"), tmp_path / "w.safetensors", architecture="x")


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"There are no weights at (.|\n)*weights=none"):
        read_tensors(tmp_path / "absent.safetensors")
    with pytest.raises(MissingFileError, match="holds no weights"):
        read_tensors(tmp_path)


def test_a_damaged_or_pickled_file_is_not_opened(published: torch.nn.Module, tmp_path: Path) -> None:
    save_file(published.state_dict(), tmp_path / "w.safetensors")
    (tmp_path / "short.safetensors").write_bytes((tmp_path / "w.safetensors").read_bytes()[:500])
    torch.save(published.state_dict(), tmp_path / "w.pth")
    for name in ("short.safetensors", "w.pth"):
        with pytest.raises(TrainingError, match=r"not a readable .safetensors file"):
            read_tensors(tmp_path / name)


def test_int8_bundles_cannot_be_started_from(
    three_cells: Partition, colour_bundle: Path, tmp_path: Path
) -> None:
    card = BundleCard(name="eight", architecture="x", head="MC", weights="int8")
    onnx = (colour_bundle / "model.onnx").read_bytes()
    write_bundle(tmp_path / "m", model_onnx=onnx, partition=three_cells, card=card, model_card="")
    with pytest.raises(TrainingError, match="int8 weights, which training cannot start from"):
        read_tensors(tmp_path / "m")


def test_a_damaged_graph_is_refused() -> None:
    with pytest.raises(BundleError, match=r"model\.onnx .* damaged"):
        tensors_of_onnx(b"no graph")


def test_the_default_model_gives_the_backbone_of_the_quick_recipe() -> None:
    if not default_bundle().is_file():
        with pytest.raises(MissingFileError, match="carries no default model"):
            read_tensors("default")
        return
    name = "mobilenet_edgetpu_100"
    backbone = create_backbone(name, kwargs={"pad_type": "same"}, identity_modules=["blocks.0.0.bn1.act"])
    before = backbone.conv_stem.weight.clone()
    load_backbone_weights(backbone, "default", architecture=name)
    assert not torch.equal(before, backbone.conv_stem.weight)


@pytest.mark.parametrize(("pooling", "norm"), [("token", "norm"), ("avg", "fc_norm"), ("max", "fc_norm")])
@pytest.mark.parametrize("prefix", ["", "backbone.", "encoder."])
def test_an_encoder_fits_a_vision_transformer_of_any_pooling(
    tmp_path: Path, pooling: str, norm: str, prefix: str
) -> None:
    torch.manual_seed(5)
    encoder = timm.create_model("test_vit", num_classes=0, global_pool="token")
    encoder.norm.weight.data.uniform_()
    run = tmp_path / "run" / "checkpoints"
    run.mkdir(parents=True)
    decoder = {"decoder.weight": torch.zeros(2)} if prefix else {}
    save_file(
        {prefix + name: value for name, value in encoder.state_dict().items()} | decoder,
        run / "best_loss.safetensors",
    )
    backbone = create_backbone("test_vit", pooling=pooling)
    load_backbone_weights(backbone, tmp_path / "run", architecture="test_vit")
    assert torch.equal(backbone.get_parameter(f"{norm}.weight"), encoder.norm.weight)
    image = torch.rand(2, 3, 160, 160)
    with torch.no_grad():
        assert torch.allclose(
            backbone.eval().blocks(backbone._pos_embed(backbone.patch_embed(image))),
            encoder.eval().blocks(encoder._pos_embed(encoder.patch_embed(image))),
        )


def test_positions_are_resampled_to_another_image_size(tmp_path: Path) -> None:
    encoder = timm.create_model("test_vit", num_classes=0)
    with torch.no_grad():  # positions that rise from left to right
        grid = torch.linspace(0, 1, 10).view(1, 1, 10, 1).expand(1, 10, 10, 64).reshape(1, 100, 64)
        encoder.pos_embed.copy_(torch.cat([torch.full((1, 1, 64), 9.0), grid], dim=1))
    save_file(encoder.state_dict(), tmp_path / "w.safetensors")
    backbone = create_backbone("test_vit", size_px=96)
    load_backbone_weights(backbone, tmp_path / "w.safetensors", architecture="test_vit")
    found = backbone.pos_embed.detach()
    assert found.shape == (1, 37, 64)
    assert torch.equal(found[:, 0], torch.full((1, 64), 9.0))
    rows = found[0, 1:, 0].view(6, 6)
    assert torch.allclose(rows, rows[:1].expand(6, 6), atol=1e-3)
    assert bool((rows.diff(dim=1) > 0.1).all())


def test_another_width_is_still_refused(tmp_path: Path) -> None:
    other = timm.create_model("vit_tiny_patch16_224", num_classes=0, depth=1)
    save_file(other.state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(TrainingError, match=r"not of the backbone 'test_vit'"):
        load_backbone_weights(
            create_backbone("test_vit"), tmp_path / "w.safetensors", architecture="test_vit"
        )
