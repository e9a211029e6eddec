"""Scenarios: a task for an agent on known data, and the expected result.

A scenario is a TOML file. It is independent of the agent that it tests.

    name = "finish_one"
    about = "One task is finished, by the tool for that."   # the purpose of the scenario
    task = "I have sent the price list. Tick it off."        # what the person says
    backends = ["local", "close"]
    data = "small_team"                                      # see taskhand.testing.data
    clock = "2026-03-02T15:00:00Z"

    [[planted]]              # further tasks: fields of taskhand.testing.data.PlannedTask
    title = "Pay the rent"
    day = 3

    [environment]            # variables for the server, which override those of the run
    TASKHAND_PLAN_OVER = "3"

    [[fault]]                # a fault of the CRM: taskhand.sandbox.faults.Fault; route may be create, update,
    route = "create"         # bulk, delete, list or read
    kind = "reset_after"

    [calls]                  # patterns: taskhand.testing.call_pattern
    allowed = ["reads", "complete_task"]   # no other call; left out: any call
    forbidden = ["update_task dueDate"]
    needed = ["complete_task"]
    at_most = 6

    [[expect]]               # the task (or tasks) with that title; like = "price list" matches words of it
    title = "Send the price list"
    status = "done"          # a type or a name; "" is none
    due = "2026-03-04"       # or a time with its offset, 2026-03-04T15:00-03:00; as answers show it, Wed may follow
    count = 1                # 0: no such task

    unchanged = true         # (above the tables) everything else must be unchanged; default true

    [answer]                 # the agent's final message
    mentions = ["price list"]
    omits = ["token"]
    asks = false             # whether it must ask a question

    [sent]                   # requests that changed something at the CRM; not checked on the built-in store
    creates_at_most = 1
    writes_at_most = 1

    [journal]                # changes that were applied
    applied_at_most = 1

    [solution]               # proof that the scenario can pass; placeholders: taskhand.testing.script
    calls = [
      { tool = "list_tasks", send = { text = "price list" } },
      { tool = "complete_task", send = { id = "{id of Send the price list}" } },
    ]
    says = "The price list is ticked off."

    [[wrong]]                # proof that it can fail, and a part of the reason
    because = "Send the price list: status"
    calls = []

In tasks that existed before, fields that an expectation does not mention must be unchanged. Unknown keys are refused.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from taskhand.config.settings import BackendName
from taskhand.domain.due import Due, due_text, moment_text
from taskhand.domain.errors import CallerError
from taskhand.domain.invalid_value import describe_invalid
from taskhand.domain.name_matching import fold
from taskhand.testing.call_pattern import CallPattern
from taskhand.testing.data import DATA, NOW, PlannedTask
from taskhand.testing.setup import Setup
from taskhand.testing.stored_task import StoredTask

__all__ = ["Expected", "Scenario", "Script", "ScriptedCall", "Wrong", "load_scenario", "load_scenarios", "shipped"]

_NAMESAKE = re.compile(r"\A.+ <(\S+@\S+)>\Z")


def _patterns(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        CallPattern.read(text)
    return texts


def _check_known(name: str) -> str:
    if name not in DATA:
        raise ValueError(f"there is no data set {name!r}; the data sets are {', '.join(DATA)}")
    return name


def _stored_due(text: str) -> str:
    """The due date in the form of a StoredTask; a weekday after it, as in answers, must be that of the day."""
    value, _, weekday = text.partition(" ")
    if not text:
        return text
    at = datetime.fromisoformat(value)
    is_day = value == at.date().isoformat()
    if not is_day and at.tzinfo is None:
        raise ValueError(f"due {text!r} is neither a day nor a time with its offset")
    shown = due_text(Due(at.date()), None) if is_day else moment_text(at, None)
    if weekday and weekday != shown.rpartition(" ")[2]:
        raise ValueError(f"due {text!r} is to be written {shown}")
    return value


def _stored_people(people: tuple[str, ...]) -> tuple[str, ...]:
    """The people in the form of a StoredTask; a name with an e-mail, as in answers, becomes the e-mail."""
    return tuple(_NAMESAKE.sub(r"\1", person) for person in people)


Patterns = Annotated[tuple[str, ...], AfterValidator(_patterns)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Calls(_Table):
    """The calls that the agent may make, as patterns."""

    allowed: Patterns | None = None
    """The only calls that may be made. Left out: any call."""
    forbidden: Patterns = ()
    """Calls that may not be made."""
    needed: Patterns = ()
    """Calls that must be made and answered."""
    at_most: Annotated[int, Field(ge=0)] | None = None
    """The highest number of calls."""


class Expected(_Table):
    """The expected values of the tasks with a title, or with words in their titles."""

    title: str | None = None
    """The title of the task, or of the tasks. Either `title` or `like` is needed."""
    like: str | None = None
    """Words of the title."""
    count: Annotated[int, Field(ge=0)] = 1
    """The number of such tasks; 0: none."""
    description: str | None = None
    """The description; `""` is none."""
    mentions: tuple[str, ...] = ()
    """Words in the description."""
    status: str | None = None
    """The name of the status, or its type."""
    due: Annotated[str, AfterValidator(_stored_due)] | None = None
    """A day, or a time with its offset, `2026-03-04T15:00-03:00`; `""` is none. A weekday may follow."""
    responsibles: Annotated[tuple[str, ...], AfterValidator(_stored_people)] | None = None
    """Names, or e-mails if two people share a name, in any order."""
    priority: int | None = None
    """0, 1 or 2."""
    contact: str | None = None
    """The name of the contact; `""` is none."""
    customer: str | None = None
    """The name of the contact's company; `""` is none."""
    deal: str | None = None
    """The name of the deal; `""` is none."""
    native: Mapping[str, Any] = Field(default_factory=dict)
    """Values of the backend's own fields."""

    @model_validator(mode="after")
    def _check_selection(self) -> Self:
        if (self.title is None) is (self.like is None):
            raise ValueError("an expectation has either title or like")
        return self

    @property
    def which(self) -> str:
        """A short text that names the selected tasks."""
        return self.title or f"like {self.like!r}"

    def is_about(self, task: StoredTask) -> bool:
        """Whether this task is selected."""
        if self.title is not None:
            return task.title == self.title
        return all(word in fold(task.title) for word in fold(self.like or "").split())


