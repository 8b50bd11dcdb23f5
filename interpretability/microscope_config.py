"""Settings of the microscope: how much is read, and how many controls stand beside a finding."""

from __future__ import annotations

from dataclasses import dataclass

from common.errors import InputError
from common.settings import MAX_SEED, Settings, setting

STATE, CELL = "state", "cell"
EVERY, LAST, MEAN = "every", "last", "mean"


@dataclass(frozen=True)
class InsideConfig(Settings):
    """What is read, by units and by probes."""

    num_texts: int = setting(0, "texts or sentences, drawn at random from each file; 0 = all", minimum=0, basic=True)
    num_tokens: int = setting(
        10_000, "tokens compared, drawn at random from each split", minimum=100, maximum=500_000, basic=True
    )
    max_tokens: int = setting(
        1000, "longest text read in one go, in tokens; longer ones are cut", minimum=2, maximum=20_000, basic=True
    )
    seed: int = setting(0, "random seed", minimum=0, maximum=MAX_SEED)


@dataclass(frozen=True)
class UnitsConfig(InsideConfig):
    """How units are held against concepts."""

    concepts: str = setting("", "only these concepts, with commas between (default: all there are)", basic=True)
    values: str = setting(STATE, "what is compared, of an LSTM", (STATE, CELL), basic=True)
    at: str = setting(EVERY, "where: every token, the last, or the mean over a text", (EVERY, LAST, MEAN), basic=True)
    num_controls: int = setting(
        20, "random bases, and shuffled labels, that the best unit is held against", minimum=1, maximum=1000, basic=True
    )
    num_untrained: int = setting(
        3, "untrained networks of the same shape, likewise", minimum=0, maximum=100, basic=True
    )
    num_shown: int = setting(3, "units shown for each concept", minimum=1, maximum=100)
    page_tokens: int = setting(300, "tokens of the texts on the page", minimum=10, maximum=3000)

    def wanted(self) -> list[str]:
        """The names of the concepts that are asked for."""
        return [name.strip() for name in self.concepts.split(",") if name.strip()]


@dataclass(frozen=True)
class ProbeConfig(InsideConfig):
    """How linear probes are trained."""

    max_lag: int = setting(10, "how far back words are asked for, in tokens", minimum=0, maximum=200, basic=True)
    num_words: int = setting(
        20, "words told apart by the probes for words, the most frequent ones", minimum=2, maximum=1000, basic=True
    )
    inverse_penalty: float = setting(
        0.0, "inverse strength of the L2 penalty (C of scikit-learn); 0 = chosen", minimum=0, maximum=1e6
    )
    max_iterations: int = setting(200, "most iterations of L-BFGS", minimum=1, maximum=100_000)

    def validate(self) -> None:
        """Check every setting by itself, and those that exclude each other.

        Raises:
            InputError: the setting, and what would do.
        """
        super().validate()
        if self.max_lag >= self.max_tokens:
            raise InputError(f"--max-lag {self.max_lag}: no text of --max-tokens {self.max_tokens} goes so far back")
