/**
 * `src/catalog/gen/postgres-settings-<major>.json`, from `pg_settings` of the newest minor of each major that npm has. An
 * engine that was never started before is fetched, so making all of them needs the network and half a minute.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { POSTGRES_MAJORS } from '#catalog/families.ts'
import { majorOf, npmPostgresVersions } from '#catalog/postgres-versions.ts'
import { engineAccount } from '#host/account.ts'
import { systemClock } from '#host/clock.ts'
import { systemRandom } from '#host/random.ts'
import { readEngineSettings } from '#engine/postgres-settings.ts'

/** One for each major. */
export const postgresSettings = POSTGRES_MAJORS.map((major) => ({
  output: `src/catalog/gen/postgres-settings-${major}.json`,
  make: () => make(major),
}))

async function make(major: string): Promise<string> {
  const version = npmPostgresVersions.findLast((candidate) => majorOf(candidate) === Number(major))!
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-settings-'))
  await chmod(folder, 0o711)
  try {
    const settings = await readEngineSettings(version, {
      enginesFolder: folder,
      account: await engineAccount(process.env),
      adminPassword: systemRandom.uuid(),
      clock: systemClock,
      random: systemRandom,
      env: process.env,
    })
    return `[\n${settings.map((setting) => JSON.stringify(setting)).join(',\n')}\n]\n`
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
