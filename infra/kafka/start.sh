#!/bin/bash
# Starts one node: writes what differs from node to node, formats an empty store, and becomes the broker.
# Wants: NODE_ID, ADVERTISED_LISTENERS, CLUSTER_ID (22 characters; `kafka-storage.sh random-uuid` makes one), and the
# password of the user "custody" in PASSWORD_FILE.
set -euo pipefail
: "${NODE_ID:?}" "${ADVERTISED_LISTENERS:?}" "${CLUSTER_ID:?}" "${PASSWORD_FILE:?}"
bin=${KAFKA_BIN:-/opt/kafka/bin}
config=$(mktemp -d)/server.properties
{
  cat "${BROKER_PROPERTIES:-/etc/custody/broker.properties}"
  echo "node.id=$NODE_ID"
  echo "advertised.listeners=$ADVERTISED_LISTENERS"
} > "$config"
# Every account of the host sees arguments. The tool reads more of them, one a line, from a file that is named with an @.
user=${config%/*}/user
(umask 077; printf '%s\n' --add-scram "SCRAM-SHA-512=[name=custody,password=$(< "$PASSWORD_FILE")]" > "$user")
"$bin/kafka-storage.sh" format --ignore-formatted --cluster-id "$CLUSTER_ID" --config "$config" "@$user"
rm "$user"
exec "$bin/kafka-server-start.sh" "$config"
