/** What a server says to a client, as far as one that only streams its log says anything. */
// PostgreSQL 18 manual, 54.7.

function message(type: string, ...parts: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(5)
  head.write(type, 'latin1')
  head.writeUInt32BE(4 + parts.reduce((sum, { length }) => sum + length, 0), 1)
  return Buffer.concat([head, ...parts])
}

const text = (value: string): Buffer => Buffer.from(`${value}\0`)

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

export const authenticationOk = (): Buffer => message('R', int32(0))

/** Which mechanisms are spoken here. */
export const authenticationSasl = (mechanisms: readonly string[]): Buffer =>
  message('R', int32(10), ...mechanisms.map(text), Buffer.of(0))

export const authenticationSaslContinue = (said: string): Buffer => message('R', int32(11), Buffer.from(said))

export const authenticationSaslFinal = (said: string): Buffer => message('R', int32(12), Buffer.from(said))

/** A client asked for a later minor version, or for options: this is what is spoken here. */
export const negotiateProtocolVersion = (options: readonly string[]): Buffer =>
  message('v', int32(3 << 16), int32(options.length), ...options.map(text))

export const parameterStatus = (name: string, value: string): Buffer => message('S', text(name), text(value))

export const readyForQuery = (): Buffer => message('Z', Buffer.from('I'))

export const emptyQueryResponse = (): Buffer => message('I')

export const commandComplete = (tag: string): Buffer => message('C', text(tag))

/** Both sides may send from here on; what they send is in no columns. */
export const copyBothResponse = (): Buffer => message('W', Buffer.of(0), int16(0))

export const copyDone = (): Buffer => message('c')

/** One of the types that columns of replication commands have. */
export type ColumnType = 'text' | 'int8'

const TYPES: Readonly<Record<ColumnType, { readonly oid: number; readonly bytes: number }>> = {
  int8: { oid: 20, bytes: 8 },
  text: { oid: 25, bytes: -1 },
}

/** A result of one row, without its end. */
export function oneRow(columns: readonly (readonly [name: string, type: ColumnType, value: string | null])[]): Buffer {
  const descriptions = columns.map(([name, type]) => {
    const { oid, bytes } = TYPES[type]
    return Buffer.concat([text(name), int32(0), int16(0), int32(oid), int16(bytes), int32(-1), int16(0)])
  })
  const values = columns.map(([, , value]) =>
    value === null ? int32(-1) : Buffer.concat([int32(Buffer.byteLength(value)), Buffer.from(value)]),
  )
  return Buffer.concat([
    message('T', int16(columns.length), ...descriptions),
    message('D', int16(columns.length), ...values),
  ])
}

export interface ErrorFields {
  /** An ERROR ends the command, FATAL the connection. */
  readonly severity: 'ERROR' | 'FATAL'
  /** SQLSTATE. */
  readonly code: string
  readonly message: string
  readonly detail?: string
}

export function errorResponse({ severity, code, message: said, detail }: ErrorFields): Buffer {
  const fields = [
    `S${severity}`,
    `V${severity}`,
    `C${code}`,
    `M${said}`,
    ...(detail === undefined ? [] : [`D${detail}`]),
  ]
  return message('E', ...fields.map(text), Buffer.of(0))
}
