import { expect, it } from 'vitest'
import { exitCodes } from '../../cli/exit.ts'
import { simulateCommand } from '../../cli/simulate.ts'

it.each(['1e4', '65536', ''])('simulate --port %j is wrong usage', async (port) => {
  await expect(simulateCommand().parseAsync(['--port', port], { from: 'user' })).rejects.toMatchObject({
    exitCode: exitCodes.usage,
    message: `--port: expected 0 to 65535, got "${port}"`,
  })
})

it.each([
  [['--events', 'hang@60'], 'simulator options: events: "hang@60": expected a time such as 10s, 2m or 1h, got "60"'],
  [['--kv-tokens', '0'], 'simulator options: kvTokens: '],
  [['--kv-tokens', 'many'], '--kv-tokens: expected a number, got "many"'],
])('simulate %j is wrong usage, told in one line', async (options, message) => {
  const refused = await simulateCommand()
    .parseAsync(['--port', '0', ...options], { from: 'user' })
    .catch((error: unknown) => error)
  expect(refused).toMatchObject({ exitCode: exitCodes.usage })
  expect((refused as Error).message).toContain(message)
  expect((refused as Error).message).not.toContain('\n')
})
