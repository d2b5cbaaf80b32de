#!/bin/sh
# Makes what compose.yaml's containers are given as secrets, once: nothing here is ever overwritten.
set -eu
umask 077
cd "$(dirname "$0")"
masa="${MASA:-../../.venv/bin/masa}"
mkdir -p secrets
chmod 700 secrets
new() { [ ! -e "secrets/$1" ]; }
if new pseudonym.key; then head -c 32 /dev/urandom > secrets/pseudonym.key; fi
if new database-password; then head -c 24 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n' > secrets/database-password; fi
if new database-url; then
  printf 'DATABASE_URL=postgresql://masa:%s@postgres:5432/masa\n' "$(cat secrets/database-password)" > secrets/database-url
fi
if new grafana-password; then head -c 24 /dev/urandom | base64 | tr -d '\n' > secrets/grafana-password; fi
if new ledger.pem; then "$masa" ledger keygen --out secrets/ledger.pem > secrets/ledger.pub; fi
if new signatories.yaml; then
  "$masa" rules keygen policy-lead --role "policy lead" --out secrets/policy-lead.pem > secrets/signatories.yaml
  "$masa" rules keygen dpo --role "data protection officer" --out secrets/dpo.pem | sed -n '/^ *- /,$p' >> secrets/signatories.yaml
fi
# The containers' users must be able to read what they are given: 10001 is the exchange's, 472 Grafana's. (PostgreSQL's
# reads its own before it gives up root.)
if [ "$(id -u)" = 0 ]; then
  chown 10001 secrets/pseudonym.key secrets/ledger.pem secrets/signatories.yaml
  chown 472 secrets/grafana-password
else
  echo "run this as root, or give user 10001 pseudonym.key, ledger.pem and signatories.yaml, and user 472 grafana-password" >&2
fi
echo "secrets/ is complete. Keep policy-lead.pem and dpo.pem with the two people, not here."
