/** Which reader of an Aurora cluster becomes the writer. Pure. */

/** An instance of the cluster that could. */
export interface Candidate {
  readonly resourceId: string
  /** Its identifier, as users see it. */
  readonly id: string
  readonly zone: string
  /** 0–15; lower ones come first. */
  readonly promotionTier: number
  /** Of its class. */
  readonly memoryBytes: number
  readonly vcpus: number
}

/**
 * By tier, then size, which is the class's memory, then its processors. AWS leaves it open what comes after; here another
 * zone than that of the writer that is lost, since what befell it may be its zone's, and then the identifiers' order, so
 * that whoever decides again decides the same.
 * AWS: Aurora user guide, "Fault tolerance for an Aurora DB cluster".
 */
export function chooseSuccessor(candidates: readonly Candidate[], lostZone: string | undefined): Candidate | undefined {
  const sameZone = ({ zone }: Candidate): number => (zone === lostZone ? 1 : 0)
  return candidates.toSorted(
    (a, b) =>
      a.promotionTier - b.promotionTier ||
      b.memoryBytes - a.memoryBytes ||
      b.vcpus - a.vcpus ||
      sameZone(a) - sameZone(b) ||
      (a.id < b.id ? -1 : 1),
  )[0]
}

/** The tier of an instance of which nothing is said. AWS: RDS API reference, CreateDBInstance, PromotionTier. */
export const PROMOTION_TIER_DEFAULT = 1
export const PROMOTION_TIER_MAX = 15
