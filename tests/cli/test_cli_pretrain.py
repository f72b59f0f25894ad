"""``graticule pretrain`` as typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from graticule.cli.main import command, main

pytestmark = pytest.mark.torch

TINY = (
    "photos.synthetic=null",
    "network.image_size_px=32",
    "phases.0.epochs=1",
    "probe=null",
    "workers=0",
    "reconstructions=2",
)


def run(*words: str) -> Result:
    return CliRunner().invoke(command, ["pretrain", *words])


def sets(*words: str) -> list[str]:
    return [part for word in (*TINY, *words) for part in ("--set", word)]


def test_a_folder_of_photos_becomes_an_encoder(world: Path, tmp_path: Path) -> None:
    output = tmp_path / "mae"
    words = ["mae_tiny", "--scale", "smoke", "--json", *sets(f"photos.table={world / 'images'}")]
    done = run(*words, "-o", str(output))
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["run"] == str(output)
    assert document["probes"] == []
    assert Path(document["reconstructions"]).is_file()
    assert "photos/s" in done.stderr
    again = run("--resume", str(output))
    assert again.exit_code == 0
    assert f"Run: {output}" in again.stdout


def test_words_that_do_not_go_together() -> None:
    for words, said in (
        (("--resume", "mae", "--force"), "Type:  graticule pretrain --resume mae"),
        (("mae_tiny",), "needs -o RUN"),
        (("-o", "mae"), "needs a RECIPE"),
        (("quick", "-o", "mae"), "That is one of another verb:  graticule train quick -o RUN"),
        (("mae_tinny", "-o", "mae"), "Did you mean 'mae_tiny'?"),
        (("mae_tiny", "-o", "mae", "--set", "network.mask_ration=0.5"), "Did you mean 'network.mask_ratio'?"),
        (
            ("mae_tiny", "-o", "mae", "--set", "network.image_size_px=100"),
            "image_size_px is a multiple of 8, such as 96",
        ),
        (("mae_tiny", "-o", "mae", "--set", "phases.0.trainable=head"), "trains the whole autoencoder"),
        (("mae_tiny", "-o", "mae", "--set", "augmentation.mixup=0.2"), "augmentation: mixup"),
    ):
        done = run(*words)
        assert done.exception is not None
        assert said in str(done.exception), str(done.exception)


def test_train_names_the_verb_of_a_recipe_for_pretraining(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["train", "mae_tiny", "-o", str(tmp_path / "run")])
    assert stop.value.code == 1
    assert "That is one of another verb:  graticule pretrain mae_tiny -o RUN" in capsys.readouterr().err


def test_recipes_lists_them_apart() -> None:
    listed = CliRunner().invoke(command, ["recipes"])
    assert "graticule pretrain" in listed.output
    assert "mae_base" in listed.output
    names = CliRunner().invoke(command, ["recipes", "--names"]).output.split()
    assert "quick" in names
    assert not [name for name in names if name.startswith("mae_")]
    document = json.loads(CliRunner().invoke(command, ["recipes", "--json"]).output)
    assert {"mae_tiny", "mae_small", "mae_base"} == {each["name"] for each in document["pretraining"]}
