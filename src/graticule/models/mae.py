"""Masked autoencoder: a vision transformer that learns from photos alone, by restoring what is hidden."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

import torch
from timm.layers.pos_embed_sincos import build_sincos2d_pos_embed
from timm.models import checkpoint_seq
from timm.models.vision_transformer import Block
from torch import Tensor, nn
from torch.nn import functional

from graticule.errors import RecipeError
from graticule.models.backbone import create_backbone, pretrained_card
from graticule.models.network import parameter_count, trainable_count
from graticule.models.preprocessing import Normalise, Preprocessing
from graticule.models.weights import load_backbone_weights

ENCODERS: Final = {
    "tiny": "vit_tiny_patch16_224",
    "small": "vit_small_patch16_224",
    "base": "vit_base_patch16_224",
}
"""timm's vision transformer of each size: 192, 384 and 768 wide, all with 12 blocks."""

ENCODERS_PX: Final = 224
"""Side of the photos that these see where nothing else is asked for."""

PUBLIC: Final = {"base": "vit_base_patch16_224.mae"}
"""timm's tag of public weights of a masked autoencoder, of the sizes that have some."""

Loss = Literal["masked-normalised", "all-summed"]
"""What is to be restored: see ``MaeSettings``."""

VARIANCE_FLOOR: Final = 1e-6
"""Added to the variance of a patch before it is divided by: skies have none."""


@dataclass(frozen=True)
class MaeSettings:
    """A masked autoencoder.

    Convention:
        - ``size``: a name of ``ENCODERS``; ``weights`` of the encoder: ``none``, ``pretrained`` (of timm:
          those of ``PUBLIC``, else a classifier's), or what ``load_backbone_weights`` reads
        - ``size_px``: side of the square that photos are brought to, a multiple of ``patch_px``
        - ``mask_ratio``: share of the patches that the encoder is not shown
        - ``loss``: ``masked-normalised``: mean squared error of the masked patches, each brought to mean 0
          and deviation 1; ``all-summed``: of all patches as they are, summed over the patches of a photo

    Source:
        K. He et al., "Masked Autoencoders Are Scalable Vision Learners" (2021); S3 (2024), 3.2.1 and 4.2.1.
    """

    size: str = "base"
    size_px: int | None = None
    weights: str = "none"
    patch_px: int = 16
    mask_ratio: float = 0.75
    loss: Loss = "masked-normalised"
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None


class Restored(NamedTuple):
    """What the decoder says.

    Convention:
        - ``pixels``: (B, 3, H, W) in the units of the loss; ``masked``: (B, L) True where unseen
        - L patches, row by row from the upper left
    """

    pixels: Tensor
    masked: Tensor


