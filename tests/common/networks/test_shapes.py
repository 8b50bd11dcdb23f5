"""What a layer is given, and how it refuses what it cannot take."""

from __future__ import annotations

import pytest

from common.networks.specs.shapes import Tensor, want_any_rank, want_list

TEXTS = Tensor((None, None, 3), "float32")


def test_a_list_of_tensors_of_one_rank():
    assert want_list([TEXTS, TEXTS]) == [TEXTS, TEXTS]
    with pytest.raises(ValueError, match="different ranks"):
        want_list([TEXTS, Tensor((None, 3), "float32")])


@pytest.mark.parametrize("inputs", [TEXTS, [], (), None, 3])
def test_what_is_no_list_of_tensors(inputs):
    with pytest.raises(ValueError, match="it takes a list of tensors"):
        want_list(inputs)


@pytest.mark.parametrize("tensor", [None, [TEXTS], True])
def test_what_is_no_tensor(tensor):
    with pytest.raises(ValueError, match="it takes a float32 tensor"):
        want_any_rank(tensor)
