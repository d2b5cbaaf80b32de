"""Publish the events on standard input, one a line, through the gateway: python http_publish.py < events.ndjson"""

import json
import os
import sys

from pydantic import SecretStr

from connectors.client.http import HttpPublisher
from connectors.client.http_session import ClientCredentials, HttpSession

env = os.environ
secret = SecretStr(env["MASA_CLIENT_SECRET"])
tokens = ClientCredentials(env["MASA_TOKEN_ENDPOINT"], env["MASA_CLIENT_ID"], secret)
with HttpPublisher(HttpSession(env["MASA_GATEWAY_URL"], tokens)) as publisher:
    for line in sys.stdin:
        print(publisher.publish(json.loads(line)).event_id)
