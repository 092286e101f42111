/** How a reader comes in: TLS where it wants it or must, who it is, and whether that is true. */
import type { TlsIdentity } from '#host/tls.ts'
import { ScramServer, SCRAM_SHA_256 } from '#trust/scram-server.ts'
import {
  authenticationOk,
  authenticationSasl,
  authenticationSaslContinue,
  authenticationSaslFinal,
  errorResponse,
  negotiateProtocolVersion,
  parameterStatus,
  readyForQuery,
} from '#wire/pg/backend-messages.ts'
import type { FrontendMessage } from '#wire/pg/frontend-messages.ts'
import { parseStartup, type Startup } from '#wire/pg/startup.ts'
import type { Incoming } from './feed-incoming.ts'
import type { Admission, FeedSurroundings } from './feed.ts'

/** A reader that is in. */
export interface Guest {
  /** Which volume's log it reads. */
  readonly user: string
  /** What it calls itself: who is released is known by this. */
  readonly reader: string
  readonly admission: Admission
}

/** Undefined: it has gone, or was told why it does not come in. Throws SyntaxError, RangeError for what is no protocol. */
export async function greet(incoming: Incoming, surroundings: FeedSurroundings): Promise<Guest | undefined> {
  const startup = await negotiate(incoming, surroundings)
  if (!startup) return undefined
  const { minor, parameters } = startup
  const options = [...parameters.keys()].filter((name) => name.startsWith('_pq_.'))
  if (minor > 0 || options.length > 0) incoming.socket.write(negotiateProtocolVersion(options))
  const user = parameters.get('user') ?? ''
  const refuse = (code: string, message: string): undefined => {
    incoming.socket.write(errorResponse({ severity: 'FATAL', code, message }))
    return undefined
  }
  if (surroundings.tls && !incoming.isEncrypted) return refuse('28000', 'this log is read over TLS only')
  if (!isPhysical(parameters.get('replication')))
    return refuse('0A000', 'nothing but the log is here: connect for physical replication')
  const reader = parameters.get('application_name') ?? ''
  const admission = surroundings.admit(user, reader)
  // Of an address of several, a client leaves one that says so for the next.
  if (admission === 'later') return refuse('57P03', 'the log is not readable here now')
  if (!(await authenticate(incoming, surroundings, admission?.verifier)) || !admission)
    return refuse('28P01', `password authentication failed for user "${user}"`)
  // A member that came in the place of another has no log yet.
  if (admission.source.history().length === 0) return refuse('57P03', 'there is no log here yet')
  if (surroundings.wasSentOn(user, reader)) return refuse('57P03', 'the log is not as far here as the reader')
  incoming.socket.write(WELCOME)
  return { user, reader, admission }
}

const isPhysical = (replication = ''): boolean => /^(true|on|yes|1)$/i.test(replication)

/** What a client wants to know before it sends a command. */
const WELCOME = Buffer.concat([
  authenticationOk(),
  parameterStatus('server_encoding', 'UTF8'),
  parameterStatus('client_encoding', 'UTF8'),
  parameterStatus('integer_datetimes', 'on'),
  parameterStatus('standard_conforming_strings', 'on'),
  readyForQuery(),
])

async function negotiate(incoming: Incoming, { tls, log }: FeedSurroundings): Promise<Startup | undefined> {
  const secure = async (identity: TlsIdentity, isAskedFor: boolean): Promise<boolean> => {
    try {
      await incoming.secure(identity, isAskedFor)
      return true
    } catch (error) {
      log.debug({ error }, 'a reader does not come to terms on TLS')
      return false
    }
  }
  for (;;) {
    const opening = await incoming.opening()
    switch (opening?.kind) {
      case 'startup':
        return parseStartup(incoming.startup(opening.bytes))
      case 'gss':
        incoming.decline()
        break
      case 'ssl':
        if (!tls || incoming.isEncrypted) incoming.decline()
        else if (!(await secure(tls(), true))) return undefined
        break
      case 'tls':
        if (!tls || incoming.isEncrypted || !(await secure(tls(), false))) return undefined
        break
      default:
        // There is nothing to cancel, and of what is foreign nothing would be understood.
        return undefined
    }
  }
}

/** Whether the reader knows the password. Without a verifier none is right, and it cannot tell. */
async function authenticate(
  incoming: Incoming,
  { random, secret }: FeedSurroundings,
  verifier: string | undefined,
): Promise<boolean> {
  const exchange = new ScramServer(verifier, (bytes) => random.bytes(bytes), secret)
  incoming.socket.write(authenticationSasl([SCRAM_SHA_256]))
  const initial = await incoming.message()
  if (!initial) return false
  incoming.socket.write(authenticationSaslContinue(exchange.first(initialResponse(initial))))
  const last = await incoming.message()
  if (!last) return false
  const answer = exchange.final(response(last).toString())
  if (answer === undefined) return false
  incoming.socket.write(authenticationSaslFinal(answer))
  return true
}

/** SASLInitialResponse: the mechanism, a length, and the client's first words. */
function initialResponse(message: FrontendMessage): string {
  const body = response(message)
  const name = `${SCRAM_SHA_256}\0`
  if (body.toString('latin1', 0, name.length) !== name) throw new SyntaxError('a mechanism that was not offered')
  if (body.readInt32BE(name.length) !== body.length - name.length - 4) throw new SyntaxError('no first words')
  return body.toString('utf8', name.length + 4)
}

function response({ type, body }: FrontendMessage): Buffer {
  if (type !== 'p') throw new SyntaxError(`a message '${type}' where a password was asked for`)
  return body
}
