"""Completions with the fields of OpenAI: sampled in threads, whole or as a stream of server-sent events."""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.errors import InputError
from common.settings import MAX_SEED
from language_model.completion import END_OF_TEXT, LENGTH, Completion, Prompt, Token, read_prompt, score_prompt
from serving.limits import ServerConfig
from serving.models import Served, Writers
from serving.problems import Problem, problem_content
from serving.schemas import CompletionRequest

MOST_STOPS = 4
DONE = "data: [DONE]\n\n"


@dataclass
class Choice:
    """One text that is written: what has been given of it, and what is kept back as a stop sequence may begin in it.

    Attributes:
        index: of the choice in the answer.
        stops: texts before which it ends.
    """

    index: int
    stops: Sequence[str]
    held: list[Token] = field(default_factory=list)
    reason: str | None = None

    def add(self, token: Token) -> list[Token]:
        """Take the next token; returns those that are certain to be part of the text."""
        self.held.append(token)
        text = "".join(held.text for held in self.held)
        ends = [place for stop in self.stops if (place := text.find(stop)) >= 0]
        if ends:
            self.reason = END_OF_TEXT
            return self._release(min(ends))
        return self._release(len(text) - _begun(text, self.stops), whole=True)

    def finish(self, reason: str) -> list[Token]:
        """The text has ended by itself; what was kept back is part of it."""
        self.reason = reason
        released, self.held = self.held, []
        return released

    def _release(self, end: int, whole: bool = False) -> list[Token]:
        """The tokens up to a place; the one that goes beyond it is cut, or with `whole` stays."""
        released, place = [], 0
        while self.held and place + len(self.held[0].text) <= end:
            released.append(self.held.pop(0))
            place += len(released[-1].text)
        if self.held and place < end and not whole:
            cut = self.held[0]
            released.append(Token(cut.text[: end - place], cut.nats, cut.likeliest))
        return released


def _begun(text: str, stops: Sequence[str]) -> int:
    """The number of characters at the end of a text that a stop sequence may begin with.

    >>> _begun("so good", ["od!"]), _begun("so", ["x"])
    (2, 0)
    """
    lengths = (size for stop in stops for size in range(min(len(stop), len(text)), 0, -1) if text.endswith(stop[:size]))
    return max(lengths, default=0)


@dataclass(frozen=True)
class Piece:
    """Something new of a choice."""

    index: int
    tokens: list[Token]
    reason: str | None = None


