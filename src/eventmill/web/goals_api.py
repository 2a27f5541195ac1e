"""`goals`: listed, added, removed. Their report is a question of `query.ask`."""

import msgspec

from eventmill.query.goals import checked_goal
from eventmill.registry import goals
from eventmill.registry.base import Goal
from eventmill.registry.database import Database

Condition = tuple[str, str, str | list[str]]


class NewGoal(msgspec.Struct, forbid_unknown_fields=True):
    """`filters` are conditions `[operator, field, value]` that all hold on the event; `site` empty is all sites."""

    name: str
    filters: list[Condition]
    site: str = ""


class ListedGoal(msgspec.Struct):
    """A goal as it is kept."""

    id: int
    name: str
    site: str
    filters: list[Condition]
    created: str


class Goals(msgspec.Struct):
    data: list[ListedGoal]


def shown_goal(goal: Goal) -> ListedGoal:
    """The row with its conditions as a list."""
    filters = msgspec.json.decode(goal.filters, type=list[Condition])
    return ListedGoal(goal.id, goal.name, goal.site, filters, goal.created)


def list_goals(database: Database) -> list[ListedGoal]:
    """All of them, the oldest first. Raises RegistryError."""
    return [shown_goal(goal) for goal in goals.list_goals(database)]


def add_goal(database: Database, new: NewGoal) -> ListedGoal:
    """Raises RequestError, Invalid, Exists, RegistryError."""
    return shown_goal(goals.add_goal(database, new.name, checked_goal(new.filters), new.site))


def remove_goal(database: Database, name_or_id: str) -> bool:
    """Whether there was one. Raises RegistryError."""
    return goals.remove_goal(database, name_or_id)
