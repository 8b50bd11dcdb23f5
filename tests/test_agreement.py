"""The parts of a bundle belong together, or it does not answer: settings, vocabularies, tags, network, in each task."""

from __future__ import annotations

import json
import shutil

import h5py
import numpy as np
import pytest

import language_model
import pos_tagging
import sentiment
from common.bundles.bundle import TASKS, open_bundle, save_bundle
from common.bundles.file_names import CONFIG_FILE, MODEL_FILE, VOCABULARY_FILE, WEIGHTS_FILE
from common.bundles.weights_file import bind_parts
from common.cli import export
from common.errors import InputError
from common.text.vocabulary import Vocabulary
from tests.conftest import RUN_FACTS
from tests.forge import FIXTURES, copy_fixture, rewrite, sign, write

LOAD = {"sentiment": sentiment.load, "pos_tagging": pos_tagging.load, "language_model": language_model.load}


def refuse(bundle, message, task=None):
    with pytest.raises(InputError, match=message) as refusal:
        open_bundle(bundle, task)
    assert "\n" not in str(refusal.value)


def settings(**values):
    return lambda content: content.update(values)


def without(*names):
    return lambda content: {key: value for key, value in content.items() if key not in names}


OLD_NAMES = {
    "directions": ("bidirectional", "reverse"),
    "tbptt_length": ("max_length",),
}  # of settings, in the fixtures


# -- Settings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("engine", ["onnx", "onnx-int8", "keras"])
def test_every_engine_stands_behind_the_gate(task, engine, tmp_path):
    bundle = copy_fixture(task, tmp_path)
    rewrite(bundle, CONFIG_FILE, lambda content: {})
    with pytest.raises(InputError, match=r"config\.json: setting .* is missing"):
        LOAD[task](bundle, engine)


@pytest.mark.parametrize("task", TASKS)
def test_language_and_normalization_are_known(task, tmp_path):
    bundle = copy_fixture(task, tmp_path)
    for values, message in (
        ({"language": "klingon"}, "setting language: no language 'klingon'"),
        ({"language": 5}, "setting language: found '5', wanted str"),
        ({"language": "en", "normalization": "html,rm"}, "setting normalization: found 'rm', wanted some of html"),
    ):
        rewrite(bundle, CONFIG_FILE, settings(**values))
        refuse(bundle, message, task)


@pytest.mark.parametrize("task", TASKS)
def test_export_stands_behind_the_gate(task, tmp_path):
    bundle = copy_fixture(task, tmp_path)
    rewrite(bundle, CONFIG_FILE, lambda content: {})
    with pytest.raises(InputError, match=r"config\.json: setting .* is missing"):
        export.main(["--model", str(bundle), "--format", "onnx", "--output", str(tmp_path / "x.onnx")])
    assert not (tmp_path / "x.onnx").exists()


@pytest.mark.parametrize("task", TASKS)
def test_each_setting_that_answers_depend_on_is_stated(task, tmp_path):
    module = __import__(f"{task}.agreement", fromlist=["STATED"])
    for name in module.STATED:
        bundle = copy_fixture(task, tmp_path / name)
        rewrite(bundle, CONFIG_FILE, without(name, *OLD_NAMES.get(name, ())))
        refuse(bundle, rf"config\.json: setting {name} is missing")


@pytest.mark.parametrize(
    ("task", "change"),
    [
        ("sentiment", settings(architecture="gru")),
        ("sentiment", settings(architecture="cbow")),
        ("sentiment", settings(architecture="bow")),
        ("sentiment", settings(bidirectional=False)),
        ("sentiment", settings(num_layers=2)),
        ("sentiment", settings(units=4)),
        ("sentiment", settings(backward_units=2)),
        ("sentiment", settings(pooling="mean")),
        ("sentiment", settings(pooling="attention")),
        ("sentiment", settings(pooling="last")),
        ("sentiment", settings(embedding_dim=5)),
        ("sentiment", settings(head="categorical")),
        ("sentiment", settings(head="ordinal")),
        ("sentiment", settings(min_rating=0.0)),
        ("sentiment", settings(max_rating=5)),
        ("sentiment", settings(min_rating=10.0, max_rating=1.0)),
        ("sentiment", settings(min_rating=10.0)),
        ("sentiment", settings(min_rating=-1e300, max_rating=1e300, head="categorical")),
        ("language_model", settings(architecture="gru")),
        ("language_model", settings(architecture="fixed-window")),
        ("language_model", settings(num_layers=2)),
        ("language_model", settings(units=4)),
        ("language_model", settings(embedding_dim=5)),
        ("language_model", settings(tie_embeddings=False)),
        ("language_model", settings(level="character")),
        ("pos_tagging", settings(architecture="simple-rnn")),
        ("pos_tagging", settings(architecture="previous-tag")),
        ("pos_tagging", settings(head="crf")),
        ("pos_tagging", settings(bidirectional=False)),
        ("pos_tagging", settings(num_layers=3)),
        ("pos_tagging", settings(units=4)),
        ("pos_tagging", settings(embedding_dim=5)),
        ("pos_tagging", settings(character_dim=0)),
        ("pos_tagging", settings(character_dim=2)),
        ("pos_tagging", settings(character_filters=3)),
        ("pos_tagging", settings(character_network="lstm")),
        *((task, settings(lowercase=task == "language_model")) for task in TASKS),
        *((task, settings(batch_size=0)) for task in TASKS),
        *((task, settings(dropout=float("nan"))) for task in TASKS),
        *((task, settings(dropout=float("inf"))) for task in TASKS),
        *((task, settings(units=10**30)) for task in TASKS),
        *((task, settings(units=True)) for task in TASKS),
        *((task, settings(nonsense=1)) for task in TASKS),
        *((task, settings(units=None)) for task in TASKS),
    ],
)
def test_a_setting_that_is_not_that_of_the_network(task, change, tmp_path):
    bundle = copy_fixture(task, tmp_path)
    rewrite(bundle, CONFIG_FILE, change)
    refuse(bundle, r"(config|model|vocabulary)\.json: ")