class Writing:
    """A request for completions, in work.

    Args:
        request: its fields.
        served: the model.
        config: limits.
    Raises:
        Problem: the request asks for too much.
    """

    def __init__(self, request: CompletionRequest, served: Served, config: ServerConfig) -> None:
        self.request, self.served, self.config = request, served, config
        self._check()
        self.prompts = [self._read(prompt) for prompt in request.prompts]
        self.seed = secrets.randbelow(MAX_SEED + 1) if request.seed is None else request.seed % (MAX_SEED + 1)
        self.head = {
            "id": f"cmpl-{secrets.token_hex(12)}", "object": "text_completion", "created": int(time.time()),
            "model": served.place.id,
        }  # fmt: skip
        self.num_written = 0
        self.is_stopped = threading.Event()

    @property
    def num_texts(self) -> int:
        """How many texts are written."""
        return len(self.request.prompts) * self.request.n

    def _check(self) -> None:
        request, config = self.request, self.config
        number = self.num_texts
        if not request.prompts:
            raise Problem(422, "prompt: is empty; give a text")
        if number > config.max_texts:
            raise Problem(422, f"prompt, n: {number} completions at once; {config.max_texts} at most")
        if request.max_tokens > config.max_tokens:
            raise Problem(422, f"max_tokens: found {request.max_tokens}; {config.max_tokens} at most")
        if len(request.stops) > MOST_STOPS:
            raise Problem(422, f"stop: found {len(request.stops)} texts; {MOST_STOPS} at most")
        if max(map(len, request.prompts)) > config.max_characters:
            raise Problem(422, f"prompt: has more than {config.max_characters:,} characters or tokens")

    def _read(self, prompt: str | list[int]) -> Prompt:
        size = len(self.served.model.vocabulary)
        if not isinstance(prompt, str) and prompt and max(prompt) >= size:
            raise Problem(422, f"prompt: found the id {max(prompt)}; the model has ids from 0 to {size - 1}")
        return read_prompt(self.served.model, prompt)

    def pieces(self) -> Iterator[Piece]:
        """What is new, as it comes; runs in a thread, and ends early when `is_stopped` is set."""
        for place, prompt in enumerate(self.prompts):
            if not self.is_stopped.is_set():
                yield from self._complete(prompt, place * self.request.n)

    def _complete(self, prompt: Prompt, first: int) -> Iterator[Piece]:
        request, model = self.request, self.served.model
        choices = [Choice(first + i, request.stops) for i in range(request.n)]
        if request.echo:
            tokens = self._echo(prompt)
            yield from (Piece(choice.index, tokens) for choice in choices)
        if not request.max_tokens:
            yield from (Piece(choice.index, [], LENGTH) for choice in choices)
            return
        completion = Completion(
            model, prompt, request.logprobs or 0, num_samples=request.n, max_tokens=request.max_tokens,
            temperature=request.temperature, top_p=request.top_p, seed=self.seed,
        )  # fmt: skip
        glue = prompt.text[-1:].isspace() and model.config.level != "character"
        for step in completion:
            for choice, token in zip(choices, step, strict=True):
                if token is None or choice.reason:
                    continue
                self.num_written += 1
                if glue and len(completion.texts[choice.index - first].written) == 1:  # the prompt has the space
                    token = Token(token.text.removeprefix(" "), token.nats, token.likeliest)
                yield Piece(choice.index, choice.add(token), choice.reason)
            if self.is_stopped.is_set() or all(choice.reason for choice in choices):
                break
        for choice, reason in zip(choices, completion.reasons(), strict=True):
            if not choice.reason:
                yield Piece(choice.index, choice.finish(reason), reason)

    def _echo(self, prompt: Prompt) -> list[Token]:
        if self.request.logprobs is None:
            return [Token(piece, 0.0) for piece in prompt.pieces]
        return score_prompt(self.served.model, prompt, self.request.logprobs)

    def usage(self) -> dict[str, int]:
        """The numbers of tokens."""
        read = sum(len(prompt.ids) for prompt in self.prompts)
        return {"prompt_tokens": read, "completion_tokens": self.num_written, "total_tokens": read + self.num_written}

    # -- Answers -----------------------------------------------------------------------------------------------------

    def whole(self, pieces: Iterable[Piece]) -> dict[str, Any]:
        """The answer that is not a stream."""
        tokens: dict[int, list[Token]] = {}
        reasons: dict[int, str | None] = {}
        for piece in pieces:
            tokens.setdefault(piece.index, []).extend(piece.tokens)
            reasons[piece.index] = piece.reason or reasons.get(piece.index)
        choices = [self._choice(i, tokens[i], reasons[i], 0) for i in sorted(tokens)]
        return {**self.head, "choices": choices, "usage": self.usage()}

    def _choice(self, index: int, tokens: Sequence[Token], reason: str | None, offset: int) -> dict[str, Any]:
        text = "".join(token.text for token in tokens)
        logprobs = None if self.request.logprobs is None else _logprobs(tokens, offset)
        return {"index": index, "text": text, "logprobs": logprobs, "finish_reason": reason}

    async def events(self, first: Piece, others: AsyncIterator[Piece]) -> AsyncIterator[str]:
        """The answer as server-sent events; an error that comes late is an event too."""
        offsets: dict[int, int] = {}
        try:
            yield self._event_of(first, offsets)
            async for piece in others:
                yield self._event_of(piece, offsets)
            if self.request.stream_options and self.request.stream_options.include_usage:
                yield _event({**self.head, "choices": [], "usage": self.usage()})
        except Problem as problem:
            yield _event(problem_content(problem.status, problem.detail))
        yield DONE

    def _event_of(self, piece: Piece, offsets: dict[int, int]) -> str:
        """A piece as an event; `offsets` are the characters of each choice before it."""
        choice = self._choice(piece.index, piece.tokens, piece.reason, offsets.get(piece.index, 0))
        offsets[piece.index] = offsets.get(piece.index, 0) + len(choice["text"])
        return _event({**self.head, "choices": [choice]})


def _event(content: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(content)}\n\n"


def _logprobs(tokens: Sequence[Token], offset: int) -> dict[str, Any]:
    """Tokens, their log-probabilities and places, as OpenAI's completions have them."""
    offsets = []
    for token in tokens:
        offsets.append(offset)
        offset += len(token.text)
    return {
        "tokens": [token.text for token in tokens],
        "token_logprobs": [token.nats for token in tokens],
        "top_logprobs": [None if token.nats is None else dict(token.likeliest) for token in tokens],
        "text_offset": offsets,
    }


async def write(writing: Writing, writers: Writers) -> AsyncGenerator[Piece]:
    """Write in a thread, and give what is new as it comes.

    Raises:
        Problem: too much waits (429), it takes too long (504), or a setting is refused (422).
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[Piece | Exception | None] = asyncio.Queue()

    def work() -> None:
        last: Exception | None = None
        try:
            for piece in writing.pieces():
                if piece.tokens or piece.reason:
                    loop.call_soon_threadsafe(queue.put_nowait, piece)
        except Exception as error:  # goes to who asked
            last = error
        loop.call_soon_threadsafe(queue.put_nowait, last)

    seconds = writers.config.timeout
    with writers.waiting.reserve(writing.num_texts, seconds / 4):
        future = loop.run_in_executor(writers.executor, work)
        try:
            async with asyncio.timeout(seconds):
                while (item := await queue.get()) is not None:
                    if isinstance(item, InputError):
                        raise Problem(422, str(item))
                    if isinstance(item, Exception):
                        raise item
                    yield item
        except TimeoutError:
            raise Problem(504, f"not written within {seconds:g} s; ask for fewer tokens") from None
        finally:
            writing.is_stopped.set()  # also when the client has gone
            future.cancel()  # if it has not begun
