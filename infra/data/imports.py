"""`make import`: items from JSON lines, or from a table that another system has left behind.

Each item is created through the data-access module, so that its fields are validated, and its
unique values and references hold. An item that is stored already is left as it is, so that the same
import can be run again, after an interruption or to see that nothing is missing.
"""

import sys
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from time import sleep
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from botocore.exceptions import ClientError
from msgspec import Struct

from chalicelib.access import MAX_SUBJECT_LENGTH, ME, named_subject
from chalicelib.context import CallContext
from chalicelib.errors import Conflict, DomainError, NotFound, Unavailable
from chalicelib.http.requests import parse_json_object
from chalicelib.schema import AUTHOR_PARAMETER, OWNER_PARAMETER, Resource
from chalicelib.storage.collection import Collection
from infra.data import access
from infra.errors import CommandError

# Enough to hide the time of a call, and few enough that a new table is not throttled at once.
WORKERS = 12
# How many lines are read ahead of the first that is not finished.
AHEAD = 10 * WORKERS
# Some editors begin a file with it.
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# The pauses before an item is tried again, while the database cannot be reached.
PAUSES = (0.5, 1, 2, 4, 8)

CREATED, STORED, DIFFERENT, REJECTED = (
    "created",
    "stored already",
    "stored with other values",
    "rejected",
)


class Record(Struct, frozen=True):
    """What one line or row holds: its values, or why it cannot be read.

    `name` says which one it is, and `size` how much of the source it is.
    """

    name: str
    size: int
    values: dict[str, Any]
    problem: str | None = None


class Import:
    """Importing the items of one resource."""

    def __init__(self, resource: Resource, *, dry_run: bool, check_references: bool = True) -> None:
        self.resource = resource
        self.collection = Collection(resource)
        self.dry_run = dry_run
        self.check_references = check_references
        self.outcomes: Counter[str] = Counter()

    def run(self, records: Iterator[Record], total: int) -> None:
        """Import all records. `total` is the sum of their sizes. Raises CommandError."""
        waiting: deque[tuple[Record, Future[str]]] = deque()
        with (
            access.progress(self.resource.name, total) as bar,
            ThreadPoolExecutor(WORKERS) as workers,
        ):
            try:
                for record in records:
                    waiting.append((record, workers.submit(self._import, record)))
                    if len(waiting) > AHEAD:
                        self._finish(*waiting.popleft(), bar)
                while waiting:
                    self._finish(*waiting.popleft(), bar)
            except BaseException:
                workers.shutdown(cancel_futures=True)
                raise

    @property
    def summary(self) -> str:
        """What was done, as a sentence."""
        counts = {name: self.outcomes[name] for name in (CREATED, STORED, DIFFERENT, REJECTED)}
        if self.dry_run:
            return (
                f"{self.resource.name}: {counts[CREATED]:,} valid, {counts[REJECTED]:,} rejected. "
                "Nothing was written; keys, unique values and references were not compared."
            )
        words = ", ".join(
            f"{count:,} {name}" for name, count in counts.items() if count or name != DIFFERENT
        )
        return f"{self.resource.name}: {words}."

    def _finish(self, record: Record, future: "Future[str]", bar: "access.Bar") -> None:
        try:
            outcome = future.result()
        except DomainError as error:
            outcome = REJECTED
            print(f"{record.name}: {error}", file=sys.stderr, flush=True)
        if outcome == DIFFERENT:
            noun, key = self.resource.noun, record.values[self.resource.key]
            print(
                f"{record.name}: the stored {noun} '{key}' has other values, which stay",
                file=sys.stderr,
                flush=True,
            )
        self.outcomes[outcome] += 1
        bar.update(record.size)

    def _import(self, record: Record) -> str:
        if record.problem:
            raise DomainError(record.problem)
        values = dict(record.values)
        owner = _subject(values, OWNER_PARAMETER) if self.resource.owned else None
        author = _subject(values, AUTHOR_PARAMETER) if self.resource.has_author else ""
        if owner == "":
            raise DomainError("owner is missing: the subject of the item's owner")
        context = access.context(owner)
        row = self.collection.imported_row(values, context, author=author)
        if self.dry_run:
            return CREATED
        for pause in (0, *PAUSES):
            sleep(pause)
            try:
                self.collection.insert(row, context, check_references=self.check_references)
            except Unavailable:
                continue
            except ClientError as error:
                if error.response["Error"]["Code"] != "ValidationException":
                    raise
                message = error.response["Error"]["Message"].rstrip(".")
                raise DomainError(f"DynamoDB refuses the item: {message}") from None
            except Conflict:
                stored = self._stored(values, context)
                if stored is None:
                    raise
                is_same = all(stored.get(name) == value for name, value in values.items())
                return STORED if is_same else DIFFERENT
            return CREATED
        raise CommandError(
            "The database is busy or cannot be reached. Run the same command again: it leaves out "
            "what is stored."
        )

    def _stored(self, values: Mapping[str, Any], context: CallContext) -> dict[str, Any] | None:
        """The values of the stored item with the same key, or None."""
        try:
            return self.collection.read(values[self.resource.key], context).values
        except NotFound:
            return None


