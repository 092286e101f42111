/** Filters of EC2's Describe actions. */
import type { Filter, Tag } from '@aws-sdk/client-ec2'
import { AwsFault } from '#wire/aws/faults.ts'

/** By the name of a filter: what a record has for it. */
export type FilterFields<T> = Readonly<Record<string, (record: T) => readonly string[]>>

/** Records that match every filter; within one filter any value will do. Throws InvalidParameterValue. */
export function filtered<T>(
  records: readonly T[],
  filters: readonly Filter[] | undefined,
  fields: FilterFields<T>,
): readonly T[] {
  return (filters ?? []).reduce((left, { Name = '', Values = [] }) => {
    const valuesOf = fields[Name] ?? tagField<T>(Name, fields)
    if (!valuesOf) throw new AwsFault('InvalidParameterValue', `The filter '${Name}' is invalid`)
    const patterns = Values.map(patternOf)
    return left.filter((record) => valuesOf(record).some((value) => patterns.some((pattern) => pattern.test(value))))
  }, records)
}

/** `tag-key` for whoever has tags; `tag:Name` is found by {@link tagField}. */
export function tagFields<T>(tagsOf: (record: T) => readonly Tag[]): FilterFields<T> {
  return {
    'tag-key': (record) => tagsOf(record).map((tag) => tag.Key ?? ''),
    // Both halves in one value, which no user can write: a key may hold every character but the line end.
    'tag:': (record) => tagsOf(record).map((tag) => `${tag.Key}\n${tag.Value}`),
  }
}

function tagField<T>(name: string, fields: FilterFields<T>): FilterFields<T>[string] | undefined {
  const all = name.startsWith('tag:') ? fields['tag:'] : undefined
  const start = `${name.slice('tag:'.length)}\n`
  return all && ((record) => all(record).flatMap((tag) => (tag.startsWith(start) ? [tag.slice(start.length)] : [])))
}

/** AWS: `*` stands for any characters, `?` for one, `\` takes the meaning from either. */
function patternOf(value: string): RegExp {
  const source = value.replaceAll(/\\([*?\\])|[\s\S]/g, (character, escaped: string | undefined) => {
    if (escaped === undefined && character === '*') return '[\\s\\S]*'
    if (escaped === undefined && character === '?') return '[\\s\\S]'
    return RegExp.escape(escaped ?? character)
  })
  return new RegExp(`^${source}$`)
}
