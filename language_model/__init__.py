"""A language model scores text and writes it.

>>> import language_model
>>> model = language_model.load()  # doctest: +SKIP
>>> model.score(["Once upon a time there was a king."])[0].perplexity  # doctest: +SKIP
11.3
>>> model.generate("Once upon a time", seed=1)  # doctest: +SKIP
['Once upon a time there was a fox who …']
"""

from pathlib import Path


def load(path: str | Path | None = None, engine: str = "onnx", num_threads: int | None = None):
    """Load a language model: the pretrained one, or the bundle at `path`; a `language_model.predict.LanguageModel`.

    `engine` is "onnx", "onnx-int8" (faster, rounded) or "keras" (the reference); `num_threads` None takes all
    processor cores.
    """
    from language_model.predict import LanguageModel

    return LanguageModel.load(path, engine, num_threads)