def _subject(values: dict[str, Any], name: str) -> str:
    """Remove the subject of a line, and return its key; empty if the line has none.

    Raises DomainError.
    """
    text = values.pop(name, "")
    if not isinstance(text, str) or len(text) > MAX_SUBJECT_LENGTH or text == ME:
        raise DomainError(
            f"{name} must be a subject of at most {MAX_SUBJECT_LENGTH} characters, and not {ME}"
        )
    return named_subject(text, access.OPERATOR) if text else ""


def run(
    resources: tuple[Resource, ...], source: Path, *, dry_run: bool, check_references: bool
) -> None:
    """Import JSON lines from a folder of an export, or from one file. Raises CommandError."""
    if source.is_file() and len(resources) > 1:
        raise CommandError(
            f"{source} is one file: say what its lines are, for example RESOURCE=products, or name "
            "the folder of an export."
        )
    files = [(resource, _file(source, resource)) for resource in resources]
    found = [(resource, file) for resource, file in files if file.is_file()]
    if not found:
        names = " or ".join(str(file) for _, file in files)
        raise CommandError(f"There is nothing to import: {names} does not exist.")
    imports = []
    for resource, file in found:
        one = Import(resource, dry_run=dry_run, check_references=check_references)
        one.run(_records(resource, file), file.stat().st_size)
        print(one.summary, flush=True)
        imports.append(one)
    conclude(imports)


def conclude(imports: list[Import]) -> None:
    """Raise CommandError if something was rejected."""
    rejected = sum(each.outcomes[REJECTED] for each in imports)
    if rejected:
        raise CommandError(
            f"{rejected:,} rejected, for the reasons above. Correct them, and run the same command "
            "again: it leaves out what is stored."
        )


def _file(source: Path, resource: Resource) -> Path:
    return source if source.is_file() else source / f"{resource.name}.jsonl"


def _records(resource: Resource, file: Path) -> Iterator[Record]:
    # By the digest of a line without a key: how many equal ones came before.
    equal: Counter[bytes] = Counter()
    is_first = True
    with file.open("rb") as lines:
        for number, text in enumerate(lines, 1):
            line = text.removeprefix(BYTE_ORDER_MARK) if number == 1 else text
            if not line.strip():
                continue
            if is_first and (line.strip() == b"{" or line.lstrip().startswith(b"[")):
                raise CommandError(
                    f"{file} is JSON over several lines, or an array. An import has one object in "
                    "each line, which jq writes: jq --compact-output "
                    f"'if type == \"array\" then .[] else . end' {file.name}"
                )
            is_first = False
            name, size = f"{file.name}, line {number}", len(text)
            try:
                values = parse_json_object(line)
            except DomainError as error:
                problem = str(error).replace("The body", "The line")
                yield Record(name, size, {}, problem)
                continue
            if resource.key not in values:
                # The same key in each run, also after other lines were corrected.
                digest = blake2b(line.strip(), digest_size=16).digest()
                equal[digest] += 1
                seed = f"{resource.name} {digest.hex()} {equal[digest]}"
                values[resource.key] = str(uuid5(NAMESPACE_OID, seed))
            yield Record(name, size, values)