# -- Vocabularies and tags ------------------------------------------------------------------------------------------

VOCABULARIES = [
    ("sentiment", "vocabulary.json"),
    ("language_model", "vocabulary.json"),
    ("pos_tagging", "vocabulary.json"),
    ("pos_tagging", "characters.json"),
]


def tokens(change):
    return lambda content: {**content, "tokens": change(content["tokens"])}


@pytest.mark.parametrize(("task", "name"), VOCABULARIES)
@pytest.mark.parametrize(
    "change",
    [
        tokens(lambda own: own[:-1]),
        tokens(lambda own: [*own, "☃"]),
        tokens(lambda own: []),
        tokens(lambda own: None),
        tokens(lambda own: [*own[:-1], own[0]]),
        tokens(lambda own: [*own[:-1], ""]),
        tokens(lambda own: [*own[:-1], 3]),
        tokens(lambda own: [*own[:-1], None]),
        tokens(lambda own: [*own[:-1], [own[0]]]),
        tokens(lambda own: [*own[:-1], "<pad>"]),
        tokens(lambda own: dict.fromkeys(own, 1)),
        tokens(lambda own: "".join(own)),
        lambda content: {**content, "lowercase": not content["lowercase"]},
        lambda content: {**content, "lowercase": None},
        lambda content: {**content, "more": 1},
        without("lowercase"),
        without("tokens"),
        lambda content: content["tokens"],
        lambda content: 3,
    ],
)
def test_a_vocabulary_that_is_not_that_of_the_network(task, name, change, tmp_path):
    bundle = copy_fixture(task, tmp_path)
    rewrite(bundle, name, change)
    refuse(bundle, rf"{name.replace('.', '[.]')}: ")


@pytest.mark.parametrize(
    ("task", "name", "odd"),
    [
        ("sentiment", "vocabulary.json", "so good"),
        ("sentiment", "vocabulary.json", "good\n"),
        ("sentiment", "vocabulary.json", "Good"),
        ("language_model", "vocabulary.json", " "),
        ("pos_tagging", "vocabulary.json", "Good"),
        ("pos_tagging", "characters.json", "ab"),
    ],
)
def test_a_token_of_another_kind(task, name, odd, tmp_path):
    bundle = copy_fixture(task, tmp_path)
    rewrite(bundle, name, tokens(lambda own: [*own[:-1], odd]))
    refuse(bundle, rf"{name.replace('.', '[.]')}: it has (words|tokens)")


@pytest.mark.parametrize("name", ["vocabulary.json", "characters.json", "training_words.json", "tags.json"])
def test_null_instead_of_a_part(name, tmp_path):
    bundle = copy_fixture("pos_tagging", tmp_path)
    write(bundle, name, "null")
    refuse(bundle, rf"{name.replace('.', '[.]')}: ")


@pytest.mark.parametrize(
    "change",
    [
        lambda tags: tags[:-1],
        lambda tags: [*tags, "ZZZ"],
        lambda tags: tags[::-1],
        lambda tags: [tags[1], tags[0], *tags[2:]],
        lambda tags: [*tags[:-1], tags[-2]],
        lambda tags: [*tags[:-1], ""],
        lambda tags: [*tags[:-1], "Z\n"],
        lambda tags: [*tags[:-1], 3],
        lambda tags: [*tags[:-1], None],
        lambda tags: dict.fromkeys(tags, 1),
        lambda tags: [],
        lambda tags: "".join(tags),
        lambda tags: 3,
    ],
)
def test_tags_that_are_not_those_of_the_network(change, tmp_path):
    bundle = copy_fixture("pos_tagging", tmp_path)
    rewrite(bundle, "tags.json", change)
    refuse(bundle, r"tags\.json: ")


