import type { Filter } from '@aws-sdk/client-secrets-manager'
import type { SecretRecord } from '#control/secrets/record.ts'

/**
 * Whether the secret passes every filter. Values are prefixes, of descriptions and `all` in any case; one that starts
 * with `!` must not match. AWS: ListSecrets, Filters.
 */
export function matchesFilters(secret: SecretRecord, filters: readonly Filter[]): boolean {
  return filters.every(({ Key, Values = [] }) => {
    const wanted = Values.filter((value) => !value.startsWith('!'))
    const unwanted = Values.filter((value) => value.startsWith('!')).map((value) => value.slice(1))
    const has = (value: string): boolean => matches(secret, Key, value)
    return (wanted.length === 0 || wanted.some(has)) && !unwanted.some(has)
  })
}

function matches(secret: SecretRecord, key: Filter['Key'], value: string): boolean {
  const { name, description = '', tags, owningService = '' } = secret
  const starts = (text: string): boolean => text.startsWith(value)
  switch (key) {
    case 'name':
      return starts(name)
    case 'description':
      return hasWord(description, value)
    case 'tag-key':
      return tags.some((tag) => starts(tag.Key))
    case 'tag-value':
      return tags.some((tag) => starts(tag.Value))
    case 'owning-service':
      return starts(owningService)
    case 'all':
      return [name, description, ...tags.flatMap((tag) => [tag.Key, tag.Value])].some((text) => hasWord(text, value))
    // Nothing is replicated, so no secret has a primary Region elsewhere.
    case 'primary-region':
    case undefined:
      return false
  }
}

/** Whether each word of the value starts a word of the text, in any case. */
function hasWord(text: string, value: string): boolean {
  const words = wordsOf(text)
  return wordsOf(value).every((part) => words.some((word) => word.startsWith(part)))
}

const wordsOf = (text: string): string[] => text.toLowerCase().split(/[\s/_+=.@-]+/)
