/**
 * DB instance classes that RDS offers for PostgreSQL, with their processors and memory.
 * AWS: RDS User Guide, "Hardware specifications for DB instance classes".
 */
import { GIB } from '#base/bytes.ts'

export interface InstanceClass {
  /** `db.m7g.large` */
  readonly name: string
  readonly vcpus: number
  readonly memoryBytes: number
  /** Newest PostgreSQL major that this generation is offered for; undefined: all. */
  readonly majorMax: number | undefined
}

/** Processors by size, for every family whose sizes are named by processors. */
const vcpusOf: Readonly<Record<string, number>> = {
  large: 2,
  xlarge: 4,
  '2xlarge': 8,
  '4xlarge': 16,
  '8xlarge': 32,
  '10xlarge': 40,
  '12xlarge': 48,
  '16xlarge': 64,
  '24xlarge': 96,
  '32xlarge': 128,
  '48xlarge': 192,
}

const UP_TO_16 = 'large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge'
const UP_TO_24 = `${UP_TO_16} 24xlarge`
const UP_TO_32 = `${UP_TO_24} 32xlarge`
const UP_TO_48 = `${UP_TO_24} 48xlarge`

/** Families with a fixed ratio of memory to processors: [families, GiB per vCPU, sizes, newest major]. */
const byRatio: readonly (readonly [families: string, gibPerVcpu: number, sizes: string, majorMax?: number])[] = [
  ['m4', 4, 'large xlarge 2xlarge 4xlarge 10xlarge 16xlarge', 12],
  ['m5 m5d', 4, UP_TO_24],
  ['m6g m6gd m7g', 4, UP_TO_16],
  ['m6i m6id m6in m6idn', 4, UP_TO_32],
  ['m7i m8g m8gd', 4, UP_TO_48],
  ['r4', 7.625, 'large xlarge 2xlarge 4xlarge 8xlarge 16xlarge', 12],
  ['r5 r5b r5d', 8, UP_TO_24],
  ['r6g r6gd r7g', 8, UP_TO_16],
  ['r6i r6id r6in r6idn', 8, UP_TO_32],
  ['r7i r8g r8gd', 8, UP_TO_48],
  ['x2g', 16, UP_TO_16],
  ['x2idn', 16, '16xlarge 24xlarge 32xlarge'],
  ['x2iedn', 32, 'xlarge 2xlarge 4xlarge 8xlarge 16xlarge 24xlarge 32xlarge'],
]

/** Burstable families: [vCPUs, GiB] by size. */
const burstable: Readonly<Record<string, readonly [vcpus: number, gib: number]>> = {
  micro: [2, 1],
  small: [2, 2],
  medium: [2, 4],
  large: [2, 8],
  xlarge: [4, 16],
  '2xlarge': [8, 32],
}

const classes: ReadonlyMap<string, InstanceClass> = new Map(
  [...burstableClasses(), ...ratioClasses()].map((entry) => [entry.name, entry]),
)

/** Undefined for a class that RDS does not offer for PostgreSQL. */
export function instanceClass(name: string): InstanceClass | undefined {
  return classes.get(name)
}

/** In the order in which DescribeOrderableDBInstanceOptions lists them: by name. */
export const instanceClasses: readonly InstanceClass[] = [...classes.values()].sort((a, b) =>
  a.name < b.name ? -1 : 1,
)

export function supportsMajor({ majorMax }: Pick<InstanceClass, 'majorMax'>, major: string): boolean {
  return majorMax === undefined || Number(major) <= majorMax
}

/** Memory-optimized classes, and burstable ones from medium on. AWS: Aurora user guide, "Supported DB engines for DB instance classes". */
const ofAurora = /^db\.(r[5-8][a-z]*\.\w+|x2g\.\w+|t3\.(medium|large)|t4g\.(medium|large))$/

export const supportsAurora = (name: string): boolean => classes.has(name) && ofAurora.test(name)

function* burstableClasses(): Generator<InstanceClass> {
  for (const [size, [vcpus, gib]] of Object.entries(burstable)) {
    const memoryBytes = gib * GIB
    yield { name: `db.t3.${size}`, vcpus, memoryBytes, majorMax: undefined }
    yield { name: `db.t4g.${size}`, vcpus, memoryBytes, majorMax: undefined }
    // The first burstable generation has one processor in its two smallest sizes.
    yield { name: `db.t2.${size}`, vcpus: gib < 4 ? 1 : vcpus, memoryBytes, majorMax: 12 }
  }
}

function* ratioClasses(): Generator<InstanceClass> {
  for (const [families, gibPerVcpu, sizes, majorMax] of byRatio)
    for (const family of families.split(' '))
      for (const size of sizes.split(' ')) {
        const vcpus = vcpusOf[size]!
        yield { name: `db.${family}.${size}`, vcpus, memoryBytes: vcpus * gibPerVcpu * GIB, majorMax }
      }
}
