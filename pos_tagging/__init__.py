"""Part-of-speech tagging: the word class of every word.

>>> import pos_tagging
>>> tagger = pos_tagging.load()  # doctest: +SKIP
>>> tagger.tag("Birds sing.")[0].pairs()  # doctest: +SKIP
[('Birds', 'NOUN'), ('sing', 'VERB'), ('.', 'PUNCT')]
"""

from typing import TYPE_CHECKING

from common.package import publish

if TYPE_CHECKING:
    from pos_tagging.config import TaggingConfig as TaggingConfig
    from pos_tagging.evaluate import evaluate as evaluate
    from pos_tagging.explain import explain as explain
    from pos_tagging.explain import make_explainer as make_explainer
    from pos_tagging.explain import measure_faithfulness as measure_faithfulness
    from pos_tagging.predict import Tagger as Tagger
    from pos_tagging.predict import load as load
    from pos_tagging.sentences import Sentence as Sentence
    from pos_tagging.sentences import TaggedFile as TaggedFile
    from pos_tagging.sentences import TaggedSentence as TaggedSentence
    from pos_tagging.sentences import TaggedText as TaggedText
    from pos_tagging.train import train as train

publish(
    __name__,
    {
        "TaggingConfig": "config", "load": "predict", "Tagger": "predict", "evaluate": "evaluate",
        "Sentence": "sentences", "TaggedSentence": "sentences", "TaggedText": "sentences",
        "TaggedFile": "sentences",
        "explain": "explain", "make_explainer": "explain", "measure_faithfulness": "explain",
    },
    with_keras={"train": "train"},
)  # fmt: skip
