/** The startup packet, in which a client says who it is and what it wants. */
// PostgreSQL 18 manual, 54.7, StartupMessage; 54.2.9, NegotiateProtocolVersion.

export interface Startup {
  /** Of protocol 3: `3.2` is 2. */
  readonly minor: number
  /** `user`, `database`, `application_name`, … and options of the protocol, which begin with `_pq_.`. */
  readonly parameters: ReadonlyMap<string, string>
}

const HEAD_BYTES = 8

/** Given the whole packet. Throws SyntaxError for one that is not as it should be. */
export function parseStartup(packet: Buffer): Startup {
  if (packet.length < HEAD_BYTES + 1 || packet.readUInt32BE(0) !== packet.length || packet.readUInt16BE(4) !== 3)
    throw new SyntaxError('no startup packet of protocol 3')
  // Names and values in turn, each with a zero behind it, and one more behind the last.
  const words = packet.toString('utf8', HEAD_BYTES).split('\0')
  const parameters = new Map<string, string>()
  let at = 0
  for (; words[at] !== undefined && words[at] !== ''; at += 2) {
    const value = words[at + 1]
    if (value === undefined || at + 2 >= words.length) throw new SyntaxError('a startup packet is cut off')
    parameters.set(words[at]!, value)
  }
  if (at !== words.length - 2 || words.at(-1) !== '')
    throw new SyntaxError('a startup packet does not end where it should')
  return { minor: packet.readUInt16BE(6), parameters }
}