def test_a_vocabulary_that_the_network_does_not_read(tmp_path):
    for name in ("shapes.json", "affixes.json", "vector_words.json"):
        bundle = copy_fixture("pos_tagging", tmp_path / name)
        Vocabulary(["x"]).save(bundle / name)
        sign(bundle, name)
        refuse(bundle, rf"{name.replace('.', '[.]')}: is there, and the network differs")


# -- The network ----------------------------------------------------------------------------------------------------


def layers_of(content):
    return content["config"]["layers"]


def find(content, class_name):
    return next(layer for layer in layers_of(content) if layer["class_name"] == class_name)


def setting_of(class_name, **values):
    return lambda content: find(content, class_name)["config"].update(values)


def rename_output(content):
    content["config"]["output_layers"] = {"other": content["config"]["output_layers"]}


def name_output(content):
    content["config"]["output_layers"] = {"logits": content["config"]["output_layers"]}


def drop_output(content):
    content["config"]["output_layers"].pop("logits")


def rename_input(content):
    """All is as it was, but the mask has another name."""
    text = json.dumps(content)
    for before, after in (('["mask", 0, 0]', '["masks", 0, 0]'), ('"name": "mask"', '"name": "masks"')):
        text = text.replace(before, after)
    return json.loads(text.replace('"mask": ["masks"', '"masks": ["masks"'))


@pytest.mark.parametrize(
    ("task", "change"),
    [
        ("sentiment", setting_of("Rescaling", scale=9.0)),
        ("sentiment", setting_of("Rescaling", offset=0.0)),
        ("sentiment", setting_of("MaskedPooling", mode="sum")),
        ("sentiment", setting_of("Dense", activation="tanh")),
        ("sentiment", setting_of("Bidirectional", merge_mode="sum")),
        ("sentiment", rename_output),
        ("sentiment", rename_input),
        ("pos_tagging", rename_output),
        ("pos_tagging", name_output),
        ("pos_tagging", rename_input),
        ("pos_tagging", setting_of("Conv1D", activation="tanh")),
        ("pos_tagging", setting_of("InputLayer", batch_shape=[None, 7])),
        ("language_model", drop_output),
        ("language_model", rename_input),
        ("language_model", setting_of("LSTM", activation="relu")),
        ("language_model", setting_of("LSTM", go_backwards=True)),
        ("language_model", setting_of("Activation", activation="relu")),
    ],
)
def test_a_network_that_is_not_the_one_of_the_settings(task, change, tmp_path):
    bundle = copy_fixture(task, tmp_path)
    rewrite(bundle, MODEL_FILE, change)
    refuse(bundle, r"(config|model|tags)\.json: ")


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("number", [np.nan, np.inf, -3e38])
def test_weights_that_are_no_numbers(task, number, tmp_path):
    bundle = copy_fixture(task, tmp_path)
    with h5py.File(bundle / WEIGHTS_FILE, "a") as file:
        group = "tied_embedding" if task == "language_model" else "embedding"
        file[f"layers/{group}/vars/0"][-1, -1] = number
    sign(bundle, WEIGHTS_FILE)
    refuse(bundle, r"model\.weights\.h5: layer '.*embedding' has weights that are")


def test_the_weights_of_another_task(tmp_path):
    bundle = copy_fixture("sentiment", tmp_path)
    shutil.copy(FIXTURES / "pos_tagging" / WEIGHTS_FILE, bundle / WEIGHTS_FILE)
    sign(bundle, WEIGHTS_FILE)
    refuse(bundle, r"model\.json: layer .* declares")


@pytest.mark.parametrize("task", TASKS)
def test_a_bundle_of_another_task(task, tmp_path):
    bundle = copy_fixture(task, tmp_path)
    other = TASKS[(TASKS.index(task) + 1) % 3]
    rewrite(bundle, "manifest.json", settings(task=other))
    refuse(bundle, r"(config|vocabulary|characters|tags)\.json: ")


# -- Bundles of today -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "name"), [*VOCABULARIES, ("pos_tagging", "shapes.json"), ("pos_tagging", "training_words.json")]
)
def test_a_vocabulary_in_another_order_belongs_to_other_weights(task, name, small_bundle, tmp_path):
    """A forger who mends the manifest alone is found out; one who writes the mark anew is not."""
    bundle = shutil.copytree(small_bundle(task), tmp_path / "bundle")
    open_bundle(bundle)
    rewrite(bundle, name, tokens(lambda own: own[::-1]))
    refuse(bundle, r"model\.weights\.h5: the settings or vocabularies beside it belong to other weights")


