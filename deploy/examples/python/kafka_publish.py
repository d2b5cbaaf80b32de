"""Publish the events on standard input, one a line, to your own outbox: python kafka_publish.py < events.ndjson"""

import json
import os
import sys
import time
from pathlib import Path

from connectors.client.filling import Identity
from connectors.client.kafka import KafkaPublisher
from connectors.settings import kafka_settings

kafka = kafka_settings(os.environ["KAFKA_BOOTSTRAP_SERVERS"], os.environ)
me = Identity("northshire-police", "northshire", "POLICE", "GSS", "E23000099")
key = Path(os.environ["MASA_OUTBOX_KEY_FILE"]).read_bytes()  # 32 random bytes of your own
with KafkaPublisher(kafka, me, key=key, clock=lambda: time.time_ns() // 1_000_000, allow_synthetic=True) as publisher:
    for line in sys.stdin:
        print(publisher.publish(json.loads(line)).event_id)
