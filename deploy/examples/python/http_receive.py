"""Receive one batch of deliveries through the gateway and acknowledge each: python http_receive.py"""

import os
from pathlib import Path

from pydantic import SecretStr

from connectors.client.handled import OnDisk
from connectors.client.http import HttpInbox
from connectors.client.http_session import ClientCredentials, HttpSession

env = os.environ
secret = SecretStr(env["MASA_CLIENT_SECRET"])
tokens = ClientCredentials(env["MASA_TOKEN_ENDPOINT"], env["MASA_CLIENT_ID"], secret)
with HttpInbox(HttpSession(env["MASA_GATEWAY_URL"], tokens), handled=OnDisk(Path("handled.db"))) as inbox:
    for delivery in inbox.receive(wait_seconds=20):
        print(delivery.event_id, delivery.event_type, "withheld:", *delivery.withheld)  # here: your case system
        inbox.acknowledge(delivery, "NOTED")
