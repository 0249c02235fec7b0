"""The random numbers: known answers, the key, and the distribution of the table."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from scipy import stats

from pytest_failaware.measure.degrade.randomness import LEVELS, SampleRandom, normal_quantiles


def test_words_are_splitmix64() -> None:
    """The first words of the stream that starts at 1234567 are those its authors' C code prints."""
    words = SampleRandom(torch.tensor([1234567])).words(5)[0]

    expected = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    assert expected == [int(word) % 2**64 for word in words]


def test_draws_are_the_quarters_of_a_word() -> None:
    """From its low 16 bits to its high ones, the sign bit turned; uniform and normal deviates are made of them."""
    word = 6457827717110365317
    quarters = [(word >> 16 * place) % 2**16 ^ 2**15 for place in range(4)]
    random = SampleRandom(torch.tensor([1234567]))

    assert [quarters] == random.uint16(4).tolist()
    assert [[(2 * one + 1) / 2**17 for one in quarters]] == random.uniform_on_host(4).tolist()
    assert stats.norm.ppf(random.uniform_on_host(4)) == pytest.approx(random.normal(4).numpy(), abs=1e-6)


def test_a_stream_depends_on_seed_name_and_sample_alone() -> None:
    """A sample draws the same numbers in any company and other numbers under another seed, name or id."""
    ids = torch.tensor([3, -7, 12])
    together = SampleRandom.keyed(0, "gaussian_noise", ids).uint16(10)

    assert torch.equal(together[1:2], SampleRandom.keyed(0, "gaussian_noise", ids[1:2]).uint16(10))
    assert torch.equal(together.flip(0), SampleRandom.keyed(0, "gaussian_noise", ids.flip(0)).uint16(10))
    assert not torch.equal(together, SampleRandom.keyed(1, "gaussian_noise", ids).uint16(10))
    assert not torch.equal(together, SampleRandom.keyed(0, "fog", ids).uint16(10))
    assert 3 == len(torch.unique(together, dim=0))


def test_asking_for_more_numbers_keeps_the_first() -> None:
    """The count of draws is no part of a number."""
    random = SampleRandom.keyed(5, "gaussian_noise", torch.tensor([42]))

    assert torch.equal(random.uint16(37), random.uint16(100)[:, :37])


def test_draws_are_uniform_and_independent() -> None:
    """A chi-square test over 256 cells, and the correlation of neighbours, on a million draws."""
    draws = SampleRandom.keyed(0, "gaussian_noise", torch.arange(100)).uint16(10_000).numpy()

    assert 0 <= draws.min()
    assert draws.max() < LEVELS
    assert 1e-4 < stats.chisquare(np.bincount(draws.ravel() >> 8, minlength=256)).pvalue
    assert abs(np.corrcoef(draws[:, :-1].ravel(), draws[:, 1:].ravel())[0, 1]) < 0.004
    assert abs(np.corrcoef(draws[:-1].ravel(), draws[1:].ravel())[0, 1]) < 0.004


def test_quantiles_are_pinned() -> None:
    """The table is the same on every machine: its bytes are a known answer."""
    fixed = np.rint(normal_quantiles() * 2**20).astype("<i8")

    assert (
        "6c12f7acf7f7e10eb2af51cc74e34c8a024d1a62ca76ac0cc2f65ee4a41ffa2f"
        == hashlib.sha256(fixed.tobytes()).hexdigest()
    )


def test_quantiles_are_normal() -> None:
    """The table agrees with scipy's inverse distribution function and has mean 0 and variance 1."""
    table = normal_quantiles()

    assert table == pytest.approx(stats.norm.ppf((np.arange(LEVELS) + 0.5) / LEVELS), abs=1e-6)
    assert 0 == table.sum()
    assert 1 == pytest.approx(table.var(), abs=3e-5)
