/**
 * The named points where a test may end the process (or throw, which stands for a lost answer), in the order in which a write passes them.
 */
export const faultPoints = [
  /** The owner's record is written, nothing else yet. */
  'ownership:taken',
  /** A task's earlier owner is fenced; its state is not read yet. */
  'task:fenced',
  /** A write waits in memory. */
  'write:queued',
  /** The write transaction has begun. */
  'transaction:begun',
  /** About half of the transaction's entries are written. */
  'transaction:half-written',
  /** All entries are written; the transaction is not committed. */
  'transaction:written',
  /** Committed and synced; nobody has been told. */
  'transaction:synced',
  /** Deletion below an offset is recorded; not all of its batches are removed. */
  'retention:begun',
  /** Some batches of a partition are compacted, others not. */
  'compaction:begun',
  /** Work for the owner is written under a temporary name. */
  'inbox:written',
  /** Work for the owner lies in the inbox. */
  'inbox:delivered',
  /** The owner has applied handed-over work and not answered. */
  'inbox:applied',
  /** The owner has answered and not removed the work. */
  'inbox:answered',
] as const

/** A point where a test may end the process. */
export type FaultPoint = (typeof faultPoints)[number]
