/** Kubernetes resources as plain data, and as files. */
import { stringify } from 'yaml'

/** A resource: what every kind has, and whatever its own has besides. */
export interface Resource {
  apiVersion: string
  kind: string
  metadata: {
    name: string
    namespace?: string
    labels?: Readonly<Record<string, string>>
    annotations?: Readonly<Record<string, string>>
  }
  [field: string]: unknown
}

/** First line of every rendered file: a file that begins so may be replaced and removed. */
export const renderedMark = '# Written by `wellspring k8s render`. Do not edit: patch it in an overlay, or render anew.'

/** A file of resources. Keys stand in the order in which they were given. */
export function fileOf(...resources: readonly object[]): string {
  return [
    renderedMark,
    ...resources.flatMap((one) => [
      '---',
      stringify(one, { lineWidth: 0, aliasDuplicateObjects: false, singleQuote: true }).trimEnd(),
    ]),
    '',
  ].join('\n')
}

/** A folder that kustomize takes as resources (into a namespace), or as a part that overlays choose. */
export function kustomization(
  kind: 'Kustomization' | 'Component',
  resources: readonly string[],
  namespace?: string,
): string {
  const version = kind === 'Component' ? 'v1alpha1' : 'v1beta1'
  return fileOf({ apiVersion: `kustomize.config.k8s.io/${version}`, kind, ...(namespace && { namespace }), resources })
}

const partOf = 'wellspring'

/** What selects all pods of this project. */
export const everyPod = { 'app.kubernetes.io/part-of': partOf } as const

/** What selects the pods of one workload. */
export function labelsOf(name: string): { readonly 'app.kubernetes.io/name': string } & typeof everyPod {
  return { 'app.kubernetes.io/name': name, ...everyPod }
}

/** Labels of pods that network policies go by. */
export const podLabels = {
  /** `true`: its processor calls model endpoints. */
  callsModels: 'wellspring/calls-models',
  /** `true`: programs that models wrote are run in it. */
  runsPrograms: 'wellspring/runs-programs',
} as const
