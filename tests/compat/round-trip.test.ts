/**
 * The wire test: for every operation of every service, in every protocol it is served in, a random input goes through
 * the SDK client's own serialiser into our reader, and a random output through our writer into the SDK client's own
 * deserialiser. Prints the seed of a failure; `ROUND_TRIP_SEED=… ROUND_TRIP_ROUNDS=…` repeats or widens it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HttpResponse } from '@smithy/core/protocols'
import type { NormalizedSchema } from '@smithy/core/schema'
import { serviceDoors } from '#api/services.ts'
import { enums } from '#catalog/gen/enums.ts'
import { awsJson10, awsJson11, awsQuery, ec2Query, type Protocol, restJson, rpcV2Cbor } from '#wire/aws/protocols.ts'
import type { Operation, Service } from '#wire/aws/service.ts'
import { validate } from '#wire/aws/validate.ts'
import { type Chance, chanceFrom, equal, randomValue, withoutEmpty } from './round-trip/random-value.ts'
import { cborProtocol, formProtocol, type Sdk, type SdkProtocol, sdkOf } from './round-trip/sdk.ts'

const SEED = Number(process.env['ROUND_TRIP_SEED'] ?? Date.now() % 1_000_000)
const ROUNDS = Number(process.env['ROUND_TRIP_ROUNDS'] ?? 1)

interface Pairing {
  readonly name: string
  readonly theirs: SdkProtocol
  readonly ours: Protocol
}

for (const door of serviceDoors) {
  test(`every operation of ${door.signingName} survives the wire in both directions`, async (context) => {
    context.diagnostic(`seed ${SEED}`)
    const { service } = await door.load()
    const sdk = await sdkOf(door.signingName)
    for (const pairing of await pairingsOf(service, sdk.protocol)) {
      pairing.theirs.setSerdeContext(sdk.config)
      const failures: string[] = []
      let passed = 0
      for (const operation of service.operations.values()) {
        for (let round = 0; round < ROUNDS; round++) {
          const chance = chanceFrom(SEED + round, operation.name)
          const trip = { service, operation, pairing, chance, sdk }
          for (const [direction, run] of [
            ['input', inputTrip],
            ['output', outputTrip],
          ] as const) {
            try {
              await run(trip)
              passed++
            } catch (error) {
              failures.push(`seed ${SEED + round} ${operation.name} ${direction}: ${(error as Error).message}`)
            }
          }
        }
      }
      assert.ok(passed > 0, 'something was tried')
      assert.deepEqual(failures, [], `${pairing.name}: ${failures.length} of ${passed + failures.length} failed`)
    }
  })
}

async function pairingsOf(service: Service, theirs: SdkProtocol): Promise<Pairing[]> {
  const id = theirs.getShapeId()
  if (service.dialect === 'query') return [{ name: id, theirs, ours: awsQuery }]
  if (service.dialect === 'ec2') return [{ name: id, theirs, ours: ec2Query }]
  if (service.dialect === 'rest-json') return [{ name: id, theirs, ours: restJson }]
  if (!service.queryCompatible) return [{ name: id, theirs, ours: awsJson11 }]
  // Old clients send forms, new ones JSON, and some of the newest CBOR.
  const options = {
    defaultNamespace: service.namespace,
    xmlNamespace: 'http://monitoring.example/',
    version: service.version,
  }
  return [
    { name: id, theirs, ours: awsJson10 },
    { name: 'awsQuery', theirs: await formProtocol(options), ours: awsQuery },
    { name: 'rpcv2Cbor', theirs: cborProtocol(options), ours: rpcV2Cbor },
  ]
}

interface Trip {
  readonly service: Service
  readonly operation: Operation
  readonly pairing: Pairing
  readonly chance: Chance
  readonly sdk: Sdk
}

const contextOf = ({ operation, sdk }: Trip): object => ({
  ...sdk.config,
  endpoint: () => Promise.resolve({ protocol: 'http:', hostname: 'host', path: '/' }),
  __smithy_context: { service: 'Service', operation: operation.name },
})

async function inputTrip(trip: Trip): Promise<void> {
  const { service, operation, pairing, chance } = trip
  const unit = operation.input.isUnitSchema()
  const input = unit ? {} : (randomValue(operation.input, chance) as Record<string, unknown>)
  const request = await pairing.theirs.serializeRequest(schemaOf(trip), structuredClone(input), contextOf(trip))
  const read = pairing.ours.read(operation, Buffer.from(request.body ?? ''))
  if (!unit) {
    removeInventedTokens(operation.input, input, read)
    validate(read, { service, schema: operation.input, enums })
  }
  const isForm = pairing.ours === awsQuery || pairing.ours === ec2Query
  equal(read, isForm ? withoutEmpty(input) : input)
}

/** The client makes up idempotency tokens that were not given. */
function removeInventedTokens(schema: NormalizedSchema, input: object, read: Record<string, unknown>): void {
  for (const [name, member] of schema.structIterator()) {
    if (member.isIdempotencyToken() && !(name in input)) delete read[name]
  }
}

async function outputTrip(trip: Trip): Promise<void> {
  const { service, operation, pairing, chance } = trip
  const unit = operation.output.isUnitSchema()
  if (!unit && [...operation.output.structIterator()].some(([, member]) => member.isStreaming())) return
  const output = unit ? {} : (randomValue(operation.output, chance) as object)
  const reply = pairing.ours.reply({ service, operation, requestId: 'request-1' }, output)
  const body = typeof reply.body === 'string' ? Buffer.from(reply.body) : reply.body
  const response = new HttpResponse({ statusCode: reply.status, headers: { ...reply.headers }, body })
  const read = (await pairing.theirs.deserializeResponse(schemaOf(trip), contextOf(trip), response)) as object
  const { $metadata: _, ...members } = read as Record<string, unknown>
  equal(members, output)
}

const schemaOf = ({ service, operation, sdk }: Trip): object => ({
  namespace: service.namespace,
  name: operation.name,
  traits: sdk.traitsOf(operation.name),
  input: operation.input.getSchema(),
  output: operation.output.getSchema(),
})
