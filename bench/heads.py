"""Heads on the tree: the training step against MC's, and the combination against S4's dense matrices.

    python bench/heads.py [--leaves 20000] [--dense-leaves 2000] [--batch 32] [--rounds 9] [--json]

All sides take turns on the same photos and the same trees (adaptive S2 cells of clustered random places),
and what counts is the median over the rounds of the ratio within a round. It prints

    step         training step (ResNet-18 forward and backward at 224 px, cross-entropy, AdamW) with
                 ``leaves`` cells: median seconds with MC, and each head's ratio to it; bound: at most 1.02
    combination  what follows the linear layer, forward and backward, at ``dense_leaves`` cells, ten times in
                 a turn: milliseconds of S4's matrices and of ours for one, and how many times faster ours is;
                 bound: at least 20
    memory       what a head keeps for the gradient beside its linear layer, in numbers per node and photo, at
                 both sizes: linear in the nodes if it does not grow

Everything runs on one thread and is measured in seconds of the processor, which other work on the machine
disturbs less than the clock. It exits with 1 if a bound is missed or the two combinations do not agree. No
weights are downloaded.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

from graticule.models.heads import CellTree, HeadSettings, create_head
from graticule.models.heads.tree import LevelOrder
from graticule.partitions import build_s2

STEP_BOUND, DENSE_BOUND = 1.02, 20.0
NAMES = ("hmc", "hmc-sol", "hmc-smooth", "htree")
EPSILON, ALPHA = 0.01, 0.9
IN_A_TURN = 10


def cells(leaves: int) -> CellTree:
    """The tree of about so many adaptive S2 cells, from the six faces of the cube on."""
    rng = np.random.default_rng(0)
    count = leaves * 40
    towns = np.column_stack([np.degrees(np.arcsin(rng.uniform(-1, 1, 400))), rng.uniform(-180, 180, 400)])
    places = towns[rng.integers(0, 400, count)] + rng.normal(0, 1, (count, 2)) * rng.exponential(
        3, (count, 1)
    )
    places = np.column_stack([places[:, 0].clip(-89, 89), (places[:, 1] + 180) % 360 - 180])
    low, high = 8, 4000  # photos per cell at most: fewer make more cells
    while high - low > 1:
        middle = (low + high) // 2
        partition = build_s2(places, max_photos=middle, min_photos=1, start_level=0)
        low, high = (middle, high) if partition.count > leaves else (low, middle)
    partition = build_s2(places, max_photos=high, min_photos=1, start_level=0)
    return CellTree(partition.parents, partition.leaf_nodes)


def seconds(function: Callable[[], object]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


def in_turns(sides: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of every side in every round; each round begins with another side."""
    for side in sides.values():
        side()
    taken: dict[str, list[float]] = {name: [] for name in sides}
    names = list(sides)
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            taken[name].append(seconds(sides[name]))
    return taken


def ratio(one: list[float], other: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(one, other, strict=True))


def step_of(backbone: nn.Module, head: nn.Module, batch: int, count: int) -> Callable[[], None]:
    optimizer = torch.optim.AdamW([*backbone.parameters(), *head.parameters()], lr=1e-5)
    photos, truth = torch.rand(batch, 3, 224, 224), torch.randint(count, (batch,))
    photos = photos.to(memory_format=torch.channels_last)

    def step() -> None:
        optimizer.zero_grad()
        functional.cross_entropy(head(backbone(photos)), truth).backward()
        optimizer.step()

    return step


def measure_steps(tree: CellTree, batch: int, rounds: int) -> dict[str, Any]:
    steps: dict[str, Callable[[], object]] = {}
    for name in ("mc", *NAMES):
        torch.manual_seed(0)
        backbone = timm.create_model("resnet18", num_classes=0).to(memory_format=torch.channels_last)
        steps[name] = step_of(backbone, create_head(HeadSettings(name), 512, tree), batch, tree.count)
    taken = in_turns(steps, rounds)
    found = {name: round(ratio(taken[name], taken["mc"]), 4) for name in NAMES}
    return {"mc_s": round(statistics.median(taken["mc"]), 3), **found, "bound": STEP_BOUND}


def dense_matrices(tree: CellTree, order: LevelOrder) -> list[Tensor]:
    """S4's Algorithm 2: per level (nodes, K), 1 on the branches and epsilon elsewhere."""
    ends = np.cumsum(order.sizes)
    matrices = [torch.full((size, tree.count), EPSILON) for size in order.sizes]
    for cell, row in enumerate(order.leaf_rows.tolist()):
        while row >= 0:
            level = int(np.searchsorted(ends, row, side="right"))
            matrices[level][row - ends[level] + order.sizes[level], cell] = 1.0
            row = int(order.parents[row])
    return matrices


