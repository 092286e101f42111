/**
 * The events that RDS documents: which source each id comes from, its categories, and the text of those that happen here.
 * AWS: RDS User Guide and Aurora User Guide, "Event categories and event messages".
 */

/** The event sources of DescribeEvents. */
export type EventSourceType =
  | 'db-instance'
  | 'db-parameter-group'
  | 'db-security-group'
  | 'db-snapshot'
  | 'db-cluster'
  | 'db-cluster-snapshot'
  | 'custom-engine-version'
  | 'db-proxy'
  | 'blue-green-deployment'

export type EventId = `RDS-EVENT-${string}`

/** Ids by source and category; an id may have two categories. */
const idsBySource: Readonly<Record<EventSourceType, Readonly<Record<string, string>>>> = {
  'db-instance': {
    availability: '0004 0006 0022 0221 0222',
    backtrack: '0131 0132',
    backup: '0001 0002 0086',
    'configuration change':
      '0009 0010 0011 0012 0014 0016 0017 0018 0024 0025 0028 0029 0030 0032 0033 0067 0078 0092 0217 0218',
    creation: '0005',
    deletion: '0003',
    failover: '0013 0015 0034 0049 0050 0051 0065',
    failure:
      '0031 0035 0036 0058 0079 0080 0081 0082 0165 0188 0195 0219 0220 0223 0224 0237 0254 0278 0279 0280 0281 0282 0283 0284 0285',
    'low storage': '0007 0089 0227',
    maintenance: '0026 0027 0047 0155 0191 0192 0193 0194 0195 0264 0265 0266 0267 0268 0269 0270',
    notification:
      '0044 0048 0054 0055 0056 0064 0084 0087 0088 0154 0157 0158 0167 0189 0191 0192 0193 0194 0225 0231 0253 0370 0371 0372 0373 0374',
    'read replica': '0045 0046 0057 0062 0063 0202',
    recovery: '0020 0021 0023 0052 0053 0066 0166',
    restoration: '0019',
    security: '0068',
    serverless: '0370 0371 0372 0373 0374',
    'security patching': '0230',
  },
  'db-parameter-group': { 'configuration change': '0037' },
  'db-security-group': { 'configuration change': '0038', failure: '0039' },
  'db-snapshot': {
    creation: '0040 0042 0090 0091',
    deletion: '0041',
    notification: '0059 0060 0061 0159 0160 0161 0190 0196 0197',
    restoration: '0043',
  },
  'db-cluster': {
    'configuration change': '0179 0180',
    creation: '0170',
    deletion: '0171',
    failover: '0069 0070 0071 0072 0073',
    failure: '0083 0143',
    'global failover': '0181 0182 0183 0184 0185 0186 0187',
    maintenance: '0156 0173 0176 0286 0287 0288 0289 0290',
    notification: '0076 0077 0085 0141 0142 0144 0145 0146 0147 0148 0149 0150 0151 0152 0153 0172 0234 0235 0236',
  },
  'db-cluster-snapshot': { backup: '0074 0075 0168 0169', notification: '0162 0163 0164' },
  'custom-engine-version': { failure: '0198 0277' },
  'db-proxy': {
    'configuration change': '0204 0207 0213 0214 0215',
    creation: '0203 0206',
    deletion: '0205 0208',
    failure: '0243 0275',
  },
  'blue-green-deployment': {
    creation: '0244',
    deletion: '0246',
    failure: '0245 0249 0252 0261',
    notification: '0247 0248 0250 0251 0259 0260',
  },
}

