"""What stands where in a scene: houses, trees, poles, signs and traffic, drawn from far to near."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Final

import numpy as np

from graticule.photos.synthetic.buildings import Plot, draw_house, draw_hut
from graticule.photos.synthetic.canvas import Canvas
from graticule.photos.synthetic.chance import between, pick_weighted
from graticule.photos.synthetic.customs import Customs
from graticule.photos.synthetic.ground import Road
from graticule.photos.synthetic.growth import Growth
from graticule.photos.synthetic.roadside import (
    draw_bollard,
    draw_lamp,
    draw_pole,
    draw_sign,
    draw_wires,
    pole_heads,
)
from graticule.photos.synthetic.trees import draw_tree, grass_tuft
from graticule.photos.synthetic.vehicles import draw_vehicle

Queue = list[tuple[float, Callable[[], None]]]
"""Distance in m from the camera, and what to draw there."""

TOWN: Final = 0.3
VILLAGE: Final = 0.5
"""``town`` is drawn evenly from [0, 1): under TOWN a scene is one, under VILLAGE a village, else country."""

_FARTHEST_TREE_M: Final = 160.0


def draw_objects(
    canvas: Canvas, customs: Customs, growth: Growth, road: Road, town: float, rng: np.random.Generator
) -> None:
    """Everything that stands on the ground, far things first."""
    queue: Queue = []
    if town < TOWN:
        _line_with_houses(queue, canvas, customs, growth, road, rng)
    else:
        _scatter_houses(queue, canvas, customs, growth, road, town, rng)
        _plant_trees(queue, canvas, growth, road, town, rng)
        _set_bollards(queue, canvas, customs, road)
    _string_wires(queue, canvas, customs, road, town, rng)
    _put_up_signs(queue, canvas, customs, road, rng)
    _add_traffic(queue, canvas, customs, road, town, rng)
    queue.sort(key=lambda item: -item[0])
    for _, draw in queue:
        draw()


def _line_with_houses(
    queue: Queue, canvas: Canvas, customs: Customs, growth: Growth, road: Road, rng: np.random.Generator
) -> None:
    """A street: houses on both sides with gaps, street trees, lamps."""
    storeys = 1 + int(
        2.2 * rng.random() ** 1.5 + (1.2 if customs.roof in ("flat", "pagoda") else 0.8) * rng.random()
    )
    for side in (-1, 1):
        front = road.half_m + road.pavement_m + between(rng, 0.5, 4.0)
        z = between(rng, 4.0, 12.0)
        while z < 110.0:
            long = between(rng, 6.0, 13.0)
            plot = Plot(
                side,
                front + between(rng, 0, 0.8),
                between(rng, 6.0, 9.0),
                z,
                z + long,
                max(1, storeys + int(rng.integers(-1, 2))),
            )
            shop = rng.random() < 0.5
            queue.append((z, functools.partial(draw_house, canvas, plot, customs, growth, rng, shop=shop)))
            z += long + (0.0 if rng.random() < 0.45 else between(rng, 1.5, 14.0))
        _street_trees(queue, canvas, growth, road, side, rng)
    if rng.random() < 0.6:
        side = 1 if rng.random() < 0.5 else -1
        for step in range(4):
            z = 11.0 + 22.0 * step
            queue.append(
                (z, functools.partial(draw_lamp, canvas, customs, side * (road.half_m + 0.7), z, -side))
            )


def _street_trees(
    queue: Queue, canvas: Canvas, growth: Growth, road: Road, side: int, rng: np.random.Generator
) -> None:
    if rng.random() > 0.25 + 0.5 * growth.density:
        return
    kind = pick_weighted(rng, growth.trees)
    gap = between(rng, 9.0, 20.0)
    for step in range(5):
        z = 9.0 + gap * (step + 0.5 * rng.random())
        x = side * (road.half_m + max(1.0, 0.7 * road.pavement_m))
        queue.append((z, functools.partial(draw_tree, canvas, kind, x, z, growth, rng, size=0.55)))


def _scatter_houses(
    queue: Queue,
    canvas: Canvas,
    customs: Customs,
    growth: Growth,
    road: Road,
    town: float,
    rng: np.random.Generator,
) -> None:
    """A village, or a lonely farm or two; round huts among them where they are built."""
    count = int(between(rng, 4, 9)) if town < VILLAGE else int(rng.random() * 2.4)
    for _ in range(count):
        side = 1 if rng.random() < 0.5 else -1
        away = road.half_m + between(rng, 3.0, 14.0) * (1.0 if town < VILLAGE else 1.8)
        z = 9.0 * math.exp(2.1 * rng.random()) * (1.0 if town < VILLAGE else 1.5)
        if customs.huts and rng.random() < 0.5:
            for hut in range(2):
                place = side * (away + 4.5 * hut), z + 3.0 * hut
                queue.append((place[1], functools.partial(draw_hut, canvas, *place, growth, rng)))
            continue
        plot = Plot(
            side, away, between(rng, 6.0, 9.0), z, z + between(rng, 7.0, 12.0), 1 + int(rng.random() * 1.6)
        )
        queue.append(
            (z, functools.partial(draw_house, canvas, plot, customs, growth, rng, shop=rng.random() < 0.2))
        )


def _plant_trees(
    queue: Queue, canvas: Canvas, growth: Growth, road: Road, town: float, rng: np.random.Generator
) -> None:
    """Two or three kinds of trees of the place; bushes and tufts of grass near the road."""
    kinds = [pick_weighted(rng, growth.trees) for _ in range(3)]
    wooded = growth.density * between(rng, 0.35, 1.25) * (0.5 if town < VILLAGE else 1.0)
    for _ in range(3 + int(34 * wooded)):
        z = 8.0 * (_FARTHEST_TREE_M / 8.0) ** rng.random()
        side = 1 if rng.random() < 0.5 else -1
        x = side * (road.half_m + 2.5 + (0.12 * z + 3.0) * -math.log(1.0 - 0.97 * rng.random()))
        kind = kinds[int(3 * rng.random() ** 1.5)]
        size = 1.0 if wooded > 0.3 else 0.85
        queue.append((z, functools.partial(draw_tree, canvas, kind, x, z, growth, rng, size=size)))
    for _ in range(10):
        z = between(rng, 4.5, 16.0)
        side = 1 if rng.random() < 0.5 else -1
        x = side * (road.half_m + between(rng, 0.8, 7.0))
        queue.append((z, functools.partial(grass_tuft, canvas, x, z, growth, rng)))


def _set_bollards(queue: Queue, canvas: Canvas, customs: Customs, road: Road) -> None:
    if customs.bollard is None or not road.paved:
        return
    for step in range(5):
        z = 7.0 + road.phase_m % 12.0 + 18.0 * step
        for side in (-1, 1):
            queue.append((z, functools.partial(draw_bollard, canvas, customs, side * (road.half_m + 0.7), z)))


def _string_wires(
    queue: Queue, canvas: Canvas, customs: Customs, road: Road, town: float, rng: np.random.Generator
) -> None:
    """Poles along one side of the road, with wires from each to the next."""
    if customs.poles == "none" or rng.random() > (0.75 if town < VILLAGE else 0.55):
        return
    x = (1 if rng.random() < 0.5 else -1) * (road.half_m + max(road.pavement_m, between(rng, 1.5, 5.0)))
    heads = pole_heads(customs, x)
    gap, z = between(rng, 26.0, 40.0), between(rng, 6.0, 22.0)
    queue.append((z, functools.partial(draw_wires, canvas, heads, 2.0, z)))
    for _ in range(5):
        queue.append((z + 0.1, functools.partial(draw_pole, canvas, customs, x, z)))
        queue.append((z + gap, functools.partial(draw_wires, canvas, heads, z, z + gap)))
        z += gap


def _put_up_signs(
    queue: Queue, canvas: Canvas, customs: Customs, road: Road, rng: np.random.Generator
) -> None:
    side = -1 if customs.left else 1
    for chance in (0.75, 0.3):
        if rng.random() < chance:
            z = between(rng, 7.5, 26.0)
            x = side * (road.half_m + between(rng, 0.9, 2.2))
            queue.append((z, functools.partial(draw_sign, canvas, customs, x, z, rng)))


def _add_traffic(
    queue: Queue, canvas: Canvas, customs: Customs, road: Road, town: float, rng: np.random.Generator
) -> None:
    """Vehicles on the country's side of the road, oncoming ones on the other, parked ones in town."""
    side = -1 if customs.left else 1
    busy = 0.75 if town < TOWN else 0.4
    for direction in (1, -1):
        z = between(rng, 9.0, 22.0)
        while rng.random() < busy and z < 90.0:
            x = direction * side * road.half_m * between(rng, 0.45, 0.55)
            oncoming = direction < 0
            queue.append((z, functools.partial(draw_vehicle, canvas, customs, x, z, rng, oncoming=oncoming)))
            z += between(rng, 9.0, 40.0)
    if town < TOWN and rng.random() < 0.6:
        for step in range(int(rng.integers(1, 5))):
            z = 8.0 + 7.0 * step
            x = side * (road.half_m + 0.6)
            queue.append((z, functools.partial(draw_vehicle, canvas, customs, x, z, rng, oncoming=False)))
