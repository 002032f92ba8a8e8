"""Reading a list that is spread over several partitions: one Query for each, merged.

Imported by lists that have shards alone.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-indexes-gsi-sharding.html
"""

import heapq
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from operator import itemgetter
from typing import Any

from chalicelib.schema import MAX_SHARDS
from chalicelib.storage import dynamodb
from chalicelib.storage.attributes import Row
from chalicelib.storage.cursors import Position
from chalicelib.storage.queries import ListQuery

# How many rows more than its share a shard is asked for: items are not spread evenly.
SPARE = 4

# Threads are started when they are needed, and kept.
_threads = ThreadPoolExecutor(MAX_SHARDS)


class Run:
    """The rows of one shard in the list's order, of which more are read when they are needed."""

    def __init__(self, shard: int, request: dict[str, Any]) -> None:
        self.shard = shard
        self.request = request
        self.rows: list[Row] = []
        self.next: Row | None = None

    def query(self, limit: int) -> dynamodb.Usage:
        """Read the next rows, at most `limit`. Returns what that used."""
        usage = dynamodb.measure()
        start = {"ExclusiveStartKey": self.next} if self.next else {}
        self.rows, self.next = dynamodb.query(**self.request | {"Limit": limit} | start)
        return usage


def read(table: str, listed: ListQuery, start: Position | None, count: int) -> list[Row]:
    """The first `count` rows of a list after a position. Raises Unavailable."""
    requests = ((shard, listed.request(shard, start)) for shard in range(listed.shards))
    runs = [Run(shard, request | {"TableName": table}) for shard, request in requests if request]
    limit = min(count, count // len(runs) + SPARE) if runs else 0
    _query_all(runs, limit)
    rows = heapq.merge(
        *(_ordered(listed, run, count) for run in runs),
        key=itemgetter(0),
        reverse=not listed.ascending,
    )
    return [row for _, row in islice(rows, count)]


def _ordered(listed: ListQuery, run: Run, limit: int) -> Iterator[tuple[Any, Row]]:
    while True:
        for row in run.rows:
            yield (listed.order(row), run.shard), row
        if run.next is None:
            return
        _query_all([run], limit)


def _query_all(runs: list[Run], limit: int) -> None:
    """Read the next rows of runs, all at the same time."""
    for usage in _threads.map(lambda run: run.query(limit), runs):
        dynamodb.add(usage)
