"""Quantiles of durations from counts of buckets: counts can be added, so days can be counted one by one.

Each bucket is 2 % wide and stands for its middle, so a quantile is within 1 % of the duration at its rank.
"""

import math
from collections.abc import Mapping

GROWTH = 1.02
LEAST_MS = 0.001
"""Shorter durations, negative ones too, are one bucket and count as 0."""
BUCKET = (
    f"multiIf(duration_ms IS NULL, -32768, duration_ms < {LEAST_MS}, -32767, "
    f"toInt16(floor(log(least(duration_ms, 1e300)) / log({GROWTH}))))"
)
"""The expression of an event's bucket; the smallest number is none, the next one 0 ms."""
NONE, ZERO = -32768, -32767


def middle(bucket: int) -> float:
    """What a bucket stands for, in ms: no further than 1 % from any duration in it."""
    if bucket == ZERO:
        return 0.0
    low, high = GROWTH**bucket, GROWTH ** (bucket + 1)
    return _rounded(2 * low * high / (low + high))


def quantiles(buckets: Mapping[int, int], *levels: float) -> list[float | None]:
    """The duration at the rank of each level (0 to 1, the smallest that has so many at or below it), in ms."""
    ordered = sorted((bucket, count) for bucket, count in buckets.items() if bucket != NONE)
    total = sum(count for _, count in ordered)
    found: list[float | None] = []
    for level in levels:
        rank, passed = max(1, math.ceil(level * total)), 0
        for bucket, count in ordered:
            passed += count
            if passed >= rank:
                found.append(middle(bucket))
                break
        else:
            found.append(None)
    return found


def histogram(buckets: Mapping[int, int]) -> list[tuple[float, int]]:
    """(upper end in ms, count) of bars for people: ten a power of ten, without gaps."""
    bars: dict[int, int] = {}
    for bucket, count in buckets.items():
        if bucket != NONE:
            bar = math.ceil(10 * math.log10(max(middle(bucket), LEAST_MS)) - 1e-9)
            bars[bar] = bars.get(bar, 0) + count
    if not bars:
        return []
    return [(_rounded(10 ** (bar / 10)), bars.get(bar, 0)) for bar in range(min(bars), max(bars) + 1)]


def _rounded(value: float) -> float:
    """Five digits say all that a bucket knows; four could move it further than 1 % from what is in it."""
    return float(f"{value:.5g}")
