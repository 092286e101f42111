/** The DB instance under test and the processes that make it up, as faults see them: from outside. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CreateDBParameterGroupCommand,
  DescribeEventsCommand,
  ModifyDBParameterGroupCommand,
  type DBInstance,
  type RDSClient,
} from '@aws-sdk/client-rds'
import { existsSync } from 'node:fs'
import { createInstance, describe, instanceIn, PASSWORD } from '../../support/database.ts'
import { eventually, health, newStateFolder, startHoldfast, type Holdfast } from '../../support/holdfast.ts'
import type { Endpoint } from './session.ts'

/** Of the instance under test, for its whole life. */
export const PARAMETER_GROUP = 'proof'

type Env = Readonly<Record<string, string>>

export interface RunningEngine {
  readonly zone: string
  /** Of the postmaster. */
  readonly pid: number
  /** That it listens on. */
  readonly port: number
  readonly isStandby: boolean
}

export class Deployment {
  serve: Holdfast
  readonly state: string
  readonly instance: DBInstance
  private readonly ca: string
  private readonly env: Readonly<Record<string, string>>

  private constructor({ serve, instance, ca, env }: Pick<Deployment, 'serve' | 'instance'> & { ca: string; env: Env }) {
    this.serve = serve
    this.state = serve.state
    this.instance = instance
    this.ca = ca
    this.env = env
  }

  /** A Holdfast of its own with one instance. The caller discards `serve` in the end. */
  static async create(more: Parameters<typeof createInstance>[2] = {}, env: Env = {}): Promise<Deployment> {
    const serve = await startHoldfast({ state: await newStateFolder(), env })
    // The timer of backups would take the instance out of `available` now and then.
    await createParameterGroup(serve.rds())
    const instance = await createInstance(serve.rds(), 'proof', {
      BackupRetentionPeriod: 0,
      DBParameterGroupName: PARAMETER_GROUP,
      ...more,
    })
    const ca = await (await fetch(`${serve.url}/_holdfast/ca.pem`)).text()
    return new Deployment({ serve, instance, ca, env })
  }

  get rds(): RDSClient {
    return this.serve.rds()
  }

  endpoint(database: string): Endpoint {
    const { Address, Port } = this.instance.Endpoint!
    return { host: Address!, port: Port!, ca: this.ca, user: 'app', password: PASSWORD, database }
  }

  /** A new serve on the state folder, after the last one was killed. */
  async startServe(): Promise<void> {
    this.serve = await startHoldfast({ state: this.state, env: this.env })
  }

  describe(): Promise<DBInstance | undefined> {
    return describe(this.rds, 'proof')
  }

  /** Engines that the instance has when all is well. */
  get copies(): number {
    return this.instance.MultiAZ ? 2 : 1
  }

  /** The instance, once it is available and has all of its copies. */
  whole(): Promise<DBInstance> {
    return eventually('an available instance with all of its engines', async () => {
      const isWhole = ({ MultiAZ }: DBInstance): boolean => MultiAZ === this.instance.MultiAZ
      const instance = await instanceIn(this.rds, 'proof', 'available', isWhole)
      return (await this.engines()).length === this.copies ? instance : undefined
    })
  }

  /** Where a zone has its copy, if it has one. */
  dataOf(zone: string): string {
    return join(this.state, 'hosts', zone, 'instances', this.instance.DbiResourceId!, 'data')
  }

  /** Of all zones, by their lock files. */
  async engines(): Promise<RunningEngine[]> {
    const found: RunningEngine[] = []
    for (const zone of (await readdir(join(this.state, 'hosts'))).sort()) {
      const data = this.dataOf(zone)
      const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')
      const [pid, , , port] = text.split('\n').map(Number)
      if (pid && port && (await isEngine(pid, data)))
        found.push({ zone, pid, port, isStandby: existsSync(join(data, 'standby.signal')) })
    }
    return found
  }

  /** The engine that takes writes. Rejects while there is none. */
  async primary(): Promise<RunningEngine> {
    const primary = (await this.engines()).find(({ isStandby }) => !isStandby)
    if (!primary) throw new Error('no engine takes writes')
    return primary
  }

  /** The other one. Rejects while there is none. */
  async standby(): Promise<RunningEngine> {
    const standby = (await this.engines()).find(({ isStandby }) => isStandby)
    if (!standby) throw new Error('no engine follows')
    return standby
  }

  /** Of the zone's agent, once there is one. */
  agent(zone: string): Promise<number> {
    return eventually(
      `an agent in zone ${zone}`,
      async () => (await health(this.serve)).zones.find((one) => one.zone === zone)?.agent?.pid,
    )
  }

  /** Messages of the instance's events of the last two hours. */
  async events(): Promise<string[]> {
    const messages: string[] = []
    let Marker: string | undefined
    do {
      const query = { SourceType: 'db-instance', SourceIdentifier: 'proof', Duration: 120, Marker } as const
      const answer = await this.rds.send(new DescribeEventsCommand(query))
      messages.push(...answer.Events!.map(({ Message }) => Message!))
      Marker = answer.Marker
    } while (Marker !== undefined)
    return messages
  }
}

/** With which there can be prepared transactions and logical slots. */
async function createParameterGroup(rds: RDSClient): Promise<void> {
  const group = { DBParameterGroupName: PARAMETER_GROUP, DBParameterGroupFamily: 'postgres18', Description: 'proof' }
  await rds.send(new CreateDBParameterGroupCommand(group))
  const values = { max_prepared_transactions: '50', 'rds.logical_replication': '1' }
  const Parameters = Object.entries(values).map(([ParameterName, ParameterValue]) => ({
    ParameterName,
    ParameterValue,
    ApplyMethod: 'pending-reboot' as const,
  }))
  await rds.send(new ModifyDBParameterGroupCommand({ DBParameterGroupName: PARAMETER_GROUP, Parameters }))
}

/** A process of this number that has the volume, not one that has come into its number. */
async function isEngine(pid: number, data: string): Promise<boolean> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return command.includes(data)
}
