"""Reads topics as anybody does who knows nothing of Wellspring: Confluent's consumer with read_committed, its Avro deserializer, the
registry. Arguments: brokers, the registry's URL, topics. Prints every record as a JSON line, partition by partition to its end."""

import json
import sys
import uuid

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

POLL_SECONDS = 1.0


def main(brokers: str, registry: str, topics: list[str]) -> None:
    deserialize = AvroDeserializer(SchemaRegistryClient({"url": registry}))
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": f"reader-{uuid.uuid4()}",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    metadata = consumer.list_topics(timeout=30)
    places = [
        TopicPartition(topic, partition, OFFSET_BEGINNING)
        for topic in topics
        for partition in metadata.topics[topic].partitions
    ]
    consumer.assign(places)
    left = {(place.topic, place.partition) for place in places}
    while left:
        message = consumer.poll(POLL_SECONDS)
        if message is None:
            continue
        if message.error() is not None:
            if message.error().code() != KafkaError._PARTITION_EOF:
                raise SystemExit(str(message.error()))
            left.discard((message.topic(), message.partition()))
            continue
        record = {
            "topic": message.topic(),
            "partition": message.partition(),
            "offset": message.offset(),
            "key": message.key().decode(),
            "value": deserialize(message.value(), SerializationContext(message.topic(), MessageField.VALUE)),
        }
        print(json.dumps(record))
    consumer.close()


main(sys.argv[1], sys.argv[2], sys.argv[3:])
