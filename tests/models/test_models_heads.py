"""Heads on the tree: values and gradients of the literal dense matrices, extremes, and what they give up."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from dense_heads import deep_tree, dense_output, dense_tree, levels_of, random_tree
from torch import Tensor, nn

from graticule.errors import PartitionError
from graticule.models.heads import HEADS, CellTree, HeadSettings, create_head
from graticule.partitions import build_s2

FAMILY = ["hmc", "hmc-sol", "hmc-smooth"]
ON_THE_TREE = [*FAMILY, "htree"]


def head_of(name: str, tree: CellTree, *, features: int = 6, **numbers: float) -> nn.Module:
    torch.manual_seed(0)
    head = create_head(HeadSettings(name, **numbers), features, tree)
    nn.init.normal_(head.linear.weight, std=1.0)  # not nearly alike, so that every term shows
    nn.init.normal_(head.linear.bias)
    return head


def literal_htree(tree: CellTree, nodes: np.ndarray, scores: Tensor) -> Tensor:
    """(B, K) probabilities: at every node of the branch a softmax over it and its siblings."""
    column = {node: index for index, node in enumerate(nodes.tolist())}
    outputs = []
    for leaf in tree.leaves.tolist():
        node, output = leaf, torch.ones(len(scores), dtype=scores.dtype)
        while node >= 0:
            siblings = [other for other in column if tree.parents[other] == tree.parents[node]]
            family = torch.stack([scores[:, column[other]].exp() for other in siblings])
            output = output * scores[:, column[node]].exp() / family.sum(dim=0)
            node = int(tree.parents[node])
        outputs.append(output)
    return torch.stack(outputs, dim=1)


def reference(name: str, tree: CellTree, head: nn.Module, features: Tensor, **numbers: float) -> Tensor:
    scores = head.linear(features)
    if name == "htree":
        return literal_htree(tree, head.nodes, scores)
    dense = dense_tree(tree, epsilon=numbers.get("epsilon", 0.01))
    layers = levels_of(dense, head.nodes, scores)
    return dense_output(dense, layers, name, alpha=numbers.get("alpha", 0.9))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", ON_THE_TREE)
def test_values_and_gradients_are_those_of_the_literal_version(name: str, seed: int) -> None:
    tree = random_tree(np.random.default_rng(seed), roots=1 + seed, cells=8 + 7 * seed)
    head = head_of(name, tree).double()
    features = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(4, tree.count, dtype=torch.float64)
    inputs = [features, head.linear.weight, head.linear.bias]
    scores = head(features)
    expected = reference(name, tree, head, features).log()
    assert scores.shape == (4, tree.count)
    torch.testing.assert_close(scores, expected, rtol=1e-6, atol=1e-6)
    ours = torch.autograd.grad((scores * weights).sum(), inputs)
    theirs = torch.autograd.grad((expected * weights).sum(), inputs)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("epsilon", "alpha"), [(0.3, 0.5), (1e-4, 1.0), (0.01, 0.05)])
@pytest.mark.parametrize("name", FAMILY)
def test_epsilon_and_alpha_are_those_of_the_matrices(name: str, epsilon: float, alpha: float) -> None:
    tree = random_tree(np.random.default_rng(9))
    head = head_of(name, tree, epsilon=epsilon, alpha=alpha).double()
    features = torch.randn(3, 6, dtype=torch.float64)
    expected = reference(name, tree, head, features, epsilon=epsilon, alpha=alpha)
    torch.testing.assert_close(head(features), expected.log(), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("name", ON_THE_TREE)
def test_without_gradients_the_answers_are_the_same(name: str) -> None:
    tree = random_tree(np.random.default_rng(3))
    head, features = head_of(name, tree), torch.randn(3, 6)
    with_gradients = head(features).detach()
    with torch.no_grad():
        torch.testing.assert_close(head(features), with_gradients)


@pytest.mark.parametrize("name", ON_THE_TREE)
def test_cells_side_by_side_and_a_single_cell(name: str) -> None:
    for cells in (7, 1):
        head, features = head_of(name, CellTree.flat(cells)).double(), torch.randn(2, 6).double()
        shares = head.linear(features).softmax(1)
        expected = shares if name == "htree" else 0.01 + 0.99 * shares
        torch.testing.assert_close(head(features).exp(), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ON_THE_TREE)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_25_levels_deep_log_probabilities_and_gradients_are_finite(name: str, dtype: torch.dtype) -> None:
    tree = deep_tree(25)
    head = head_of(name, tree).to(dtype)
    nn.init.normal_(head.linear.weight, std=20.0)  # as sure of itself as float16 allows
    scores = head((torch.randn(8, 6) * 5).to(dtype))
    log_probabilities = scores.log_softmax(dim=1)
    assert torch.isfinite(scores).all()
    assert torch.isfinite(log_probabilities).all()
    assert torch.isfinite(log_probabilities.to(dtype)).all()
    log_probabilities.sum().backward()
    assert torch.isfinite(head.linear.weight.grad).all()


def test_the_product_of_25_shares_is_zero_in_float32_where_the_head_is_not() -> None:
    """Why S4 needed HMC-sol, and why the head never leaves log space."""
    tree = deep_tree(25)
    head, features = head_of("hmc", tree), torch.full((1, 6), 30.0)
    dense = dense_tree(tree)
    layers = levels_of(dense, head.nodes, head.linear(features))
    product = torch.ones(1, tree.count)
    for layer, matrix in zip(layers, dense.matrices, strict=True):
        product = product * (layer.softmax(1) @ matrix.float())
    assert (product == 0).any()
    assert torch.isfinite(head(features)).all()


def test_htree_sums_to_one_at_every_node_and_the_family_of_s4_does_not() -> None:
    tree, features = random_tree(np.random.default_rng(5), cells=40), torch.randn(3, 6)
    htree = head_of("htree", tree)(features).exp()
    torch.testing.assert_close(htree.sum(dim=1), torch.ones(3))
    assert (head_of("hmc", tree)(features).exp().sum(dim=1) < 0.99).all()


def test_htree_tells_a_root_from_the_roots_alone() -> None:
    tree = CellTree(np.array([-1, -1, 0, 0, 1, 1]), np.array([2, 3, 4, 5]))
    head = head_of("htree", tree)
    features = torch.randn(2, 6)
    row = {node: index for index, node in enumerate(head.nodes.tolist())}
    scores = head.linear(features)
    expected = torch.sigmoid(scores[:, row[0]] - scores[:, row[1]])
    torch.testing.assert_close(head(features).exp()[:, :2].sum(dim=1), expected)


def test_training_as_s4_does_is_the_cross_entropy_of_the_normalised_output() -> None:
    """Keras' SparseCategoricalCrossentropy takes the logarithm of the output and then a softmax of it."""
    tree = random_tree(np.random.default_rng(2))
    head, features = head_of("hmc", tree).double(), torch.randn(4, 6).double()
    output = reference("hmc", tree, head, features)
    cells = torch.tensor([0, 3, 5, 1])
    expected = -(output[range(4), cells] / output.sum(dim=1)).log()
    found = nn.functional.cross_entropy(head(features), cells, reduction="none")
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


