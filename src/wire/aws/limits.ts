/** Bounds on what a request may make the readers of this room do. */

/** Pairs in a form. PutMetricData's thousand metrics with every dimension stay below. */
export const FORM_PAIRS_MAX = 100_000

/** Parts of a form key such as `Tags.member.2.Key`; the deepest input of EC2 has 11. */
export const FORM_KEY_PARTS_MAX = 32

/** Items in one list of a form. AWS's own limits per list are far lower. */
export const LIST_ITEMS_MAX = 10_000

/** Nesting of a JSON or CBOR document, and of a recursive shape. The deepest input of the services has 9. */
export const DOCUMENT_DEPTH_MAX = 64

/** How far the clock of a signer may be off. AWS: Signature Version 4, "time stamp". */
export const SIGNATURE_SKEW_MS = 15 * 60 * 1_000

/** Longest life of a presigned URL, in seconds: seven days. AWS: Signature Version 4, X-Amz-Expires. */
export const PRESIGNED_EXPIRES_S_MAX = 604_800
