/** What kept a development cluster from starting, for a program to tell apart. */
export type ClusterErrorCode =
  /** A tool of the machine is missing or too old: Java, Maven or openssl. */
  | 'tool_missing'
  /** Maven could not fetch the files. */
  | 'download_failed'
  /** Another process runs a cluster in this folder. */
  | 'busy'
  /** A port that was asked for is taken. */
  | 'port_taken'
  /** The folder holds something else: other files, or data of another version or number of nodes. */
  | 'other_contents'
  /** A broker or the registry stopped, or did not answer in time. */
  | 'start_failed'

/** A cluster that cannot be started; the message is one line that says what to do. */
export class ClusterError extends Error {
  readonly code: ClusterErrorCode
  constructor(code: ClusterErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The last line of a Java program's output that tells of trouble, else its last line; no stack trace, at most 300 characters. */
export function tellingLine(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '' && !/^\s+(at |\.\.\.)/.test(line))
  const telling = lines.findLast((line) => /\b(ERROR|FATAL)\b|Exception|Error\b/.test(line))
  return (telling ?? lines.at(-1) ?? 'it said nothing').trim().slice(0, 300)
}
