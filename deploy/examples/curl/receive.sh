#!/bin/sh
# Receive one delivery and acknowledge it: sh receive.sh; status 1 when there is none
# Secrets go through pipes, not through arguments, which every user of the machine can see.
set -eu
token=$(printf 'user = "%s:%s"' "$MASA_CLIENT_ID" "$MASA_CLIENT_SECRET" |
    curl -fsS -K - -d grant_type=client_credentials "$MASA_TOKEN_ENDPOINT" |
    sed -E 's/.*"access_token" *: *"([^"]+)".*/\1/')
ask() {
    printf 'header = "Authorization: Bearer %s"' "$token" |
        curl -sS --fail-with-body --retry 5 -K - "$MASA_GATEWAY_URL/v1/$1" -H "Content-Type: application/json" -d "$2"
}
found=$(ask inbox/poll '{"limit": 1, "leaseSeconds": 60}')
test -n "$found"
echo "$found" # here: your case system
delivery=$(echo "$found" | sed -E 's/.*"deliveryId" *: *"([^"]+)".*/\1/')
lease=$(echo "$found" | sed -E 's/.*"lease" *: *"([^"]+)".*/\1/')
ask "deliveries/$delivery/acknowledge" "{\"outcome\": \"NOTED\", \"lease\": \"$lease\"}"
