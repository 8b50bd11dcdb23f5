"""More than one process: a corpus of any size is answered in parts, each exactly once.

>>> import scaling
>>> scaling.answer_corpus("rate", "reviews/", "rated/", workers=2).mean_rating  # doctest: +SKIP
6.2
"""

from typing import TYPE_CHECKING

from common.package import publish

if TYPE_CHECKING:
    from scaling.corpus import answer_corpus as answer_corpus
    from scaling.corpus_config import CorpusConfig as CorpusConfig
    from scaling.summaries import Summary as Summary

publish(__name__, {"answer_corpus": "corpus", "CorpusConfig": "corpus_config", "Summary": "summaries"})
