/** Whether an engine answers at an address, as its clients would find it. */
import { dial } from '#host/net.ts'
import { SOURCE_ANSWER_MS_MAX } from '../limits.ts'

/**
 * PostgreSQL manual, 54.2.12: a GSSENCRequest is answered by one byte before anything else is done for the client. Unlike
 * an SSLRequest it is declined, and a client that then goes away leaves no line in the log.
 */
const ENCRYPTION_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 48])

/** An engine, not merely its port, which the system keeps open while the process is stopped. Never throws. */
export async function answers({ host, port }: { readonly host: string; readonly port: number }): Promise<boolean> {
  try {
    const socket = await dial({ host, port })
    try {
      return await new Promise<boolean>((resolve) => {
        socket.setTimeout(SOURCE_ANSWER_MS_MAX, () => resolve(false))
        socket.once('data', () => resolve(true))
        socket.once('error', () => resolve(false))
        socket.once('close', () => resolve(false))
        socket.write(ENCRYPTION_REQUEST)
      })
    } finally {
      socket.destroy()
    }
  } catch {
    return false
  }
}
