import type { Random } from '../random.ts'
import { town } from '../stories.ts'
import { any, condition, slot, text } from '../wording.ts'
import { codeFamily } from './family.ts'

const ASKS = [
  'the number of large records',
  'for every person the name and the sum of the values of their records, 0 where there are none',
  'the names of all persons without a large record',
  'the names of the persons with at least two large records, from the most of these to the fewest and where they are as many by name',
  'for every city the city and the names of those of its persons whose sum of values is the greatest there, where persons without records have the sum 0',
] as const
type Ask = (typeof ASKS)[number]

const THEMES = [
  { persons: 'customers', records: 'orders', key: 'customer_id', value: 'amount' },
  { persons: 'members', records: 'loans', key: 'member_id', value: 'fee' },
  { persons: 'drivers', records: 'trips', key: 'driver_id', value: 'fare' },
  { persons: 'donors', records: 'gifts', key: 'donor_id', value: 'euros' },
]
interface Parameters {
  ask: Ask
  theme: number
  limit: number
}

const NAMES = ['Ada', 'Ben', 'Cleo', 'Dov', 'Eda', 'Finn', 'Gil', 'Hana', 'Ivo', 'Jun']
const CITIES = ['Bergen', 'Cork', 'Dakar', 'Essen']

/** Queries by what is asked for; undefined where it makes no sense. */
type Queries = (names: (typeof THEMES)[number] & { limit: number }) => Partial<Record<Ask, string>>

const [LARGE, SUMS, WITHOUT, BUSY, BEST] = ASKS
const sums = ({ persons, records, key, value }: (typeof THEMES)[number], join = 'LEFT JOIN'): string =>
  `SELECT p.id, p.name, p.city, COALESCE(SUM(r.${value}), 0) AS total FROM ${persons} p ${join} ${records} r ON r.${key} = p.id GROUP BY p.id`

const pick =
  (queries: Queries) =>
  ({ ask, theme, limit }: Parameters): string | undefined =>
    queries({ ...(THEMES[theme] ?? THEMES[0]!), limit })[ask]
const always =
  (queries: Queries) =>
  (parameters: Parameters): string =>
    pick(queries)(parameters) ?? ''

const record = condition(
  text` A record belongs to the person whose id is its ${slot('key', THEMES.map(({ key }) => key).join('|'))}; its value is its ${slot('value', THEMES.map(({ value }) => value).join('|'))}, and it is large if that is at least ${slot('limit')}.`,
)
const tables = text`Table ${slot('persons', THEMES.map(({ persons }) => persons).join('|'))} (id, name, city) holds persons, table ${slot('records', THEMES.map(({ records }) => records).join('|'))} (id, ${slot('key', THEMES.map(({ key }) => key).join('|'))}, ${slot('value', THEMES.map(({ value }) => value).join('|'))}) their records.`
const ask = slot('ask', ASKS.join('|'))

/** Rows of two tables as SQLite statements, one a line. */
function script({ ask: asked, theme, limit }: Parameters, persons: string[][], values: [number, number][]): string {
  const names = THEMES[theme] ?? THEMES[0]!
  return [
    ...(asked === BUSY ? ['-- ordered'] : []),
    `CREATE TABLE ${names.persons} (id INTEGER PRIMARY KEY, name TEXT, city TEXT);`,
    `CREATE TABLE ${names.records} (id INTEGER PRIMARY KEY, ${names.key} INTEGER, ${names.value} INTEGER);`,
    ...persons.map(
      ([name = '', city = ''], at) => `INSERT INTO ${names.persons} VALUES (${at + 1}, '${name}', '${city}');`,
    ),
    ...values.map(
      ([person, offset], at) => `INSERT INTO ${names.records} VALUES (${at + 1}, ${person}, ${limit + offset});`,
    ),
  ].join('\n')
}

function rowsOf(lines: string[]): { persons: [number, string, string][]; records: [number, number][] } {
  const persons: [number, string, string][] = []
  const records: [number, number][] = []
  for (const line of lines) {
    const person = /VALUES \((\d+), '(\w+)', '(\w+)'\)/.exec(line)
    if (person) persons.push([Number(person[1]), person[2] ?? '', person[3] ?? ''])
    const own = /VALUES \(\d+, (\d+), (-?\d+)\)/.exec(line)
    if (own) records.push([Number(own[1]), Number(own[2])])
  }
  return { persons, records }
}

