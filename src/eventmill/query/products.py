"""Products: parts of sites that are counted on their own, as `[[products]]` of the configuration says.

Found out when asked, not when stored: a change of the configuration holds for all that is stored.
"""

from collections.abc import Sequence
from typing import Any

from eventmill.settings import Product

COLUMNS = frozenset({"site", "url", "page"})


def expression(products: Sequence[Product], params: dict[str, Any], tag: str) -> str:
    """The name of the first product that fits, '' where none does; the parameters are added to `params`."""
    cases = []
    for number, each in enumerate(products):
        name = f"{tag}_{number}"
        params[f"{name}_name"] = each.name
        conditions = []
        if each.site:
            params[f"{name}_site"] = each.site
            conditions.append(f"site = {{{name}_site:String}}")
        if each.path:
            # The page of an event without url is its key: no path.
            params[f"{name}_path"] = each.path
            conditions.append(f"startsWith(page, {{{name}_path:String}}) AND url != ''")
        cases.append(f"{' AND '.join(conditions)}, {{{name}_name:String}}")
    return f"multiIf({', '.join(cases)}, '')" if cases else "''"
