/**
 * The formulas of RDS parameter values: `LEAST({DBInstanceClassMemory/9531392},5000)`.
 * AWS: RDS User Guide, "Specifying DB parameters".
 *
 *     value    = braces | function | integer
 *     function = ("GREATEST" | "LEAST" | "SUM") "(" value { "," value } ")"
 *     braces   = "{" sum "}"
 *     sum      = product { ("+" | "-") product }
 *     product  = factor { ("*" | "/") factor }
 *     factor   = integer | variable | "log" "(" sum ")" | "(" sum ")"
 *
 * Quotients lose their fraction, as AWS says, except inside `log` (base 2), where a whole number would make its
 * argument too coarse to be of use.
 */
export const FORMULA_VARIABLES = [
  'AllocatedStorage',
  'DBInstanceClassMemory',
  'DBInstanceVCPU',
  'EndPointPort',
] as const

export type FormulaVariable = (typeof FORMULA_VARIABLES)[number]
export type FormulaValues = Readonly<Record<FormulaVariable, number>>

type Operator = '+' | '-' | '*' | '/'
type FunctionName = 'GREATEST' | 'LEAST' | 'SUM'

export type Formula =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'variable'; readonly name: FormulaVariable }
  | { readonly kind: 'operation'; readonly operator: Operator; readonly left: Formula; readonly right: Formula }
  | { readonly kind: 'log'; readonly of: Formula }
  | { readonly kind: 'function'; readonly name: FunctionName; readonly values: readonly Formula[] }

/** Longest formula that is read: the longest default of RDS has 60 characters. Bounds how deep brackets can nest. */
const FORMULA_LENGTH_MAX = 500

/** Whether a value is meant as a formula, right or wrong, and not as a plain number or word. */
export function isFormula(text: string): boolean {
  return /[{}]|^\s*(GREATEST|LEAST|SUM)\s*\(/.test(text)
}

/** Undefined when the text is no formula. */
export function parseFormula(text: string): Formula | undefined {
  if (text.length > FORMULA_LENGTH_MAX) return undefined
  const tokens = text.match(/\d+|[A-Za-z]+|[{}()+\-*/,]|\S/g) ?? []
  try {
    const reader = new Reader(tokens)
    const formula = reader.value()
    reader.end()
    return formula
  } catch (error) {
    if (error instanceof NotAFormula) return undefined
    throw error
  }
}

/** A whole number. Undefined when the arithmetic has no answer: a division by zero, the logarithm of nothing. */
export function evaluateFormula(formula: Formula, values: FormulaValues): number | undefined {
  const value = evaluate(formula, values, Math.trunc)
  // A logarithm of a tiny memory is minus infinity only through zero; anything not finite has no meaning as a setting.
  return Number.isFinite(value) ? Math.trunc(value) : undefined
}

function evaluate(formula: Formula, values: FormulaValues, round: (value: number) => number): number {
  switch (formula.kind) {
    case 'number':
      return formula.value
    case 'variable':
      return values[formula.name]
    case 'log':
      return Math.log2(evaluate(formula.of, values, (value) => value))
    case 'operation':
      return operate(
        formula.operator,
        evaluate(formula.left, values, round),
        evaluate(formula.right, values, round),
        round,
      )
    case 'function': {
      const numbers = formula.values.map((value) => Math.trunc(evaluate(value, values, round)))
      if (formula.name === 'SUM') return numbers.reduce((sum, number) => sum + number, 0)
      return formula.name === 'LEAST' ? Math.min(...numbers) : Math.max(...numbers)
    }
  }
}

function operate(operator: Operator, left: number, right: number, round: (value: number) => number): number {
  switch (operator) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
      return round(left / right)
  }
}

class NotAFormula extends Error {}

/** Reads tokens from left to right, one method for each rule of the grammar. */
class Reader {
  private at = 0
  private readonly tokens: readonly string[]

  constructor(tokens: readonly string[]) {
    this.tokens = tokens
  }

  value(): Formula {
    const token = this.next()
    if (token === '{') return this.closedBy('}', this.sum())
    if (token === '-') return { kind: 'number', value: -integer(this.next()) }
    if (token === 'GREATEST' || token === 'LEAST' || token === 'SUM') {
      this.expect('(')
      const values = [this.value()]
      while (this.take(',')) values.push(this.value())
      return this.closedBy(')', { kind: 'function', name: token, values })
    }
    return { kind: 'number', value: integer(token) }
  }

  end(): void {
    if (this.at < this.tokens.length) throw new NotAFormula()
  }

  private sum(): Formula {
    return this.chain(['+', '-'], () => this.chain(['*', '/'], () => this.factor()))
  }

  /** Operators of one rank bind from left to right. */
  private chain(operators: readonly Operator[], operand: () => Formula): Formula {
    let left = operand()
    for (;;) {
      const operator = operators.find((candidate) => this.take(candidate))
      if (operator === undefined) return left
      left = { kind: 'operation', operator, left, right: operand() }
    }
  }

  private factor(): Formula {
    const token = this.next()
    if (token === '(') return this.closedBy(')', this.sum())
    if (token === 'log') {
      this.expect('(')
      return this.closedBy(')', { kind: 'log', of: this.sum() })
    }
    const variable = FORMULA_VARIABLES.find((name) => name === token)
    return variable ? { kind: 'variable', name: variable } : { kind: 'number', value: integer(token) }
  }

  private closedBy(bracket: string, formula: Formula): Formula {
    this.expect(bracket)
    return formula
  }

  private next(): string | undefined {
    return this.tokens[this.at++]
  }

  private take(token: string): boolean {
    if (this.tokens[this.at] !== token) return false
    this.at++
    return true
  }

  private expect(token: string): void {
    if (!this.take(token)) throw new NotAFormula()
  }
}

function integer(token: string | undefined): number {
  if (token === undefined || !/^\d{1,15}$/.test(token)) throw new NotAFormula()
  return Number(token)
}
