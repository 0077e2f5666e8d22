/** The longest delay that a timer takes, in milliseconds; a longer one would fire at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1

/** A clock that can be stopped: the time for which the engine behind the API has written. */
export class Clock {
  private lostMs = 0
  private stoppedMs: number | undefined
  /** It stands from here to there, by real time; what is past is in `lostMs`. */
  private stalled = { fromMs: 0, untilMs: 0 }

  get isStopped(): boolean {
    return this.stoppedMs !== undefined
  }

  /** Milliseconds since some moment, without those for which it stood. */
  get nowMs(): number {
    this.forget()
    const { fromMs, untilMs } = this.stalled
    return (untilMs > fromMs ? fromMs : this.realMs) - this.lostMs
  }

  /** Does nothing to a clock that stands. */
  stop(): void {
    this.forget()
    this.stoppedMs ??= performance.now()
  }

  /** Goes on where it stopped. */
  go(): void {
    if (this.stoppedMs === undefined) return
    const lostMs = performance.now() - this.stoppedMs
    this.stoppedMs = undefined
    this.lostMs += lostMs
    this.stalled = { fromMs: this.stalled.fromMs + lostMs, untilMs: this.stalled.untilMs + lostMs }
  }

  /** Stands for so long and goes on by itself; once more on top of what is still to come of the last time. */
  stall(ms: number): void {
    this.forget()
    if (this.stalled.untilMs === this.stalled.fromMs) this.stalled = { fromMs: this.realMs, untilMs: this.realMs }
    this.stalled.untilMs += ms
  }

  private get realMs(): number {
    return this.stoppedMs ?? performance.now()
  }

  private forget(): void {
    const { fromMs, untilMs } = this.stalled
    if (this.realMs < untilMs) return
    this.lostMs += untilMs - fromMs
    this.stalled = { fromMs: 0, untilMs: 0 }
  }
}
