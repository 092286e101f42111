/** Amazon resource names of RDS: how they are spelled and read. */
import type { Scope } from './control.ts'

/** The part of an RDS ARN that says what kind of thing it names. AWS: RDS User Guide, "Amazon Resource Names (ARNs)". */
export const RDS_ARN_TYPES = [
  'auto-backup',
  'cev',
  'cluster',
  'cluster-endpoint',
  'cluster-pg',
  'cluster-snapshot',
  'db',
  'db-proxy',
  'db-proxy-endpoint',
  'deployment',
  'es',
  'global-cluster',
  'og',
  'pg',
  'ri',
  'secgrp',
  'snapshot',
  'subgrp',
  'target-group',
] as const

export type RdsArnType = (typeof RDS_ARN_TYPES)[number]

export interface ParsedRdsArn extends Scope {
  readonly type: RdsArnType
  /** May hold colons itself: `rds:mydb-2026-01-01`, `default:postgres-17`. */
  readonly id: string
}

export function rdsArn(scope: Scope, type: RdsArnType, id: string): string {
  return `arn:${partitionOf(scope.region)}:rds:${scope.region}:${scope.account}:${type}:${id}`
}

/** Certificate authorities belong to AWS, not to an account: that field is empty. */
export function certificateArn(region: string, identifier: string): string {
  return `arn:${partitionOf(region)}:rds:${region}::cert:${identifier}`
}

/** Undefined unless it is the ARN of a kind of RDS resource that is known here. */
export function parseRdsArn(arn: string): ParsedRdsArn | undefined {
  const [, region, account, type, id] = /^arn:aws[a-z-]*:rds:([a-z0-9-]*):([0-9]*):([a-z-]+):(.+)$/.exec(arn) ?? []
  if (region === undefined || account === undefined || id === undefined) return undefined
  if (!RDS_ARN_TYPES.some((known) => known === type)) return undefined
  return { region, account, type: type as RdsArnType, id }
}

export function isArn(text: string): boolean {
  return text.startsWith('arn:')
}

function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn'
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
}
