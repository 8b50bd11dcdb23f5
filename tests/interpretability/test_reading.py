"""Models of all tasks as the microscope reads them: states equal to Keras; files, names and what is refused."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from common.bundles.bundle import open_bundle
from common.errors import InputError
from common.inference.keras_engine import load_model
from common.inference.states import recurrent_layers
from interpretability.reading import (
    NUM_STRETCHES,
    find_model,
    hidden_states,
    independent_rows,
    load_pieces,
    open_model,
    read_conllu,
    read_states,
)

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "format_2"
TEXTS = ["It was a good film, I think. She said no.", "Bad!"]
CONLLU = "1\tDogs\tdog\tNOUN\tNNS\tNumber=Plur\t2\tnsubj\t_\t_\n2\tran\trun\tVERB\tVBD\tTense=Past\t0\troot\t_\t_\n\n"


def keras_states(model, folder, token_lists):
    """What the recurrent layers of the Keras model give, by the names of the microscope, (batch, time, units)."""
    network = load_model(open_bundle(folder))
    names = dict.fromkeys(name.split(".")[0] for name in recurrent_layers(model.architecture))
    outputs = {}
    for name in names:
        results = network.get_layer(name).output
        outputs[name] = results[0] if isinstance(results, list | tuple) else results
    inputs = model.reader.encode(token_lists)
    read = {name: tensor for name, tensor in network.input.items() if name in inputs}  # not those of a wide part
    found = keras.Model(read, outputs)(inputs)
    return {name: np.asarray(values) for name, values in found.items()}


@pytest.mark.parametrize("task", [pytest.param("sentiment", marks=pytest.mark.slow), "language_model", "pos_tagging"])
def test_states_at_every_token_are_those_of_keras(task):
    model = open_model(FIXTURES / task)
    token_lists = [tokens for text in TEXTS for tokens in model.reader.split(text)]
    wanted = keras_states(model, FIXTURES / task, token_lists)
    checked = 0
    for found in read_states(model, token_lists):
        steps = model.reader.steps(len(token_lists[found.number]))
        width = max(len(tokens) for tokens in token_lists) + int(steps[0] != 0 or steps[-1] != len(steps) - 1)
        for name, states in found.states.items():
            node, _, direction = name.partition(".")
            whole = wanted[node][found.number]
            if direction:  # both directions side by side
                whole = np.split(whole, 2, axis=-1)[int(direction == "backward")]
            elif recurrent_layers(model.architecture)[name].backwards:  # Keras gives the order of reading
                whole = whole[::-1]
            assert len(whole) == width
            np.testing.assert_allclose(states, whole[steps], atol=1e-5)
            checked += np.abs(states).max() > 0.01
    assert checked >= len(token_lists)


def test_hidden_states_of_a_text_come_with_its_tokens():
    [(tokens, states)] = hidden_states(open_model(FIXTURES / "language_model"), "It was good.")
    assert tokens == ["It", "was", "good", "."]
    assert all(len(values) == 4 for values in states.values())


def test_a_name_that_several_models_have_is_refused_with_their_names():
    if not (ROOT / "pretrained_model" / "sentiment" / "reviews").exists():
        pytest.skip("pretrained models are not there")
    with pytest.raises(InputError, match="reviews: pretrained models of this name are sentiment/reviews, language"):
        find_model("reviews")
    assert find_model("sentiment/reviews").name == "reviews"


def test_a_model_that_is_not_there_is_refused_with_those_there_are():
    with pytest.raises(InputError, match="nobody: no such folder, and no pretrained model of that name"):
        find_model("nobody")


def test_words_with_annotations_are_read_without_ranges_and_empty_nodes(tmp_path):
    path = tmp_path / "a.conllu"
    path.write_text(
        "# text\n1-2\tDogs ran" + "\t_" * 8 + "\n" + CONLLU.replace("2\tran", "1.1\tx" + "\t_" * 8 + "\n2\tran")
    )
    assert read_conllu(path) == [
        {"form": ["Dogs", "ran"], "upos": ["NOUN", "VERB"], "number": ["Plur", ""], "tense": ["", "Past"]}
    ]


def test_a_line_that_is_no_conllu_is_refused_by_its_place(tmp_path):
    path = tmp_path / "a.conllu"
    path.write_text(CONLLU + "1\tDogs\n")
    with pytest.raises(InputError, match=r"a\.conllu, line 4: found 2 fields, wanted the 10 of CoNLL-U"):
        read_conllu(path)


def test_ratings_of_words_with_annotations_are_refused(tmp_path):
    path = tmp_path / "a.conllu"
    path.write_text(CONLLU)
    with pytest.raises(InputError, match="--rating-column"):
        load_pieces(path, open_model(FIXTURES / "language_model").reader, 100, rating_column="rating")


def test_long_texts_are_cut_and_their_parts_stay_of_one_text(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,rating\none two three four five,3\nsix,4\n")
    reader = open_model(FIXTURES / "language_model").reader
    pieces = load_pieces(path, reader, 2, rating_column="rating")
    assert [(piece.tokens, piece.text, piece.rating) for piece in pieces] == [
        (["one", "two"], 0, 3), (["three", "four"], 0, 3), (["five"], 0, 3), (["six"], 1, 4)
    ]  # fmt: skip


def test_ratings_are_found_beside_any_column_of_text(tmp_path):
    reader = open_model(FIXTURES / "language_model").reader
    (tmp_path / "a.csv").write_text("rating,review\n8,a good film that I liked\n")
    (tmp_path / "a.jsonl").write_text('{"review": "a good film that I liked", "rating": 8}\n')
    for name in ("a.csv", "a.jsonl"):
        assert [piece.rating for piece in load_pieces(tmp_path / name, reader, 100, rating_column="rating")] == [8]
    with pytest.raises(InputError, match=r"no column 'stars'.*--rating-column"):
        load_pieces(tmp_path / "a.csv", reader, 100, rating_column="stars")


def test_a_rating_that_is_no_number_is_refused_by_its_row(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,rating\ngood film,nice\n")
    with pytest.raises(InputError, match=r"row 1.*found rating 'nice', wanted a number"):
        load_pieces(path, open_model(FIXTURES / "language_model").reader, 100, rating_column="rating")


@pytest.mark.parametrize("program", ["units", "probe"])
def test_what_is_wrong_is_said_in_one_line_and_nothing_is_written(program, run_here, tmp_path):
    texts, output = tmp_path / "a.txt", tmp_path / "page.html"
    texts.write_text("One text alone.\n")
    for arguments, problem in (
        (["--input", tmp_path / "none.csv"], "no such file"),
        (["--input", texts, "--max-tokens", "1"], "--max-tokens: found 1, wanted from 2"),
        (["--input", texts], "cannot be split in two halves"),
    ):
        done = run_here(
            f"interpretability.{program}", "--model", FIXTURES / "language_model", "--output", output, *arguments
        )
        assert done.returncode == 2
        assert problem in done.stderr.splitlines()[-1]
        assert not output.exists()


def test_a_single_text_is_cut_into_stretches_for_its_intervals():
    rows = independent_rows(np.full(120, 7))
    assert len(rows) == NUM_STRETCHES
    assert np.concatenate(rows).tolist() == list(range(120))
    assert len(independent_rows(np.full(3, 7))) == 3
    assert len(independent_rows(np.array([1, 1, 2]))) == 2
