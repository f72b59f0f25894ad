"""What explanations cost, and how faithful they are, for the default model.

    python bench/explain.py [--rounds 30]
    python bench/explain.py --faithful TABLE [--photos 40]     # photos.csv of a folder of photos

Costs, in turn and paired so that a busy machine meets all alike: Grad-CAM in the graph against the same graph
without it (bound: 1.15 times), captum's LayerGradCam in torch against the same (expected: 2.5 times or more);
seconds of a full occlusion of one photo at 32/8 (bound: 4 s on two quiet cores) and processor seconds, which
a busy machine changes less. Faithfulness: the tables of docs/explanations.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from graticule.explanations import METHODS, OcclusionSettings, check, explain, occlusion_method
from graticule.explanations.checking import in_words, rank_correlation
from graticule.explanations.explaining import Method
from graticule.explanations.occlusion import occlusion
from graticule.inference import Model, load_model
from graticule.inference.network import SALIENCY, WEIGHTS, Network
from graticule.photos.columns import sniff
from graticule.photos.tabular import read_rows

COARSE = OcclusionSettings(coarse=True)


def without_saliency(model_onnx: bytes) -> bytes:
    """The graph as it was before it had Grad-CAM; what only that needs falls away when it is loaded."""
    import onnx

    model = onnx.load_from_string(model_onnx)
    for values in (model.graph.output, model.graph.input, model.graph.initializer):
        for value in [each for each in values if each.name in (SALIENCY, WEIGHTS)]:
            values.remove(value)
    used, kept = {each.name for each in model.graph.output}, []
    for node in reversed(model.graph.node):
        if used & set(node.output):
            used.update(node.input)
            kept.append(node)
    del model.graph.node[:]
    model.graph.node.extend(reversed(kept))
    return bytes(model.SerializeToString())


def captum_step(model: Model, squares: np.ndarray) -> dict[str, Callable[[], object]]:
    """The same backbone in torch: a plain pass, and captum's Grad-CAM of its last convolution map."""
    try:
        import timm
        import torch
        from captum.attr import LayerGradCam
    except ModuleNotFoundError:
        return {}
    torch.set_num_threads(1)
    name = model.card.architecture.split(",")[0]
    network = timm.create_model(name, num_classes=model.partition.count).eval()
    last = [module for module in network.modules() if isinstance(module, torch.nn.Conv2d)][-1]
    planes = torch.from_numpy(squares).permute(0, 3, 1, 2).float().div_(255).contiguous()
    explainer = LayerGradCam(network, last)

    def plain() -> None:
        with torch.inference_mode():
            network(planes).softmax(-1)

    def captum() -> None:
        with torch.no_grad():
            best = network(planes).argmax(1)
        explainer.attribute(planes, target=best)

    return {"torch, plain": plain, "torch, captum": captum}


def costs(rounds: int) -> None:
    model = load_model(threads=1)
    plain = Network(without_saliency(model.model_onnx), threads=1)
    for batch in (1, 8):
        squares = np.random.default_rng(0).integers(0, 256, (batch, 224, 224, 3), dtype=np.uint8)
        steps: dict[str, Callable[[], object]] = {
            "plain": lambda squares=squares: plain(squares),
            "Grad-CAM": lambda squares=squares: model.network.explained(squares),
            **captum_step(model, squares),
        }
        seconds: dict[str, list[float]] = {name: [] for name in steps}
        for number in range(rounds + 2):
            for name in steps if number % 2 else reversed(steps):
                begin = time.process_time()
                steps[name]()
                if number >= 2:
                    seconds[name].append(time.process_time() - begin)
        print(f"batch of {batch}, one core, processor time, medians of {rounds} rounds in turn:")
        for name, each in seconds.items():
            pairs = [one / base for one, base in zip(each, seconds["plain"], strict=True)]
            low, middle, high = np.quantile(pairs, [0.25, 0.5, 0.75])
            print(
                f"  {name:14} {1000 * statistics.median(each) / batch:7.2f} ms per photo, "
                f"{middle:.3f} times plain (quartiles {low:.3f} to {high:.3f})"
            )


def occlusion_seconds(rounds: int) -> None:
    model = load_model()
    square = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    occlusion(model, square, settings=COARSE)
    for words, settings in (("full, 32/8", OcclusionSettings()), ("a tenth", COARSE)):
        walls, works = [], []
        for _ in range(rounds):
            wall, work = time.perf_counter(), time.process_time()
            passes = occlusion(model, square, settings=settings).passes
            walls.append(time.perf_counter() - wall)
            works.append(time.process_time() - work)
        print(
            f"occlusion {words}: {passes} passes, {min(walls):.2f} to {max(walls):.2f} s on {model.threads} "
            f"cores as busy as they are; {min(works):.2f} to {max(works):.2f} processor seconds, so "
            f"{min(works) / model.threads:.2f} s where all cores are free (bound 4)"
        )


def paths_of(table: Path, count: int) -> list[Path]:
    """Photos of the split test, one of each group, by chance."""
    rows = read_rows(table)
    path = sniff(rows).path or "path"
    test = rows.filter(rows["split"] == "test").unique("group", maintain_order=True)
    drawn = np.random.default_rng(0).permutation(test.height)[:count]
    return [table.parent / test[path][int(row)] for row in drawn]


def faithfulness(table: Path, count: int) -> None:
    model = load_model()
    coarse = occlusion_method(COARSE)
    methods = [METHODS["gradcam"], Method("coarse", "Occlusion, a tenth", coarse.run)]
    measure(model, paths_of(table, count), methods)
    full = METHODS["occlusion"]
    some = paths_of(table, count)[: max(6, count // 3)]
    found = measure(model, some, [full])
    tenth = [explain(model, each.view, coarse).map for each in found]
    alike = [rank_correlation(each.map, other) for each, other in zip(found, tenth, strict=True)]
    pearson = [
        np.corrcoef(each.map.values.ravel(), other.values.ravel())[0, 1]
        for each, other in zip(found, tenth, strict=True)
    ]
    for words, values in (("rank correlation", alike), ("correlation", pearson)):
        low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
        print(f"a tenth of the places against all: {words} {middle:.3f} ({low:.3f} to {high:.3f}, 5 to 95 %)")


def measure(model: Model, paths: list[Path], methods: list[Method]) -> list:
    explanations = [explain(model, path, methods) for path in paths]
    document = (found := check(model, explanations, methods)).to_dict()
    print(json.dumps(document))
    print("\n".join(in_words(document, found.titles)), flush=True)
    return explanations


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--faithful", type=Path, metavar="TABLE")
    parser.add_argument("--photos", type=int, default=40)
    words = parser.parse_args()
    if words.faithful is not None:
        faithfulness(words.faithful, words.photos)
        return
    costs(words.rounds)
    occlusion_seconds(max(1, words.rounds // 10))


if __name__ == "__main__":
    main()
