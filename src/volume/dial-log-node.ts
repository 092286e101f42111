import { dialMutualTls, type PeerContext } from '#host/mutual-tls.ts'
import type { Socket } from '#host/net.ts'
import { logNodeName } from '#wire/quorum/identity.ts'
import type { LogNodeAddress } from './head-links.ts'
import { DIAL_MS_MAX } from './transport/limits.ts'

/** Dials log nodes with a certificate that is asked for every time, so that a renewed one is used from then on. */
export function logNodeDialer(context: () => PeerContext): (address: LogNodeAddress) => Promise<Socket> {
  return ({ node, host, port }) =>
    dialMutualTls({ address: { host, port }, context: context(), name: logNodeName(node), patienceMs: DIAL_MS_MAX })
}
