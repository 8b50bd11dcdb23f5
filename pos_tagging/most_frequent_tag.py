"""Most-frequent-tag baseline: every word gets the tag it had most often in training."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from pos_tagging.sentences import Sentence


class MostFrequentTag:
    """The baseline; it tags each word by itself.

    Args:
        sentences: tagged sentences of the training split.

    >>> baseline = MostFrequentTag([Sentence(["a", "run", "a"], ["DET", "NOUN", "DET"])])
    >>> baseline.tag(["a", "jog"])
    ['DET', 'NOUN']
    """

    def __init__(self, sentences: Sequence[Sentence]) -> None:
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for sentence in sentences:
            for token, tag in sentence.pairs():
                counts[token][tag] += 1
        # Ties go to the tag that comes first in the alphabet, so that the order of the file does not matter.
        self.best = {token: min(tags, key=lambda tag: (-tags[tag], tag)) for token, tags in counts.items()}
        # A new word is most like the words that training saw once.
        once = Counter(self.best[token] for token, tags in counts.items() if tags.total() == 1) or Counter(
            self.best.values()
        )
        self.unknown = min(once, key=lambda tag: (-once[tag], tag))

    def tag(self, tokens: Sequence[str]) -> list[str]:
        """Tag a sentence."""
        return [self.best.get(token, self.unknown) for token in tokens]
