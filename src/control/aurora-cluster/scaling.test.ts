import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerlessV2ScalingConfiguration } from '@aws-sdk/client-rds'
import { requireScaling, scalingShown } from './scaling.ts'

const VERSION = '17.10'
const refused = (asked: ServerlessV2ScalingConfiguration, code: string, version = VERSION): void =>
  assert.throws(() => requireScaling(asked, undefined, version), { name: code })

test('a range of capacity is between 0 and 256 in half steps', () => {
  for (const asked of [
    { MinCapacity: 0.5, MaxCapacity: 1 },
    { MinCapacity: 8, MaxCapacity: 8 },
    { MinCapacity: 2.5, MaxCapacity: 256 },
  ])
    assert.deepEqual(scalingShown(requireScaling(asked, undefined, VERSION)), asked)
  for (const asked of [
    { MinCapacity: 0.3, MaxCapacity: 1 },
    { MinCapacity: -1, MaxCapacity: 1 },
    { MinCapacity: 0.5, MaxCapacity: 0.5 },
    { MinCapacity: 0.5, MaxCapacity: 256.5 },
    { MinCapacity: 0.5, MaxCapacity: Number.NaN },
  ])
    refused(asked, 'InvalidParameterValue')
  refused({ MinCapacity: 4, MaxCapacity: 2 }, 'InvalidParameterCombination')
})

test('the first range needs both ends, a later one goes on from what there is', () => {
  refused({ MinCapacity: 1 }, 'InvalidParameterValue')
  refused({ MaxCapacity: 1 }, 'InvalidParameterValue')
  const before = { minCapacity: 1, maxCapacity: 4 }
  assert.equal(requireScaling(undefined, before, VERSION), before)
  assert.deepEqual(requireScaling({ MaxCapacity: 8 }, before, VERSION), { minCapacity: 1, maxCapacity: 8 })
})

test('only what may shrink to nothing is paused, after five minutes where nothing is said', () => {
  const paused = requireScaling({ MinCapacity: 0, MaxCapacity: 4 }, undefined, VERSION)
  assert.deepEqual(scalingShown(paused), { MinCapacity: 0, MaxCapacity: 4, SecondsUntilAutoPause: 300 })
  const later = requireScaling({ SecondsUntilAutoPause: 86_400 }, paused, VERSION)
  assert.equal(later?.secondsUntilAutoPause, 86_400)
  assert.equal(requireScaling({ MaxCapacity: 2 }, later, VERSION)?.secondsUntilAutoPause, 86_400)
  const awake = requireScaling({ MinCapacity: 1 }, later, VERSION)
  assert.deepEqual(scalingShown(awake), { MinCapacity: 1, MaxCapacity: 4 })
  assert.equal(requireScaling({ MinCapacity: 0 }, awake, VERSION)?.secondsUntilAutoPause, 300)
  for (const SecondsUntilAutoPause of [299, 86_401, 300.5])
    refused({ MinCapacity: 0, MaxCapacity: 4, SecondsUntilAutoPause }, 'InvalidParameterValue')
  refused({ MinCapacity: 0.5, MaxCapacity: 4, SecondsUntilAutoPause: 300 }, 'InvalidParameterCombination')
})

test('old minor versions cannot pause', () => {
  const asked = { MinCapacity: 0, MaxCapacity: 4 }
  refused(asked, 'InvalidParameterCombination', '16.2')
  refused(asked, 'InvalidParameterCombination', '13.14')
  for (const version of ['16.3', '15.7', '14.12', '13.15', '17.1', '18.1'])
    assert.equal(requireScaling(asked, undefined, version)?.minCapacity, 0)
})
