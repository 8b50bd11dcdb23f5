"""The HTTP interface: `make_app` gives a FastAPI application over loaded models."""

from __future__ import annotations

import asyncio
import html
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from starlette.middleware.cors import CORSMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

import sentiment
from common.evaluation.page import page_head
from common.text.vocabulary import BOS_ID, EOS_ID, PAD_ID, SPECIAL_TOKENS
from common.version import VERSION
from interpretability.explanation import Explanation
from language_model.completion import join_tokens, read_prompt
from rnn_language.models import purpose
from sentiment.scale import check_ends
from serving.completions import Writing, write
from serving.guard import Guard
from serving.limits import ServerConfig
from serving.metrics import Metrics
from serving.models import Models, Served
from serving.problems import Problem, ProblemResponse, handle_problems
from serving.routes import BodyRoute
from serving.schemas import (
    CompletionRequest,
    DetokenizeRequest,
    ExplanationRequest,
    RatingRequest,
    TagRequest,
    Texts,
    TokenizeRequest,
)

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": what, "content": {"application/problem+json": {}}}
    for status, what in (
        (400, "no JSON"), (401, "no token"), (404, "no such model"), (408, "a slow body"), (413, "a large body"),
        (422, "a field that will not do"), (429, "too much waits; see Retry-After"), (504, "no answer in time"),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Access:
    """Who may ask: a bearer token, and the web pages of other places."""

    token: str | None = None
    origins: Sequence[str] = ()


def make_app(
    load: Callable[[], Models], config: ServerConfig, access: Access = Access(), site: Path | None = None
) -> ASGIApp:
    """The application.

    Args:
        load: loads the models, when the server starts.
        config: limits.
        access: who may ask.
        site: folder of web pages to serve at `/`; None: a page that says what is here.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.models = await asyncio.to_thread(load)
        app.state.metrics = Metrics(app.state.models)
        yield
        app.state.models.close()

    app = FastAPI(
        title="rnn-language", version=VERSION, lifespan=lifespan, docs_url=None, redoc_url=None,
        description="Recurrent networks for language: ratings, tags, explanations, completions.",
    )  # fmt: skip
    app.router.route_class = BodyRoute
    handle_problems(app)
    add_answers(app, config)
    add_completions(app, config)
    add_status(app)
    if site:
        app.mount("/", Site(directory=site, html=True))
    else:
        app.get("/", include_in_schema=False)(partial(front_page, app))
    guarded: ASGIApp = Guard(app, config, _Late(app), access.token)
    if access.origins:
        guarded = CORSMiddleware(guarded, list(access.origins), allow_methods=["*"], allow_headers=["*"])
    return guarded


class Site(StaticFiles):
    """Web pages, isolated from those of other places: browsers allow threads only there."""

    HEADERS: ClassVar[Mapping[str, str]] = {
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Embedder-Policy": "require-corp",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file, with these headers."""
        response = await super().get_response(path, scope)
        response.headers.update(self.HEADERS)
        return response


class _Late:
    """The metrics of an application, which has them once its models are loaded."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    def observe(self, path: str, status: int, seconds: float) -> None:
        """Count a request, if the models are loaded."""
        if metrics := getattr(self.app.state, "metrics", None):
            metrics.observe(path, status, seconds)


def add_answers(app: FastAPI, config: ServerConfig) -> None:
    """Ratings, tags and explanations."""

    @app.post("/v1/ratings", responses=PROBLEMS, response_model=None)
    async def ratings(body: RatingRequest, request: Request) -> JSONResponse:
        """Rate reviews; see `rnn-language rate`."""
        served = request.app.state.models.find("sentiment", body.model)
        if body.scale:
            check_ends(*body.scale)
        return await answer_texts(request, body, served, served.model.predict, vars, config, body.scale)

    @app.post("/v1/tags", responses=PROBLEMS, response_model=None)
    async def tags(body: TagRequest, request: Request) -> JSONResponse:
        """Find sentences, words and their parts of speech; see `rnn-language tag`."""
        served = request.app.state.models.find("pos_tagging", body.model)
        return await answer_texts(request, body, served, served.model.tag, tagged, config, body.probabilities)

    @app.post("/v1/explanations", responses=PROBLEMS, response_model=None)
    async def explanations(body: ExplanationRequest, request: Request) -> JSONResponse:
        """By how much each word raises the rating of a review: occlusion."""
        served = request.app.state.models.find("sentiment", body.model)
        if max(map(len, body.texts), default=0) > config.max_explained:
            raise Problem(422, f"input: a text has more than {config.max_explained:,} characters; explain shorter ones")

        def explain(texts: Iterable[str], _: None) -> list[Any]:
            return [sentiment.explain(served.model, text) for text in texts]

        return await answer_texts(request, body, served, explain, Explanation.record, config)


async def answer_texts(
    request: Request,
    body: Texts,
    served: Served,
    answer: Callable[[list[str], Any], Sequence[Any]],
    record: Callable[[Any], Any],
    config: ServerConfig,
    option: Any = None,
) -> JSONResponse:
    """The answers to the texts of a request, as the object that is sent."""
    texts = body.texts
    if not texts:
        raise Problem(422, "input: has no text; give at least one")
    if len(texts) > config.max_texts:
        raise Problem(422, f"input: found {len(texts)} texts; {config.max_texts} at most")
    for number, text in enumerate(texts):
        if len(text) > config.max_characters:
            raise Problem(422, f"input.{number}: has more than {config.max_characters:,} characters; cut it")
        if not text.strip():
            raise Problem(422, f"input.{number}: is empty; write something there or leave it out")
    request.state.log = {"model": served.place.id, "texts": len(texts)}
    answers = await served.batcher(request.scope["route"].path, answer).ask(texts, option)
    request.app.state.metrics.count(served.place.id, len(texts))
    data = [{"index": index, **record(found)} for index, found in enumerate(answers)]
    return JSONResponse({"object": "list", "model": served.place.id, "data": data})


def tagged(text: Any) -> dict[str, Any]:
    """A tagged text as an object."""
    sentences = [
        {"tokens": sentence.tokens, "tags": sentence.tags}
        | ({"probabilities": sentence.probabilities} if sentence.probabilities else {})
        for sentence in text
    ]
    return {"sentences": sentences, "remark": text.remark}


def add_completions(app: FastAPI, config: ServerConfig) -> None:
    """Completions, and the tokens of texts."""

    @app.post("/v1/completions", responses=PROBLEMS, response_model=None)
    async def completions(body: CompletionRequest, request: Request) -> Response:
        """Write on; the fields are those of OpenAI's completions."""
        models: Models = request.app.state.models
        served = models.find("language_model", body.model)
        request.state.log = {"model": served.place.id, "texts": len(body.prompts) * body.n}
        writing = await asyncio.to_thread(Writing, body, served, config)
        pieces = write(writing, models.writers)
        request.app.state.metrics.count(served.place.id, writing.num_texts)
        if not body.stream:
            return JSONResponse(writing.whole([piece async for piece in pieces]))
        first = await anext(pieces)  # what is refused at once is no stream yet
        return StreamingResponse(writing.events(first, pieces), media_type="text/event-stream")

    @app.get("/tokenizer_info", responses=PROBLEMS)
    async def tokenizer_info(request: Request) -> dict[str, Any]:
        """The marks of the beginning and the end of a text."""
        request.app.state.models.find("language_model", None)
        ids = {"bos_token": BOS_ID, "eos_token": EOS_ID, "pad_token": PAD_ID}
        return {"tokenizer_class": "spacy"} | {name: SPECIAL_TOKENS[i] for name, i in ids.items()}

    @app.post("/tokenize", responses=PROBLEMS)
    async def tokenize(body: TokenizeRequest, request: Request) -> dict[str, Any]:
        """The ids of the tokens of a text; those of the special tokens stand for themselves."""
        model = request.app.state.models.find("language_model", body.model).model
        if body.prompt in SPECIAL_TOKENS:
            ids = [SPECIAL_TOKENS.index(body.prompt)]
        else:
            ids = (await asyncio.to_thread(read_prompt, model, body.prompt)).ids
        ids = [BOS_ID, *ids] if body.add_special_tokens else ids
        return {"tokens": ids, "count": len(ids), "max_model_len": 1_000_000}

    @app.post("/detokenize", responses=PROBLEMS)
    async def detokenize(body: DetokenizeRequest, request: Request) -> dict[str, Any]:
        """The text of tokens."""
        model = request.app.state.models.find("language_model", body.model).model
        if body.tokens and max(body.tokens) >= len(model.vocabulary):
            raise Problem(422, f"tokens: found {max(body.tokens)}; ids go to {len(model.vocabulary) - 1}")
        return {"prompt": "".join(join_tokens(model, model.vocabulary.decode(body.tokens)))}


def add_status(app: FastAPI) -> None:
    """What is served, and how it is doing."""

    @app.get("/v1/models", responses=PROBLEMS)
    async def models(request: Request) -> dict[str, Any]:
        """The models, the default one of each task first."""
        data = [
            {"id": served.place.id, "object": "model", "created": 0, "owned_by": "rnn-language",
             "task": served.place.task, "for": purpose(served.place.task, served.place.name)}
            for served in request.app.state.models.by_id.values()
        ]  # fmt: skip
        return {"object": "list", "data": data}

    @app.get("/v1/models/{name:path}", responses=PROBLEMS)
    async def model(name: str, request: Request) -> dict[str, Any]:
        """One of the models."""
        found = (await models(request))["data"]
        if chosen := [entry for entry in found if entry["id"] == name]:
            return chosen[0]
        raise Problem(404, "model: no model of that name is served; see /v1/models")

    @app.get("/health")
    async def health() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @app.get("/ready", response_model=None)
    async def ready(request: Request) -> dict[str, str] | ProblemResponse:
        """The models are loaded."""
        if getattr(request.app.state, "models", None) is None:
            raise Problem(503, "the models are not loaded yet")
        return {"status": "ready"}

    @app.get("/metrics", response_class=Response)
    async def metrics(request: Request) -> Response:
        """For Prometheus."""
        content, media_type = request.app.state.metrics.page()
        return Response(content, media_type=media_type)


async def front_page(app: FastAPI) -> HTMLResponse:
    """What is here, for people."""
    rows = "".join(f"<li><code>{html.escape(name)}</code></li>" for name in app.state.models.by_id)
    return HTMLResponse(
        f"{page_head('rnn-language')}<h1>rnn-language</h1><p>Ratings, tags, explanations and completions over HTTP; "
        f'the interface is described in <a href="/openapi.json">openapi.json</a>.</p><ul>{rows}</ul></body></html>'
    )
