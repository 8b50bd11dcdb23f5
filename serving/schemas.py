"""What requests hold, checked: fields that no request has are refused by name."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, StringConstraints, Tag


def _whole_characters(text: str) -> str:
    """Refuse halves of characters, which JSON can hold and no text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("has half a character (a lone surrogate)") from None
    return text


MEMBERS = TEXT, TEXTS, IDS, LISTS_OF_IDS = "text", "texts", "ids", "lists of ids"  # of unions; pydantic's tags


def _meant_as(given: Any) -> str | None:
    """The member of a union that a value is meant as, by its first element: a fault is told of that one alone."""
    if isinstance(given, list):
        return {int: IDS, list: LISTS_OF_IDS}.get(type(given[0]) if given else str, TEXTS)
    return TEXT if isinstance(given, str) else None


def _one_of(wanted: str) -> Discriminator:
    """Chooses the member of a union; what is meant as none of them is refused with what was wanted."""
    return Discriminator(_meant_as, custom_error_type="kind", custom_error_message=f"wanted {wanted}")


Text = Annotated[str, StringConstraints(strict=True), AfterValidator(_whole_characters)]
Ids = list[Annotated[int, Field(strict=True, ge=0)]]
Finite = Annotated[float, Field(allow_inf_nan=False)]
TextOrTexts = Annotated[
    Annotated[Text, Tag(TEXT)] | Annotated[list[Text], Tag(TEXTS)], _one_of("a text or a list of texts")
]
Prompts = Annotated[
    Annotated[Text, Tag(TEXT)]
    | Annotated[list[Text], Tag(TEXTS)]
    | Annotated[Ids, Tag(IDS)]
    | Annotated[list[Ids], Tag(LISTS_OF_IDS)],
    _one_of("a text, ids of tokens, or a list of one kind"),
]


class Body(BaseModel):
    """The body of a request."""

    model_config = ConfigDict(extra="forbid")

    model: Text | None = Field(None, description="name of a model, see /v1/models; by default the first of the task")


class Texts(Body):
    """Texts to answer."""

    input: TextOrTexts = Field(description="a text, or several", examples=["A joy from start to end."])

    @property
    def texts(self) -> list[str]:
        """The texts; a single one is a list of one."""
        return [self.input] if isinstance(self.input, str) else self.input


class RatingRequest(Texts):
    """Reviews to rate."""

    scale: tuple[Finite, Finite] | None = Field(None, description="worst and best rating of the answers, [1, 5], say")


class TagRequest(Texts):
    """Texts to tag."""

    probabilities: bool = Field(False, description="whether the probability of each tag is wanted too")


class ExplanationRequest(Texts):
    """Reviews whose ratings are to be explained, by occlusion."""


class StreamOptions(BaseModel):
    """What a stream tells at its end."""

    model_config = ConfigDict(extra="forbid")

    include_usage: bool = False


class CompletionRequest(Body):
    """The fields of OpenAI's completions that a recurrent network can honour; it has no `suffix` and one `best_of`."""

    prompt: Prompts = Field(description="a text, or ids of tokens; or several of one kind")
    max_tokens: int = Field(16, ge=0, strict=True)
    temperature: Finite = Field(1.0, ge=0, le=2)
    top_p: Finite = Field(1.0, gt=0, le=1)
    n: int = Field(1, ge=1, le=128, strict=True)
    stop: TextOrTexts | None = Field(None, description="texts before which a completion ends, 4 at most")
    seed: int | None = Field(None, ge=-(2**63), le=2**63 - 1, strict=True)
    logprobs: int | None = Field(None, ge=0, le=20, strict=True)
    echo: bool = False
    stream: bool = False
    stream_options: StreamOptions | None = None
    user: Text | None = Field(None, description="is not looked at")
    best_of: Literal[1] | None = None
    presence_penalty: Finite | None = Field(None, ge=0, le=0)
    frequency_penalty: Finite | None = Field(None, ge=0, le=0)
    suffix: None = None
    logit_bias: None = None

    @property
    def prompts(self) -> list[str | list[int]]:
        """The prompts, each a text or ids."""
        given: Any = self.prompt
        return [given] if isinstance(given, str) or (given and isinstance(given[0], int)) else given

    @property
    def stops(self) -> list[str]:
        """The texts before which a completion ends."""
        given = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return [stop for stop in given if stop]


class TokenizeRequest(Body):
    """A text whose tokens are wanted, as vLLM's clients ask for them."""

    prompt: Text
    add_special_tokens: bool = Field(False, description="whether the mark of the beginning comes first")


class DetokenizeRequest(Body):
    """Ids of tokens whose text is wanted."""

    tokens: Ids
