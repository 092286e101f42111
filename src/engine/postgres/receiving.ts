/** What pg_stat_wal_receiver says of a standby, as conditions on its row. */
// PostgreSQL source: walreceiver.c, WalReceiverMain and ProcessWalSndrMessage.

/** How long a receiver that is refused may live: it has connected by then, and only asks for where it is to begin. */
const REFUSED_WITHIN_S_MAX = 3

/** It asks for a message after half of this, and ends after all of it. One that hangs does neither. */
const PATIENCE = `current_setting('wal_receiver_timeout')::interval`

/**
 * It calls itself `streaming` from its beginning, also when it is about to be refused, as a standby whose log was removed
 * is twice a second. Both times are the same until a first message has come. A source that writes nothing may send none
 * for half a minute; one that refuses does it sooner. One that hangs receives nothing, whatever it last said.
 */
export const RECEIVES = `status = 'streaming'
  AND (last_msg_send_time IS DISTINCT FROM last_msg_receipt_time
  OR (SELECT backend_start FROM pg_stat_activity a WHERE a.pid = pg_stat_wal_receiver.pid)
       < clock_timestamp() - interval '${REFUSED_WITHIN_S_MAX} s')
  AND (last_msg_receipt_time > clock_timestamp() - 2 * ${PATIENCE} OR ${PATIENCE} = interval '0')`

/** Everything that its source had when it last sent something is applied. Of a row that fulfils {@link RECEIVES}. */
export const HAS_ALL = 'latest_end_lsn <= pg_last_wal_replay_lsn()'
