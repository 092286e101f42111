/** What archivers and the feeds of log nodes know each other by. docs/protocol/quorum-log.md, The feed. */

/** The application name of a volume's archiver: let in also where no head is heard, since it has other ways to see what is late. */
export const ARCHIVER = 'rds_archive'

/** Said to it in the column for a database's name: a head was heard a moment ago. */
export const LED = 'led'

/**
 * What was acknowledged this long ago, or earlier, is shown where a head is heard: whatever the head said before what was
 * heard of it last has come, and one that was not heard for `UNHEARD_MS_MAX` is not heard any more.
 */
export const FEED_BEHIND_MS_MAX = 11_000
