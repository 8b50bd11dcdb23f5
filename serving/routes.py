"""Routes whose body is read by pydantic's own JSON parser.

FastAPI parses a body, resolves dependencies and validates, each for itself; a small answer costs less than that. The
description in `/openapi.json` is FastAPI's either way.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError


class BodyRoute(APIRoute):
    """A route to `endpoint(body, request)`, which gives a response; any other is left to FastAPI."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request."""
        if self.body_field is None or self.response_field is not None:
            return super().get_route_handler()
        model, endpoint = self.body_field.field_info.annotation, self.endpoint

        async def answer(request: Request) -> Response:
            return await endpoint(await read_body(request, model), request)

        return answer


async def read_body(request: Request, model: Any) -> BaseModel:
    """The checked body of a request.

    Args:
        request: with JSON, and a Content-Type that says so: pages of other places cannot send it unasked.
        model: class of the body.
    Raises:
        RequestValidationError: it is something else; each fault by its field.
    """
    if not is_json(request.headers.get("content-type", "")):
        raise RequestValidationError([{"type": "model_type", "loc": (), "msg": "Input should be an object"}])
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_context=False)) from None


def is_json(content_type: str) -> bool:
    """Whether a Content-Type is that of JSON.

    >>> is_json("application/json; charset=utf-8"), is_json("application/problem+json"), is_json("text/plain")
    (True, True, False)
    """
    kind, _, name = content_type.partition(";")[0].strip().lower().partition("/")
    return kind == "application" and (name == "json" or name.endswith("+json"))
