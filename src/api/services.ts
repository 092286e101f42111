/**
 * The services that the door opens to. What routing needs is written here, so that an SDK module and its handlers are
 * loaded when the first request for them comes: EC2's alone takes 70 MB. A test holds the table against the modules.
 */
import type { Dialect, Service } from '#wire/aws/service.ts'
import { describeService } from '#wire/aws/service.ts'
import type { RequestContext } from './handler.ts'

/** Whatever its service: input and output were checked by the types of its own module. */
export type AnyHandler = (input: never, context: RequestContext) => Promise<object> | object

export interface LoadedService {
  readonly service: Service
  /** By operation; those that are missing are answered as not implemented. */
  readonly handlers: Readonly<Record<string, AnyHandler | undefined>>
}

export interface ServiceDoor {
  /** Name of the service in the credential scope; also how the door is called in a request's context. */
  readonly signingName: string
  /** Version of its API, which names it in unsigned requests of the query protocols. */
  readonly version: string
  /** Start of X-Amz-Target, and name in RPC v2 paths. */
  readonly target?: string
  readonly dialect: Dialect
  /** Loaded when the server starts, because nearly everyone needs it. */
  readonly eager?: boolean
  /** The same promise every time. */
  load(): Promise<LoadedService>
}

function door(facts: Omit<ServiceDoor, 'load'>, load: () => Promise<LoadedService>): ServiceDoor {
  let loaded: Promise<LoadedService> | undefined
  return { ...facts, load: () => (loaded ??= load()) }
}

export const serviceDoors: readonly ServiceDoor[] = [
  // Neptune and DocumentDB share RDS's signing name and version, as on AWS: their clients come in here.
  door({ signingName: 'rds', version: '2014-10-31', dialect: 'query', eager: true }, async () => {
    const [sdk, { rdsHandlers }] = await Promise.all([import('@aws-sdk/client-rds'), import('./rds/service.ts')])
    return { service: describeService(sdk, sdk.RDSClient), handlers: rdsHandlers }
  }),
  door({ signingName: 'elasticache', version: '2015-02-02', dialect: 'query' }, async () => {
    const sdk = await import('@aws-sdk/client-elasticache')
    return { service: describeService(sdk, sdk.ElastiCacheClient), handlers: {} }
  }),
  door({ signingName: 'memorydb', version: '2021-01-01', target: 'AmazonMemoryDB', dialect: 'json' }, async () => {
    const sdk = await import('@aws-sdk/client-memorydb')
    return { service: describeService(sdk, sdk.MemoryDBClient), handlers: {} }
  }),
  door({ signingName: 'rds-data', version: '2018-08-01', dialect: 'rest-json' }, async () => {
    const sdk = await import('@aws-sdk/client-rds-data')
    return { service: describeService(sdk, sdk.RDSDataClient), handlers: {} }
  }),
  door({ signingName: 'kms', version: '2014-11-01', target: 'TrentService', dialect: 'json' }, async () => {
    const sdk = await import('@aws-sdk/client-kms')
    return { service: describeService(sdk, sdk.KMSClient), handlers: {} }
  }),
  door(
    { signingName: 'secretsmanager', version: '2017-10-17', target: 'secretsmanager', dialect: 'json' },
    async () => {
      const [sdk, { secretsManagerHandlers }] = await Promise.all([
        import('@aws-sdk/client-secrets-manager'),
        import('./secrets-manager/service.ts'),
      ])
      return { service: describeService(sdk, sdk.SecretsManagerClient), handlers: secretsManagerHandlers }
    },
  ),
  door({ signingName: 'sts', version: '2011-06-15', dialect: 'query' }, async () => {
    const [sdk, { stsHandlers }] = await Promise.all([import('@aws-sdk/client-sts'), import('./sts/service.ts')])
    return { service: describeService(sdk, sdk.STSClient), handlers: stsHandlers }
  }),
  door(
    { signingName: 'monitoring', version: '2010-08-01', target: 'GraniteServiceVersion20100801', dialect: 'json' },
    async () => {
      const [sdk, { cloudWatchHandlers }] = await Promise.all([
        import('@aws-sdk/client-cloudwatch'),
        import('./cloudwatch/service.ts'),
      ])
      return { service: describeService(sdk, sdk.CloudWatchClient), handlers: cloudWatchHandlers }
    },
  ),
  door({ signingName: 'logs', version: '2014-03-28', target: 'Logs_20140328', dialect: 'json' }, async () => {
    const sdk = await import('@aws-sdk/client-cloudwatch-logs')
    return { service: describeService(sdk, sdk.CloudWatchLogsClient), handlers: {} }
  }),
  door({ signingName: 'ec2', version: '2016-11-15', dialect: 'ec2' }, async () => {
    const [sdk, { ec2Handlers }] = await Promise.all([import('@aws-sdk/client-ec2'), import('./ec2/service.ts')])
    return { service: describeService(sdk, sdk.EC2Client), handlers: ec2Handlers }
  }),
]
