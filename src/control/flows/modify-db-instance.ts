import type { EventId } from '#catalog/events.ts'
import { done, flow, go, wait } from '#flow/flow.ts'
import { NOTHING, together, type Held, type Mutation } from '#store/collection.ts'
import { scheduleBackups } from '../db-instance/backups.ts'
import { issueCertificate } from '../db-instance/certificate.ts'
import { NEEDS_RESTART, withChanges, withoutChanges } from '../db-instance/modify-decision.ts'
import { isStorageChange } from '../db-instance/modify-storage.ts'
import { releasePort } from '../db-instance/ports.ts'
import {
  dbInstanceNames,
  dbInstances,
  nameIndexOf,
  type DbInstanceRecord,
  type PendingChanges,
} from '../db-instance/record.ts'
import { openRoute } from '../multi-az/route.ts'
import { storageChanged } from '../storage/history.ts'
import { instanceEvent, instanceOf, jobOn, replace, type FlowContext, type InstanceInput } from './context.ts'
import { failed, finished } from './endings.ts'
import { engineDeadlineMs, restartDeadlineMs } from './limits.ts'
import { modificationEvents } from './modification-events.ts'
import { reloadEngine } from './reload-engine.ts'
import { restartOf } from './restart-engine.ts'
import { beginParting, beginStandby, partWithStandby } from './conversion-steps.ts'
import { awaitStandby } from './standby-steps.ts'

type ChangeName = keyof PendingChanges

interface Input extends InstanceInput {
  /** Which of the record's pending changes this flow makes. */
  readonly apply: readonly ChangeName[]
  /** Maintenance is told by events of its own. */
  readonly isMaintenance?: boolean
  /** So is growth that nobody asked for. */
  readonly isAutoscaling?: boolean
}
type C = FlowContext<Input>

/** Of the changes that this flow is for, those that are still pending. */
const due = (c: C, record: DbInstanceRecord): ChangeName[] =>
  c.input.apply.filter((name) => record.pending[name] !== undefined)

const dueRestart = (c: C, record: DbInstanceRecord): ChangeName[] =>
  due(c, record).filter((name) => NEEDS_RESTART.includes(name))

/** What a restart that failed may have changed of the copies. */
const copiesOf = ({ standby, generation }: DbInstanceRecord): Partial<DbInstanceRecord> => ({
  ...(standby && { standby }),
  ...(generation !== undefined && { generation }),
})

/** The record as the engine is restarted with. */
const restarted = (c: C, record: DbInstanceRecord, names: readonly ChangeName[]): DbInstanceRecord => ({
  ...withChanges(record, names),
  appliedParameterGroup: record.parameterGroup,
  parametersAsOf: c.enteredAt,
})

const dueReload = (c: C, record: DbInstanceRecord): ChangeName[] =>
  due(c, record).filter((name) => name === 'BackupRetentionPeriod' || isStorageChange(name))

/**
 * Makes pending changes, those with a restart first and all of them in one. Whatever cannot be made is taken back: the
 * instance goes on as it was, and an event says why.
 */
