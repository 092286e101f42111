#!/bin/sh
# Walks a running Holdfast by hand: a database is created, used over TLS, modified, snapshotted, restored, and deleted.
#
#   npm start                                  in one terminal
#   sh scripts/walk.sh                         in another
#   ENDPOINT=http://localhost:4600 sh scripts/walk.sh
#
# Needs the aws CLI, psql and curl. What it makes has names that start with "walk", and it deletes all of it again.
set -eu

ENDPOINT=${ENDPOINT:-http://localhost:4566}
# Any credentials do on loopback. The region must be named: version 1 of the CLI has an endpoint of its own for us-east-1.
export AWS_ACCESS_KEY_ID="${AWS_ACCESS_KEY_ID:-test}" AWS_SECRET_ACCESS_KEY="${AWS_SECRET_ACCESS_KEY:-test}"
export AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-us-west-2}" AWS_PAGER='' AWS_EC2_METADATA_DISABLED=true
export PGPASSWORD=choose-your-own PGCONNECT_TIMEOUT=10

rds() { aws --endpoint-url "$ENDPOINT" rds "$@"; }
say() { printf '\n== %s\n' "$*"; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The CLI's own waiters look every thirty seconds; this looks every fifth of one.
until_status() { # name, status
  for _ in $(seq 300); do
    status=$(rds describe-db-instances --db-instance-identifier "$1" --query 'DBInstances[0].DBInstanceStatus' --output text)
    case $status in
      "$2") return ;;
      failed | restore-error | incompatible-*) echo "$1 is $status" >&2; return 1 ;;
    esac
    sleep 0.2
  done
  echo "$1 is still $status, not $2" >&2
  return 1
}

# One statement over TLS, with Holdfast's certificate authority and the endpoint's name checked.
sql() { # name, statement
  set -- "$2" $(rds describe-db-instances --db-instance-identifier "$1" --query 'DBInstances[0].Endpoint.[Address,Port]' --output text)
  psql -X -A -t -q "host=$2 port=$3 user=app dbname=shop sslmode=verify-full sslrootcert=$work/ca.pem" -c "$1"
}

say "The certificate authority that clients check against"
curl -sSf "$ENDPOINT/_holdfast/ca.pem" -o "$work/ca.pem"
head -n 1 "$work/ca.pem"

say "Create"
rds create-db-instance --db-instance-identifier walk --engine postgres --db-instance-class db.t4g.micro \
  --allocated-storage 20 --db-name shop --master-username app --master-user-password "$PGPASSWORD" \
  --query 'DBInstance.DBInstanceStatus' --output text
until_status walk available

say "psql over TLS"
sql walk 'create table orders as select n as id from generate_series(1, 1000) as n'
sql walk "select version(), (select version from pg_stat_ssl where pid = pg_backend_pid())"

say "Modify: a larger class, at once"
before=$(sql walk 'show shared_buffers')
rds modify-db-instance --db-instance-identifier walk --db-instance-class db.t4g.small --apply-immediately \
  --query 'DBInstance.DBInstanceStatus' --output text
until_status walk available
echo "shared_buffers: $before, then $(sql walk 'show shared_buffers')"

say "Snapshot"
rds create-db-snapshot --db-instance-identifier walk --db-snapshot-identifier walk-1 --query 'DBSnapshot.Status' --output text
until_status walk available
rds describe-db-snapshots --db-snapshot-identifier walk-1 --query 'DBSnapshots[0].Status' --output text

say "A mistake, and the restore beside it"
sql walk 'delete from orders'
rds restore-db-instance-from-db-snapshot --db-instance-identifier walk-restored --db-snapshot-identifier walk-1 \
  --query 'DBInstance.DBInstanceStatus' --output text
until_status walk-restored available
echo "orders now: $(sql walk 'select count(*) from orders'), in the restored one: $(sql walk-restored 'select count(*) from orders')"

say "Delete"
for name in walk walk-restored; do
  rds delete-db-instance --db-instance-identifier $name --skip-final-snapshot --query 'DBInstance.DBInstanceStatus' --output text
done
rds delete-db-snapshot --db-snapshot-identifier walk-1 --query 'DBSnapshot.Status' --output text
for _ in $(seq 300); do
  left=$(rds describe-db-instances --query "length(DBInstances[?starts_with(DBInstanceIdentifier, 'walk')])" --output text)
  [ "$left" = 0 ] && break
  sleep 0.2
done
echo "instances left of the walk: $left"
[ "$left" = 0 ]
