"""What limits a run: loading photos or computing, each measured alone."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import torch

from graticule.models import PlaceNetwork
from graticule.training.augmentation import vary_batch
from graticule.training.loading import Batch, KeptFeatures, Photos, training_loader, worker_count
from graticule.training.recipe import Recipe
from graticule.training.sampling import EpochOrder, RoundBatches

if TYPE_CHECKING:
    from graticule.training.callbacks import Say
    from graticule.training.run_folder import RunFolder

BATCHES: Final = 12
"""How many batches each is measured on; the first is left out, since it starts processes."""


@dataclass(frozen=True)
class Profile:
    """How fast photos are loaded and computed with, in photos per second."""

    loading_photos_per_s: float
    computing_photos_per_s: float
    batch_size: int
    workers: int
    device: str

    @property
    def limit(self) -> str:
        """``loading`` or ``computing``: the slower."""
        return "loading" if self.loading_photos_per_s < self.computing_photos_per_s else "computing"

    def in_words(self) -> str:
        """What was measured, what limits, and what helps."""
        advice = {
            "loading": "Store photos at training size (graticule ingest --max-side), or set more 'workers'.",
            "computing": "Smaller photos (network.image_size_px) or a smaller backbone are faster; on GPUs "
            "also compute.precision.",
        }
        return (
            f"Profile: {self.workers} processes load {self.loading_photos_per_s:,.0f} photos/s, "
            f"{self.device} computes {self.computing_photos_per_s:,.0f} photos/s: {self.limit} is the limit. "
            f"{advice[self.limit]}"
        )

    def report(self, run: RunFolder, say: Say) -> None:
        """Write ``profile.json`` and say it."""
        run.write_profile({**asdict(self), "limit": self.limit})
        say(self.in_words())


def profile(network: PlaceNetwork, data: Photos | KeptFeatures, recipe: Recipe, phase: int) -> Profile:
    """Load a few batches, and pass one of them forward and backward a few times; nothing is learned."""
    order = EpochOrder(len(data), seed=recipe.seed)
    batches = RoundBatches(order, batch_size=recipe.batch_size, phase=phase)
    batches.stop = batches.longest = min(batches.per_epoch, BATCHES)
    photos, began, last = 0, time.perf_counter(), None
    for number, batch in enumerate(training_loader(data, batches, workers=recipe.workers)):
        last = batch if last is None or len(batch.rows) >= len(last.rows) else last
        if number == 0 and batches.stop > 1:
            began = time.perf_counter()
        else:
            photos += len(batch.rows) + len(batch.unreadable)
    loading = photos / max(time.perf_counter() - began, 1e-9)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    assert last is not None
    computing = _passes(network.to(device), last, recipe, device)
    return Profile(
        round(loading, 1), round(computing, 1), recipe.batch_size, worker_count(recipe.workers), device.type
    )


def _passes(network: PlaceNetwork, batch: Batch, recipe: Recipe, device: torch.device) -> float:
    """Photos per second forward and backward; the network is afterwards what it was."""
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    inputs, seeds = batch.inputs.to(device), batch.seeds
    count = 0
    with torch.random.fork_rng(devices=[]):
        network.train()
        for number in range(BATCHES):
            if number == 1:
                began = time.perf_counter()
            if inputs.ndim == 4:
                image = inputs.to(memory_format=torch.channels_last).float() / 255
                features = network.embed(vary_batch(image, seeds, recipe.augmentation))
            else:
                features = inputs
            loss = network.classify(features).float().logsumexp(dim=1).mean()
            torch.autograd.backward(loss)
            count += len(inputs) if number else 0
            if device.type == "cuda":
                torch.cuda.synchronize()
        seconds = time.perf_counter() - began
    network.zero_grad(set_to_none=True)
    network.load_state_dict(before)
    return count / max(seconds, 1e-9)
