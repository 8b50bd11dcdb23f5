"""What every unit does over many texts: where it is highest and lowest, and how often its gates are shut or open.

Karpathy, Johnson & Fei-Fei 2015, section 4.2: a gate is left-saturated below 0.1, right-saturated above 0.9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.evaluation.figures import new_figure
from common.evaluation.page import BLUE
from interpretability.gates import NAMES, SIGMOIDS
from interpretability.reading import Model, Piece, layers_of, read_states

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHUT, OPEN = 0.1, 0.9
NUM_PEAKS = 3


class Peak(NamedTuple):
    """A place where a unit is higher, or lower, than anywhere else in its piece."""

    piece: int
    token: int
    value: float


@dataclass(frozen=True)
class Survey:
    """What was found in some texts.

    Attributes:
        highest: by layer, of each unit the pieces in which it rises highest.
        lowest: likewise, falls lowest.
        shut: by layer and gate the share of tokens below 0.1, (units,).
        open: above 0.9.
        num_tokens: read.
    """

    highest: dict[str, list[list[Peak]]]
    lowest: dict[str, list[list[Peak]]]
    shut: dict[str, dict[str, NDArray[np.float64]]]
    open: dict[str, dict[str, NDArray[np.float64]]]
    num_tokens: int

    def rows(self) -> list[list[str]]:
        """Saturation as a table: median and largest share of the units of each gate; the first row is the header."""
        head = ["layer", "gate", "shut (< 0.1): median, most of a unit", "open (> 0.9): median, most of a unit"]
        return [head] + [
            [
                layer,
                NAMES[gate],
                *(f"{np.median(each):.1%}, {each.max():.1%}" for each in (shut, self.open[layer][gate])),
            ]
            for layer, gates in self.shut.items()
            for gate, shut in gates.items()
        ]


def survey(model: Model, pieces: Sequence[Piece], num_tokens: int) -> Survey:
    """Read pieces with all gates.

    Args:
        model: the model.
        pieces: what it reads, from the first on.
        num_tokens: read about so many.
    """
    lengths = np.cumsum([len(piece.tokens) for piece in pieces])
    pieces = pieces[: int(np.searchsorted(lengths, num_tokens)) + 1]
    layers = layers_of(model)
    tops: dict[str, NDArray] = {name: np.zeros((2, len(pieces), layer.units)) for name, layer in layers.items()}
    places: dict[str, NDArray] = {name: np.zeros((2, len(pieces), layer.units), int) for name, layer in layers.items()}
    counts: dict[str, dict[str, NDArray]] = {name: {} for name in layers}
    for found in read_states(model, [piece.tokens for piece in pieces], with_gates=True):
        for name, states in found.states.items():
            for side, sign in enumerate((1, -1)):
                at = (sign * states).argmax(axis=0)  # (units,)
                places[name][side, found.number] = at
                tops[name][side, found.number] = states[at, np.arange(states.shape[1])]
            for gate in SIGMOIDS:
                if gate in found.gates[name]:
                    values = found.gates[name][gate]
                    both = np.stack([(values < SHUT).sum(axis=0), (values > OPEN).sum(axis=0)])
                    counts[name][gate] = counts[name].get(gate, 0) + both
    total = sum(len(piece.tokens) for piece in pieces)
    shares = [{n: {g: both[side] / total for g, both in each.items()} for n, each in counts.items()} for side in (0, 1)]
    peaks = [{name: _peaks(tops[name][side], places[name][side], sign) for name in layers}
             for side, sign in enumerate((1, -1))]  # fmt: skip
    return Survey(peaks[0], peaks[1], shares[0], shares[1], total)


def _peaks(tops: NDArray, places: NDArray, sign: int) -> list[list[Peak]]:
    """Of each unit the pieces with the highest, or lowest, values; both (pieces, units)."""
    best = np.argsort(-sign * tops, axis=0, kind="stable")[:NUM_PEAKS]  # (peaks, units)
    return [
        [Peak(int(piece), int(places[piece, unit]), float(tops[piece, unit])) for piece in best[:, unit]]
        for unit in range(tops.shape[1])
    ]


def saturation_figure(found: Survey) -> Figure | None:
    """Draw the saturation of each gate, a point for each unit; None where there are no gates."""
    rows = [(layer, gates) for layer, gates in found.shut.items() if gates]
    if not rows:
        return None
    columns = max(len(gates) for _, gates in rows)
    figure, _ = new_figure(2.9, 2.7 * len(rows), columns)
    figure.clear()
    axes_of = figure.subplots(len(rows), columns, squeeze=False, sharex=True, sharey=True)
    for row, (layer, gates) in enumerate(rows):
        for column, (gate, shut) in enumerate(gates.items()):
            _draw_points(axes_of[row][column], shut, found.open[layer][gate], f"{layer}\n{NAMES[gate]}")
        axes_of[row][0].set_ylabel("share of tokens above 0.9")
    for axes in axes_of[-1]:
        axes.set_xlabel("share of tokens below 0.1")
    return figure


def _draw_points(axes, shut: NDArray, opened: NDArray, title: str) -> None:
    axes.plot([0, 1], [1, 0], color="#808080", linewidth=0.8)  # shut or open at every token
    axes.plot(shut, opened, ".", color=BLUE, markersize=4, alpha=0.6)
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
    axes.set_title(title, fontsize=10)


def context(tokens: Sequence[str], token: int, level: str, before: int = 8, after: int = 2) -> tuple[str, str, str]:
    """The words before a token, the token, and those after it.

    >>> context(["a", "b", "c"], 1, "word")
    ('a ', 'b', ' c')
    """
    gap = "" if level == "character" else " "
    width = 5 if level == "character" else 1
    start, end = max(0, token - before * width), token + 1 + after * width
    head, tail = gap.join(tokens[start:token]), gap.join(tokens[token + 1 : end])
    return head + gap * bool(head), tokens[token], gap * bool(tail) + tail
