import { listSecrets } from '#control/secrets/secret.ts'
import type { SecretsManagerHandler } from '../handler.ts'
import { matchesFilters } from './filters.ts'
import { pageOf } from './pages.ts'
import { showSecret, stagesById } from './render.ts'

export const ListSecrets: SecretsManagerHandler<'ListSecrets'> = async (input, context) => {
  const all = await listSecrets(context.control, context)
  const kept = all
    .filter((secret) => input.IncludePlannedDeletion || !secret.deletion)
    .filter((secret) => matchesFilters(secret, input.Filters ?? []))
  const dates = {
    'created-date': (secret: (typeof all)[number]) => secret.createdAt,
    'last-changed-date': (secret: (typeof all)[number]) => secret.changedAt,
    'last-accessed-date': (secret: (typeof all)[number]) => secret.accessedAt ?? 0,
    name: () => 0,
  }
  const date = dates[input.SortBy ?? 'created-date']
  // Dates have 15 digits, so that they sort as texts do; the name decides between equal ones.
  const keyOf = (secret: (typeof all)[number]): string => `${String(date(secret)).padStart(15, '0')} ${secret.name}`
  const { items, ...next } = pageOf(kept, input, { keyOf, descending: input.SortOrder === 'desc' })
  return {
    SecretList: items.map((secret) => ({ ...showSecret(secret), SecretVersionsToStages: stagesById(secret) })),
    ...next,
  }
}
