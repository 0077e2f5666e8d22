/** Python with the trainers' own libraries, for the suite that reads exports with them. */
import { installEnvironment } from '../virtual-environment.ts'

/** The Python that has them. @throws MissingPackagesError */
export async function installTrainers(report: (line: string) => void = () => {}): Promise<string> {
  return await installEnvironment(
    {
      folder: 'trainers/trl-1.16.0',
      name: 'the trainers',
      installs: [
        { wheels: ['datasets==5.2.0', 'pyarrow==26.0.1', 'trl==1.16.0', 'torch==2.15.0', 'accelerate==1.15.0'] },
        { wheels: ['pylatexenc==2.11', 'colorama==0.4.6', 'addict==2.4.0'] },
        // All that they pull in besides asks for CUDA; their functions that read rows do not.
        { wheels: ['openrlhf==0.11.2', 'axolotl==0.19.0'], withoutDependencies: true },
      ],
      mebibytes: 6100,
    },
    report,
  )
}
