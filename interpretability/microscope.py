"""The microscope: one page that needs no network, to choose a unit and see what it does over a text.

The states and gates of a few short texts are in the page itself, rounded to 8 bits; a script of its own, without any
library, colours the text. What was found and how saturated the gates are is readable without the script too.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.errors import excerpt
from common.evaluation.figures import html_figure
from common.evaluation.page import html_facts, html_table, html_text, whole_page
from common.text.vocabulary import SPECIAL_TOKENS
from interpretability.concepts import Concept
from interpretability.gates import NAMES, SIGMOIDS
from interpretability.reading import Model, Piece, layers_of, read_states
from interpretability.survey import Peak, Survey, context, saturation_figure
from interpretability.units import ALSO_UNTRAINED, ANY_DIRECTION, CHANCE, OWN_UNIT, UnitResults

FOLDER = Path(__file__).resolve().parent
NUM_TEXTS, NUM_NEIGHBOURS, LOOKED_THROUGH = 3, 8, 100
LONGEST_TOKEN = 40  # characters shown
BODY = """
<noscript><p class="verdict behind">Choosing units needs JavaScript; the tables below do not.</p></noscript>
<div class="microscope">
<div class="choices"><label>text<select id="text"></select></label><label>layer<select id="layer"></select></label>
<label>unit<span><button id="less" aria-label="unit before">−</button>
<input id="unit" type="number" min="0" value="0" aria-label="unit">
<button id="more" aria-label="next unit">+</button></span></label>
<label>colour<select id="kind"></select></label></div>
<div class="jumps" id="jumps"></div>
<p class="note"><span class="key" style="background: linear-gradient(90deg, rgb(213, 94, 0), transparent,
rgb(0, 114, 178))"></span> <span id="scale"></span></p>
<div class="reading" id="reading"></div>
<p><strong id="token"></strong><br><span class="note">nearest tokens of the embedding (cosine):</span>
<span id="near"></span></p>
<h3>State, cell and gates of this unit</h3><p class="note">Gates from 0, shut, to 1, open; state and cell (its tanh)
relative to the strongest here.</p><div class="scroll"><canvas id="strips"></canvas></div>
<p class="note" id="saturation"></p>
<h3>Where it is highest</h3><ul class="peaks" id="highest"></ul>
<h3>Where it is lowest</h3><ul class="peaks" id="lowest"></ul>
<h3>All units of the layer</h3><p class="note" id="about-map"></p>
<div class="scroll"><canvas id="map"></canvas><div class="cross" id="row"></div><div class="cross" id="column"></div>
</div></div>
"""


def write_page(
    model: Model,
    pieces: Sequence[Piece],
    found: UnitResults,
    surveyed: Survey,
    facts: Mapping[str, str],
    num_tokens: int,
) -> str:
    """Make the page.

    Args:
        model: the model.
        pieces: the texts that were surveyed, in the same order; the first of them are shown.
        found: the units that follow concepts.
        surveyed: of `interpretability.survey.survey`.
        facts: model, data and command, for the head.
        num_tokens: of the texts shown.
    """
    data = json.dumps(page_data(model, pieces, found, surveyed, num_tokens), ensure_ascii=False, separators=(",", ":"))
    style, script = ((FOLDER / f"microscope.{ending}").read_text("utf-8") for ending in ("css", "js"))
    safe = data.replace("<", "\\u003c")  # so no token can end the element
    body = (
        f"{html_facts(facts)}{BODY}{_findings(found)}{_saturation(surveyed)}"
        f'<script type="application/json" id="data">{safe}</script><script>{script}</script>'
    )
    return whole_page(f"Microscope: {model.name}", body, style)


def _findings(found: UnitResults) -> str:
    if not found.results and not found.left_out:
        return ""
    notes = "".join(html_text(f"{name}: left out, {why}", "note") for name, why in found.left_out.items())
    explained = (
        "Each unit was chosen on one half of the data and is scored on the other: AUC for what holds or does not, "
        "Pearson's correlation for what is counted. (low): low values go with the concept. Beside it: a regression on "
        "all units; and the best unit, chosen and scored in the same way, of random orthonormal bases, of untrained "
        f"networks, and for the labels of other places. Verdict: {OWN_UNIT}, if its interval is above all of these; "
        f"else the first control that it is not above: {ANY_DIRECTION} (random bases), {ALSO_UNTRAINED}, {CHANCE}."
    )
    table = html_table(found.rows()) if found.results else ""
    return f"<h2>Which unit follows which concept?</h2>{html_text(explained)}{table}{notes}"


def _saturation(surveyed: Survey) -> str:
    figure = saturation_figure(surveyed)
    if figure is None:
        return ""
    shown = f"A point for each unit, over {surveyed.num_tokens:,} tokens; on the line a gate is always shut or open."
    return f"<h2>Saturation of the gates</h2>{html_figure(figure, shown)}{html_table(surveyed.rows())}"


# -- What the script shows ------------------------------------------------------------------------------------------


def page_data(
    model: Model, pieces: Sequence[Piece], found: UnitResults, surveyed: Survey, num_tokens: int
) -> dict[str, Any]:
    """All that the script shows, as JSON has it; see `write_page`."""
    names = list(layers_of(model))
    shown = choose_texts(pieces, [each.concept for each in found.results], max(10, num_tokens // NUM_TEXTS))
    values, scales = pack_states(model, shown)
    gap = "" if model.reader.level == "character" else " "
    return {
        "level": model.reader.level,
        "names": NAMES,
        "layers": [
            {"name": name, "units": layer.units, "scale": scales[name],
             "saturation": _shares(surveyed, name, layer.units)}
            for name, layer in layers_of(model).items()
        ],
        "texts": [
            {"title": excerpt(gap.join(tokens), 40), "tokens": [t[:LONGEST_TOKEN] for t in tokens], "values": each}
            for tokens, each in zip(shown, values, strict=True)
        ],
        "neighbours": neighbours(model, {token for tokens in shown for token in tokens}),
        "highest": [_contexts(surveyed.highest[name], pieces, model.reader.level) for name in names],
        "lowest": [_contexts(surveyed.lowest[name], pieces, model.reader.level) for name in names],
        "concepts": [
            {"name": each.concept.name, "meaning": each.concept.meaning, "verdict": each.verdict,
             "layer": names.index(each.units[0].layer), "unit": each.units[0].unit}
            for each in found.results
        ],
    }  # fmt: skip


def choose_texts(pieces: Sequence[Piece], concepts: Sequence[Concept], length: int) -> list[list[str]]:
    """The beginnings of the first pieces, of which those come first that show most: concepts that hold and do not."""
    binary = [concept for concept in concepts if concept.is_binary]

    def num_shown(piece: Piece) -> int:
        labels = [concept.find(piece)[:length] for concept in binary]
        return sum(bool((each == 0).any() and (each == 1).any()) for each in labels)

    best = sorted(pieces[:LOOKED_THROUGH], key=lambda piece: -num_shown(piece))
    return [piece.tokens[:length] for piece in best[:NUM_TEXTS]]


def pack_states(
    model: Model, token_lists: Sequence[Sequence[str]]
) -> tuple[list[list[dict[str, str]]], dict[str, float]]:
    """States, tanh of the cells, and gates of some texts in 8 bits.

    Returns:
        For each text and layer, by name of `interpretability.gates.NAMES`, (tokens, units) as base64 of int8; and what
        127 stands for in the states of each layer.
    """
    read = sorted(read_states(model, token_lists, with_gates=True), key=lambda each: each.number)
    scales = {name: max(1.0, *(float(np.abs(each.states[name]).max()) for each in read)) for name in read[0].states}
    packed = []
    for each in read:
        row = []
        for name, states in each.states.items():
            gates = {kind: np.tanh(v) if kind == "c" else v for kind, v in each.gates[name].items()}
            row.append({kind: _pack(values) for kind, values in {"h": states / scales[name], **gates}.items()})
        packed.append(row)
    return packed, scales


def _pack(values: NDArray) -> str:
    return base64.b64encode(np.rint(np.clip(values, -1, 1) * 127).astype(np.int8).tobytes()).decode("ascii")


def neighbours(model: Model, tokens: set[str]) -> dict[str, list[tuple[str, float]]]:
    """Of each token that the model knows the nearest ones of its embedding, by cosine."""
    vocabulary = model.reader.vocabulary
    known = sorted(token for token in tokens if token in vocabulary)
    if not known:
        return {}
    vectors = model.architecture.layers[model.reader.embedding].values()[0].astype(np.float32)
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    ids = vocabulary.encode(known)
    cosines = vectors[ids] @ vectors.T  # (tokens, vocabulary)
    cosines[:, : len(SPECIAL_TOKENS)] = -2  # they are no words
    cosines[np.arange(len(ids)), ids] = -2
    nearest = np.argsort(-cosines, axis=1)[:, :NUM_NEIGHBOURS]
    return {
        token[:LONGEST_TOKEN]: [(vocabulary.tokens[i], round(float(row[i]), 2)) for i in best if row[i] > -2]
        for token, row, best in zip(known, cosines, nearest, strict=True)
    }


def _contexts(
    peaks: Sequence[Sequence[Peak]], pieces: Sequence[Piece], level: str
) -> list[list[tuple[str, str, str, float]]]:
    return [
        [(*context(pieces[each.piece].tokens, each.token, level), round(each.value, 2)) for each in unit]
        for unit in peaks
    ]


def _shares(surveyed: Survey, layer: str, units: int) -> list[dict[str, tuple[int, int]]]:
    """Of each unit, in percent, how often each gate is shut, and open."""
    shut, opened = surveyed.shut[layer], surveyed.open[layer]
    return [
        {gate: (round(100 * shut[gate][unit]), round(100 * opened[gate][unit])) for gate in SIGMOIDS if gate in shut}
        for unit in range(units)
    ]