export const modifyDbInstance = flow(
  'modify-db-instance',
  {
    exhausted: 'fail',
    steps: {
      prepare: { deadlineMs: engineDeadlineMs },
      restart: { deadlineMs: restartDeadlineMs },
      reload: { deadlineMs: restartDeadlineMs },
      revert: { deadlineMs: restartDeadlineMs },
      'await-standby': { deadlineMs: engineDeadlineMs },
    },
  },
  {
    /** New binaries are fetched before anything stops. */
    prepare: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const version = held.value.pending.EngineVersion
      if (version === undefined || !c.input.apply.includes('EngineVersion')) return go('certify')
      const outcome = await jobOn(c, held.value, {
        name: 'prepare',
        kind: 'engine.prepare',
        input: async () => ({ engine: 'postgres', version }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'succeeded') return go('certify', instanceEvent(c.control, held.value, 'RDS-EVENT-0265'))
      return go(
        'certify',
        replace(c, held, withoutChanges(held.value, ['EngineVersion'])),
        instanceEvent(c.control, held.value, 'RDS-EVENT-0270', upgradeFailure(version, outcome.error.message)),
      )
    },

    certify: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const identifier = held.value.pending.CACertificateIdentifier
      if (identifier === undefined || !c.input.apply.includes('CACertificateIdentifier'))
        return go('restart', ...downtimeEvents(c, held.value))
      const certificate = await issueCertificate(c.control, held.value.resourceId, identifier)
      return go(
        'restart',
        replace(c, held, { ...withChanges(held.value, ['CACertificateIdentifier']), certificate }),
        ...downtimeEvents(c, held.value),
      )
    },

    restart: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const names = dueRestart(c, held.value)
      const then = dueReload(c, held.value).length > 0 ? 'reload' : 'password'
      if (names.length === 0) return go(c.input.apply.includes('CACertificateIdentifier') ? 'reload' : then)
      const target = restarted(c, held.value, names)
      const outcome = await restartOf(held.value, target)(c, target, 'restart')
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'succeeded') {
        return go(
          then,
          replace(c, held, { ...outcome.record, parameterStatus: 'in-sync', complaint: undefined }),
          target.port === held.value.port || c.control.simulated ? NOTHING : releasePort(held.value.port),
          ...uptimeEvents(c, held.value, names),
        )
      }
      return go(
        'revert',
        replace(c, held, {
          ...withoutChanges(held.value, names),
          ...copiesOf(outcome.record),
          complaint: outcome.error.message,
        }),
        names.includes('Port') && !c.control.simulated ? releasePort(held.value.pending.Port!) : NOTHING,
        names.includes('EngineVersion')
          ? instanceEvent(
              c.control,
              held.value,
              'RDS-EVENT-0270',
              upgradeFailure(held.value.pending.EngineVersion!, outcome.error.message),
            )
          : NOTHING,
      )
    },

    /** The engine does not run with the changes: back to what it ran with. */
    revert: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const record = held.value
      const outcome = await restartOf(record, record)(c, record, 'revert')
      if (outcome.state === 'pending') return wait()
      const complaint = record.complaint ?? 'The engine did not start with the changed settings.'
      if (outcome.state === 'failed' && outcome.error.code !== 'bad-settings')
        return go('fail', replace(c, held, outcome.record))
      return go(
        outcome.state === 'failed' ? 'finish' : dueReload(c, record).length > 0 ? 'reload' : 'password',
        replace(c, held, {
          ...outcome.record,
          complaint,
          ...(outcome.state === 'failed' && { phase: 'incompatible-parameters' as const }),
        }),
        instanceEvent(c.control, record, 'RDS-EVENT-0035', `The modification was taken back: ${complaint}`),
      )
    },

    /** A new certificate needs no restart, nor does archiving the log or ceasing to, nor storage, with which the agent counts. */
    reload: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const record = held.value
      const reloaded = await reloadEngine(c, withChanges(record, dueReload(c, record)))
      if (reloaded.state === 'pending') return wait()
      if (reloaded.state === 'failed')
        return go('fail', replace(c, held, { ...record, complaint: reloaded.error.message }))
      return go('password')
    },

    password: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const record = held.value
      // To what was restarted. The gateway connects to no engine with another certificate than its own: clients wait meanwhile.
      await openRoute(c.control, record)
      const verifier = record.pending.passwordVerifier
      if (verifier === undefined || !c.input.apply.includes('passwordVerifier')) return go('redundancy')
      const outcome = await jobOn(c, record, {
        name: `password-${c.failures}`,
        kind: 'instance.set-password',
        input: async () => ({
          id: record.resourceId,
          master: { name: record.master.username, passwordVerifier: verifier },
        }),
      })
      if (outcome.state === 'pending') return wait()
      // A managed secret holds the new password already: the engine has to follow, so this is tried again.
      if (outcome.state === 'failed') throw new Error(`set the master password: ${outcome.error.message}`)
      return go(
        'redundancy',
        replace(c, held, withChanges(record, ['passwordVerifier'])),
        instanceEvent(c.control, record, 'RDS-EVENT-0016'),
      )
    },

    /** A second copy is made, or given up, while the first one serves. */
    redundancy: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const wanted = due(c, held.value).includes('MultiAZ') ? held.value.pending.MultiAZ : undefined
      if (wanted === true) return go('await-standby', ...(await beginStandby(c, held)))
      if (wanted === false && held.value.standby) return go('part', ...beginParting(c, held))
      return go('settle')
    },

    'await-standby': async (c: C) => {
      const held = await instanceOf(c)
      return held ? awaitStandby(held, 'settle') : done('deleted')
    },

    part: async (c: C) => {
      const held = await instanceOf(c)
      return held ? partWithStandby(c, held) : done('deleted')
    },

    /** What the engine need not know, or knows by now: storage, membership of groups, and last the name. */
    settle: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const names = due(c, held.value)
      const renamedTo = names.includes('DBInstanceIdentifier') ? held.value.pending.DBInstanceIdentifier : undefined
      const record: DbInstanceRecord = { ...withChanges(held.value, names), phase: 'available' }
      const more = modificationEvents(c.control, held.value, { names, isAutoscaling: c.input.isAutoscaling })
      if (names.some(isStorageChange)) more.push(await storageChanged(c.control, c.input.key))
      if (names.includes('BackupRetentionPeriod')) more.push(await scheduleBackups(c.control, record))
      if (renamedTo === undefined) return go('finish', replace(c, held, record), ...more)
      if (await dbInstances(c.control, c.input.key).get(renamedTo))
        return go(
          'finish',
          replace(c, held, record),
          ...more,
          instanceEvent(c.control, record, 'RDS-EVENT-0031', `Not renamed: ${renamedTo} exists already.`),
        )
      return go('finish', await rename(c, held, record, renamedTo), ...more)
    },

    finish: (c: C) => finished(c, 'modified'),

    fail: (c: C) => failed(c, 'failed', 'The modification did not end in time.'),
  },
)