/** Texts of the events of DB instances, snapshots and parameter groups, where they need nothing filled in. */
const messages: Readonly<Record<string, string>> = {
  '0001': 'Backing up DB instance',
  '0002': 'Finished DB Instance backup',
  '0003': 'DB instance deleted',
  '0004': 'DB instance shutdown',
  '0005': 'DB instance created',
  '0006': 'DB instance restarted',
  '0007': 'DB instance has exhausted its allocated storage',
  '0011': 'Updated to use a new DB parameter group; reboot the DB instance to apply its values',
  '0013': 'Multi-AZ instance failover started',
  '0015': 'Multi-AZ failover to standby complete - DNS propagation may take a few minutes',
  '0012': 'Applying modification to database instance class',
  '0014': 'Finished applying modification to DB instance class',
  '0016': 'Reset master credentials',
  '0017': 'Finished applying modification to allocated storage',
  '0018': 'Applying modification to allocated storage',
  '0019': 'Restored from a DB snapshot or to a point in time',
  '0020': 'Recovery of the DB instance has started. Recovery time will vary with the amount of data to be recovered.',
  '0021': 'Recovery of the DB instance is complete',
  '0022': 'DB instance restarted',
  '0024': 'Applying modification to convert to a Multi-AZ DB instance',
  '0025': 'Finished applying modification to convert to a Multi-AZ DB instance',
  '0026': 'Applying off-line patches to DB instance',
  '0027': 'Finished applying off-line patches to DB instance',
  '0028': 'Disabled automated backups',
  '0029': 'Finished applying modification to convert to a standard (Single-AZ) DB instance',
  '0030': 'Applying modification to convert to a standard (Single-AZ) DB instance',
  '0031': 'DB instance put into failed state',
  '0032': 'Enabled automated backups',
  '0034': 'Abandoning user requested failover since a failover recently occurred on the database instance',
  '0035': 'Database instance put into incompatible-parameters state',
  '0036': 'Database instance put into incompatible-network state',
  '0040': 'Creating manual snapshot',
  '0041': 'Deleted manual snapshot',
  '0042': 'Manual snapshot created',
  '0043': 'Restored from DB snapshot',
  '0044': 'Operator notification',
  '0049': 'Multi-AZ instance failover completed',
  '0050': 'Multi-AZ instance activation started',
  '0051': 'Multi-AZ instance activation completed',
  '0045': 'Replication for the Read Replica stopped',
  '0046': 'Replication for the Read Replica resumed',
  '0057': 'Replication for the Read Replica terminated',
  '0069': 'Cluster failover failed',
  '0070': 'Promoting previous primary again',
  '0074': 'Creating manual cluster snapshot',
  '0075': 'Manual cluster snapshot created',
  '0168': 'Creating automated cluster snapshot',
  '0169': 'Automated cluster snapshot created',
  '0071': 'Completed failover of the DB cluster',
  '0072': 'Started same AZ failover of the DB cluster',
  '0073': 'Started cross AZ failover of the DB cluster',
  '0067': 'Unable to reset the master password of the DB instance',
  '0087': 'DB instance stopped',
  '0088': 'DB instance started',
  '0089': 'The free storage capacity of the DB instance is low',
  '0090': 'Creating automated snapshot',
  '0091': 'Automated snapshot created',
  '0092': 'Finished updating DB parameter group',
  '0150': 'DB cluster stopped',
  '0151': 'DB cluster started',
  '0153': 'DB cluster is being started due to it exceeding the maximum allowed time being stopped',
  '0154': 'DB instance is being started due to it exceeding the maximum allowed time being stopped',
  '0155': 'The DB instance has a DB engine minor version upgrade available',
  '0156': 'The DB cluster has a DB engine minor version upgrade available',
  '0202': 'Read replica creation failed',
  '0217': 'Applying autoscaling-initiated modification to allocated storage',
  '0219':
    'Storage autoscaling could not begin because the DB instance is in the middle of something; it is tried again',
  '0220':
    'Storage autoscaling could not begin because the storage was changed less than six hours ago; it is tried again',
  '0170': 'DB cluster created',
  '0171': 'DB cluster deleted',
  '0221': 'The DB instance has reached the storage-full threshold, and the database has been shut down',
  '0264': 'The pre-check started for the DB engine version upgrade',
  '0265': 'The pre-check finished for the DB engine version upgrade',
  '0266': 'The downtime started for the DB engine version upgrade',
  '0267': 'The engine version upgrade started',
  '0268': 'The engine version upgrade finished',
  '0270': 'The DB engine version upgrade failed',
  '0286': 'The engine version upgrade of the DB cluster started; the cluster remains online',
  '0290': 'The DB cluster has been patched',
  '0370': 'Initiated pause for the DB instance',
  '0371': 'Pause was canceled for the DB instance',
  '0372': 'Successfully paused the DB instance',
  '0373': 'Initiated resume for the DB instance',
  '0374': 'Successfully resumed the DB instance',
}

/** Sources with their categories, in alphabetical order, as DescribeEventCategories lists them. */
export function eventCategories(): { readonly sourceType: EventSourceType; readonly categories: string[] }[] {
  return eventSourceTypes.map((sourceType) => ({ sourceType, categories: Object.keys(idsBySource[sourceType]).sort() }))
}

export const eventSourceTypes = Object.keys(idsBySource) as EventSourceType[]

/** The documented categories of an event. Empty for an id that the source does not have. */
export function categoriesOf(sourceType: EventSourceType, id: EventId): string[] {
  const number = id.slice('RDS-EVENT-'.length)
  return Object.entries(idsBySource[sourceType]).flatMap(([category, ids]) =>
    ids.split(' ').includes(number) ? [category] : [],
  )
}

/** The usual text of an event; the id itself where RDS fills in facts that only the recorder knows. */
export function eventMessage(id: EventId): string {
  return messages[id.slice('RDS-EVENT-'.length)] ?? id
}
