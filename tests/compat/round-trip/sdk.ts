/** The client's side of the wire: each SDK module's own protocol, set up as its client sets it up. */
import { SmithyRpcV2CborProtocol } from '@smithy/core/cbor'

/** The parts of the SDK's protocol classes that the test drives. */
export interface SdkProtocol {
  getShapeId(): string
  setSerdeContext(config: object): void
  serializeRequest(operation: object, input: object, context: object): Promise<{ body?: Uint8Array | string }>
  deserializeResponse(operation: object, context: object, response: object): Promise<unknown>
}

const MODULES: Readonly<Record<string, readonly [module: string, client: string]>> = {
  rds: ['rds', 'RDSClient'],
  elasticache: ['elasticache', 'ElastiCacheClient'],
  memorydb: ['memorydb', 'MemoryDBClient'],
  'rds-data': ['rds-data', 'RDSDataClient'],
  kms: ['kms', 'KMSClient'],
  secretsmanager: ['secrets-manager', 'SecretsManagerClient'],
  sts: ['sts', 'STSClient'],
  monitoring: ['cloudwatch', 'CloudWatchClient'],
  logs: ['cloudwatch-logs', 'CloudWatchLogsClient'],
  ec2: ['ec2', 'EC2Client'],
}

type ClientClass = new (configuration: object) => { readonly config: { readonly protocol: SdkProtocol } }

export interface Sdk {
  readonly config: object
  readonly protocol: SdkProtocol
  /** An operation's own traits; REST protocols read method and path there. */
  traitsOf(operation: string): unknown
}

export async function sdkOf(signingName: string): Promise<Sdk> {
  const [module, client] = MODULES[signingName]!
  const sdk = (await import(`@aws-sdk/client-${module}`)) as Record<string, unknown>
  const { config } = new (sdk[client] as ClientClass)({
    region: 'us-east-1',
    endpoint: 'http://host',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  })
  return {
    config,
    protocol: config.protocol,
    traitsOf: (operation) => (sdk[`${operation}$`] as readonly unknown[])[3],
  }
}

type ProtocolClass = new (options: object) => SdkProtocol

/** awsQuery and RPC v2 for a service whose JavaScript client speaks JSON, as other languages' clients speak them. */
export async function formProtocol(options: object): Promise<SdkProtocol> {
  const { protocol } = await sdkOf('rds')
  return new (protocol.constructor as ProtocolClass)(options)
}

export function cborProtocol(options: object): SdkProtocol {
  return new (SmithyRpcV2CborProtocol as unknown as ProtocolClass)(options)
}
