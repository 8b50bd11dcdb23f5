"""Language models: the log-probability of a text, and text generation.

>>> import language_model
>>> model = language_model.load()  # doctest: +SKIP
>>> model.score("Once upon a time there was a king.")[0].perplexity  # doctest: +SKIP
11.3
>>> model.generate("Once upon a time", seed=1)  # doctest: +SKIP
['Once upon a time there was a fox who …']
"""

from typing import TYPE_CHECKING

from common.package import publish

if TYPE_CHECKING:
    from language_model.config import DynamicConfig as DynamicConfig
    from language_model.config import GenerationConfig as GenerationConfig
    from language_model.config import LanguageModelConfig as LanguageModelConfig
    from language_model.config import WordVectorConfig as WordVectorConfig
    from language_model.dynamic import DynamicEvaluation as DynamicEvaluation
    from language_model.endings import Ending as Ending
    from language_model.endings import score_endings as score_endings
    from language_model.endings import write_endings as write_endings
    from language_model.evaluate import evaluate as evaluate
    from language_model.explain import explain as explain
    from language_model.explain import make_explainer as make_explainer
    from language_model.explain import measure_faithfulness as measure_faithfulness
    from language_model.predict import LanguageModel as LanguageModel
    from language_model.predict import TextScore as TextScore
    from language_model.predict import load as load
    from language_model.train import train as train
    from language_model.word_vectors import build_word_vectors as build_word_vectors

publish(
    __name__,
    {
        "LanguageModelConfig": "config", "GenerationConfig": "config", "WordVectorConfig": "config",
        "DynamicConfig": "config",
        "load": "predict", "LanguageModel": "predict", "TextScore": "predict", "evaluate": "evaluate",
        "Ending": "endings", "score_endings": "endings", "write_endings": "endings",
        "build_word_vectors": "word_vectors",
        "explain": "explain", "make_explainer": "explain", "measure_faithfulness": "explain",
    },
    with_keras={"train": "train", "DynamicEvaluation": "dynamic"},
)  # fmt: skip
