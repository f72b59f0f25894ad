"""Maps as pictures: the blending by hand, colours, odd sizes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from graticule.errors import UsageError
from graticule.explanations import SaliencyMap, heat, overlay, png
from graticule.explanations.drawing import AGAINST, FOR, OPACITY, enlarged, jpeg
from graticule.explanations.sheet import _key


def map_of(values: list[list[float]]) -> SaliencyMap:
    return SaliencyMap("gradcam", "best", np.array(values, dtype=np.float32), np.ones(1), 0.0, 1, "")


def test_s4s_blending_by_hand() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (2, 2, 3), dtype=np.uint8)
    found = overlay(picture, map_of([[0.0, 1.0], [4.0, -4.0]]), colours="grey")
    grey = np.array([[0, 64], [255, 0]])[..., None]
    np.testing.assert_array_equal(found, (0.6 * picture + 0.4 * grey).round().astype(np.uint8))
    assert OPACITY == 0.4


def test_signed_colours_say_which_side() -> None:
    layer = heat(map_of([[2.0, -0.5], [0.0, -2.0]]), 2, 2)
    assert layer[0, 0].tolist() == [*FOR, 255]
    assert layer[0, 1].tolist() == [*AGAINST, 128]
    assert layer[1, 0, 3] == 0
    assert layer[1, 1].tolist() == [*AGAINST, 255]


def test_attention_is_drawn_from_its_least_place_up() -> None:
    values = np.array([[0.25, 0.5], [0.5, 0.75]], dtype=np.float32)
    attention = SaliencyMap("rollout", "best", values, np.ones(1), 0.0, 1, "", unit="share")
    assert heat(attention, 2, 2)[..., 3].tolist() == [[0, 180], [180, 255]]
    assert heat(attention, 2, 2, colours="grey")[..., 0].tolist() == [[0, 128], [128, 255]]
    assert _key(attention, ("Senegal", ""), "signed") == "the redder, the more attention"
    assert _key(map_of([[1.0]]), ("Senegal", ""), "signed") == "red: for Senegal, blue: against it"


def test_a_map_that_says_nothing_leaves_the_photo() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    np.testing.assert_array_equal(overlay(picture, map_of([[0.0]]), opacity=1.0), picture)
    np.testing.assert_array_equal(overlay(picture, map_of([[1.0]]), opacity=0.0), picture)


def test_png_and_jpeg_can_be_read_back() -> None:
    layer = heat(map_of([[1.0, -1.0]]), 30, 20)
    read = np.asarray(Image.open(io.BytesIO(png(layer))))
    np.testing.assert_array_equal(read, layer)
    assert Image.open(io.BytesIO(jpeg(layer[..., :3]))).size == (20, 30)
    assert enlarged(layer[..., :3], 50).shape == (50, 50, 3)


def test_shares_are_of_what_speaks_for() -> None:
    np.testing.assert_allclose(map_of([[3.0, -9.0], [1.0, 0.0]]).shares(), [[0.75, 0], [0.25, 0]])
    assert not map_of([[-1.0]]).shares().any()


def test_wrong_words() -> None:
    with pytest.raises(UsageError, match="from 0 to 1; got 40"):
        overlay(np.zeros((2, 2, 3), dtype=np.uint8), map_of([[1.0]]), opacity=40)
    with pytest.raises(UsageError, match="no colours 'jet'"):
        heat(map_of([[1.0]]), 2, 2, colours="jet")  # type: ignore[arg-type]
