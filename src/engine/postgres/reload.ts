/** New configuration for an engine that runs. */
import { EngineError } from '../engine.ts'
import { RELOAD_LOOK_MS, RELOAD_MS_MAX } from '../limits.ts'
import { driverOwnedSettings } from './owned-settings.ts'
import { withSession } from './sql.ts'
import type { Session } from './sql.ts'
import type { Surroundings } from './surroundings.ts'

interface Instance {
  readonly folder: string
  readonly surroundings: Surroundings
}

/** Names of settings that a restart would change. */
export async function settingsThatWait(instance: Instance): Promise<string[]> {
  return withSession(instance, pendingIn)
}

/**
 * Resolves when the postmaster has read its configuration, with the settings that wait for a restart. Throws
 * {@link EngineError} `bad-settings` when it cannot take the others: it then goes on as before.
 */
export async function reloadEngine(instance: Instance): Promise<string[]> {
  return withSession(instance, async (session) => {
    const loadedAt = async (): Promise<string> => {
      const rows = await session.query<{ at: string }>('SELECT extract(epoch FROM pg_conf_load_time())::text AS at')
      return rows[0]!.at
    }
    const before = await loadedAt()
    await session.query('SELECT pg_reload_conf()')
    const { clock } = instance.surroundings
    const until = clock.monotonic() + RELOAD_MS_MAX
    // The postmaster reads first and tells its children then, so what we have seen it has done.
    while ((await loadedAt()) === before) {
      if (clock.monotonic() > until) throw new EngineError('failed', 'the engine did not read its configuration again')
      await clock.sleep(RELOAD_LOOK_MS)
    }
    const waiting = await pendingIn(session)
    await refuseBadSettings(session, waiting)
    await refuseBadAdmission(session)
    return waiting
  })
}

/**
 * The engine goes on marking a setting that was added to its file, could not be applied, and was taken out again: one
 * that is in the file neither now nor since the start has its default already.
 */
async function pendingIn({ query }: Session): Promise<string[]> {
  const rows = await query<{ name: string }>(
    `SELECT name FROM pg_settings WHERE pending_restart
       AND (source = 'configuration file' OR name IN (SELECT name FROM pg_file_settings)) ORDER BY name`,
  )
  return rows.map(({ name }) => name).filter((name) => !driverOwnedSettings.has(name))
}

/** A setting that was in the file at the start and is not any more waits as well, and is named in the text alone. */
const OF_A_SETTING_TAKEN_OUT = /^parameter "[^"]+" cannot be changed without restarting the server$/

/** The engine also marks as errors those settings that only wait for a restart. */
async function refuseBadSettings({ query }: Session, waiting: readonly string[]): Promise<void> {
  const rows = await query<{ name: string | null; error: string }>(
    'SELECT name, error FROM pg_file_settings WHERE error IS NOT NULL ORDER BY seqno',
  )
  const bad = rows.filter(({ name, error }) =>
    name ? !(waiting.includes(name) || driverOwnedSettings.has(name)) : !OF_A_SETTING_TAKEN_OUT.test(error),
  )
  if (bad.length === 0) return
  const text = bad.map(({ name, error }) => `${name ?? 'the file'}: ${error}`).join('; ')
  throw new EngineError('bad-settings', `PostgreSQL does not take the configuration: ${text}`)
}

/** The engine takes all of the rules by which it lets clients in, or none of them. */
async function refuseBadAdmission({ query }: Session): Promise<void> {
  const rows = await query<{ error: string }>('SELECT error FROM pg_hba_file_rules WHERE error IS NOT NULL')
  if (rows[0]) throw new EngineError('failed', `PostgreSQL does not take whom to let in: ${rows[0].error}`)
}
