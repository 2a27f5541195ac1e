"""The options of the commands that ask: one name, one meaning and one line of help each, wherever it is taken.

Those that every command takes (`--config`, `--data`, `--json`) are in `common`.
"""

from collections.abc import Iterable
from typing import Annotated

import typer

from eventmill.commands.common import fail

KeyArgument = Annotated[
    str, typer.Argument(metavar="[KEY]", help="Prefix of the key, e.g. h5.pv.85 (a dot inside a part is %2E).")
]

# Of statistics, which have a default period.
FromOption = Annotated[
    str,
    typer.Option(
        "--from", metavar="DATE", help="First day, or hour (2026-11-20T13:00).", show_default="6 days before --to"
    ),
]
ToOption = Annotated[
    str, typer.Option("--to", metavar="DATE", help="Last day or hour, inclusive.", show_default="today")
]
TzOption = Annotated[
    str, typer.Option("--tz", metavar="ZONE", help="Time zone of the days.", show_default="the configured one")
]

# Of lists, which go back to the beginning unless told otherwise.
_ALL = "all that there is"
SinceOption = Annotated[
    str, typer.Option("--from", metavar="DATE", help="First day; together with --to.", show_default=_ALL)
]
UntilOption = Annotated[
    str, typer.Option("--to", metavar="DATE", help="Last day, inclusive; together with --from.", show_default=_ALL)
]

TopicOption = Annotated[str, typer.Option("--topic", help="Only this topic.")]
SiteOption = Annotated[str, typer.Option("--site", help="Only this site.")]
BotOption = Annotated[str, typer.Option("--bot", metavar="true|false", help="Only bots, or only others.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Only with this reason.")]

CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
NdjsonOption = Annotated[bool, typer.Option("--ndjson", help="Print the rows as JSON, one a line.")]

_WHERE = "FIELD is|is not|contains|starts with|in VALUE; repeat: all must hold."
WhereOption = Annotated[list[str] | None, typer.Option("--where", metavar="CONDITION", help=_WHERE)]
CompareOption = Annotated[bool, typer.Option("--compare", help="The period of equal length right before, too.")]


def conditions(phrases: Iterable[str] | None) -> str:
    """`filters` that say these phrases. Ends the command where one of them is none."""
    from eventmill.query.filters import conditions_text, parse_phrase
    from eventmill.query.model import RequestError

    try:
        return conditions_text(parse_phrase(phrase) for phrase in phrases or ())
    except RequestError as error:
        fail(str(error), 2)
