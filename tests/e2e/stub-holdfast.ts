/** An HTTP server that answers as Holdfast would, so that what the CLI prints depends on nothing else. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface StubHoldfast {
  readonly endpoint: string
  /** `GET /_holdfast/health`, `POST DescribeDBInstances us-east-1/test`, in order. */
  readonly requests: string[]
  simulated: boolean
  close(): void
}

export const STUB_CA = '-----BEGIN CERTIFICATE-----\nstub\n-----END CERTIFICATE-----\n'

const INSTANCES: readonly string[] = [
  instance('orders', 'available', { endpoint: '<Address>localhost</Address><Port>5432</Port>', database: 'shop' }),
  instance('new-one', 'creating', {}),
  instance('broken', 'failed', { reason: 'PostgreSQL did not start: the disk is full' }),
  instance('asleep', 'stopped', { endpoint: '<Address>localhost</Address><Port>4510</Port>' }),
  instance('legacy', 'available', { engine: 'mysql', endpoint: '<Address>localhost</Address><Port>3306</Port>' }),
]

/** Of `asleep`: an upgrade that nobody has asked for. */
const MAINTENANCE = `<ResourcePendingMaintenanceActions>
  <ResourceIdentifier>${arn('asleep')}</ResourceIdentifier>
  <PendingMaintenanceActionDetails><PendingMaintenanceAction><Action>db-upgrade</Action></PendingMaintenanceAction></PendingMaintenanceActionDetails>
</ResourcePendingMaintenanceActions>`

export async function startStub(): Promise<StubHoldfast> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    void answer(request, stub).then(({ status, body }) => {
      response.writeHead(status).end(body)
      if (requests.at(-1)?.includes('_holdfast/stop')) stub.close()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const stub: StubHoldfast = {
    endpoint: `http://127.0.0.1:${port}`,
    requests,
    simulated: false,
    close: () => {
      server.close()
      server.closeIdleConnections()
    },
  }
  return stub
}

interface Answer {
  readonly status: number
  readonly body: string
}

async function answer(request: IncomingMessage, stub: StubHoldfast): Promise<Answer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks).toString()
  if (request.url?.startsWith('/_holdfast/')) {
    stub.requests.push(`${request.method} ${request.url}${body === '' ? '' : ` ${body}`}`)
    return extra(request.url, stub)
  }
  const parameters = new URLSearchParams(body)
  const [key, , region] = /Credential=([^,]+)/.exec(request.headers.authorization ?? '')?.[1]?.split('/') ?? []
  stub.requests.push(`POST ${parameters.get('Action')} ${region}/${key}`)
  return operation(parameters)
}

function extra(url: string, { simulated }: StubHoldfast): Answer {
  const agent = { pid: 4242, residentBytes: 61 * 1_048_576 }
  const zones = [
    { zone: 'a', agent, instances: 2 },
    { zone: 'b', agent: null, instances: 0 },
  ]
  const engines = [
    { engine: 'postgres', version: '18.4', installed: true, source: 'npm' },
    { engine: 'postgres', version: '17.10', installed: false, source: 'npm' },
  ]
  const values: Record<string, unknown> = {
    health: { status: 'running', version: '9.9.9', engines: simulated ? 'simulated' : 'real', pid: 1, zones },
    engines: { engines },
    reset: { status: 'reset' },
    stop: { status: 'stopping' },
  }
  const name = url.slice('/_holdfast/'.length)
  if (name === 'ca.pem') return { status: 200, body: STUB_CA }
  return name in values ? { status: 200, body: JSON.stringify(values[name]) } : { status: 404, body: 'no such thing' }
}

function operation(parameters: URLSearchParams): Answer {
  const action = parameters.get('Action') ?? ''
  const result = (xml: string): Answer => ({
    status: 200,
    body: `<${action}Response xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><${action}Result>${xml}</${action}Result></${action}Response>`,
  })
  const name = parameters.get('DBInstanceIdentifier')
  const found = INSTANCES.filter((xml) => name === null || xml.includes(`<DBInstanceIdentifier>${name}<`))
  if (found.length === 0) return fault(404, 'DBInstanceNotFound', `DBInstance ${name} not found.`)
  switch (action) {
    case 'DescribeDBInstances':
      return result(`<DBInstances>${found.join('')}</DBInstances>`)
    case 'DescribePendingMaintenanceActions':
      return result(`<PendingMaintenanceActions>${MAINTENANCE}</PendingMaintenanceActions>`)
    case 'DescribeDBLogFiles':
      return result(`<DescribeDBLogFiles>${logFile('10', 1_000)}${logFile('11', 2_000)}</DescribeDBLogFiles>`)
    case 'DownloadDBLogFilePortion': {
      // The last lines, then one portion more, then nothing for ever.
      const marker = parameters.get('Marker')
      const [text, next] =
        marker === null ? ['first\nsecond\n', '2:100'] : marker === '2:100' ? ['third\n', '2:106'] : ['', marker]
      return result(
        `<LogFileData>${text}</LogFileData><Marker>${next}</Marker><AdditionalDataPending>false</AdditionalDataPending>`,
      )
    }
    default:
      return fault(400, 'InvalidAction', `${action} is not stubbed.`)
  }
}

function fault(status: number, code: string, message: string): Answer {
  return {
    status,
    body: `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>r</RequestId></ErrorResponse>`,
  }
}

function arn(name: string): string {
  return `arn:aws:rds:us-east-1:000000000000:db:${name}`
}

function logFile(hour: string, lastWritten: number): string {
  const name = `error/postgresql.log.2026-01-02-${hour}`
  return `<DescribeDBLogFilesDetails><LogFileName>${name}</LogFileName><LastWritten>${lastWritten}</LastWritten></DescribeDBLogFilesDetails>`
}

function instance(
  name: string,
  status: string,
  more: { engine?: string; endpoint?: string; database?: string; reason?: string },
): string {
  return `<DBInstance>
    <DBInstanceIdentifier>${name}</DBInstanceIdentifier><DBInstanceArn>${arn(name)}</DBInstanceArn><DBInstanceStatus>${status}</DBInstanceStatus>
    <DBInstanceClass>db.t4g.micro</DBInstanceClass><Engine>${more.engine ?? 'postgres'}</Engine><EngineVersion>18.4</EngineVersion>
    <MasterUsername>app</MasterUsername>${more.database === undefined ? '' : `<DBName>${more.database}</DBName>`}
    ${more.reason === undefined ? '' : `<StatusInfos><DBInstanceStatusInfo><Message>${more.reason}</Message></DBInstanceStatusInfo></StatusInfos>`}
    ${more.endpoint === undefined ? '' : `<Endpoint>${more.endpoint}</Endpoint>`}
  </DBInstance>`
}
