"""Settings of attribution: the method, and the baseline that a word is compared with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from common.errors import InputError
from common.settings import MAX_SEED, Settings, setting

OCCLUSION, GRADIENT, INTEGRATED = "occlusion", "gradient-x-input", "integrated-gradients"
METHODS = (OCCLUSION, GRADIENT, INTEGRATED)
UNKNOWN, REMOVED, ZEROS = "unk", "removed", "zeros"
DELETIONS = (UNKNOWN, REMOVED)  # deletion operators: what may become of a word that is taken away
BASELINES = (UNKNOWN, REMOVED, ZEROS)
SHOWN = {UNKNOWN: "each word as <unk>", REMOVED: "the words removed", ZEROS: "word vectors of zeros"}


@dataclass(frozen=True)
class AttributionConfig(Settings):
    """How the score of a text is attributed to its words."""

    method: str = setting(OCCLUSION, "attribution method", METHODS, basic=True)
    baseline: str = setting(UNKNOWN, "what a word is compared with", BASELINES, basic=True)
    num_steps: int = setting(64, "Gauss-Legendre steps of integrated gradients", minimum=1, maximum=2048, basic=True)
    tolerance: float = setting(0.05, "largest completeness gap, as a share of all |weights|", minimum=0, basic=True)

    def validate(self) -> None:
        """Check every setting by itself, and those that exclude each other.

        Raises:
            InputError: the setting, and what would do.
        """
        super().validate()
        if self.method == OCCLUSION and self.baseline == ZEROS:
            raise InputError(f"--baseline {ZEROS}: occlusion changes words, not vectors; take {UNKNOWN} or {REMOVED}")
        if self.method != OCCLUSION and self.baseline == REMOVED:
            raise InputError(
                f"--baseline {REMOVED}: {self.method} needs a vector for each word; take {UNKNOWN} or {ZEROS}"
            )

    @property
    def name(self) -> str:
        """Method and baseline, as tables show them.

        >>> AttributionConfig().name
        'occlusion (unk)'
        """
        return f"{self.method} ({self.baseline})"


OCCLUSIONS = tuple(AttributionConfig(OCCLUSION, deletion) for deletion in DELETIONS)
# The methods that a table of faithfulness compares.
COMPARED = (
    *OCCLUSIONS,
    *(AttributionConfig(method, baseline) for method in (GRADIENT, INTEGRATED) for baseline in (UNKNOWN, ZEROS)),
)


def without_refusal(config: AttributionConfig) -> AttributionConfig:
    """The same settings for a measurement, which counts large completeness gaps instead of stopping at one."""
    return replace(config, tolerance=1e9)


@dataclass(frozen=True)
class FaithfulnessConfig(Settings):
    """How much is measured by `interpretability.faithfulness`."""

    num_examples: int = setting(500, "examples, drawn at random from the file", minimum=2, maximum=100_000, basic=True)
    max_tokens: int = setting(100, "longest text or context, in tokens", minimum=2, maximum=2000, basic=True)
    num_random_orders: int = setting(5, "random orders of each example, averaged", minimum=1, maximum=100)
    num_randomized: int = setting(50, "examples of the test with random weights; 0 = without it", minimum=0, basic=True)
    seed: int = setting(0, "random seed", minimum=0, maximum=MAX_SEED)
