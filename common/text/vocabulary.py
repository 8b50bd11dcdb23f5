"""Tokens to ids and back: the only home of the ids for padding, unknown words, beginning and end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from common.errors import InputError
from common.json_files import read_json, write_json

MAX_BYTES = 32 << 20  # of a file: a million words and more
PAD_ID, UNK_ID, BOS_ID, EOS_ID = 0, 1, 2, 3
SPECIAL_TOKENS = ("<pad>", "<unk>", "<bos>", "<eos>")


class Vocabulary:
    """The tokens a model knows, each with its id; a token it lacks becomes `UNK_ID`.

    Args:
        tokens: distinct tokens; the first gets id 4, after the special tokens.
        lowercase: whether tokens are lower-cased before they are looked up.

    >>> vocabulary = Vocabulary(["so", "good"])
    >>> vocabulary.encode(["so", "bad"])
    [4, 1]
    >>> vocabulary.decode([4, 5])
    ['so', 'good']
    """

    def __init__(self, tokens: Iterable[str], lowercase: bool = False) -> None:
        own = list(tokens)
        self.tokens = [*SPECIAL_TOKENS, *own]
        self.lowercase = lowercase
        # A special token is no word: "<pad>" written in a text is unknown like any other odd string.
        self._ids = dict(zip(own, range(len(SPECIAL_TOKENS), len(self.tokens)), strict=True))
        if len(self._ids) != len(own):
            raise ValueError("a vocabulary needs distinct tokens")

    @classmethod
    def build(
        cls,
        token_lists: Iterable[Sequence[str]],
        max_size: int | None = None,
        min_count: int = 1,
        lowercase: bool = False,
    ) -> Vocabulary:
        """Collect the most frequent tokens of the training split.

        Args:
            token_lists: the tokens of each text.
            max_size: most tokens kept, special ones included; None keeps all.
            min_count: a rarer token is left out, and so trains `UNK_ID`.
            lowercase: count and look up lower-cased tokens.
        Returns:
            The vocabulary, most frequent first, ties in alphabetical order: the same text gives the same ids.

        >>> Vocabulary.build([["b", "a", "b"]], max_size=5).tokens[4:]
        ['b']
        """
        counts: Counter[str] = Counter()
        for tokens in token_lists:
            counts.update(map(str.lower, tokens) if lowercase else tokens)
        frequent = sorted(
            (token for token, count in counts.items() if count >= min_count and token not in SPECIAL_TOKENS),
            key=lambda token: (-counts[token], token),
        )
        if max_size is not None:
            frequent = frequent[: max_size - len(SPECIAL_TOKENS)]
        return cls(frequent, lowercase)

    def extended(self, other: Vocabulary, most: int | None = None) -> Vocabulary:
        """Put the tokens of another vocabulary behind these.

        Args:
            other: the other vocabulary, most frequent tokens first.
            most: of the new ones, at most; None takes all.

        >>> Vocabulary(["so", "good"]).extended(Vocabulary(["not", "so", "bad"]), most=1).tokens[4:]
        ['so', 'good', 'not']
        """
        own = self.tokens[len(SPECIAL_TOKENS) :]
        new = [token for token in other.tokens[len(SPECIAL_TOKENS) :] if token not in self._ids]
        return Vocabulary(own + new[:most], self.lowercase)

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: str) -> bool:
        return (token.lower() if self.lowercase else token) in self._ids

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """Give each token its id, unknown ones `UNK_ID`."""
        if self.lowercase:
            tokens = map(str.lower, tokens)
        return [self._ids.get(token, UNK_ID) for token in tokens]

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Give each id its token; the special ones show as `<pad>`, `<unk>`, `<bos>`, `<eos>`."""
        return [self.tokens[i] for i in ids]

    def save(self, path: Path) -> None:
        """Write the tokens as JSON that a person can read, one a line."""
        content = {"lowercase": self.lowercase, "tokens": self.tokens[len(SPECIAL_TOKENS) :]}
        write_json(path, content, indent=0)

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Read what `save` wrote.

        Raises:
            InputError: the file is not a vocabulary.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputError(f"{path}: not a vocabulary ({error.strerror}); take it from its source again") from None
        return cls.parse(content, str(path))

    @classmethod
    def parse(
        cls, content: bytes | bytearray, source: str, num_ids: int | None = None, max_bytes: int = MAX_BYTES
    ) -> Vocabulary:
        """Read what `save` wrote, from its bytes.

        Args:
            content: JSON.
            source: the name of the file, for messages.
            num_ids: how many ids there must be; None: any number.
            max_bytes: a longer file is refused before it is parsed.
        Raises:
            InputError: it is no vocabulary, or one of another size.
        """
        try:
            check_num_strings(content, num_ids)
            parts = read_json(content, source, max_bytes)
            check_parts(parts)
            check_tokens(parts["tokens"])
            if num_ids is not None and len(parts["tokens"]) + len(SPECIAL_TOKENS) != num_ids:
                raise ValueError(f"{len(parts['tokens']):,} tokens, the network has {num_ids - len(SPECIAL_TOKENS):,}")
            return cls(parts["tokens"], parts["lowercase"])
        except ValueError as error:
            reason = str(error).removeprefix(f"{source}: ").removesuffix("; take the file from its source again")
            raise InputError(f"{source}: not a vocabulary ({reason}); take the bundle from its source again") from None


def check_num_strings(content: bytes | bytearray, num_ids: int | None) -> None:
    """Refuse a file of far more tokens than a network has, before it is parsed: ten million would take a gigabyte."""
    if num_ids is not None and content.count(b'"') - content.count(b'\\"') > 4 * (num_ids + len(SPECIAL_TOKENS)):
        raise ValueError(f"it has more tokens than the {num_ids:,} of the network")


def check_parts(parts: Any) -> None:
    """Refuse anything but tokens, and whether they are in lower case."""
    if not isinstance(parts, dict) or parts.keys() != {"lowercase", "tokens"}:
        raise ValueError("it does not hold tokens and lowercase")
    if not isinstance(parts["lowercase"], bool) or not isinstance(parts["tokens"], list):
        raise ValueError("tokens are a list, lowercase is true or false")


def check_tokens(tokens: list[Any]) -> None:
    """Refuse tokens that are no text, or empty."""
    if not set(map(type, tokens)) <= {str}:
        raise ValueError("a token is no text")
    if "" in tokens:
        raise ValueError("a token is empty")
