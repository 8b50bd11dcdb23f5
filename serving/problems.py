"""Errors as problem details (RFC 9457): status, title, and the one line that a command would print."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from common.errors import InputError, excerpt, printable
from serving.schemas import MEMBERS

MEDIA_TYPE = "application/problem+json"
PLAIN = re.compile(r"[\w.]{1,60}")
OPTION = re.compile(r"--([a-z][a-z-]*)")  # as commands call what is a field here
MOST_NAMED = 3  # things that are wrong with a body, in one line
MOST_SHOWN = 50  # characters of what is wrong
BEGINNING = re.compile("^(Input|Value error,) ")  # of pydantic's messages, which have the field before them here


class Problem(Exception):
    """A request that is not answered.

    Args:
        status: of HTTP.
        detail: one line: what was found, and what to do.
        headers: of the answer.
    """

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, dict(headers or {})


class ProblemResponse(JSONResponse):
    """The body of a problem."""

    media_type = MEDIA_TYPE


def problem_content(status: int, detail: str) -> dict[str, Any]:
    """The members of a problem: `error` repeats the line where clients of OpenAI look for it."""
    title = HTTPStatus(status).phrase
    error = {"message": detail, "type": title.lower().replace(" ", "_"), "code": status}
    return {"type": "about:blank", "title": title, "status": status, "detail": detail, "error": error}


def to_response(problem: Problem) -> ProblemResponse:
    """The response to a request that has a problem."""
    return ProblemResponse(problem_content(problem.status, problem.detail), problem.status, problem.headers)


def retry_after(seconds: float) -> dict[str, str]:
    """The header that says when to try again."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}


def handle_problems(app: FastAPI) -> None:
    """Answer every error with a problem."""

    @app.exception_handler(Problem)
    async def on_problem(_: Request, error: Problem) -> ProblemResponse:
        return to_response(error)

    @app.exception_handler(InputError)
    async def on_input(_: Request, error: InputError) -> ProblemResponse:
        return to_response(Problem(422, OPTION.sub(lambda flag: flag[1].replace("-", "_"), str(error))))

    @app.exception_handler(RequestValidationError)
    async def on_body(_: Request, error: RequestValidationError) -> ProblemResponse:
        return to_response(_of_body(error))

    @app.exception_handler(HTTPException)
    async def on_http(_: Request, error: HTTPException) -> ProblemResponse:
        return to_response(Problem(error.status_code, str(error.detail), error.headers))

    @app.exception_handler(Exception)
    async def on_fault(_: Request, error: Exception) -> ProblemResponse:
        return to_response(Problem(500, "a fault of the server, which is in its log"))


def _of_body(error: RequestValidationError) -> Problem:
    """What is wrong with a body, each thing by the name of its field."""
    errors = error.errors()
    if any(found["type"] == "json_invalid" for found in errors):
        return Problem(400, 'the body is not JSON; send an object, such as {"input": "So good."}')
    lines = [_line(found) for found in errors[:MOST_NAMED]]
    more = f"; and {len(errors) - MOST_NAMED} more" if len(errors) > MOST_NAMED else ""
    return Problem(422, "; ".join(lines) + more)


def _line(found: Mapping[str, Any]) -> str:
    is_new = found["type"] == "extra_forbidden"
    place = ".".join(str(part) for part in found["loc"] if part != "body" and (is_new or part not in MEMBERS))
    name = place if PLAIN.fullmatch(place) else excerpt(place)
    if not place:
        return 'the body: is no object; send JSON such as {"input": "So good."} and Content-Type: application/json'
    if is_new:
        return f"{name}: no such field"
    if found["type"] == "missing":
        return f"{name}: is missing"
    wrong = BEGINNING.sub("", found["msg"])
    given = printable(json.dumps(found.get("input"), ensure_ascii=False, default=str), max_characters=MOST_SHOWN)
    return printable(f"{name}: {wrong[:1].lower()}{wrong[1:]}, found {given}")
