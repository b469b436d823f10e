"""How often a property is tried: a quarter of its examples as a rule, all of them in the sweep.

Covers: one decorator for every property of the self-tests, and the switch ``EVERY_EXAMPLE=1``.
Not here: the properties.
"""

from __future__ import annotations

import os
from typing import Any, Final

from hypothesis import settings

EVERY_EXAMPLE: Final = os.environ.get("EVERY_EXAMPLE", "") == "1"
FEWEST: Final = 10


def often(most: int, **more: Any) -> settings:
    """Try a property so many times where every example is asked for, else a quarter of that.

    Examples are others on each run, unless ``derandomize`` is given; none is remembered.
    """
    tried = most if EVERY_EXAMPLE else max(FEWEST, most // 4)
    return settings(max_examples=tried, deadline=None, database=None, **more)
