/** Difficulty levels by domain, as a setting writes them. */

/** Reads `math=AIME,code=Codeforces`; a fault completes "expected". */
export function parseLevels(text: string): Map<string, string> | { fault: string } {
  const levels = new Map<string, string>()
  for (const part of text.split(',').map((one) => one.trim())) {
    if (part === '') continue
    const [, domain, level] = /^([a-z][a-z0-9-]*)=([^=\n]+)$/.exec(part) ?? []
    if (domain === undefined || level === undefined)
      return { fault: `expected domain=level parts such as math=AIME,code=Codeforces, got "${part}"` }
    if (levels.has(domain)) return { fault: `expected each domain once, got ${domain} twice` }
    levels.set(domain, level)
  }
  return levels
}