def dense_combination(name: str, order: LevelOrder, matrices: list[Tensor]) -> Callable[[Tensor], Tensor]:
    """S4's output of (B, N) scores: equations 4.1 and 4.2, 4.5 or 4.7; its logarithm, as a loss takes it."""
    depth = len(matrices)
    powers = [ALPHA ** (depth - 1 - level) for level in range(depth)]
    factors = torch.tensor([1 / sum(powers[: level + 1]) for level in order.leaf_levels.tolist()])

    def combine(scores: Tensor) -> Tensor:
        layers = torch.split_with_sizes(scores, order.sizes, 1)
        tensors = [layer.softmax(1) @ matrix for layer, matrix in zip(layers, matrices, strict=True)]
        if name == "hmc-smooth":
            total = tensors[0] * powers[0]
            for tensor, power in zip(tensors[1:], powers[1:], strict=True):
                total = total + tensor * power
            return (total * factors).log()
        if name == "hmc-sol":
            logs = tensors[0].log()
            for tensor in tensors[1:]:
                logs = logs + tensor.log()
            return logs.exp().log()
        product = tensors[0]
        for tensor in tensors[1:]:
            product = product * tensor
        return product.log()

    return combine


def both_ways(combine: Callable[[Tensor], Tensor], scores: Tensor, gradient: Tensor) -> Callable[[], Tensor]:
    def run() -> Tensor:
        for _ in range(IN_A_TURN):
            scores.grad = None
            combine(scores).backward(gradient)
        assert scores.grad is not None
        return scores.grad

    return run


def measure_combinations(tree: CellTree, batch: int, rounds: int) -> tuple[dict[str, Any], float]:
    torch.manual_seed(0)
    order = tree.level_order()
    matrices = dense_matrices(tree, order)
    scores = torch.randn(batch, len(order.nodes), requires_grad=True)
    gradient = torch.randn(batch, tree.count) / tree.count
    result: dict[str, Any] = {}
    differs = 0.0
    for name in NAMES[:3]:
        head = create_head(HeadSettings(name), 2, tree)
        ours = lambda given, head=head: head.combine(given.t()).t()  # noqa: E731 -- of this round's head
        theirs = dense_combination(name, order, matrices)
        sides = {"ours": both_ways(ours, scores, gradient), "dense": both_ways(theirs, scores, gradient)}
        differs = max(differs, float((ours(scores) - theirs(scores)).detach().abs().max()))
        differs = max(differs, float((sides["ours"]().clone() - sides["dense"]()).abs().max()))
        taken = in_turns(dict(sides), rounds)
        result[name] = {
            "dense_ms": round(statistics.median(taken["dense"]) / IN_A_TURN * 1e3, 2),
            "ours_ms": round(statistics.median(taken["ours"]) / IN_A_TURN * 1e3, 2),
            "times": round(ratio(taken["dense"], taken["ours"]), 1),
        }
    return result, differs


def kept_per_node(name: str, tree: CellTree, batch: int) -> float:
    head = create_head(HeadSettings(name), 2, tree)
    nodes = len(tree.level_order().nodes)
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.data_ptr()] = tensor.numel()
        return tensor

    scores = torch.randn(nodes, batch, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        head.combine(scores)
    return round(sum(kept.values()) / nodes / batch, 2)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--leaves", type=int, default=20_000)
    parser.add_argument("--dense-leaves", type=int, default=2_000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    words = parser.parse_args()
    few, many = cells(words.dense_leaves), cells(words.leaves)
    torch.set_num_threads(1)
    combination, differs = measure_combinations(few, words.batch, words.rounds * 3)
    step = measure_steps(many, words.batch, words.rounds)
    sizes = {str(tree.count): len(tree.level_order().nodes) for tree in (few, many)}
    memory = {name: [kept_per_node(name, tree, words.batch) for tree in (few, many)] for name in NAMES}
    result = {
        "nodes_of_leaves": sizes,
        "batch": words.batch,
        "combination": {**combination, "bound": DENSE_BOUND, "largest_difference": differs},
        "step": step,
        "memory": memory,
    }
    if words.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:16} {json.dumps(value)}")
    kept = all(step[name] <= STEP_BOUND for name in NAMES[:3])
    fast = all(combination[name]["times"] >= DENSE_BOUND for name in NAMES[:3])
    return 0 if kept and fast and differs < 1e-3 else 1


if __name__ == "__main__":
    sys.exit(main())
