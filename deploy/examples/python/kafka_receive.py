"""Receive one batch of deliveries from your own inbox and acknowledge each: python kafka_receive.py AGENCY"""

import os
import sys
import time
from pathlib import Path

from connectors.client.handled import OnDisk
from connectors.client.kafka import KafkaInbox
from connectors.settings import kafka_settings

kafka = kafka_settings(os.environ["KAFKA_BOOTSTRAP_SERVERS"], os.environ)
handled = OnDisk(Path("handled.db"))
with KafkaInbox(kafka, sys.argv[1], clock=lambda: time.time_ns() // 1_000_000, handled=handled) as inbox:
    for delivery in inbox.receive(wait_seconds=20):
        print(delivery.event_id, delivery.event_type, "withheld:", *delivery.withheld)  # here: your case system
        inbox.acknowledge(delivery, "NOTED")
