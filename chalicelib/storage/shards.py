"""Reading a list that is spread over several partitions: one Query for each, merged.

Only sharded lists import this module, because threads slow a cold start.
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

# How many rows more than its share a shard is asked for. Items are not spread evenly: without
# these, most pages would need a second Query of some shard.
SPARE = 4

# Threads are started when they are needed, and kept.
_threads = ThreadPoolExecutor(MAX_SHARDS)


class ShardReader:
    """The rows of one shard in the list's order, of which more are read when they are needed."""

    def __init__(self, shard: int, request: dict[str, Any]) -> None:
        self.shard = shard
        self.request = request
        self.rows: list[Row] = []
        self.last_evaluated_key: Row | None = None

    def query(self, limit: int) -> dynamodb.Usage:
        """Read the next rows, at most `limit`. Returns what that used."""
        usage = dynamodb.start_usage()
        start = {"ExclusiveStartKey": self.last_evaluated_key} if self.last_evaluated_key else {}
        self.rows, self.last_evaluated_key = dynamodb.query(
            **self.request | {"Limit": limit} | start
        )
        return usage


def first_rows(table: str, query: ListQuery, start: Position | None, count: int) -> list[Row]:
    """The first `count` rows of a list after a position. Raises Unavailable."""
    requests = ((shard, query.query_parameters(shard, start)) for shard in range(query.shard_count))
    readers = [
        ShardReader(shard, request | {"TableName": table}) for shard, request in requests if request
    ]
    limit = min(count, count // len(readers) + SPARE) if readers else 0
    _query_all(readers, limit)
    rows = heapq.merge(
        *(_ordered(query, reader, count) for reader in readers),
        key=itemgetter(0),
        reverse=not query.ascending,
    )
    return [row for _, row in islice(rows, count)]


def _ordered(query: ListQuery, reader: ShardReader, limit: int) -> Iterator[tuple[Any, Row]]:
    while True:
        for row in reader.rows:
            yield (query.order(row), reader.shard), row
        if reader.last_evaluated_key is None:
            return
        _query_all([reader], limit)


def _query_all(readers: list[ShardReader], limit: int) -> None:
    """Read the next rows of readers, all at the same time."""
    reads = [_threads.submit(reader.query, limit) for reader in readers]
    for read in reads:
        dynamodb.add_usage(read.result())