class ExpectedAnswer(_Table):
    """The expected final message of the agent; case and accents do not matter."""

    mentions: tuple[str, ...] = ()
    """Words that the message must have; case and accents do not matter."""
    omits: tuple[str, ...] = ()
    """Words that the message must not have."""
    asks: bool = False
    """Whether the message must ask a question."""


class RequestLimits(_Table):
    """The maximum number of requests that changed something at the CRM; not checked on the built-in store."""

    creates_at_most: int | None = None
    """Tasks created."""
    writes_at_most: int | None = None
    """Requests that changed something."""


class ChangeLimits(_Table):
    """The maximum number of applied changes."""

    applied_at_most: int | None = None
    """Changes that were applied."""


class ScriptedCall(_Table):
    """One call of a script."""

    tool: str
    """The name of the tool."""
    send: Mapping[str, Any] = Field(default_factory=dict)
    """Its arguments, with placeholders for values of earlier answers."""
    refused: str | None = None
    """The code of the expected refusal. Left out: an answer is expected."""


class Script(_Table):
    """Calls in their order, and the final message."""

    calls: tuple[ScriptedCall, ...] = ()
    """The calls, in their order."""
    says: str = ""
    """The final message."""


class Wrong(Script):
    """A script that must fail the scenario, besides `calls` and `says`."""

    because: Annotated[str, Field(min_length=1)]
    """A part of the reason of its failure."""


class Scenario(_Table):
    """One scenario, as in its file. In existing tasks, fields that no expectation mentions must be unchanged."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    """Lower-case letters, digits and `_`."""
    about: str
    """The purpose of the scenario."""
    task: Annotated[str, Field(min_length=1)]
    """The person's message to the agent."""
    backends: Annotated[tuple[BackendName, ...], Field(min_length=1)]
    """The backends that it runs on. Wrong attempts run on the first."""
    data: Annotated[str, AfterValidator(_check_known)] = "sales_week"
    """The name of a data set."""
    clock: Annotated[AwareDatetime, Field(validate_default=True)] = NOW  # type: ignore[assignment]
    """The time at which the run starts, with its offset."""
    planted: tuple[PlannedTask, ...] = ()
    """Tasks to add to the data set."""
    environment: Mapping[str, str] = Field(default_factory=dict)
    """Variables for the server, which override those of the run."""
    fault: tuple[Mapping[str, Any], ...] = ()
    """The faults at the CRM."""
    calls: Calls = Calls()
    """The calls that may be made."""
    expect: tuple[Expected, ...] = ()
    """The expected tasks."""
    unchanged: bool = True
    """Whether everything else must be unchanged."""
    answer: ExpectedAnswer = ExpectedAnswer()
    """The agent's final message."""
    sent: RequestLimits = RequestLimits()
    """The requests to the CRM."""
    journal: ChangeLimits = ChangeLimits()
    """The journal."""
    solution: Script
    """Calls that pass: the proof that the scenario can be met."""
    wrong: tuple[Wrong, ...] = ()
    """Attempts that fail: the proof that it can be missed. `taskhand scenario run --prove` runs both."""

    def setup(self, backend: BackendName) -> Setup:
        """The setup of a run on that backend; CallerError if the scenario does not support it."""
        if backend not in self.backends:
            raise CallerError(f"{self.name} is for {', '.join(self.backends)}.", code="not_for_backend")
        return Setup(
            backend=backend,
            data=self.data,
            clock=self.clock,
            planted=self.planted,
            faults=self.fault,
            environment=self.environment,
        )


def load_scenario(file: Path) -> Scenario:
    """Load a scenario file; CallerError if it is invalid."""
    try:
        return Scenario.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise CallerError(
            f"{file}: {where or 'the file'}: {describe_invalid(first)}.", code="invalid_scenario"
        ) from None
    except (OSError, ValueError) as error:
        raise CallerError(f"{file} cannot be read as a scenario: {error}.", code="invalid_scenario") from None


def load_scenarios(paths: Iterable[Path]) -> tuple[Scenario, ...]:
    """The scenarios in these files, and in the `.toml` files of these folders; CallerError as `load_scenario`."""
    files = [file for path in paths for file in (sorted(path.glob("*.toml")) if path.is_dir() else [path])]
    return tuple(map(load_scenario, files))


def shipped() -> Path:
    """The folder of the scenarios that come with Taskhand: beside this file, or in a checkout among the examples."""
    beside = Path(__file__).parent / "scenarios"
    return beside if beside.is_dir() else Path(__file__).parents[3] / "examples" / "scenarios"
