"""Preference pairs of a Wellspring corpus on Kafka, as an iterable data set that goes on where a checkpoint stopped.

    pairs = PreferencePairs("127.0.0.1:9092", "http://127.0.0.1:8081", group="my-trainer", state=state_of_my_checkpoint)
    for pair in pairs:
        ...                       # train on pair.prompt, pair.chosen, pair.rejected
        state = pairs.state()     # save it beside the weights, in one atomic step
        pairs.commit(state)       # tell Kafka too, for its tools

Only committed records are read, by Confluent's own client and deserializer: nothing of this file is particular to
Wellspring but the names of two topics and of their fields. As a command it writes the pairs as JSON lines; see --help.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

PAIRS = "preference-pairs"
RETRACTIONS = "retractions"
POLL_SECONDS = 1.0
METADATA_SECONDS = 30.0


@dataclass(frozen=True)
class Pair:
    """A prompt and two attempts of one model at it. `chosen` passed its checks, `rejected` failed them."""

    id: str
    problem_id: str
    domain: str
    source: str
    solver: str
    level: str
    pass_rate: float
    """Passed attempts over counted attempts, 0 to 1."""
    simulated: bool
    """A simulated model had a part in it: for trials, not for training."""
    prompt: str
    chosen: str
    rejected: str


@dataclass(frozen=True)
class Retraction:
    """A problem whose pairs must not be trained on any longer, and why."""

    problem_id: str
    reason: str
    evidence: str


class LostPairs(Exception):
    """A saved position lies where the topic no longer has records: pairs were deleted before they were read."""


class PreferencePairs:
    """Iterates over the pairs of the topic once, each partition in its order.

    `state` is what `state()` of an earlier reader returned; without it the positions that the group committed count, and where there
    are none the beginning. With `follow` it waits for new pairs for ever, else it ends at the end that the topic has when it gets there.

    Pairs of a problem that is retracted by the time they are reached are left out. `on_retraction` is told of every retraction that is new
    since `state`: pairs of that problem may have been delivered before.

    Several readers share the work by `rank` and `world_size`: each takes every world_size-th partition, and keeps a state of its own.
    `include_simulated`: a corpus of a simulated model is refused otherwise.

    Raises KafkaException where the cluster, a topic or a right is missing, LostPairs, ValueError for a state of another corpus.
    """

    def __init__(
        self,
        brokers: str,
        registry: str,
        *,
        group: str,
        namespace: str = "",
        state: dict[str, Any] | None = None,
        follow: bool = False,
        include_simulated: bool = False,
        on_retraction: Callable[[Retraction], None] = lambda _: None,
        rank: int = 0,
        world_size: int = 1,
        client_settings: dict[str, Any] | None = None,
    ) -> None:
        prefix = f"{namespace}." if namespace else ""
        self._pairs = prefix + PAIRS
        self._retractions = prefix + RETRACTIONS
        if state is not None and state["topic"] != self._pairs:
            raise ValueError(f"the state is of the topic {state['topic']}, expected {self._pairs}")
        self._follow = follow
        self._include_simulated = include_simulated
        self._on_retraction = on_retraction
        self._rank, self._world_size = rank, world_size
        self._deserialize = AvroDeserializer(SchemaRegistryClient({"url": registry}))
        self._settings = {
            **(client_settings or {}),
            "bootstrap.servers": brokers,
            "group.id": prefix + group,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            # A position that is gone is an error: beginning anew would train on pairs twice, going on would skip some.
            "auto.offset.reset": "error",
        }
        self._state = {int(partition): offset for partition, offset in (state or {}).get("pairs", {}).items()}
        self._seen_retractions: int = (state or {}).get("retractions", 0)
        self._next_retraction = 0
        self._retracted: set[str] = set()
        self._consumer: Consumer | None = None

    def __iter__(self) -> Iterator[Pair]:
        consumer = self._consumer = Consumer(self._settings)
        retractions = Consumer({**self._settings, "group.id": f"{self._settings['group.id']}.retractions"})
        try:
            retractions.assign([TopicPartition(self._retractions, 0, OFFSET_BEGINNING)])
            self._read_retractions(retractions, to_end=True)
            open_partitions = self._assign(consumer)
            while open_partitions or self._follow:
                self._read_retractions(retractions)
                message = consumer.poll(POLL_SECONDS)
                if message is None:
                    continue
                if message.error() is not None:
                    open_partitions.discard(self._ended(message))
                    continue
                record = self._record(message)
                if record["simulated"] and not self._include_simulated:
                    raise ValueError(f"pair {record['id']} comes of a simulated model: not for training")
                self._state[message.partition()] = message.offset() + 1
                if record["problemId"] not in self._retracted:
                    yield _pair(record)
        finally:
            retractions.close()
            consumer.close()
            self._consumer = None

    def batches(self, size: int) -> Iterator[list[Pair]]:
        """Pairs in lists of `size`; the last one may be shorter."""
        batch: list[Pair] = []
        for pair in self:
            batch.append(pair)
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch

    def state(self) -> dict[str, Any]:
        """Where to go on, as JSON: after all pairs delivered so far, the one in hand included."""
        pairs = {str(partition): offset for partition, offset in sorted(self._state.items())}
        return {"topic": self._pairs, "pairs": pairs, "retractions": self._next_retraction}

    def commit(self, state: dict[str, Any]) -> None:
        """Commits the positions of a saved state to the group, for tools that watch it and for a reader without a state."""
        offsets = [
            TopicPartition(self._pairs, int(partition), offset) for partition, offset in state["pairs"].items()
        ]
        if not offsets:
            return
        consumer = self._consumer or Consumer(self._settings)
        try:
            consumer.commit(offsets=offsets, asynchronous=False)
        finally:
            if consumer is not self._consumer:
                consumer.close()

    def _assign(self, consumer: Consumer) -> set[int]:
        """Takes this reader's partitions, each at its position. @returns them"""
        metadata = consumer.list_topics(self._pairs, timeout=METADATA_SECONDS).topics[self._pairs]
        if metadata.error is not None:
            raise KafkaException(metadata.error)
        own = [partition for partition in sorted(metadata.partitions) if partition % self._world_size == self._rank]
        missing = [TopicPartition(self._pairs, partition) for partition in own if partition not in self._state]
        if missing:
            for place in consumer.committed(missing, timeout=METADATA_SECONDS):
                self._state[place.partition] = max(place.offset, 0)
        for partition in own:
            first, end = consumer.get_watermark_offsets(TopicPartition(self._pairs, partition), METADATA_SECONDS)
            if not first <= self._state[partition] <= end:
                raise LostPairs(
                    f"{self._pairs}, partition {partition}: expected to go on at {self._state[partition]}, but the topic holds "
                    f"{first} to {end}; begin anew with another group and no state"
                )
        consumer.assign([TopicPartition(self._pairs, partition, self._state[partition]) for partition in own])
        return set(own)

    def _read_retractions(self, consumer: Consumer, to_end: bool = False) -> None:
        """Takes the retractions that are there; `to_end`: waits for the end of the table."""
        while True:
            message = consumer.poll(POLL_SECONDS if to_end else 0)
            if message is None:
                if to_end:
                    continue
                return
            if message.error() is not None:
                self._ended(message)
                return
            record = self._record(message)
            self._next_retraction = message.offset() + 1
            self._retracted.add(record["problemId"])
            if message.offset() >= self._seen_retractions:
                self._on_retraction(Retraction(record["problemId"], record["reason"], record["evidence"]))

    def _record(self, message: Message) -> dict[str, Any]:
        return self._deserialize(message.value(), SerializationContext(message.topic(), MessageField.VALUE))

    @staticmethod
    def _ended(message: Message) -> int:
        """The partition whose end this message tells; raises for every other error."""
        if message.error().code() != KafkaError._PARTITION_EOF:
            raise KafkaException(message.error())
        return message.partition()


