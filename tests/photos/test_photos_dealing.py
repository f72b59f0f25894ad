"""Which photos each rank takes: each once, evenly, in an order that can be gone on with."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from graticule.errors import UsageError
from graticule.photos.dealing import Dealing, DealtPhotos


def ranks_of(count, *, batch_size, ranks, **words) -> list[DealtPhotos]:
    return [
        DealtPhotos(Dealing(count, batch_size=batch_size, rank=rank, ranks=ranks, **words))
        for rank in range(ranks)
    ]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, 9, 16, 17, 100, 1001])
@pytest.mark.parametrize("ranks", [1, 2, 3, 8])
@pytest.mark.parametrize("in_shards", [False, True])
def test_each_photo_once_per_epoch_over_all_ranks(count, ranks, in_shards):
    shards = np.arange(count, dtype=np.int32) // 5 if in_shards else None
    dealt = ranks_of(count, batch_size=4, ranks=ranks, shards=shards, shards_at_once=2)
    for _ in range(2):
        shares = [list(one) for one in dealt]
        rows = Counter(int(row) for of_rank in shares for share in of_rank for row in share.rows)
        assert rows == Counter(range(count))
        assert len({len(of_rank) for of_rank in shares}) == 1  # or ranks would wait for one another for ever
        for step in zip(*shares, strict=True):
            sizes = [len(share.rows) for share in step]
            assert max(sizes) - min(sizes) <= 1
            assert max(sizes) <= 4 + 2
            if count >= 2 * ranks:
                assert min(sizes) >= 2  # BatchNorm cannot learn from one


def test_epochs_differ_and_are_the_same_again():
    one, again, other = (DealtPhotos(Dealing(50, batch_size=8, seed=seed)) for seed in (1, 1, 2))
    epochs = [
        [np.concatenate([share.rows for share in dealt]).tolist() for _ in range(2)]
        for dealt in (one, again, other)
    ]
    assert epochs[0] == epochs[1]
    assert epochs[0][0] != epochs[0][1]
    assert epochs[0][0] != epochs[2][0]
    assert one.epoch == 2


def test_seeds_belong_to_photo_and_epoch_alone():
    alone, pair = Dealing(30, batch_size=4, seed=3), Dealing(30, batch_size=7, seed=3, rank=1, ranks=2)
    rows = np.arange(30)
    assert np.array_equal(alone.seeds(5, rows), pair.seeds(5, rows))
    assert not (alone.seeds(5, rows) == alone.seeds(6, rows)).any()
    many = alone.seeds(0, np.arange(100_000))
    assert len(np.unique(many)) == 100_000
    assert many.min() >= 0
    assert abs(float(np.mean(many / 2**62)) - 0.5) < 0.01


@pytest.mark.parametrize("stop", [0, 1, 3, 5])
@pytest.mark.parametrize("ranks_after", [1, 2, 3])
def test_gone_on_with_in_the_middle(stop, ranks_after):
    """So many steps by two ranks, then the rest by one, two or three: together every photo once."""
    before = ranks_of(61, batch_size=5, ranks=2, seed=4)
    rows = []
    for dealt in before:
        iterator = iter(dealt)
        rows += [row for _ in range(stop) for row in next(iterator).rows.tolist()]
    states = [json.loads(json.dumps(dealt.state_dict())) for dealt in before]
    assert states[0] == states[1]
    after = ranks_of(61, batch_size=5, ranks=ranks_after, seed=4)
    for dealt in after:
        dealt.load_state_dict(states[0])
        rows += [row for share in dealt for row in share.rows.tolist()]
        assert (dealt.epoch, dealt.position) == (1, 0)
    assert sorted(rows) == list(range(61))


def test_going_on_gives_the_same_steps():
    whole = [share.rows.tolist() for share in DealtPhotos(Dealing(43, batch_size=6))]
    stopped, gone_on = DealtPhotos(Dealing(43, batch_size=6)), DealtPhotos(Dealing(43, batch_size=6))
    iterator = iter(stopped)
    first = [next(iterator).rows.tolist() for _ in range(3)]
    gone_on.load_state_dict(stopped.state_dict())
    assert len(gone_on) == len(whole) - 3
    assert first + [share.rows.tolist() for share in gone_on] == whole


def test_a_state_of_other_photos_is_refused():
    state = DealtPhotos(Dealing(43, batch_size=6)).state_dict()
    for other in (Dealing(44, batch_size=6), Dealing(43, batch_size=6, seed=1)):
        with pytest.raises(UsageError, match="would not be the same"):
            DealtPhotos(other).load_state_dict(state)


def test_shards_are_read_some_at_a_time():
    shards = np.repeat(np.arange(20, dtype=np.int32), 50)
    order = Dealing(1000, batch_size=10, shards=shards, shards_at_once=4).order(0)
    for start in range(0, 1000, 200):  # each run of four shards' photos comes from four shards, well mixed
        some = shards[order[start : start + 200]]
        assert len(np.unique(some)) == 4
        assert len(np.unique(some[:20])) == 4
    assert len(np.unique(shards[Dealing(1000, batch_size=10).order(0)[:50]])) > 12


def test_every_other_step_for_loaders():
    dealt = DealtPhotos(Dealing(41, batch_size=4))
    steps = [share.rows.tolist() for share, _ in dealt.ahead()]
    parts = [[share.rows.tolist() for share, _ in dealt.ahead(first=first, every=3)] for first in range(3)]
    assert [parts[number % 3][number // 3] for number in range(len(steps))] == steps
    assert dealt.position == 0


@pytest.mark.parametrize(
    "words", [{"batch_size": 0}, {"rank": 2, "ranks": 2}, {"shards": np.zeros(3, np.int32)}, {"count": -1}]
)
def test_what_cannot_be_dealt(words):
    with pytest.raises(UsageError):
        Dealing(**{"count": 10, "batch_size": 4} | words)
