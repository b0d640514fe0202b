#!/bin/bash
# Starts the warehouse: only the hash of the password leaves its file.
set -euo pipefail
: "${PASSWORD_FILE:?}"
CUSTODY_PASSWORD_SHA256=$(printf %s "$(< "$PASSWORD_FILE")" | sha256sum | cut -d ' ' -f 1)
export CUSTODY_PASSWORD_SHA256
exec "${CLICKHOUSE_BIN:-/usr/bin}/clickhouse-server" --config-file=/etc/clickhouse-server/config.xml
