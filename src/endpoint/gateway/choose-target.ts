import type { RouteTarget } from '#wire/endpoint/messages.ts'

/**
 * The target for a new connection: the one with the fewest open ones, and among equals the next in turn. Undefined when
 * all are excluded.
 */
export function chooseTarget(
  targets: readonly RouteTarget[],
  open: ReadonlyMap<string, number>,
  turn: number,
  excluded: ReadonlySet<string>,
): RouteTarget | undefined {
  let best: RouteTarget | undefined
  for (let i = 0; i < targets.length; i++) {
    const target = targets[(turn + i) % targets.length]!
    if (excluded.has(target.name)) continue
    if (!best || (open.get(target.name) ?? 0) < (open.get(best.name) ?? 0)) best = target
  }
  return best
}