const upgradeFailure = (version: string, why: string): string =>
  `The DB engine version upgrade to ${version} failed: ${why}`

/** Told before the engine stops. */
function downtimeEvents(c: C, record: DbInstanceRecord): Mutation[] {
  const names = dueRestart(c, record)
  const event = (id: EventId): Mutation => instanceEvent(c.control, record, id)
  return [
    ...(c.input.isMaintenance && names.length > 0 ? [event('RDS-EVENT-0026')] : []),
    ...(names.includes('EngineVersion') ? [event('RDS-EVENT-0266'), event('RDS-EVENT-0267')] : []),
  ]
}

/** Told once the engine serves with these changes. */
function uptimeEvents(c: C, record: DbInstanceRecord, names: readonly ChangeName[]): Mutation[] {
  const event = (id: EventId): Mutation => instanceEvent(c.control, record, id)
  return [
    ...(names.includes('EngineVersion') ? [event('RDS-EVENT-0268')] : []),
    ...modificationEvents(c.control, record, { names }),
    ...(c.input.isMaintenance ? [event('RDS-EVENT-0027')] : []),
  ]
}

async function rename(c: C, held: Held<DbInstanceRecord>, record: DbInstanceRecord, name: string): Promise<Mutation> {
  const index = await dbInstanceNames(c.control).get(nameIndexOf(record))
  return together(
    dbInstances(c.control, c.input.key).remove(held),
    dbInstances(c.control, c.input.key).create(name, { ...record, id: name }),
    index ? dbInstanceNames(c.control).update(index, { id: name }) : NOTHING,
  )
}
