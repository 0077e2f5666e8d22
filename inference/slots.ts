/**
 * Slots of endpoints, handed out first come, first served. A call waits for its model, not for an endpoint: the first
 * endpoint of the model with a free slot takes it, so no endpoint idles while another has a queue.
 */

/** Orders waiting calls over all models, and endpoints by their last call. Only the order matters, so one counter serves all. */
let ticks = 0

/** The places for requests at one endpoint. */
export class EndpointSlots {
  readonly name: string
  /** Most requests in flight at once. */
  readonly limit: number
  private taken = 0
  private lastTaken = 0
  private readonly lines: ModelLine[] = []
  private pauseTimer: NodeJS.Timeout | undefined

  constructor(name: string, limit: number) {
    this.name = name
    this.limit = limit
  }

  get inFlight(): number {
    return this.taken
  }

  /** Calls that this endpoint may take when a slot is free. A call with several endpoints counts at each. */
  get waiting(): number {
    return this.lines.reduce((sum, line) => sum + line.length, 0)
  }

  get isFull(): boolean {
    return this.taken >= this.limit
  }

  get isPaused(): boolean {
    return this.pauseTimer !== undefined
  }

  /** Called by a line of a model that this endpoint serves. */
  serve(line: ModelLine): void {
    this.lines.push(line)
  }

  /** Takes a slot, whoever waits: called by the line that has checked whose turn it is. */
  occupy(): void {
    this.taken += 1
    this.lastTaken = ticks += 1
  }

  /** Gives a slot back; the call that has waited longest for this endpoint gets it. */
  release(): void {
    this.taken -= 1
    this.fill()
  }

  /**
   * For `seconds`, calls prefer the other endpoints of their model. Where all are paused, none is preferred and calls
   * go out: their callers must hear of the outage. A pause in force is not made longer.
   */
  pause(seconds: number): void {
    if (this.pauseTimer !== undefined) return
    this.pauseTimer = setTimeout(() => {
      this.resume()
    }, seconds * 1000)
    this.pauseTimer.unref()
    // This may have been the last endpoint of a model that was not paused: then its calls may go anywhere.
    for (const line of this.lines) for (const endpoint of line.endpoints) endpoint.fill()
  }

  /** Ends a pause. */
  resume(): void {
    clearTimeout(this.pauseTimer)
    this.pauseTimer = undefined
    this.fill()
  }

  /** Whether a call goes here rather than to `other`: less loaded; among equals the one that took its last call earlier. */
  precedes(other: EndpointSlots): boolean {
    const difference = this.taken / this.limit - other.taken / other.limit
    return difference < 0 || (difference === 0 && this.lastTaken < other.lastTaken)
  }

  /** Fills free slots with the calls that have waited longest, whatever their model. */
  private fill(): void {
    while (!this.isFull) {
      let first: ModelLine | undefined
      for (const line of this.lines) {
        if (line.oldest < (first?.oldest ?? Infinity) && line.mayUse(this)) first = line
      }
      if (first === undefined) return
      first.admit(this)
    }
  }
}

/** A node of a doubly linked list: a call that gives up leaves the middle of the line at no cost. */
interface Waiter {
  ticket: number
  enter: (endpoint: EndpointSlots) => void
  previous: Waiter | undefined
  next: Waiter | undefined
}

/** The calls that wait for one model, oldest first, and the endpoints that may take them. */
export class ModelLine {
  readonly endpoints: readonly EndpointSlots[]
  private waiters = 0
  private head: Waiter | undefined
  private tail: Waiter | undefined

  constructor(endpoints: readonly EndpointSlots[]) {
    this.endpoints = endpoints
    for (const endpoint of endpoints) endpoint.serve(this)
  }

  get length(): number {
    return this.waiters
  }

  /** The ticket of the call that has waited longest; infinite when nobody waits. */
  get oldest(): number {
    return this.head?.ticket ?? Infinity
  }

  /** Whether a call may go to the endpoint now: it is not paused, or all are. */
  mayUse(endpoint: EndpointSlots): boolean {
    return !endpoint.isPaused || this.endpoints.every(({ isPaused }) => isPaused)
  }

  /** Resolves to the endpoint whose slot the call then holds until `release`. Rejects with the signal's reason when aborted first. */
  async acquire(signal: AbortSignal): Promise<EndpointSlots> {
    signal.throwIfAborted()
    // `fill` leaves no slot free that a waiting call may have, so nobody is overtaken here.
    let best: EndpointSlots | undefined
    for (const endpoint of this.endpoints) {
      if (!endpoint.isFull && this.mayUse(endpoint) && (best === undefined || endpoint.precedes(best))) best = endpoint
    }
    if (best !== undefined) {
      best.occupy()
      return best
    }
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.remove(waiter)
        reject(signal.reason as Error)
      }
      const waiter: Waiter = {
        ticket: (ticks += 1),
        enter: (endpoint) => {
          signal.removeEventListener('abort', giveUp)
          this.remove(waiter)
          endpoint.occupy()
          resolve(endpoint)
        },
        previous: this.tail,
        next: undefined,
      }
      if (this.tail === undefined) this.head = waiter
      else this.tail.next = waiter
      this.tail = waiter
      this.waiters += 1
      signal.addEventListener('abort', giveUp, { once: true })
    })
  }

  /** Hands a slot of the endpoint to the call that has waited longest. */
  admit(endpoint: EndpointSlots): void {
    this.head?.enter(endpoint)
  }

  private remove(waiter: Waiter): void {
    if (waiter.previous === undefined) this.head = waiter.next
    else waiter.previous.next = waiter.next
    if (waiter.next === undefined) this.tail = waiter.previous
    else waiter.next.previous = waiter.previous
    this.waiters -= 1
  }
}
