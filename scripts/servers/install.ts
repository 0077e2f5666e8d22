/** Real OpenAI-compatible servers that come as wheels, each in a virtual environment of its own. */
import { installEnvironment } from '../virtual-environment.ts'

/** What pip installs for each server, and how much of the disk it takes. */
const packages = {
  // llama.cpp's own server inside a Python module; gguf writes its model.
  'llama.cpp': {
    folder: 'xllamacpp-2026.10.11549',
    wheels: ['xllamacpp==2026.10.11549', 'gguf==0.19.0'],
    mebibytes: 210,
  },
  'mlx-lm': { folder: 'mlx-lm-0.32.2', wheels: ['mlx-lm==0.32.2', 'mlx[cpu]==0.32.4'], mebibytes: 350 },
} as const

/** A server that can be installed. */
export type ServerName = keyof typeof packages

/** The Python that has the server. @throws MissingPackagesError */
export async function installServer(name: ServerName, report: (line: string) => void = () => {}): Promise<string> {
  const { folder, wheels, mebibytes } = packages[name]
  return await installEnvironment({ folder: `servers/${folder}`, name, installs: [{ wheels }], mebibytes }, report)
}
