import { listBacktracks } from '#control/aurora-cluster/backtrack.ts'
import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'

export const DescribeDBClusterBacktracks: RdsHandler<'DescribeDBClusterBacktracks'> = async (input, context) => {
  const backtracks = await listBacktracks(context.control, context, input)
  const keyOf = (one: (typeof backtracks)[number]): string =>
    `${one.BacktrackRequestCreationTime!.toISOString()}/${one.BacktrackIdentifier!}`
  const { items, ...more } = page(backtracks, { ...input, keyOf })
  return { DBClusterBacktracks: items, ...more }
}