def _pair(record: dict[str, Any]) -> Pair:
    return Pair(
        id=record["id"],
        problem_id=record["problemId"],
        domain=record["domain"],
        source=record["source"],
        solver=record["solver"],
        level=record["level"],
        pass_rate=record["passRate"],
        simulated=record["simulated"],
        prompt=record["prompt"],
        chosen=record["chosen"],
        rejected=record["rejected"],
    )


def read_state(path: str) -> dict[str, Any] | None:
    """A saved state; none where there is no such file yet."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return None


def write_state(path: str, state: dict[str, Any]) -> None:
    """Saves a state: whoever reads the file sees the old one or the new one, whole, after a power cut too."""
    unfinished = f"{path}.unfinished"
    with open(unfinished, "w", encoding="utf-8") as file:
        json.dump(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Writes preference pairs as JSON lines, batch by batch, and saves where it is after each.",
        epilog="example: python preference_pairs.py --brokers 127.0.0.1:9092 --registry http://127.0.0.1:8081 --group trial --state trial.json",
    )
    add_place(parser)
    parser.add_argument("--state", required=True, metavar="FILE", help="where to go on; written after each batch")
    parser.add_argument("--batch", type=int, default=32, help="pairs between two saves (default 32)")
    parser.add_argument("--limit", type=int, help="end after so many pairs; a whole number of batches")
    options = parser.parse_args()
    if options.limit is not None and options.limit % options.batch != 0:
        parser.error(f"--limit: expected a multiple of the batch of {options.batch}, got {options.limit}")
    pairs = PreferencePairs(**place_of(options), state=read_state(options.state), on_retraction=tell_retraction)
    count = 0
    try:
        for batch in pairs.batches(options.batch):
            for pair in batch:
                print(json.dumps(asdict(pair)))
            sys.stdout.flush()
            state = pairs.state()
            write_state(options.state, state)
            pairs.commit(state)
            count += len(batch)
            if count == options.limit:
                break
        else:
            # What was passed over since the last batch need not be read again.
            write_state(options.state, pairs.state())
    except (KafkaException, LostPairs, ValueError) as error:
        raise SystemExit(f"preference_pairs: {error}") from error
    print(f"{count} pairs", file=sys.stderr)


def tell_retraction(retraction: Retraction) -> None:
    """One JSON line on stderr."""
    print(json.dumps({"retracted": asdict(retraction)}), file=sys.stderr)


def add_place(parser: argparse.ArgumentParser) -> None:
    """The options that say where the corpus is and how it is read."""
    parser.add_argument("--brokers", required=True, help="HOST:PORT, comma-separated")
    parser.add_argument("--registry", required=True, help="URL of the schema registry")
    parser.add_argument("--namespace", default="", help="what the topics' names begin with (default: nothing)")
    parser.add_argument("--group", required=True, help="consumer group that the positions are committed to")
    parser.add_argument("--follow", action="store_true", help="wait for new pairs instead of ending")
    parser.add_argument("--include-simulated", action="store_true", help="take pairs of a simulated model, for a trial")


def place_of(options: argparse.Namespace) -> dict[str, Any]:
    """Parameters of PreferencePairs from these options."""
    names = ("brokers", "registry", "namespace", "group", "follow", "include_simulated")
    return {name: getattr(options, name) for name in names}


if __name__ == "__main__":
    main()