def test_every_rating_model_agrees_with_itself(tmp_path):
    from sentiment.config import ARCHITECTURES, HEADS, POOLINGS, SentimentConfig
    from sentiment.model import build_model

    variants = [{"architecture": name, "head": head} for name in ARCHITECTURES for head in HEADS]
    variants += [{"pooling": name, "num_layers": 2} for name in POOLINGS]
    variants += [
        {"pooling": name, "num_layers": 2, "directions": "asymmetric", "backward_units": 3}
        for name in ("last", "mean-max", "max")
    ]
    variants += [{"directions": "forward", "min_rating": 0, "max_rating": 2.5, "head": "ordinal"}]
    given = {"min_rating": 1.0, "max_rating": 10.0, "ngrams": 0, "head": "categorical"}
    variants = [{**given, **variant} for variant in variants]
    vocabulary = Vocabulary(["so", "good"], lowercase=True)
    check_all(
        tmp_path, "sentiment", variants, SentimentConfig, lambda c: build_model(c, 6), vocabulary_saver(vocabulary)
    )


def test_every_language_model_agrees_with_itself(tmp_path):
    from language_model.config import ARCHITECTURES, LanguageModelConfig
    from language_model.model import build_model

    variants = [
        {"architecture": name, "tie_embeddings": tied, "num_layers": number, "embedding_dim": dim}
        for name in ARCHITECTURES
        for tied, number, dim in ((True, 1, 4), (True, 2, 5), (False, 2, 5))
    ]
    vocabulary = Vocabulary(["so", "good"])
    saver = vocabulary_saver(vocabulary)
    check_all(tmp_path, "language_model", variants, LanguageModelConfig, lambda c: build_model(c, 6), saver)


def test_every_tagger_agrees_with_itself(tmp_path):
    from pos_tagging.config import ARCHITECTURES, TaggingConfig
    from pos_tagging.lexicon import Lexicon
    from pos_tagging.model import build_model

    variants = [{"architecture": name, "num_layers": 2} for name in ARCHITECTURES]
    variants += [{"head": "crf"}, {"character_network": "lstm"}, {"character_dim": 0}, {"directions": "forward"}]
    variants += [{"character_dim": 0, "shape_dim": 0, "affix_dim": 0}, {"shape_dim": 0}, {"affix_dim": 0}]

    def lexicon(config):
        return Lexicon.build([["So", "good"], ["so", "sod"]], ["ADV", "ADJ"], config, Vocabulary(["The", "<unk>"]))

    def build(config):
        return build_model(config, **lexicon(config).sizes(), vector_dim=3)

    def saver(config):
        return lexicon(config).save

    check_all(tmp_path, "pos_tagging", variants, TaggingConfig, build, saver)


def vocabulary_saver(vocabulary):
    return lambda config: lambda folder: vocabulary.save(folder / "vocabulary.json")


def check_all(folder, task, variants, config_class, build, saver):
    for number, variant in enumerate(variants):
        config = config_class(**{"units": 4, "embedding_dim": 5, "batch_size": 8, **variant})
        facts = {**RUN_FACTS, "task": task}
        save_bundle(folder / str(number), build(config), config, {}, facts, "card", saver(config))
        opened = open_bundle(folder / str(number), task)
        assert opened.read_config(config_class) == config


# -- Results under each other's names ------------------------------------------------------------------------------


def swap_outputs(bundle, first, second):
    def swap(content):
        outputs = content["config"]["output_layers"]
        outputs[first], outputs[second] = outputs[second], outputs[first]

    rewrite(bundle, MODEL_FILE, swap)


def test_states_that_come_out_under_each_others_names(tmp_path):
    bundle = copy_fixture("language_model", tmp_path)
    swap_outputs(bundle, "state_0_h", "state_0_c")
    refuse(bundle, "output state_0_h is another state than the input of that name")


def test_a_spread_that_is_called_a_rating(tmp_path):
    bundle = tmp_path / "reviews"
    shutil.copytree(FIXTURES.parent.parent.parent / "pretrained_model" / "sentiment" / "reviews", bundle)
    swap_outputs(bundle, "rating", "spread")
    parts = [bundle / name for name in (CONFIG_FILE, MODEL_FILE, VOCABULARY_FILE)]
    bind_parts(bundle / WEIGHTS_FILE, {file.name: file.read_bytes() for file in parts})
    sign(bundle, WEIGHTS_FILE)
    refuse(bundle, "output rating is result 1 of 'expected_level', not 0")
