/** Who is who by the name in a certificate. Under a domain that nobody else can have: `.internal` is for private use. */

/** May speak as the head of this volume, in any epoch, and as nobody else. */
export const headName = (volume: string): string => `${volume}.head.quorum.internal`

const LOG_NODE = '.log-node.quorum.internal'

/** The log node of a host. */
export const logNodeName = (node: string): string => node + LOG_NODE

/** Whether it is any log node's. */
export const isLogNodeName = (name: string): boolean => name.endsWith(LOG_NODE)
