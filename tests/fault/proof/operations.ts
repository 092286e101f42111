/** What a person does to an instance while its clients are at work, as faults: each begun and taken back through the API. */
import {
  ApplyPendingMaintenanceActionCommand,
  ModifyDBInstanceCommand,
  ModifyDBParameterGroupCommand,
  RebootDBInstanceCommand,
  ResetDBParameterGroupCommand,
} from '@aws-sdk/client-rds'
import { instanceIn } from '../../support/database.ts'
import { PARAMETER_GROUP as DBParameterGroupName, type Deployment } from './deployment.ts'
import type { Fault } from './faults.ts'

const DBInstanceIdentifier = 'proof'
const reboot = (world: Deployment): Promise<unknown> =>
  world.rds.send(new RebootDBInstanceCommand({ DBInstanceIdentifier }))

const rebooted: Fault = {
  name: 'reboot',
  events: ['DB instance shutdown', 'DB instance restarted'],
  async inject(world) {
    await reboot(world)
    return undefined
  },
}

/** 8 TiB in pages of 8 kB: within the parameter's own limits, and more than any machine here has. */
const IMPOSSIBLE = {
  ParameterName: 'shared_buffers',
  ParameterValue: '1073741823',
  ApplyMethod: 'pending-reboot',
} as const

const impossibleParameters: Fault = {
  name: 'reboot with an impossible parameter',
  isEssential: true,
  events: ['Database instance put into incompatible-parameters state', 'DB instance restarted'],
  async inject(world) {
    const Parameters = [IMPOSSIBLE]
    await world.rds.send(new ModifyDBParameterGroupCommand({ DBParameterGroupName, Parameters }))
    await reboot(world)
    await instanceIn(world.rds, DBInstanceIdentifier, 'incompatible-parameters')
    return async () => {
      const taken = Parameters.map(({ ParameterName, ApplyMethod }) => ({ ParameterName, ApplyMethod }))
      await world.rds.send(new ResetDBParameterGroupCommand({ DBParameterGroupName, Parameters: taken }))
      await reboot(world)
    }
  },
}

/** There and back, so that any number of them can come after each other. */
const changedClass: Fault = {
  name: 'change the class',
  events: ['Finished applying modification to DB instance class'],
  async inject(world) {
    const isSmall = (await world.describe())!.DBInstanceClass === 'db.t4g.small'
    const DBInstanceClass = isSmall ? 'db.t4g.micro' : 'db.t4g.small'
    await world.rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier, DBInstanceClass, ApplyImmediately: true }))
    await instanceIn(world.rds, DBInstanceIdentifier, 'available', (i) => i.DBInstanceClass === DBInstanceClass)
    return undefined
  },
}

/** Queued as another authority, and applied as maintenance: clients that stay connected notice nothing. */
const rotatedCertificate: Fault = {
  name: 'rotate the certificate',
  isEssential: true,
  events: [],
  async inject(world) {
    const { CACertificateIdentifier: before, DBInstanceArn } = (await world.describe())!
    const CACertificateIdentifier = before === 'rds-ca-rsa2048-g1' ? 'rds-ca-ecc384-g1' : 'rds-ca-rsa2048-g1'
    await world.rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier, CACertificateIdentifier }))
    const ApplyAction = 'ca-certificate-rotation'
    await world.rds.send(
      new ApplyPendingMaintenanceActionCommand({
        ResourceIdentifier: DBInstanceArn!,
        ApplyAction,
        OptInType: 'immediate',
      }),
    )
    const isDone = (i: { CACertificateIdentifier?: string | undefined }): boolean =>
      i.CACertificateIdentifier === CACertificateIdentifier
    await instanceIn(world.rds, DBInstanceIdentifier, 'available', isDone)
    return undefined
  },
}

export const operations: readonly Fault[] = [rebooted, impossibleParameters, changedClass, rotatedCertificate]
