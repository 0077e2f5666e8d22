/**
 * `npm run audit`: known vulnerabilities of what a user installs, by the registry's own list. An advisory that was looked at and does
 * no harm here stands in scripts/audit-allowed.json with the reason, until a day. Ends with 1 on any other.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** An advisory that is let pass. */
interface Allowed {
  /** Such as GHSA-xxxx-xxxx-xxxx. */
  advisory: string
  package: string
  /** Why it does no harm here. */
  reason: string
  /** The last day on which it is let pass, at most half a year ahead: 2027-01-31. */
  until: string
}

interface Advisory {
  name: string
  severity: string
  title: string
  url: string
}

/** What `npm audit --json` prints. */
interface Report {
  vulnerabilities?: Record<string, { via?: (string | Advisory)[] }>
  message?: string
  error?: { summary?: string; code?: string }
}

const file = 'scripts/audit-allowed.json'
const longestDays = 184

function npmAudit(): Promise<string> {
  return new Promise((resolve) => {
    const options = { maxBuffer: 64 << 20, timeout: 120_000 }
    // It ends with 1 where it finds anything: what it prints tells.
    execFile('npm', ['audit', '--omit=dev', '--json', ...process.argv.slice(2)], options, (_, stdout) =>
      resolve(stdout),
    )
  })
}

function reportOf(text: string): Report | undefined {
  try {
    return JSON.parse(text) as Report
  } catch {
    return undefined
  }
}

/** What is wrong with the list itself. */
function faultsOf(allowed: readonly Allowed[], today: string, found: readonly Advisory[]): string[] {
  const latest = new Date(Date.parse(today) + longestDays * 86_400_000).toISOString().slice(0, 10)
  return allowed.flatMap(({ advisory, reason, until }) => [
    ...(/^\d{4}-\d{2}-\d{2}$/.test(until) && until <= latest
      ? []
      : [`${file}: ${advisory}: until: expected a day up to ${latest}, got "${until}"`]),
    ...(until < today ? [`${file}: ${advisory} was let pass until ${until}: look again`] : []),
    ...(reason.trim() === '' ? [`${file}: ${advisory}: say why it does no harm`] : []),
    ...(found.some((one) => idOf(one) === advisory) ? [] : [`${file}: ${advisory} is no more: remove it`]),
  ])
}

const idOf = ({ url }: Advisory): string => url.split('/').at(-1) ?? url

const report = reportOf(await npmAudit())
if (report?.vulnerabilities === undefined) {
  const why = report?.message ?? report?.error?.summary ?? report?.error?.code ?? 'npm said nothing'
  console.log(`not audited: the registry does not tell advisories (${why.split('\n')[0]})`)
} else {
  const found = [
    ...new Map(
      Object.values(report.vulnerabilities)
        .flatMap(({ via = [] }) => via.filter((one) => typeof one !== 'string'))
        .map((one) => [`${idOf(one)} ${one.name}`, one]),
    ).values(),
  ]
  const allowed = JSON.parse(readFileSync(join(process.cwd(), file), 'utf8')) as Allowed[]
  const isAllowed = (one: Advisory): boolean =>
    allowed.some((entry) => entry.advisory === idOf(one) && entry.package === one.name)
  const faults = [
    ...found
      .filter((one) => !isAllowed(one))
      .map(
        (one) =>
          `${one.name}: ${one.severity}: ${one.title} (${one.url}): update it, or say in ${file} why it does no harm`,
      ),
    ...faultsOf(allowed, new Date().toISOString().slice(0, 10), found),
  ]
  for (const fault of faults) console.error(fault)
  console.log(`${found.length} advisories, ${found.filter(isAllowed).length} of them let pass`)
  process.exitCode = faults.length === 0 ? 0 : 1
}