def test_of_a_real_partition() -> None:
    rng = np.random.default_rng(1)
    places = np.column_stack([rng.uniform(-60, 70, 3000), rng.uniform(-180, 180, 3000)])
    partition = build_s2(places, max_photos=100, min_photos=5, start_level=0)
    tree = CellTree(partition.parents, partition.leaf_nodes)
    order = tree.level_order()
    assert len(np.unique(order.nodes)) == len(order.nodes)
    for cell in (0, partition.count - 1):
        row, found = int(order.leaf_rows[cell]), []
        while row >= 0:
            found.insert(0, int(order.nodes[row]))
            row = int(order.parents[row])
        assert found == partition.path(cell).tolist()
    assert head_of("hmc", tree)(torch.randn(2, 6)).shape == (2, partition.count)


@pytest.mark.parametrize("name", ON_THE_TREE)
def test_memory_is_linear_in_the_nodes(name: str) -> None:
    """Nothing in the head, nor in what it keeps for the gradient, has cells times nodes entries."""
    tree = random_tree(np.random.default_rng(0), roots=6, cells=2000)
    head = head_of(name, tree, features=2)
    nodes, kept = len(head.nodes), []

    def pack(tensor: Tensor) -> Tensor:
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        head(torch.randn(3, 2)).sum().backward()
    own = [tensor.numel() for tensor in (*head.parameters(), *head.buffers())]
    assert max(own) <= 2 * nodes
    assert max(kept) <= 3 * nodes
    assert sum(kept) <= 40 * nodes


def test_nothing_of_the_tree_is_saved() -> None:
    assert set(head_of("hmc-smooth", deep_tree(3)).state_dict()) == {"linear.weight", "linear.bias"}


@pytest.mark.parametrize("name", HEADS)
def test_at_the_start_siblings_are_nearly_alike(name: str) -> None:
    torch.manual_seed(0)
    head = create_head(HeadSettings(name), 6, CellTree.flat(5))
    assert head(torch.rand(3, 6)).exp().log_softmax(1).std(dim=1).max() < 0.05


def test_trees_that_are_none_are_refused() -> None:
    with pytest.raises(PartitionError, match="every parent has to stand before its children"):
        CellTree(np.array([1, -1]), np.array([0]))
    with pytest.raises(PartitionError, match="no tree of cells"):
        CellTree(np.array([-1]), np.array([1]))
    with pytest.raises(PartitionError, match="cell 1 has nodes beneath it"):
        CellTree(np.array([-1, 0]), np.array([1, 0]))
    with pytest.raises(PartitionError, match="two cells share a node"):
        CellTree(np.array([-1, -1]), np.array([1, 1]))


def test_offsets_of_leaves_that_end_early() -> None:
    """Where the branch ends above a level, that level's tensor is epsilon, whatever it says."""
    tree = CellTree(np.array([-1, -1, 0, 0]), np.array([1, 2, 3]))
    head = head_of("hmc", tree).double()
    features = torch.randn(1, 6).double()
    roots = head.linear(features)[:, [head.nodes.tolist().index(0), head.nodes.tolist().index(1)]].softmax(1)
    expected = math.log(0.01 + 0.99 * roots[0, 1].item()) + math.log(0.01)
    assert head(features)[0, 0].item() == pytest.approx(expected, rel=1e-5)
