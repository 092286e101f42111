/** What a process of Holdfast's and its commands may need, and no credentials of whoever started serve. */
export function environmentOf(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  // Where the archive is a bucket, those of AWS are what agents reach it with.
  const hasBucket = env['HOLDFAST_ARCHIVE']?.startsWith('s3:') === true
  const kept = Object.entries(env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && entry[0] !== 'HOLDFAST_ACCESS_KEYS' && (hasBucket || !entry[0].startsWith('AWS_')),
  )
  return Object.fromEntries(kept)
}