/** Reports over persons and their records: joins, groups, anti-joins, order and ranks. */
export const tableReport = codeFamily<Parameters>(
  {
    name: 'table-report',
    concepts: [
      'inner and outer joins',
      'grouping and aggregation',
      'filtering groups',
      'window functions',
      'anti-joins',
    ],
    design: 'a report over persons and their records in two tables',
    instance: (random: Random, difficulty) => ({
      ask: ASKS[Math.min(4, Math.max(0, Math.round((difficulty - 1.6) / 1.35 + random.next() - 0.5)))] ?? LARGE,
      theme: random.integer(0, THEMES.length - 1),
      limit: random.integer(5, 90),
    }),
    difficulty: (p) => 1.6 + 1.35 * ASKS.indexOf(p.ask),
    wordings: [
      text`The ${any('office', 'library', 'town hall', 'club')} of ${town} keeps a database. ${tables}${record} Write one query that returns ${ask}.`,
      text`${any('A clerk', 'An auditor', 'A journalist')} works with two tables. ${tables}${record} Find, with one query, ${ask}.`,
      text`${tables}${record} ${any('The report of the year', 'A chart', 'The next letter')} needs ${ask}. Write the query.`,
    ],
    values: (p) => {
      const { persons, records, key, value } = THEMES[p.theme] ?? THEMES[0]!
      return { ask: p.ask, persons, records, key, value, limit: String(p.limit) }
    },
    read: (v) => {
      const theme = THEMES.findIndex(({ persons, records }) => persons === v.persons && records === v.records)
      return theme < 0 ? undefined : { ask: v.ask as Ask, theme, limit: Number(v.limit) }
    },
    input: (p, kind, random) => {
      const count = kind === 'edge case' ? random.integer(1, 2) : kind === 'complex case' ? 8 : random.integer(3, 5)
      const persons = Array.from({ length: count }, (_, at) => [
        kind === 'error-prone input' ? random.pick(NAMES.slice(0, 3)) : (NAMES[at] ?? 'Kim'),
        random.pick(CITIES.slice(0, kind === 'complex case' ? 3 : 2)),
      ])
      const records = kind === 'edge case' ? random.integer(0, 2) : random.integer(count, 3 * count)
      const values = Array.from({ length: records }, (): [number, number] => [
        random.integer(1, count),
        random.pick([0, 0, 1, 3, -1, -2, 5]),
      ])
      return script(p, persons, values)
    },
    solve: (p, lines) => {
      const { persons, records } = rowsOf(lines)
      const of = (id: number): number[] => records.filter(([person]) => person === id).map(([, value]) => value)
      const large = (id: number): number => of(id).filter((value) => value >= p.limit).length
      const total = (id: number): number => of(id).reduce((sum, value) => sum + value, 0)
      if (p.ask === LARGE) return String(records.filter(([, value]) => value >= p.limit).length)
      if (p.ask === SUMS) return persons.map(([id, name]) => `${name}|${total(id)}`).join('\n')
      if (p.ask === WITHOUT) return persons.flatMap(([id, name]) => (large(id) === 0 ? [name] : [])).join('\n')
      if (p.ask === BUSY)
        return persons
          .filter(([id]) => large(id) >= 2)
          .sort(([a, first], [b, second]) => large(b) - large(a) || (first < second ? -1 : first > second ? 1 : 0))
          .map(([, name]) => name)
          .join('\n')
      const best = (city: string): number =>
        Math.max(...persons.flatMap(([id, , other]) => (other === city ? [total(id)] : [])))
      return persons.flatMap(([id, name, city]) => (total(id) === best(city) ? [`${city}|${name}`] : [])).join('\n')
    },
    right: {
      joins: always((t) => ({
        [LARGE]: `SELECT COUNT(*) FROM ${t.records} WHERE ${t.value} >= ${t.limit}`,
        [SUMS]: `SELECT name, total FROM (${sums(t)})`,
        [WITHOUT]: `SELECT p.name FROM ${t.persons} p LEFT JOIN ${t.records} r ON r.${t.key} = p.id AND r.${t.value} >= ${t.limit} WHERE r.id IS NULL`,
        [BUSY]: `SELECT p.name FROM ${t.persons} p JOIN ${t.records} r ON r.${t.key} = p.id WHERE r.${t.value} >= ${t.limit} GROUP BY p.id HAVING COUNT(*) >= 2 ORDER BY COUNT(*) DESC, p.name`,
        [BEST]: `WITH sums AS (${sums(t)}), ranked AS (SELECT city, name, RANK() OVER (PARTITION BY city ORDER BY total DESC) AS place FROM sums) SELECT city, name FROM ranked WHERE place = 1`,
      })),
      subqueries: always((t) => ({
        [LARGE]: `SELECT SUM(CASE WHEN ${t.value} >= ${t.limit} THEN 1 ELSE 0 END) + 0 FROM (SELECT ${t.value} FROM ${t.records} UNION ALL SELECT ${t.limit} - 1)`,
        [SUMS]: `SELECT p.name, (SELECT COALESCE(SUM(${t.value}), 0) FROM ${t.records} WHERE ${t.key} = p.id) FROM ${t.persons} p`,
        [WITHOUT]: `SELECT name FROM ${t.persons} p WHERE NOT EXISTS (SELECT 1 FROM ${t.records} WHERE ${t.key} = p.id AND ${t.value} >= ${t.limit})`,
        [BUSY]: `SELECT name FROM (SELECT p.name, (SELECT COUNT(*) FROM ${t.records} WHERE ${t.key} = p.id AND ${t.value} >= ${t.limit}) AS many FROM ${t.persons} p) WHERE many >= 2 ORDER BY many DESC, name`,
        [BEST]: `WITH sums AS (${sums(t)}) SELECT city, name FROM sums s WHERE total = (SELECT MAX(total) FROM sums WHERE city = s.city)`,
      })),
    },
    wrong: {
      'the limit itself is left out': pick((t) => ({
        [LARGE]: `SELECT COUNT(*) FROM ${t.records} WHERE ${t.value} > ${t.limit}`,
        [WITHOUT]: `SELECT p.name FROM ${t.persons} p LEFT JOIN ${t.records} r ON r.${t.key} = p.id AND r.${t.value} > ${t.limit} WHERE r.id IS NULL`,
        [BUSY]: `SELECT p.name FROM ${t.persons} p JOIN ${t.records} r ON r.${t.key} = p.id WHERE r.${t.value} > ${t.limit} GROUP BY p.id HAVING COUNT(*) >= 2 ORDER BY COUNT(*) DESC, p.name`,
      })),
      'an inner join loses persons without records': pick((t) => ({
        [SUMS]: `SELECT name, total FROM (${sums(t, 'JOIN')})`,
        [WITHOUT]: `SELECT p.name FROM ${t.persons} p JOIN ${t.records} r ON r.${t.key} = p.id GROUP BY p.id HAVING MAX(r.${t.value}) < ${t.limit}`,
        [BEST]: `WITH sums AS (${sums(t, 'JOIN')}) SELECT city, name FROM sums s WHERE total = (SELECT MAX(total) FROM sums WHERE city = s.city)`,
      })),
      'groups by the name': pick((t) => ({
        [SUMS]: `SELECT p.name, COALESCE(SUM(r.${t.value}), 0) FROM ${t.persons} p LEFT JOIN ${t.records} r ON r.${t.key} = p.id GROUP BY p.name`,
        [BUSY]: `SELECT p.name FROM ${t.persons} p JOIN ${t.records} r ON r.${t.key} = p.id WHERE r.${t.value} >= ${t.limit} GROUP BY p.name HAVING COUNT(*) >= 2 ORDER BY COUNT(*) DESC, p.name`,
      })),
      'counts persons and not records': pick((t) => ({
        [LARGE]: `SELECT COUNT(DISTINCT ${t.key}) FROM ${t.records} WHERE ${t.value} >= ${t.limit}`,
      })),
      'no zero for a missing sum': pick((t) => ({
        [SUMS]: `SELECT p.name, SUM(r.${t.value}) FROM ${t.persons} p LEFT JOIN ${t.records} r ON r.${t.key} = p.id GROUP BY p.id`,
      })),
      'any record that is not large will do': pick((t) => ({
        [WITHOUT]: `SELECT DISTINCT p.name FROM ${t.persons} p JOIN ${t.records} r ON r.${t.key} = p.id WHERE r.${t.value} < ${t.limit}`,
      })),
      'ordered by name alone': pick((t) => ({
        [BUSY]: `SELECT p.name FROM ${t.persons} p JOIN ${t.records} r ON r.${t.key} = p.id WHERE r.${t.value} >= ${t.limit} GROUP BY p.id HAVING COUNT(*) >= 2 ORDER BY p.name`,
      })),
      'one person a city, whoever comes first': pick((t) => ({
        [BEST]: `WITH sums AS (${sums(t)}), ranked AS (SELECT city, name, ROW_NUMBER() OVER (PARTITION BY city ORDER BY total DESC) AS place FROM sums) SELECT city, name FROM ranked WHERE place = 1`,
      })),
      'the best of all cities': pick((t) => ({
        [BEST]: `WITH sums AS (${sums(t)}) SELECT city, name FROM sums WHERE total = (SELECT MAX(total) FROM sums)`,
      })),
    },
    slow: {
      'counts without end': () =>
        'WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers) SELECT COUNT(*) FROM numbers',
    },
    steps: (p) => [
      'The tables are joined by the id of the person; persons without records must not be lost.',
      `The query returns ${p.ask}.`,
    ],
  },
  'sql',
)
