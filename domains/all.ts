/** All domains. A new one is a file and a line here. */
import { code } from './code.ts'
import type { Domain } from './domain.ts'
import { math } from './math.ts'
import { sql } from './sql.ts'

export const allDomains: readonly Domain[] = [math, code, sql]