class MaskedAutoencoder(nn.Module):
    """Encoder of visible patches, and a smaller decoder that restores all of them.

    Convention:
        - photos are (B, 3, H, W) RGB in [0, 1]; ``noise`` (B, L) orders the patches of each: those with the
          lowest numbers stay visible
        - ``encoder`` is a plain vision transformer of timm, and so are its tensors
        - the decoder is half as wide, with a third of the blocks and as many heads

    Source:
        S3 (2024), 3.2.1. Its mask token is added before the layer that narrows the features, ours behind it:
        a linear layer of a learned vector is a learned vector.
    """

    def __init__(self, encoder: Any, preprocessing: Preprocessing, settings: MaeSettings) -> None:
        super().__init__()
        self.settings = settings
        self.preprocessing = preprocessing
        self.normalise = Normalise(preprocessing)
        self.encoder = encoder
        grid, width = encoder.patch_embed.grid_size, encoder.embed_dim
        self.decoder = Decoder(
            width, grid, settings.patch_px, depth=max(1, len(encoder.blocks) // 3), heads=_heads(encoder)
        )
        self.patch_px = settings.patch_px
        self.patches = int(grid[0] * grid[1])
        self.visible = max(1, round(self.patches * (1 - settings.mask_ratio)))
        self.computes_twice = False

    def forward(self, image: Tensor, noise: Tensor) -> Restored:
        """Hide most patches, and say what all of them look like."""
        order = noise.argsort(dim=1, stable=True)  # (B, L)
        back = order.argsort(dim=1)  # where each patch went
        seen = self._encode(self.normalise(image), order[:, : self.visible])  # (B, 1 + V, D)
        return Restored(self.decoder(seen, back, twice=self.computes_twice), back >= self.visible)

    def losses(self, image: Tensor, noise: Tensor) -> Tensor:
        """The loss (B,) of each photo."""
        restored = self(image, noise)
        target = self.to_patches(self.normalise(image))
        if self.settings.loss == "masked-normalised":
            target = _standardised(target)
        errors = (self.to_patches(restored.pixels.float()) - target).square().mean(dim=2)  # (B, L)
        if self.settings.loss == "all-summed":
            return errors.sum(dim=1)
        mean: Tensor = (errors * restored.masked).sum(dim=1) / restored.masked.sum(dim=1)
        return mean

    def embed(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, D): the mean over all patches, none of them hidden."""
        tokens: Tensor = self.encoder.forward_features(self.normalise(image))
        return tokens[:, self.encoder.num_prefix_tokens :].mean(dim=1)

    @torch.no_grad()
    def restore(self, image: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """For people to look at: the photos with their hidden patches grey, and with them restored.

        Convention:
            - both are (B, 3, H, W) RGB in [0, 1]; visible patches are the photo's own in both
            - with ``masked-normalised`` a patch has the mean and deviation of the true one, as He et al. draw
        """
        restored = self(image, noise)
        true, pixels = self.to_patches(self.normalise(image)), self.to_patches(restored.pixels.float())
        if self.settings.loss == "masked-normalised":
            pixels = pixels * _deviation(true) + true.mean(dim=2, keepdim=True)
        hidden = restored.masked[:, :, None]
        shown = self.to_image(torch.where(hidden, pixels, true))
        shown = (shown * self.normalise.std + self.normalise.mean).clamp(0, 1)
        grey = torch.where(hidden, torch.full_like(true, 0.5), self.to_patches(image))
        return self.to_image(grey), shown

    def to_patches(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, L, 3 * patch * patch)."""
        return functional.unfold(image, self.patch_px, stride=self.patch_px).transpose(1, 2)

    def to_image(self, patches: Tensor) -> Tensor:
        """The inverse of ``to_patches``."""
        side = self.preprocessing.size_px
        return functional.fold(patches.transpose(1, 2), (side, side), self.patch_px, stride=self.patch_px)

    def parts(self) -> dict[str, nn.Module]:
        """What an optimiser's groups and the log of a run tell apart."""
        return {"encoder": self.encoder, "decoder": self.decoder}

    def embedding_parts(self) -> tuple[str, ...]:
        """The part that is kept after pre-training."""
        return ("encoder",)

    def set_trainable(self, trainable: Any, *, stages: int | None = None) -> str:
        """All of it learns.

        Raises:
            RecipeError: something else is asked for.
        """
        if trainable != "all" or stages is not None:
            raise RecipeError("Pre-training trains the whole autoencoder.\nLeave out:  trainable")
        self.requires_grad_(True)
        counts = [f"{name} ({trainable_count(part):,})" for name, part in self.parts().items()]
        return f"{', '.join(counts)}: {trainable_count(self):,} parameters"

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Compute activations again for the gradient instead of keeping them; named as timm names it."""
        self.computes_twice = enable
        self.encoder.set_grad_checkpointing(enable)

    def set_modes(self) -> None:
        """Training mode."""
        self.train()

    def in_words(self) -> list[str]:
        """For the log of a run."""
        counts = ", ".join(f"{name} {parameter_count(part):,}" for name, part in self.parts().items())
        side = self.preprocessing.size_px
        return [
            f"Parameters: {counts}; the encoder sees {self.visible} of {self.patches} patches of "
            f"{self.patch_px} px in {side} px."
        ]

    def _encode(self, image: Tensor, kept: Tensor) -> Tensor:
        """The tokens (B, 1 + V, D) of the class and of the patches ``kept`` (B, V)."""
        encoder, proj = self.encoder, self.encoder.patch_embed.proj
        # what the convolution would make of them: hidden patches need not be embedded
        patches = _chosen(self.to_patches(image), kept)  # (B, V, 3 * patch * patch)
        embedded = encoder.patch_embed.norm(functional.linear(patches, proj.weight.flatten(1), proj.bias))
        chosen = embedded + _chosen(encoder.pos_embed[:, 1:].expand(len(image), -1, -1), kept)  # (B, V, D)
        token = (encoder.cls_token + encoder.pos_embed[:, :1]).expand(len(image), -1, -1)
        tokens = encoder.norm_pre(torch.cat([token.to(chosen), chosen], dim=1))
        found: Tensor = encoder.norm(_through(encoder.blocks, tokens, twice=self.computes_twice))
        return found


class Decoder(nn.Module):
    """Tokens of visible patches -> pixels of all patches.

    Convention:
        - ``back`` (B, L): the place of each patch in the order in which visible ones come first
    """

    positions: Tensor

    def __init__(
        self, encoder_width: int, grid: tuple[int, int], patch_px: int, *, depth: int, heads: int
    ) -> None:
        super().__init__()
        width = encoder_width // 2
        self.grid, self.patch_px = grid, patch_px
        self.narrow = nn.Linear(encoder_width, width)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))
        self.register_buffer("positions", _positions(grid, width), persistent=False)
        self.blocks = nn.Sequential(
            *(Block(width, heads, mlp_ratio=4.0, qkv_bias=True) for _ in range(depth))
        )
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.widen = nn.ConvTranspose2d(width, 3, kernel_size=patch_px, stride=patch_px)
        nn.init.normal_(self.mask_token, std=0.02)

    def forward(self, seen: Tensor, back: Tensor, *, twice: bool = False) -> Tensor:
        """(B, 1 + V, D) -> (B, 3, H, W); ``twice``: activations are computed again for the gradient."""
        narrow = self.narrow(seen)
        token, visible = narrow[:, :1], narrow[:, 1:]
        hidden = self.mask_token.to(visible).expand(len(seen), back.shape[1] - visible.shape[1], -1)
        shuffled = torch.cat([visible, hidden], dim=1)
        tokens = torch.cat([token, _chosen(shuffled, back)], dim=1) + self.positions
        tokens = self.norm(_through(self.blocks, tokens, twice=twice))[:, 1:]  # without the class token
        # what the transposed convolution would give: its kernels do not overlap, and torch is slow with them
        px = self.patch_px
        patches = tokens @ self.widen.weight.flatten(1) + self.bias[:, None].expand(-1, px**2).flatten()
        side = (self.grid[0] * px, self.grid[1] * px)
        return functional.fold(patches.transpose(1, 2), side, px, stride=px)

    @property
    def bias(self) -> Tensor:
        """(3,) of red, green and blue."""
        found: Tensor | None = self.widen.bias
        assert found is not None
        return found


def create_autoencoder(settings: MaeSettings) -> MaskedAutoencoder:
    """Build a masked autoencoder and give its encoder its first weights.

    Raises:
        RecipeError: no such size, a side that is no multiple of the patches', or too few patches to hide any.
        MissingFileError, TrainingError: the weights are not there, or not of this encoder.

    Example:
        >>> network = create_autoencoder(MaeSettings("tiny", size_px=64))
        >>> network.patches, network.visible, network.decoder.narrow.out_features, len(network.decoder.blocks)
        (16, 4, 96, 4)
    """
    name = ENCODERS.get(settings.size)
    if name is None:
        raise RecipeError(f"There is no autoencoder of size '{settings.size}'.\nTake: {', '.join(ENCODERS)}")
    px, side = settings.patch_px, ENCODERS_PX if settings.size_px is None else settings.size_px
    if side % px or side < 2 * px:
        raise RecipeError(
            f"image_size_px: {side} px cannot be cut into patches of {px} px.\n"
            f"Take a multiple of {px}, such as {max(2 * px, round(side / px) * px)}."
        )
    # timm calls the last norm ``fc_norm`` when the mean is taken; ``norm`` is what public weights have
    pretrained = settings.weights == "pretrained"
    encoder: Any = create_backbone(
        PUBLIC.get(settings.size, name) if pretrained else name,
        pooling="token",
        size_px=settings.size_px,
        kwargs={"patch_size": px},
        pretrained=pretrained,
    )
    if settings.weights == "none":
        with torch.no_grad():
            encoder.pos_embed.copy_(_positions(encoder.patch_embed.grid_size, encoder.embed_dim))
    elif not pretrained:
        load_backbone_weights(
            encoder,
            settings.weights,
            architecture=name,
            key="network.weights",
            advice="Set network.autoencoder and network.patch_px to those that they are of, or name others.",
        )
    preprocessing = Preprocessing.of_card(
        pretrained_card(encoder), size_px=settings.size_px, mean=settings.mean, std=settings.std
    )
    return MaskedAutoencoder(encoder, preprocessing, settings)


def _chosen(rows: Tensor, places: Tensor) -> Tensor:
    """(B, L, D), (B, V) -> (B, V, D): the rows at these places."""
    return rows.gather(1, places[:, :, None].expand(-1, -1, rows.shape[2]))


def _through(blocks: Any, tokens: Tensor, *, twice: bool) -> Tensor:
    found: Tensor = checkpoint_seq(blocks, tokens) if twice and torch.is_grad_enabled() else blocks(tokens)
    return found


def _positions(grid: tuple[int, int], width: int) -> Tensor:
    """(1, 1 + L, width) sines and cosines of rows and columns; zeros for the class token."""
    patches = build_sincos2d_pos_embed(list(grid), dim=width)
    return torch.cat([torch.zeros(1, width), patches])[None]


def _heads(encoder: Any) -> int:
    return int(encoder.blocks[0].attn.num_heads)


def _deviation(patches: Tensor) -> Tensor:
    return (patches.var(dim=2, keepdim=True) + VARIANCE_FLOOR).sqrt()


def _standardised(patches: Tensor) -> Tensor:
    return (patches - patches.mean(dim=2, keepdim=True)) / _deviation(patches)
