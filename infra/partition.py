"""What a partition of DynamoDB takes: a simulation, second by second.

A partition takes 1,000 write units a second, and keeps up to five minutes of what it did not use.
One that the sort key only ever grows in is not split for heat.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html
"""

from math import sqrt
from random import Random

WRITE_UNITS = 1_000
READ_UNITS = 3_000
BURST_SECONDS = 300

HOUR = 3_600


def refused(rate: float, *, shards: int = 1, seconds: int = HOUR) -> float:
    """The share of writes of one unit that are refused, of `rate` a second.

    They come at random to `shards` partitions, whose burst capacity is unused at first, and nobody
    tries again.
    """
    # The same each time: the page that shows it is compared with it.
    chance = Random(shards)  # noqa: S311, nothing to guess
    mean = rate / shards
    offered = taken = 0
    kept = [BURST_SECONDS * WRITE_UNITS] * shards
    for _ in range(seconds):
        for shard in range(shards):
            # A Poisson process's count, as a normal distribution has it for means like these.
            writes = max(0, round(chance.gauss(mean, sqrt(mean))))
            available = kept[shard] + WRITE_UNITS
            done = min(writes, available)
            kept[shard] = min(available - done, BURST_SECONDS * WRITE_UNITS)
            offered += writes
            taken += done
    return 1 - taken / offered
