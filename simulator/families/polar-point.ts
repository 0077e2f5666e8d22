import { type Answer, piMultiple, surd } from '../answers.ts'
import { any, condition, slot, text } from '../wording.ts'
import { mathFamily } from './family.ts'

/** Twice the cosine of k * 15 degrees for k = 0, 2, 3, 4, 6 and so on, as [whole, root, radicand]. */
function twiceCosine(k: number): [whole: number, root: number, radicand: number] {
  const turn = ((k % 24) + 24) % 24
  const folded = turn > 12 ? 24 - turn : turn
  const sign = folded > 6 ? -1 : 1
  switch (folded > 6 ? 12 - folded : folded) {
    case 0:
      return [2 * sign, 0, 1]
    case 2:
      return [0, sign, 3]
    case 3:
      return [0, sign, 2]
    case 4:
      return [sign, 0, 1]
    default:
      return [0, 0, 1]
  }
}

interface Parameters {
  /** The distance from the origin is r sqrt(s). */
  r: number
  s: number
  /** The angle in steps of 15 degrees. */
  k: number
}

/** A coordinate as LaTeX: half of r sqrt(s) times twice a cosine. */
function coordinate({ r, s }: Parameters, k: number): Answer {
  const [whole, root, radicand] = twiceCosine(k)
  return whole !== 0 || root === 0 ? surd(0, r * whole, s, 2) : surd(0, r * root, s * radicand, 2)
}

function write(answer: Answer): string {
  if (answer.kind === 'rational') return answer.d === 1n ? String(answer.n) : `${String(answer.n)}/${String(answer.d)}`
  if (answer.kind !== 'surd') throw new Error('polar-point: expected a coordinate')
  return `${answer.b === 1n ? '' : answer.b === -1n ? '-' : String(answer.b)}\\sqrt{${String(answer.c)}}${answer.d === 1n ? '' : `/${String(answer.d)}`}`
}

/** The value of a written coordinate. */
function readCoordinate(written: string): number {
  const match = /^(-?)(\d*)(?:\\sqrt\{(\d+)\})?(?:\/(\d+))?$/.exec(written)
  if (match === null) return Number.NaN
  const size = match[2] === '' ? 1 : Number(match[2])
  return ((match[1] === '-' ? -1 : 1) * size * Math.sqrt(Number(match[3] ?? 1))) / Number(match[4] ?? 1)
}

const ANGLES = [0, 2, 3, 4, 6, 8, 9, 10, 12, 14, 15, 16, 18, 20, 21, 22]
const polar = ({ r, s, k }: Parameters): Answer => ({ kind: 'tuple', items: [surd(0, r, s), piMultiple(k, 12)] })
const COORDINATE = '-?\\d*(?:\\\\sqrt\\{\\d+\\})?(?:/\\d+)?'
const point = condition(text` $(${slot('x', COORDINATE)}, ${slot('y', COORDINATE)})$`)

/** Rectangular to polar coordinates. */
export const polarPoint = mathFamily<Parameters>({
  name: 'polar-point',
  concepts: [
    'polar coordinates',
    'trigonometric functions',
    'unit circle',
    'coordinate geometry',
    'Pythagorean theorem',
  ],
  design: 'the polar form of a point given by rectangular coordinates',
  instance: (random, difficulty) => ({
    r: random.integer(1, 2 + Math.round(difficulty * 2)),
    s: difficulty < 3 ? 1 : random.pick([1, 2, 3, 5, 6]),
    k: random.pick(difficulty < 2 ? [0, 3, 6, 12, 18] : ANGLES),
  }),
  difficulty: ({ r, s, k }) =>
    Math.min(
      8,
      1 + r / 8 + (s === 1 ? 0 : 1.4) + (k > 12 ? 1.3 : 0.3) + (k % 6 === 0 ? -0.6 : k % 3 === 0 ? 0.4 : 1.2),
    ),
  wordings: [
    text`Convert the point${point} from rectangular to polar coordinates. ${any('Answer', 'Give the result')} in the form $(r, \theta)$ with $r > 0$ and $0 \le \theta < 2\pi$.`,
    text`A ${any('radar station', 'lighthouse', 'beacon', 'radio mast')} stands at the origin and ${any('reports', 'observes', 'detects')} a ${any('ship', 'balloon', 'whale', 'glider')} at the rectangular coordinates${point}. ${any('Express', 'Describe')} its position as $(r, \theta)$, where $r > 0$ is the distance and $\theta \in [0, 2\pi)$ the angle from the positive $x$-axis.`,
    text`${any('Which polar pair', 'What pair of polar coordinates')} $(r, \theta)$, $r > 0$, $0 \le \theta < 2\pi$, describes the same ${any('location', 'place', 'point of the plane')} as the Cartesian pair${point}?`,
  ],
  values: (parameters) => ({
    x: write(coordinate(parameters, parameters.k)),
    y: write(coordinate(parameters, parameters.k - 6)),
  }),
  read: (values) => {
    const [x, y] = [readCoordinate(values.x ?? ''), readCoordinate(values.y ?? '')]
    const k = Math.round((Math.atan2(y, x) / Math.PI) * 12 + 24) % 24
    const square = Math.round(x * x + y * y)
    if (!ANGLES.includes(k) || square < 1) return undefined
    const s = [1, 2, 3, 5, 6].find((radicand) => Number.isInteger(Math.sqrt(square / radicand)))
    return s === undefined ? undefined : { r: Math.sqrt(square / s), s, k }
  },
  answer: polar,
  mistakes: {
    'wrong quadrant': ({ r, s, k }) => polar({ r, s, k: (k + 12) % 24 }),
    'swapped the coordinates': ({ r, s, k }) => polar({ r, s, k: (30 - k) % 24 }),
    'reflected the angle': ({ r, s, k }) => polar({ r, s, k: (24 - k) % 24 }),
    'distance left squared': ({ r, s, k }) => polar({ r: r * r * s, s: 1, k }),
  },
  steps: ({ r, s, k }) => [
    `The squared distance from the origin is $${String(r * r * s)}$.`,
    `The signs of the coordinates place the point at $${String(k * 15)}^\\circ$.`,
  ],
})
