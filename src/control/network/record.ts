/** VPCs, subnets and security groups as the store holds them. They are names and rules; there is no packet. */
import type { Random } from '#host/random.ts'
import { Collection } from '#store/collection.ts'
import { prefixOf, type Control, type Scope } from '../control.ts'

export interface NetworkTag {
  readonly Key: string
  readonly Value: string
}

export interface VpcRecord {
  readonly vpcId: string
  readonly cidrBlock: string
  readonly isDefault: boolean
  readonly instanceTenancy: 'default' | 'dedicated'
  readonly enableDnsSupport: boolean
  readonly enableDnsHostnames: boolean
  readonly enableNetworkAddressUsageMetrics: boolean
  readonly tags: readonly NetworkTag[]
}

export interface SubnetRecord {
  readonly subnetId: string
  readonly vpcId: string
  readonly cidrBlock: string
  /** With its region: `us-east-1a`. */
  readonly availabilityZone: string
  readonly defaultForAz: boolean
  readonly mapPublicIpOnLaunch: boolean
  readonly tags: readonly NetworkTag[]
}

export interface SecurityGroupRecord {
  readonly groupId: string
  readonly vpcId: string
  readonly groupName: string
  readonly description: string
  readonly rules: readonly SecurityRule[]
  readonly tags: readonly NetworkTag[]
}

/** One peer of one permission. */
export interface SecurityRule {
  readonly ruleId: string
  readonly isEgress: boolean
  /** `tcp`, `udp`, `icmp`, `icmpv6`, `-1` for all, or a protocol number. */
  readonly protocol: string
  /** -1 where the protocol has no ports, or all are meant. */
  readonly fromPort: number
  readonly toPort: number
  readonly peer: SecurityPeer
  readonly description: string | undefined
  readonly tags: readonly NetworkTag[]
}

export type SecurityPeer =
  | { readonly kind: 'ipv4'; readonly value: string }
  | { readonly kind: 'ipv6'; readonly value: string }
  | { readonly kind: 'prefix-list'; readonly value: string }
  | { readonly kind: 'group'; readonly value: string }

type Stored = Pick<Control, 'store'>

export const vpcRecords = (control: Stored, scope: Scope): Collection<VpcRecord> =>
  new Collection(control.store, prefixOf(scope, 'vpc', 'ec2'))

export const subnetRecords = (control: Stored, scope: Scope): Collection<SubnetRecord> =>
  new Collection(control.store, prefixOf(scope, 'subnet', 'ec2'))

export const securityGroupRecords = (control: Stored, scope: Scope): Collection<SecurityGroupRecord> =>
  new Collection(control.store, prefixOf(scope, 'security-group', 'ec2'))

/** Bytes that give the 17 hexadecimal digits of EC2's ids. */
const ID_BYTES = 9

/** `vpc-0123456789abcdef0`. */
export function newNetworkId(prefix: 'vpc' | 'subnet' | 'sg' | 'sgr', random: Random): string {
  return `${prefix}-0${random.bytes(ID_BYTES).toString('hex').slice(0, 16)}`
}
