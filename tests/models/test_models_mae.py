"""The masked autoencoder against literal formulas, and its encoder against timm's own vision transformer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import nn

from graticule.errors import RecipeError, TrainingError
from graticule.models.backbone import create_backbone
from graticule.models.mae import MaeSettings, MaskedAutoencoder, create_autoencoder
from graticule.models.weights import load_backbone_weights


@pytest.fixture(scope="module")
def network() -> MaskedAutoencoder:
    torch.manual_seed(0)
    return create_autoencoder(MaeSettings("tiny", size_px=64)).eval()


def photos(count: int = 2, side: int = 64) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(1))


def noise(count: int = 2, patches: int = 16) -> torch.Tensor:
    return torch.rand(count, patches, generator=torch.Generator().manual_seed(2))


def squares(image: torch.Tensor) -> list[torch.Tensor]:
    """The patches of one photo, row by row, cut in the plainest way."""
    side = image.shape[1] // 16
    return [
        image[:, 16 * row : 16 * row + 16, 16 * column : 16 * column + 16]
        for row in range(side)
        for column in range(side)
    ]


def test_a_quarter_of_the_patches_passes_the_encoder_and_no_more(network: MaskedAutoencoder) -> None:
    lengths = []
    handle = network.encoder.blocks[0].register_forward_hook(
        lambda _module, _given, out: lengths.append(out.shape[1])
    )
    restored = network(photos(), noise())
    handle.remove()
    assert lengths == [1 + 4]  # the class token, and 4 of 16
    assert restored.masked.sum(dim=1).tolist() == [12, 12]
    lowest = noise().argsort(dim=1)[:, :4]
    assert not restored.masked.gather(1, lowest).any()


def test_hidden_patches_change_nothing_but_the_target(network: MaskedAutoencoder) -> None:
    image = photos()
    restored = network(image, noise())
    other = network.to_image(torch.where(restored.masked[:, :, None], 0.9, network.to_patches(image)))
    assert torch.equal(network(other, noise()).pixels, restored.pixels)
    assert not torch.equal(other, image)
    seen = network.to_image(torch.where(restored.masked[:, :, None], network.to_patches(image), 0.9))
    assert not torch.allclose(network(seen, noise()).pixels, restored.pixels, atol=1e-3)


@torch.no_grad()
@pytest.mark.parametrize("name", ["masked-normalised", "all-summed"])
def test_losses_are_what_the_papers_say(name: str) -> None:
    network = create_autoencoder(MaeSettings("tiny", size_px=64, loss=name)).eval()  # type: ignore[arg-type]
    image, order = photos(), noise()
    restored, whole = network(image, order), network.normalise(image)
    for row, loss in enumerate(network.losses(image, order)):
        terms = []
        said_and_true = zip(squares(restored.pixels[row]), squares(whole[row]), strict=True)
        for number, (said, true) in enumerate(said_and_true):
            if name == "masked-normalised":
                if not restored.masked[row, number]:
                    continue
                true = (true - true.mean()) / (true.var() + 1e-6).sqrt()
            terms.append(((said - true) ** 2).mean())
        expected = torch.stack(terms).mean() if name == "masked-normalised" else torch.stack(terms).sum()
        assert loss == pytest.approx(float(expected), rel=1e-5)


def test_the_encoder_is_timms(network: MaskedAutoencoder) -> None:
    theirs = timm.create_model("vit_tiny_patch16_224", num_classes=0, img_size=64, global_pool="avg").eval()
    renamed = {re.sub("^norm[.]", "fc_norm.", k): v for k, v in network.encoder.state_dict().items()}
    theirs.load_state_dict(renamed)
    # timm takes the mean before the last norm, the probe after it: compare the tokens before both
    image = network.normalise(photos())
    assert torch.allclose(theirs.forward_features(image), _before_norm(network, image), atol=1e-5)
    everything = torch.arange(16).expand(2, -1)
    assert torch.allclose(
        network._encode(image, everything), network.encoder.forward_features(image), atol=1e-5
    )


@torch.no_grad()
def test_pixels_are_those_of_the_transposed_convolution(network: MaskedAutoencoder) -> None:
    decoder = network.decoder
    seen, back = torch.randn(2, 5, 192), torch.stack([torch.randperm(16), torch.arange(16)])
    found: list[torch.Tensor] = []
    handle = decoder.norm.register_forward_hook(lambda _module, _given, out: found.append(out))
    pixels = decoder(seen, back)
    handle.remove()
    expected = decoder.widen(found[0][:, 1:].transpose(1, 2).unflatten(2, (4, 4)))
    assert torch.allclose(pixels, expected, atol=1e-5)


def _before_norm(network: MaskedAutoencoder, image: torch.Tensor) -> torch.Tensor:
    norm, network.encoder.norm = network.encoder.norm, nn.Identity()
    try:
        tokens: torch.Tensor = network.encoder.forward_features(image)
    finally:
        network.encoder.norm = norm
    return tokens


def test_its_tensors_load_into_a_vision_transformer(network: MaskedAutoencoder, tmp_path: Path) -> None:
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()},
              tmp_path / "mae.safetensors")  # fmt: skip
    for pooling in ("token", "avg"):
        backbone = create_backbone("vit_tiny_patch16_224", pooling=pooling, size_px=96)
        load_backbone_weights(backbone, tmp_path / "mae.safetensors", architecture="vit_tiny_patch16_224")
        name = "blocks.11.mlp.fc2.weight"
        assert torch.equal(backbone.state_dict()[name], network.encoder.state_dict()[name])


def test_public_weights_are_of_the_encoder() -> None:
    with torch.device("meta"):  # names and shapes alone
        public = timm.create_model("vit_base_patch16_224.mae", num_classes=0).state_dict()
        ours = create_backbone("vit_base_patch16_224", pooling="token").state_dict()
    assert {name: tensor.shape for name, tensor in public.items()} == {
        name: tensor.shape for name, tensor in ours.items()
    }


def test_weights_of_an_earlier_run(network: MaskedAutoencoder, tmp_path: Path) -> None:
    file = tmp_path / "mae.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, file)
    again = create_autoencoder(MaeSettings("tiny", size_px=32, weights=str(file)))
    assert torch.equal(again.encoder.cls_token, network.encoder.cls_token)
    with pytest.raises(TrainingError, match="another shape"):
        create_autoencoder(MaeSettings("small", size_px=32, weights=str(file)))


def test_s3s_sizes() -> None:
    with torch.device("meta"):
        encoder = create_backbone("vit_base_patch16_224", pooling="token")
    assert (encoder.embed_dim, len(encoder.blocks), encoder.blocks[0].attn.num_heads) == (768, 12, 12)
    small = create_autoencoder(MaeSettings("small", size_px=32))
    assert small.decoder.narrow.out_features == 384 // 2
    assert len(small.decoder.blocks) == 4
    hidden = small.decoder.blocks[0].mlp.fc1.out_features
    assert hidden * 2 == small.encoder.blocks[0].mlp.fc1.out_features


def test_restored_photos_keep_what_was_seen(network: MaskedAutoencoder) -> None:
    image = photos()
    masked, restored = network.restore(image, noise())
    seen = ~network(image, noise()).masked
    for shown in (masked, restored):
        assert torch.allclose(network.to_patches(shown)[seen], network.to_patches(image)[seen], atol=1e-6)
    assert (network.to_patches(masked)[~seen] == 0.5).all()
    assert restored.min() >= 0
    assert restored.max() <= 1


def test_all_but_one_patch_hidden() -> None:
    network = create_autoencoder(MaeSettings("tiny", size_px=32, mask_ratio=0.99))
    assert network.visible == 1
    assert torch.isfinite(network.losses(torch.zeros(1, 3, 32, 32), noise(1, 4))).all()  # black: no variance


@pytest.mark.parametrize(("settings", "words"), [
    (MaeSettings("huge"), "no autoencoder of size 'huge'"),
    (MaeSettings("tiny", size_px=100), r"100 px cannot be cut(.|\n)*such as 96"),
])  # fmt: skip
def test_what_cannot_be_built(settings: MaeSettings, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        create_autoencoder(settings)
