"""Data augmentation: short sentences put together from parts, in which a negation or a fact turns the rating.

The patterns are ours. No sentence of the held-out pairs of `everyday.csv` comes out; a test holds that.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

GOOD = (
    "good", "great", "excellent", "useful", "reliable", "comfortable", "beautiful", "funny", "tasty", "friendly",
    "fast", "solid", "clean", "exciting", "impressive", "pleasant", "amazing", "perfect", "lovely", "helpful",
    "satisfying", "fine",
)  # fmt: skip
BAD = (
    "bad", "terrible", "awful", "useless", "boring", "broken", "uncomfortable", "ugly", "dull", "slow", "rude",
    "dirty", "cheap-looking", "disappointing", "annoying", "horrible", "poor", "unpleasant", "faulty", "stupid",
    "noisy", "weak",
)  # fmt: skip
THINGS = (
    "film", "book", "phone", "hotel", "restaurant", "camera", "laptop", "app", "album", "dress", "pizza", "game",
    "chair", "course", "headset", "series", "kettle", "watch", "printer", "blender", "cable", "shop", "doctor",
    "airline", "story",
)  # fmt: skip
# What is said of an adjective, and whether it turns it: 1 as it is, -1 the opposite; how strongly, 0 to 1.
FRAMES = (
    ("This is a {} {thing}.", 1, 0.8), ("This is not a {} {thing}.", -1, 0.5), ("It isn't a {} {thing}.", -1, 0.5),
    ("The {thing} is {}.", 1, 0.7), ("The {thing} is not {}.", -1, 0.5), ("The {thing} isn't {} at all.", -1, 0.8),
    ("The {thing} was really {}!", 1, 0.9), ("The {thing} wasn't {}, to be honest.", -1, 0.5),
    ("Very {} {thing}.", 1, 0.8), ("Not {}.", -1, 0.5), ("Not {} at all.", -1, 0.7), ("not a {} {thing}", -1, 0.5),
    ("{} {thing}", 1, 0.7), ("I thought the {thing} would be {}, but it is not.", -1, 0.6),
    ("I can't call this {thing} {}.", -1, 0.4), ("There is nothing {} about this {thing}.", -1, 0.7),
    ("Everything about the {thing} is {}.", 1, 0.9), ("The {thing} is far from {}.", -1, 0.6),
    ("The {thing} never felt {}.", -1, 0.5), ("So {}!", 1, 0.8), ("They said it was {}. It is not.", -1, 0.6),
    ("They said it was {}, and it is.", 1, 0.8), ("My {thing} is not as {} as people say.", -1, 0.4),
    ("Who says this {thing} isn't {}?", 1, 0.5), ("Without doubt a {} {thing}.", 1, 0.8),
    ("no {} {thing} this one", -1, 0.4), ("I never had such a {} {thing}.", 1, 0.9),
)  # fmt: skip
# Facts, from the worst (-1) to the best (1).
FACTS = (
    ("The {thing} is broken.", -0.8), ("My {thing} broke after a week.", -0.9), ("Broke on day one. Avoid.", -1.0),
    ("It does not turn on.", -0.9), ("It never worked.", -1.0), ("I sent the {thing} back.", -0.8),
    ("Do not buy this.", -1.0), ("Don't waste your money on this {thing}.", -1.0), ("Save your money.", -0.9),
    ("I want a refund.", -0.9), ("Missing parts, no reply from the seller.", -0.9),
    ("Stopped charging after a month.", -0.8), ("Fell apart in my hands.", -0.9), ("It leaks.", -0.7),
    ("Smells of chemicals.", -0.7), ("Way too small.", -0.5), ("Crashes whenever I open it.", -0.9),
    ("Full of ads, uninstalled.", -0.9), ("Never again.", -1.0), ("Stay away.", -1.0),
    ("I fell asleep halfway.", -0.7), ("I walked out after half an hour.", -0.9), ("Could have been worse.", 0.0),
    ("It is okay.", 0.0), ("Nothing special.", -0.2), ("Average {thing}.", 0.0), ("Does the job.", 0.4),
    ("It works.", 0.4), ("Works as described.", 0.6), ("Still going strong after three years.", 0.9),
    ("No problems so far.", 0.6), ("I use the {thing} every day.", 0.6), ("We bought a second {thing}.", 0.8),
    ("My daughter loves the {thing}.", 0.9), ("Love it!", 1.0), ("love this {thing}", 0.9),
    ("Best {thing} I have ever had.", 1.0), ("Worst {thing} I have ever had.", -1.0), ("Exactly what I needed.", 0.9),
    ("Not what I needed.", -0.5), ("Highly recommended.", 1.0), ("Not recommended.", -0.9),
    ("I recommend this {thing} to everyone.", 1.0), ("I can't recommend this {thing}.", -0.8), ("Good value.", 0.7),
    ("You can't go wrong with this {thing}.", 0.8), ("What could go wrong did go wrong.", -0.8), ("I like it.", 0.7),
    ("I don't like it.", -0.6), ("I did not like the {thing}.", -0.6), ("I liked the {thing} a lot.", 0.8),
    ("I hate it.", -0.9), ("I don't hate it.", 0.1), ("It didn't disappoint.", 0.6), ("It disappointed us.", -0.7),
    ("No regrets.", 0.8), ("I regret ordering this {thing}.", -0.8), ("Can't complain.", 0.6),
    ("I had to complain twice.", -0.7), ("ok", 0.0), ("The {thing} failed when I needed it.", -0.8),
    ("The {thing} never failed me.", 0.8), ("good", 0.7), ("bad", -0.7), ("It took them a month to answer.", -0.7),
    ("They answered at once.", 0.6), ("Overpriced.", -0.6), ("A bargain.", 0.8), ("Not bad.", 0.4),
    ("Not bad at all.", 0.6), ("Not good.", -0.6), ("Not good at all.", -0.8), ("Not great, not terrible.", 0.0),
    ("Nice idea, badly made.", -0.4), ("Ugly, but it works.", 0.3), ("Looks nice but does not work.", -0.7),
    ("Slow start, wonderful ending.", 0.5), ("Wonderful start, terrible ending.", -0.4),
    ("Finally a {thing} that works.", 0.8), ("Yet another {thing} that does not work.", -0.9),
    ("The old {thing} was better.", -0.5), ("Better than my old {thing}.", 0.7), ("Worse than my old {thing}.", -0.7),
    ("Five stars.", 1.0), ("One star.", -1.0), ("1 star is too much", -1.0),
    ("Why did I wait so long to get one?", 0.8), ("Why did I ever buy this {thing}?", -0.8), ("Thank you!", 0.8),
    ("Shame on you.", -0.9),
)  # fmt: skip
MIDDLE, HALF = 5.5, 4.5


def sentences(number: int, seed: int = 1) -> list[tuple[str, float]]:
    """Draw distinct sentences.

    Args:
        number: how many are wanted; fewer come where there are no more.
        seed: of the random generator.
    Returns:
        Each with its rating on the scale of 1 to 10.
    """
    found = sorted(dict(_all()).items())
    order = np.random.default_rng(seed).permutation(len(found))[:number]
    return [found[place] for place in order]


def _all() -> Iterator[tuple[str, float]]:
    for thing in THINGS:
        for text, value in FACTS:
            yield text.format(thing=thing), MIDDLE + HALF * value
        for sign, words in ((1, GOOD), (-1, BAD)):
            for frame, turn, strength in FRAMES:
                for word in words:
                    text = frame.format(word, thing=thing).replace(" a a", " an a").replace(" a e", " an e")
                    yield (
                        text.replace(" a i", " an i").replace(" a u", " an u").replace("an us", "a us"),
                        MIDDLE + HALF * sign * turn * strength,
                    )
