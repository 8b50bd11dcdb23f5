"""Writing: seeds, ends, prompts, beams against all there is, pieces that make the whole."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from common.errors import InputError
from common.text.vocabulary import BOS_ID, EOS_ID, PAD_ID, UNK_ID, Vocabulary
from language_model import predict, writing
from language_model.config import GenerationConfig
from language_model.joining import join_words
from language_model.loader import initial_states
from tests.language_model.toy_model import VOCABULARY, build_reader, prefer


def plan_tokens(monkeypatch, ids):
    """Let the draw give these tokens, one after the other."""
    plan = iter(ids)
    monkeypatch.setattr(writing, "sample_tokens", lambda *_: np.array([next(plan)], np.int32))


def test_the_same_seed_writes_the_same():
    model = build_reader()
    texts = model.generate("the king", num_samples=4, max_tokens=12, seed=1)
    assert texts == model.generate("the king", num_samples=4, max_tokens=12, seed=1)
    assert texts != model.generate("the king", num_samples=4, max_tokens=12, seed=2)
    assert len(set(texts)) > 1
    assert all(text.startswith("the king") for text in texts)


def test_writing_the_likeliest_by_hand():
    model = prefer(build_reader(), EOS_ID, -50)  # it goes on
    ids = [BOS_ID, *VOCABULARY.encode(["the"])]
    for _ in range(6):  # the whole text again at every step: no state is carried
        whole = np.array([ids], np.int32)
        answer, _ = model.step(whole, np.ones(whole.shape, bool), initial_states(model.config, 1))
        scores = answer["logits"][0, -1]
        scores[[PAD_ID, UNK_ID, BOS_ID]] = -np.inf
        ids.append(int(scores.argmax()))
    assert EOS_ID not in ids
    assert model.generate("the", max_tokens=6, temperature=0) == [join_words(VOCABULARY.decode(ids[1:]))]


def test_where_a_text_ends(monkeypatch):
    model = build_reader()
    plan_tokens(monkeypatch, [4, 8, 5, 8, 6, EOS_ID, 7, 7, 7])  # the . king . went <eos>
    assert model.generate(max_tokens=50) == ["the. king. went"]
    plan_tokens(monkeypatch, [4, 8, 5, 8, 6])
    assert model.generate(max_tokens=50, num_sentences=2) == ["the. king."]
    plan_tokens(monkeypatch, [4, 5, 6, 7])
    assert model.generate(max_tokens=3, complete_sentences=False) == ["the king went"]


def test_a_text_stops_where_it_is_told(monkeypatch):
    model = build_reader()
    plan_tokens(monkeypatch, [4, 5, 6, 7, 8])
    assert model.generate(max_tokens=50, stop="king  went") == ["the king went"]
    plan_tokens(monkeypatch, [6, 7])
    assert model.generate("the king", max_tokens=50, stop="home") == ["the king went home"]  # not in the prompt
    with pytest.raises(InputError, match="--stop: found ' ', wanted at least one word of text"):
        model.generate(stop=" ")


# -- Whole sentences ------------------------------------------------------------------------------------------------

WORDS = Vocabulary(["so", "no", "Mr.", "St", ".", "?", '"', "(", ")", "..."])
WHOLE = [  # tokens to write; the text with at most 3 and then 4 more tokens; the same without complete_sentences
    ("so . no so . no", "so. no so.", "so. no"),  # goes on to the end
    ("so no . so no", "so no.", "so no."),  # is at one
    ("so . no so no so no so", "so.", "so. no"),  # there is none in time: cut back
    ("so no so no so no so no", "so no so", "so no so"),  # there is none at all
    ("so no <eos>", "so no", "so no"),  # the end of the text is an end
    ("so no so no <eos>", "so no so no", "so no so"),
    ('" so no ? " so', '"so no?"', '"so no'),  # a mark that closes belongs to the sentence
    ("so no ( so . ) no", "so no (so.)", "so no ("),
    ('so no . " so', "so no.", "so no."),  # one that opens does not
    ("so no Mr. so . no", "so no Mr. so.", "so no Mr."),
    ("so no St . no ?", "so no St. no?", "so no St"),
    ("so no so ... no ?", "so no so... no?", "so no so"),
]


@pytest.mark.parametrize(("tokens", "text", "without"), WHOLE)
def test_the_last_sentence_is_whole(tokens, text, without, monkeypatch):
    model = build_reader(WORDS)
    for complete, expected in ((True, text), (False, without)):
        ids = WORDS.encode(tokens.split())
        plan_tokens(monkeypatch, [EOS_ID if token_id == UNK_ID else token_id for token_id in ids])
        settings = {"extra_tokens": 4} if complete else {"complete_sentences": False}
        assert model.generate(max_tokens=3, **settings) == [expected]


@pytest.mark.parametrize(
    ("letters", "text"),
    [
        ("so. so", "so."),
        ("sono.\nn", "sono."),
        ('"sono." n', '"sono."'),
        ("sos 3.1 so? n", "sos 3.1 so?"),
        ("so Mr. so! n", "so Mr. so!"),
        ("sos... no. s", "sos... no."),
        ("so. sosososososo", "so."),
        ("sono。so", "sono。"),
        ("sosososososososo", "sos"),
        ("sos nonono.sososo", "sos nonono."),  # the length is reached there
    ],
)
def test_the_last_sentence_of_characters_is_whole(letters, text, monkeypatch):
    vocabulary = Vocabulary('son.?! "31Mr\n。')
    plan_tokens(monkeypatch, vocabulary.encode(letters))
    assert build_reader(vocabulary, level="character").generate(max_tokens=3, extra_tokens=8) == [text]


def test_a_full_stop_within_a_number_is_no_sentence(monkeypatch):
    vocabulary = Vocabulary("so. 31Mr")
    plan_tokens(monkeypatch, vocabulary.encode("so 3.1 so. Mr. s. so. so"))
    assert build_reader(vocabulary, level="character").generate(num_sentences=2) == ["so 3.1 so. Mr. s. so."]


def test_nothing_is_shown_that_is_cut_later(monkeypatch):
    model = build_reader(WORDS)

    def pieces(tokens):
        plan_tokens(monkeypatch, WORDS.encode(tokens.split()))
        return [piece for (piece,) in model.write("no", max_tokens=3, extra_tokens=4)]

    assert pieces("so . no so ? so") == ["no", "", " so.", "", "", " no so?"]
    assert pieces("so . no so no so no so no") == ["no", "", " so.", *[""] * 5]
    assert pieces("so no so no so no so no") == ["no", *[""] * 6, " so no so"]


def test_whole_sentences_change_nothing_before_the_length_is_reached():
    model = prefer(build_reader(), EOS_ID, -3)
    changed = []
    for seed in range(5):
        settings = {"num_samples": 6, "max_tokens": 8, "seed": seed}
        whole = model.generate("the", **settings)
        plain = model.generate("the", complete_sentences=False, **settings)
        changed += [text != other for text, other in zip(whole, plain, strict=True)]
        assert all(text.startswith(other) or other.startswith(text) for text, other in zip(whole, plain, strict=True))
    assert 0 < sum(changed) < len(changed)


def test_without_whole_sentences_texts_are_those_of_before():
    """Written by the version before there was `complete_sentences`."""
    model = prefer(build_reader(), EOS_ID, -2)
    settings = {"num_samples": 2, "max_tokens": 7, "seed": 3, "complete_sentences": False}
    assert model.generate("the king", **settings) == ["the king", "the king the king the"]
    assert model.generate("the", **settings, num_sentences=1) == ["the the.", "the the home king the the home home"]
    beams = {"num_beams": 3, "num_samples": 2, "max_tokens": 7, "complete_sentences": False}
    assert model.generate("the king", **beams) == [
        "the king the the the the the the the",
        "the king the the the the home the the",
    ]


def test_beams_end_their_sentences():
    model = prefer(prefer(build_reader(), EOS_ID, -50), VOCABULARY.encode(["."])[0], 1)
    texts = model.generate("the", num_beams=4, num_samples=4, max_tokens=4)
    assert len(set(texts)) == 4
    assert all(text.endswith(".") for text in texts)
    plain = model.generate("the", num_beams=4, num_samples=4, max_tokens=4, complete_sentences=False)
    assert any(not text.endswith(".") for text in plain)
    never = prefer(prefer(build_reader(), EOS_ID, -50), VOCABULARY.encode(["."])[0], -50)
    beams = {"num_beams": 2, "num_samples": 2, "max_tokens": 4}
    cut = never.generate("the", **beams, extra_tokens=3)
    assert all(len(text.split()) == 5 for text in cut)


def test_a_text_that_was_cut_counts_with_the_tokens_that_are_left():
    config = GenerationConfig(max_tokens=3, extra_tokens=0, num_beams=2, num_samples=2)
    text = writing.GrowingText(build_reader(WORDS), [], config)
    for token_id in WORDS.encode(["so", ".", "no"]):
        text.add(token_id)
    hypotheses = writing.Hypotheses(config, longest=3)
    hypotheses.add_finished(writing.Beam(text, (-1.0, -3.0, -9.0)))
    assert (hypotheses.finished, hypotheses.cut) == ({}, {"so.": -1.5})
    whole = writing.GrowingText(build_reader(WORDS), [], config)
    whole.add(EOS_ID)
    hypotheses.add_finished(writing.Beam(whole, (-4.0,)))
    assert hypotheses.best() == ["", "so."]  # what has ended stands first


@pytest.mark.parametrize("settings", [{}, {"num_beams": 2}])
def test_a_whole_sentence_that_nothing_can_follow_is_no_dead_end(settings, monkeypatch):
    """A quotation is open, so a mark that closes it is waited for; but the model has none."""
    model = build_reader(WORDS)
    quote, so, stop = WORDS.encode(['"', "so", "."])
    table = np.full((len(WORDS), len(WORDS)), -np.inf)
    table[BOS_ID, quote] = table[quote, so] = table[so, stop] = 0
    monkeypatch.setattr(model, "step", lambda ids, mask, states: ({"logits": table[ids]}, states))
    dead_ends = []
    assert model.generate(max_tokens=3, on_dead_end=dead_ends.append, **settings) == ['"so.']
    assert dead_ends == []


def test_extra_tokens_are_for_whole_sentences():
    with pytest.raises(InputError, match="--extra-tokens: are for --complete-sentences; leave one of the options out"):
        build_reader().write(extra_tokens=5, complete_sentences=False)


QUOTING = Vocabulary(["the", "king", "went", "home", ".", '"', "“", "”", ")"])


@pytest.mark.parametrize(
    ("prompt", "tokens", "text"),
    [
        ("", '" the . " king', '"the."'),
        ("", '" the . king', '"the.'),  # the quotation goes on, the text does not
        ("", "“ the . ” king", "“the.”"),
        ('"the king" went', 'home . " king', '"the king" went home.'),  # no quotation is open
        ('"the king', 'went . " king', '"the king went."'),
    ],
)
def test_the_mark_that_closes_a_quotation_belongs_to_the_sentence(prompt, tokens, text, monkeypatch):
    plan_tokens(monkeypatch, QUOTING.encode(tokens.split()))
    assert build_reader(QUOTING).generate(prompt, num_sentences=1) == [text]


def test_the_prompt_stays_as_it_was_written(monkeypatch):
    model = build_reader()

    def write(prompt, *tokens):
        plan_tokens(monkeypatch, [*VOCABULARY.encode(tokens), EOS_ID])
        return model.generate(prompt)[0]

    assert write("The  quéen ,", "went", "home", ".") == "The  quéen , went home."
    assert write("the king ", ".", "the") == "the king. the"
    assert write(" ", "the", "king") == "the king"
    assert write("the king") == "the king"


def test_a_character_model_writes_characters(monkeypatch):
    vocabulary = Vocabulary("ab \n")
    model = build_reader(vocabulary, level="character")
    plan_tokens(monkeypatch, [*vocabulary.encode("a b\n"), EOS_ID])
    assert model.generate("xb ") == ["xb a b\n"]
    assert len(model.score(["ab x"])[0].tokens) == 5  # and the end


def test_a_model_of_small_letters_writes_capitals(monkeypatch):
    vocabulary = Vocabulary(["the", "king", "went", "home", "."], lowercase=True)
    plan_tokens(monkeypatch, [7, 8, 4, 5, EOS_ID])
    assert build_reader(vocabulary).generate("The king went") == ["The king went home. The king"]


def test_pieces_make_the_whole():
    model = build_reader()
    for settings in ({"complete_sentences": False}, {"extra_tokens": 0}):
        steps = list(model.write("the", num_samples=3, max_tokens=9, seed=4, **settings))
        assert steps[0] == ["the"] * 3
        assert len(steps) <= 10
        whole = model.generate("the", num_samples=3, max_tokens=9, seed=4, **settings)
        assert ["".join(pieces) for pieces in zip(*steps, strict=True)] == whole


def test_a_long_prompt_is_read_in_pieces(monkeypatch):
    model, prompt = build_reader(), "the king went home . " * 9
    whole = model.generate(prompt, num_samples=2, seed=1)
    shapes = []
    step = model.step
    monkeypatch.setattr(model, "step", lambda *given: shapes.append(given[0].shape) or step(*given))
    monkeypatch.setattr(predict, "MAX_LOGITS", 5 * len(VOCABULARY))
    assert model.generate(prompt, num_samples=2, seed=1) == whole
    assert shapes[:10] == [(1, 5)] * 9 + [(1, 1)]  # <bos> and 45 words, once for both texts


def test_settings_reach_the_draw():
    model = prefer(build_reader(), EOS_ID, -50)
    plain = model.generate(num_samples=3, max_tokens=30, seed=1)
    for settings in ({"top_k": 2}, {"top_p": 0.5}, {"min_p": 0.5}, {"temperature": 3.0}, {"repetition_penalty": 9.0}):
        assert model.generate(num_samples=3, max_tokens=30, seed=1, **settings) != plain, settings
    (text,) = model.generate(max_tokens=20, no_repeat_ngram=2, seed=1, complete_sentences=False)
    words = text.replace(".", " .").split()
    assert len(set(itertools.pairwise(words))) == len(words) - 1 == 19
    (text,) = model.generate(max_tokens=20, seed=1, complete_sentences=False)
    assert len(set(itertools.pairwise(text.replace(".", " .").split()))) < 19
    with pytest.raises(InputError, match=r"--temprature: no such setting; did you mean temperature\?"):
        model.write(temprature=1.0)
    with pytest.raises(InputError, match=r"--top-p: found 1.5, wanted from 0.0001 to 1"):
        model.write(top_p=1.5)


# -- Nothing left to write; warnings are errors here ----------------------------------------------------------------

THREE_WORDS = Vocabulary(["a", "b", "c"])
DEAD_END = {"no_repeat_ngram": 1, "num_sentences": 1}  # a sentence would need a full stop, and there is none


@pytest.mark.parametrize(
    "settings", [{}, {"temperature": 0}, {"top_k": 1}, {"top_p": 0.1}, {"repetition_penalty": 1e300}]
)
def test_a_text_stops_where_no_token_is_left(settings):
    dead_ends = []
    texts = build_reader(THREE_WORDS).generate(num_samples=4, on_dead_end=dead_ends.append, **DEAD_END, **settings)
    assert {tuple(sorted(text.split())) for text in texts} == {("a", "b", "c")}
    assert sorted(dead_ends) == [(place, 3) for place in range(4)]
    assert build_reader(THREE_WORDS).generate(num_samples=4, **DEAD_END, **settings) == texts


def test_the_other_texts_go_on():
    model = build_reader(THREE_WORDS)
    dead_ends = []
    settings = {"num_samples": 9, "no_repeat_ngram": 2, "num_sentences": 1, "seed": 3}
    texts = model.generate(on_dead_end=dead_ends.append, **settings)
    lengths = [len(text.split()) for text in texts]
    assert sorted(dead_ends) == list(enumerate(lengths))
    assert len(set(lengths)) > 2
    for text, length in zip(texts, lengths, strict=True):  # each pair that begins with the last word is there
        words = text.split()
        assert {second for first, second in itertools.pairwise(words) if first == words[-1]} == {"a", "b", "c"}
        assert len(set(itertools.pairwise(words))) == length - 1


def test_beams_stop_where_no_token_is_left():
    model = build_reader(THREE_WORDS)
    dead_ends = []
    texts = model.generate(num_beams=4, num_samples=4, on_dead_end=dead_ends.append, **DEAD_END)
    assert len(set(texts)) == len(texts)
    assert {tuple(sorted(text.split())) for text in texts} == {("a", "b", "c")}
    assert dead_ends == [(place, 3) for place in range(len(texts))]
    dead_ends.clear()
    assert model.generate("a b c", num_beams=2, on_dead_end=dead_ends.append, **DEAD_END) == ["a b c"]
    assert dead_ends == [(0, 0)]


def test_texts_that_end_stand_before_those_that_cannot(monkeypatch):
    """ "no" is the likelier beginning, but nothing follows it; "so" is followed by the full stop."""
    model = build_reader(Vocabulary(["so", "no", "."]))
    table = np.full((7, 7), -np.inf)
    so, no, stop = 4, 5, 6
    table[BOS_ID, [so, no]] = np.log([0.1, 0.9])
    table[so, stop] = table[stop, EOS_ID] = 0
    monkeypatch.setattr(model, "step", lambda ids, mask, states: ({"logits": table[ids]}, states))
    dead_ends = []
    texts = model.generate(num_beams=2, num_samples=2, num_sentences=1, on_dead_end=dead_ends.append)
    assert texts == ["so.", "no"]
    assert dead_ends == [(1, 1)]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("settings", [{}, {"temperature": 0}, {"num_beams": 2}])
def test_scores_that_are_no_numbers_end_a_text(bad, settings, monkeypatch):
    model = build_reader(THREE_WORDS)
    monkeypatch.setattr(model, "step", lambda ids, mask, states: ({"logits": np.full((*ids.shape, 7), bad)}, states))
    assert model.generate("a b", **settings) == ["a b"]


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": 1e-320},
        {"temperature": 1e300},
        {"repetition_penalty": 1e300},
        {"repetition_penalty": 1e300, "num_beams": 3},
        {"repetition_penalty": 1e300, "temperature": 1e-320},
        {"top_k": 2**31 - 1},
        {"no_repeat_ngram": 2**31 - 1},
    ],
)
def test_extremes_give_valid_texts(settings):
    text = prefer(build_reader(THREE_WORDS), EOS_ID, -50).generate(
        "a", max_tokens=20, complete_sentences=False, **settings
    )[0]
    assert set(text.split()) <= {"a", "b", "c"}
    assert len(text.split()) == 21 or settings == {"temperature": 1e300}, "at that one the end is as likely as a word"


@pytest.mark.parametrize("name", ["temperature", "top_p", "min_p", "repetition_penalty"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_settings_are_finite(name, value):
    with pytest.raises(InputError, match=f"--{name.replace('_', '-')}: found '.*', wanted a finite number"):
        build_reader(THREE_WORDS).generate(**{name: value})


# -- Beams ----------------------------------------------------------------------------------------------------------


def likeliest(model, prompt, max_tokens):
    """All that can be written, and its mean log-probability, best first; nothing of the search is used."""
    words = range(EOS_ID, len(VOCABULARY))
    found = {}
    for length in range(1, max_tokens + 1):
        for tokens in itertools.product(words, repeat=length):
            if EOS_ID in tokens[:-1] or (tokens[-1] != EOS_ID and length < max_tokens):
                continue
            ids = [BOS_ID, *VOCABULARY.encode(prompt.split()), *tokens]
            given = np.array([ids[:-1]], np.int32)
            answer, _ = model.step(given, np.ones(given.shape, bool), initial_states(model.config, 1))
            logits = answer["logits"][0, -length:].astype(float)
            logits[:, [PAD_ID, UNK_ID, BOS_ID]] = -np.inf
            nats = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
            text = " ".join([prompt, *VOCABULARY.decode([i for i in tokens if i != EOS_ID])])
            found[text] = nats[np.arange(length), tokens].mean()
    return sorted(found, key=lambda text: -found[text])


def test_enough_beams_find_the_best_of_all_texts():
    model = build_reader()
    best = likeliest(model, "the king", 3)
    found = model.generate("the king", num_beams=300, num_samples=5, max_tokens=3)
    assert [text.replace(".", " .") for text in found] == best[:5]


def test_a_beam_sees_past_the_likeliest_token(monkeypatch):
    """After "the", "king" is the likeliest word; but what follows "went" is certain, and what follows "king" is not."""
    model = build_reader()
    table = np.full((len(VOCABULARY), len(VOCABULARY)), 1e-9)
    the, king, went, home, stop = range(4, 9)
    table[the, [king, went]] = 0.6, 0.4
    table[king, [the, king, went, home, stop]] = 0.2
    table[went, home] = table[home, stop] = table[stop, EOS_ID] = 1

    def step(token_ids, mask, states):
        return {"logits": np.log(table[token_ids])}, states

    monkeypatch.setattr(model, "step", step)
    assert model.generate("the", temperature=0, max_tokens=1) == ["the king"]
    assert model.generate("the", num_beams=2, max_tokens=9) == ["the went home."]


def test_beams_obey_the_other_settings():
    model = prefer(build_reader(), 8, 2)
    assert model.generate("the", num_beams=3, num_sentences=1, max_tokens=30)[0].count(".") == 1
    words = model.generate("the", num_beams=3, no_repeat_ngram=1, max_tokens=30)[0].replace(".", " .").split()
    assert len(words) == len(set(words))
    assert model.generate("the", num_beams=3, seed=1) == model.generate("the", num_beams=3, seed=2)
    texts = model.generate("the", num_beams=4, num_samples=4, max_tokens=5)
    assert len(set(texts)) == 4
    with pytest.raises(InputError, match="--top-k: nothing is drawn with --num-beams"):
        model.write(num_beams=2, top_k=3)
    with pytest.raises(InputError, match="--num-samples: found 3, wanted at most --num-beams 2"):
        model.write(num_beams=2, num_samples=3)
