/** What manifests are rendered for. */
import type { Processor } from '../../engine/processor.ts'

/** How the pods of a cluster are to be. */
export interface ClusterOptions {
  processors: readonly Processor[]
  /** With a tag or a digest. */
  image: string
  /** Of Kubernetes. */
  namespace: string
  /** The prefix of the corpus' topics; also of the users that its pods log in as. */
  corpus: string
  /** Strimzi's name of the Kafka cluster. */
  kafkaCluster: string
  /** Namespaces in which pods may reach brokers and registries; '' for any. */
  kafkaNamespace: string
  registryNamespace: string
  /** Copies of each partition; undefined: the brokers' default. */
  replication: number | undefined
  /** Whether pods log in with a password. */
  login: boolean
  drainSeconds: number
  /** As `run.budget`; '' for none. */
  budget: string
  /** Programs that a verifying pod runs at once. */
  verifierThreads: number
  /** Waiting records that one replica more is for, where no model is called. */
  recordsPerReplica: number
  /** Where KEDA asks for backlogs. */
  prometheus: string
  /** The namespace that may read /metrics. */
  monitoringNamespace: string
  /** URL under which the project's folder is read, for the links from alerts to runbooks; '' for paths in it. */
  documentation: string
}

/** Port of /metrics, /healthz and /readyz in every pod. */
export const metricsPort = 9464

/** Where brokers and registry listen: the ports that pods may reach. */
export const kafkaPorts = [9092, 9093, 9094] as const
export const registryPorts = [8080, 8081, 8443] as const
