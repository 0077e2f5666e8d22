import { type Answer, rational } from '../answers.ts'
import { any, condition, slot, text } from '../wording.ts'
import { mathFamily } from './family.ts'

const VARIABLES = ['x', 'y', 'z']
interface Parameters {
  /** One row for each equation: the coefficients and the right side. */
  rows: number[][]
}

function writeRow(row: number[]): string {
  let result = ''
  row.slice(0, -1).forEach((coefficient, index) => {
    if (coefficient === 0) return
    const size = Math.abs(coefficient) === 1 ? '' : String(Math.abs(coefficient))
    const sign = result === '' ? (coefficient < 0 ? '-' : '') : coefficient < 0 ? ' - ' : ' + '
    result += `${sign}${size}${VARIABLES[index] ?? ''}`
  })
  return `${result} = ${String(row.at(-1))}`
}

function readRow(written: string, size: number): number[] | undefined {
  const [left, right] = written.split(' = ')
  const row = new Array<number>(size + 1).fill(0)
  for (const term of (left ?? '').replaceAll(' ', '').match(/[+-]?[^+-]+/g) ?? []) {
    const match = /^([+-]?)(\d*)([xyz])$/.exec(term)
    const column = VARIABLES.indexOf(match?.[3] ?? '')
    if (match === null || column >= size) return undefined
    row[column] = Number(`${match[1] ?? ''}${match[2] === '' ? '1' : (match[2] ?? '')}`)
  }
  row[size] = Number(right)
  return row
}

function determinant(matrix: number[][]): number {
  const [first] = matrix
  if (first === undefined) return 1
  return first.reduce((sum, value, column) => {
    const minor = matrix.slice(1).map((row) => row.filter((_, index) => index !== column))
    return sum + (column % 2 === 0 ? 1 : -1) * value * determinant(minor)
  }, 0)
}

/** Cramer's rule. Undefined where the system has no single solution. */
function solution(rows: number[][]): Answer[] | undefined {
  const matrix = rows.map((row) => row.slice(0, -1))
  const whole = determinant(matrix)
  if (whole === 0) return undefined
  return matrix.map((_, column) =>
    rational(
      determinant(matrix.map((row, i) => row.map((v, j) => (j === column ? (rows[i]?.at(-1) ?? 0) : v)))),
      whole,
    ),
  )
}

const tuple = (items: Answer[]): Answer => ({ kind: 'tuple', items })
const number = (answer: Answer | undefined): Answer & { kind: 'rational' } =>
  answer?.kind === 'rational' ? answer : rational(0)
const system = condition(
  text` ${slot('system', '\\$[-+ 0-9xyz]+ = -?\\d+\\$(?:(?:,| and) \\$[-+ 0-9xyz]+ = -?\\d+\\$)+')}`,
)

/** The only solution of a linear system, as a tuple. */
export const linearSystem = mathFamily<Parameters>({
  name: 'linear-system',
  concepts: [
    'systems of linear equations',
    'elimination method',
    "Cramer's rule",
    'ordered pairs and triples',
    'matrices',
  ],
  design: 'the unique solution of a small linear system, as an ordered tuple',
  instance: (random, difficulty) => {
    const size = difficulty < 4 ? 2 : 3
    const reach = 2 + Math.round(difficulty)
    for (;;) {
      const exact = difficulty < 6 || random.chance(0.3)
      const hidden = Array.from({ length: size }, () => random.integer(-reach, reach))
      const rows = hidden.map(() => {
        const row = hidden.map(() => random.integer(-reach, reach))
        const side = exact ? row.reduce((sum, value, i) => sum + value * (hidden[i] ?? 0), 0) : random.integer(-9, 9)
        return [...row, side]
      })
      const usable = rows.every((row) => row.slice(0, -1).some((value) => value !== 0))
      const columns = hidden.every((_, column) => rows.some((row) => row[column] !== 0))
      const solved = solution(rows)
      if (usable && columns && solved?.some((item) => number(item).n !== number(solved[0]).n)) return { rows }
    }
  },
  difficulty: ({ rows }) => {
    const sizes = rows.flat().map(Math.abs)
    const fractions = solution(rows)?.some((item) => number(item).d !== 1n) ? 1.2 : 0
    return Math.min(
      8,
      Math.max(1, (rows.length - 2) * 2.6 + sizes.reduce((a, b) => a + b, 0) / sizes.length / 1.8 + fractions),
    )
  },
  wordings: [
    text`${any('Solve', 'Find the only solution of')} the system${system}. Give the answer as an ordered ${any('tuple', 'list in parentheses')} in alphabetical order of the variables.`,
    text`${any('The prices', 'The weights', 'The volumes')} of ${any('several goods', 'some parcels', 'a few bottles')}, ${any('measured from a common reference', 'given as signed deviations')}, satisfy${system}. Which ordered tuple of values, in alphabetical order of the letters, is ${any('possible', 'the right one')}?`,
    text`${any('Planes or lines', 'Several constraints')} with the equations${system} ${any('meet in exactly one point', 'have a single common point')}. ${any('Find its coordinates.', 'Give the coordinates of that point.', 'Where is it?')}`,
  ],
  values: ({ rows }) => {
    const equations = rows.map((row) => `$${writeRow(row)}$`)
    return { system: `${equations.slice(0, -1).join(', ')} and ${equations.at(-1) ?? ''}` }
  },
  read: (values) => {
    const equations = (values.system ?? '').split(/, | and /).map((equation) => equation.replaceAll('$', ''))
    const rows = equations.map((equation) => readRow(equation, equations.length))
    if (!rows.every((row) => row !== undefined)) return undefined
    return solution(rows) === undefined ? undefined : { rows }
  },
  answer: ({ rows }) => tuple(solution(rows) ?? []),
  mistakes: {
    'order of the components': ({ rows }) => tuple([...(solution(rows) ?? [])].reverse()),
    'sign of the last component': ({ rows }) => {
      const items = solution(rows) ?? []
      const last = number(items.at(-1))
      return tuple([...items.slice(0, -1), rational(-last.n, last.d)])
    },
    'first component off by one': ({ rows }) => {
      const [first, ...others] = solution(rows) ?? []
      return tuple([rational(number(first).n + number(first).d, number(first).d), ...others])
    },
  },
  steps: ({ rows }) => [
    `The determinant of the coefficients is $${String(determinant(rows.map((row) => row.slice(0, -1))))}$, so there is exactly one solution.`,
    `Eliminating the first variable from $${writeRow(rows[0] ?? [0, 0])}$ reduces the system.`,
  ],
})
