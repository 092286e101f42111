import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GIB } from '#base/bytes.ts'
import { evaluateFormula, FORMULA_VARIABLES, isFormula, parseFormula } from './formula.ts'
import type { FormulaValues } from './formula.ts'

const values: FormulaValues = {
  AllocatedStorage: 20 * GIB,
  DBInstanceClassMemory: 8 * GIB,
  DBInstanceVCPU: 2,
  EndPointPort: 5432,
}

function value(text: string, with_: Partial<FormulaValues> = {}): number | undefined {
  const formula = parseFormula(text)
  assert.ok(formula, `${text} is a formula`)
  return evaluateFormula(formula, { ...values, ...with_ })
}

test('the defaults of RDS evaluate as documented', () => {
  assert.equal(value('{DBInstanceClassMemory/32768}'), 262_144)
  assert.equal(value('LEAST({DBInstanceClassMemory/9531392},5000)'), 901)
  assert.equal(value('LEAST({DBInstanceClassMemory/9531392},5000)', { DBInstanceClassMemory: 512 * GIB }), 5000)
  assert.equal(value('GREATEST({DBInstanceClassMemory*1024/63963136},65536)'), 137_518)
  assert.equal(value('GREATEST({DBInstanceClassMemory/64371566592},3)'), 3)
  assert.equal(value('{EndPointPort}'), 5432)
  assert.equal(value('SUM({DBInstanceClassMemory/12038},-50003)'), 663_565)
})

test('log is of base two and keeps the fraction of its argument', () => {
  const formula = 'GREATEST({log(DBInstanceClassMemory/21474836480)*600},200)'
  assert.equal(value(formula, { DBInstanceClassMemory: GIB }), 200)
  assert.equal(value(formula, { DBInstanceClassMemory: 80 * GIB }), 1200)
  assert.equal(value('{log(DBInstanceClassMemory/3221225472)*1000}'), 1415)
})

test('quotients are cut off, and products come before sums', () => {
  assert.equal(value('{7/2*2}'), 6)
  assert.equal(value('{1+2*3-4}'), 3)
  assert.equal(value('{(1+2)*3}'), 9)
  assert.equal(value('{10-3-2}'), 5)
})

test('what has no answer has no value', () => {
  assert.equal(value('{DBInstanceClassMemory/0}'), undefined)
  assert.equal(value('{log(0)}'), undefined)
})

test('what is no formula is refused', () => {
  const wrong = [
    '',
    '{}',
    '{DBInstanceClassMemory',
    'DBInstanceClassMemory/2',
    '{dbinstanceclassmemory/2}',
    'LEAST()',
    'LEAST({EndPointPort},)',
    'least(1,2)',
    '{1.5*2}',
    '{EndPointPort}/2',
    '{{EndPointPort}}',
    '{constructor}',
    `{${'('.repeat(600)}1${')'.repeat(600)}}`,
    '{9999999999999999}',
  ]
  for (const text of wrong) assert.equal(parseFormula(text), undefined, text)
})

test('formulas are told from plain values', () => {
  for (const text of ['{EndPointPort}', 'LEAST(1,2)', '{', '1}']) assert.ok(isFormula(text), text)
  for (const text of ['100', 'on', 'pg_stat_statements', 'LEASTWISE', '']) assert.ok(!isFormula(text), text)
})

/** Formulas with the value that plain arithmetic gives them. */
const { sum } = fc.letrec<{ sum: { text: string; value: number }; factor: { text: string; value: number } }>((tie) => ({
  factor: fc.oneof(
    { maxDepth: 3 },
    fc.nat(1_000_000).map((n) => ({ text: String(n), value: n })),
    fc.constantFrom(...FORMULA_VARIABLES).map((name) => ({ text: name, value: values[name] })),
    tie('sum').map(({ text, value }) => ({ text: `(${text})`, value })),
  ),
  sum: fc.tuple(tie('factor'), tie('factor'), fc.constantFrom('+', '-', '*', '/')).map(([a, b, operator]) => ({
    text: `${a.text}${operator}${b.text}`,
    value:
      operator === '+'
        ? a.value + b.value
        : operator === '-'
          ? a.value - b.value
          : operator === '*'
            ? a.value * b.value
            : Math.trunc(a.value / b.value),
  })),
}))

test('any formula evaluates as plain arithmetic does', () => {
  fc.assert(
    fc.property(
      sum,
      fc.array(fc.integer({ min: -9999, max: 9999 }), { minLength: 1, maxLength: 4 }),
      (formula, others) => {
        const expected = Number.isFinite(formula.value) ? formula.value : undefined
        assert.equal(value(`{${formula.text}}`), expected)
        // Beyond whole numbers that a double holds, the order of additions shows.
        if (expected === undefined || !Number.isSafeInteger(expected)) return
        assert.equal(value(`LEAST({${formula.text}},${others.join(',')})`), Math.min(expected, ...others))
        assert.equal(
          value(`SUM(${others.join(' , ')},{ ${formula.text} })`),
          others.reduce((a, b) => a + b, expected),
        )
      },
    ),
  )
})

test('any text is read or refused, without throwing', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '(',
    ')',
    ',',
    '+',
    '-',
    '*',
    '/',
    'log',
    'SUM',
    'LEAST',
    '7',
    'EndPointPort',
    ' ',
    'é',
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece).map((pieces) => pieces.join('')),
      ),
      (text) => {
        const formula = parseFormula(text)
        if (formula) evaluateFormula(formula, values)
      },
    ),
  )
})
