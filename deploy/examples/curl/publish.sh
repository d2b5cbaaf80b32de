#!/bin/sh
# Publish the event in a file: sh publish.sh event.json
# Secrets go through pipes, not through arguments, which every user of the machine can see.
set -eu
token=$(printf 'user = "%s:%s"' "$MASA_CLIENT_ID" "$MASA_CLIENT_SECRET" |
    curl -fsS -K - -d grant_type=client_credentials "$MASA_TOKEN_ENDPOINT" |
    sed -E 's/.*"access_token" *: *"([^"]+)".*/\1/')
printf 'header = "Authorization: Bearer %s"' "$token" |
    curl -sS --fail-with-body --retry 5 -K - "$MASA_GATEWAY_URL/v1/events" -H "Content-Type: application/json" \
        -H "Idempotency-Key: $(sha256sum < "$1" | cut -c1-64)" --data-binary "@$1"
