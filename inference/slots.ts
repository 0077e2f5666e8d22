/**
 * Which waiting call goes to which endpoint, and when. A call waits at one endpoint of its model: at the one that has had
 * its prefix before, else at the least loaded. An endpoint that has a free slot and nobody waiting takes a call from
 * another's queue, with all that share its prefix, so no endpoint idles while another has a queue.
 *
 * Among those who wait the call that is nearest to the end of the stream goes first, then the one that has waited longest;
 * every eighth slot goes to the one that has waited longest whatever it is for, so that nothing starves.
 *
 * Endpoints of a model come and go while calls wait: those that wait for one that goes wait for the others, in their old order.
 */
import { onAbort } from '../topics/signals.ts'
import type { ConcurrencyLimit } from './limit.ts'
import { Recent } from './recent.ts'

/** Every so many slots one goes by the time waited alone. */
const FAIR_TURN = 8
/** Prefixes whose endpoint is remembered, for each model. */
const REMEMBERED_PREFIXES = 20_000

/** Orders waiting calls over all models, and endpoints by their last call. Only the order matters, so one counter serves all. */
let ticks = 0

/** How a call wants to be served. */
export interface Wish {
  /** Higher goes first. */
  priority?: number
  /** Calls that begin with the same text: they share an endpoint's prefix cache. */
  prefix?: string
  /** Endpoints that the call goes to only where no other one takes calls: it has failed there. */
  avoid?: ReadonlySet<EndpointSlots> | undefined
  /** Told why no endpoint takes calls while that is so, then undefined. */
  onOutage?: (why: string | undefined) => void
}

interface Waiter {
  readonly ticket: number
  readonly priority: number
  readonly prefix: string | undefined
  readonly avoid: ReadonlySet<EndpointSlots> | undefined
  readonly onOutage: Wish['onOutage']
  readonly enter: (endpoint: EndpointSlots) => void
}

/** The places for requests at one endpoint. */
export class EndpointSlots {
  readonly name: string
  readonly limit: ConcurrencyLimit
  private taken = 0
  private lastTaken = 0
  private turns = 0
  private readonly lines = new Set<ModelLine>()
  private why: string | undefined
  private whenEmpty: (() => void) | undefined

  constructor(name: string, limit: ConcurrencyLimit) {
    this.name = name
    this.limit = limit
  }

  get inFlight(): number {
    return this.taken
  }

  /** Calls that wait for this endpoint. */
  get waiting(): number {
    let sum = 0
    for (const line of this.lines) sum += line.waitingAt(this)
    return sum
  }

  get isFull(): boolean {
    return this.taken >= this.limit.value
  }

  /** Why it takes no calls, in one line; undefined while it does. */
  get paused(): string | undefined {
    return this.why
  }

  /** How full it is, with what waits: 1 is as much as it may have. */
  get load(): number {
    return (this.taken + this.waiting) / this.limit.value
  }

  /** When it took its last call: a smaller number is longer ago. */
  get lastCall(): number {
    return this.lastTaken
  }

  /** Whether it drains: what holds a slot ends, and nothing new comes. */
  get isRetired(): boolean {
    return this.whenEmpty !== undefined
  }

  /** Called by a line of a model that this endpoint serves from now on. */
  serve(line: ModelLine): void {
    this.lines.add(line)
  }

  /** Called by a line of a model that it serves no more. */
  dismiss(line: ModelLine): void {
    this.lines.delete(line)
  }

  /** For an endpoint that no line uses any more: tells when its last call has ended, at once where it has none. */
  retire(whenEmpty: () => void): void {
    this.whenEmpty = whenEmpty
    if (this.taken === 0) whenEmpty()
  }

  /** Takes a slot, whoever waits. */
  occupy(): void {
    this.taken += 1
    this.lastTaken = ticks += 1
  }

  /** Gives a slot back. */
  release(): void {
    this.taken -= 1
    if (this.whenEmpty === undefined) this.fill()
    else if (this.taken === 0) this.whenEmpty()
  }

  /** Takes no calls until `resume`; those in flight go on, and those that wait may go elsewhere. */
  pause(why: string): void {
    this.why = why
    for (const line of this.lines) line.endpointChanged()
  }

  resume(): void {
    if (this.why === undefined) return
    this.why = undefined
    for (const line of this.lines) line.endpointChanged()
  }

  /** Fills free slots; to be called when the limit was raised. */
  fill(): void {
    while (!this.isFull && this.why === undefined) {
      const isFairTurn = (this.turns + 1) % FAIR_TURN === 0
      const next = this.choose(isFairTurn)
      if (next === undefined) return
      this.turns += 1
      next.line.admit(next.waiter, this)
    }
  }

  /** The call that is next here: one that waits for this endpoint or for one that is away, else any that may come. */
  private choose(isFairTurn: boolean): Candidate | undefined {
    let best: Candidate | undefined
    for (const line of this.lines) {
      for (const candidate of line.candidatesFor(this, isFairTurn)) {
        if (best === undefined || precedes(candidate, best, isFairTurn)) best = candidate
      }
    }
    return best
  }
}

/** A waiting call. `isOwn`: it waits at the endpoint that has the slot, or at one that is away. */
interface Candidate {
  line: ModelLine
  waiter: Waiter
  isOwn: boolean
}

function precedes(one: Candidate, other: Candidate, isFairTurn: boolean): boolean {
  if (one.isOwn !== other.isOwn) return one.isOwn
  if (!isFairTurn && one.waiter.priority !== other.waiter.priority) return one.waiter.priority > other.waiter.priority
  return one.waiter.ticket < other.waiter.ticket
}

/** Calls that wait at one endpoint, by priority and then by age. */
class Queue {
  private readonly byPriority = new Map<number, Set<Waiter>>()
  size = 0

  add(waiter: Waiter): void {
    let set = this.byPriority.get(waiter.priority)
    if (set === undefined) this.byPriority.set(waiter.priority, (set = new Set()))
    set.add(waiter)
    this.size += 1
  }

  remove(waiter: Waiter): void {
    if (this.byPriority.get(waiter.priority)?.delete(waiter) === true) this.size -= 1
  }

  /** The next one that may go to the endpoint: the oldest of the highest priority, or the oldest of all. */
  first(mayGo: (waiter: Waiter) => boolean, isFairTurn: boolean): Waiter | undefined {
    let best: Waiter | undefined
    for (const set of this.byPriority.values()) {
      let oldest: Waiter | undefined
      for (const waiter of set) {
        if (!mayGo(waiter)) continue
        oldest = waiter
        break
      }
      if (oldest === undefined) continue
      if (best === undefined || (isFairTurn ? oldest.ticket < best.ticket : oldest.priority > best.priority))
        best = oldest
    }
    return best
  }
}

/** An endpoint of a model, and its share of the model's calls in relation to the others, above 0. */
export interface WeightedEndpoint {
  slots: EndpointSlots
  weight: number
}

/** What a line knows of one of its endpoints. */
interface Place {
  readonly queue: Queue
  weight: number
  /** Calls given to it in units of its weight: among equally loaded endpoints the one that has least is next. */
  given: number
}

/** The calls that wait for one model, and the endpoints that may take them. */
export class ModelLine {
  private readonly places = new Map<EndpointSlots, Place>()
  /** `given` of the endpoint that was chosen last, before it was: who was away or is new makes up for nothing. */
  private givenLast = 0
  private readonly homes = new Recent<string, EndpointSlots>(REMEMBERED_PREFIXES)
  private readonly sharing = new Map<string, Set<Waiter>>()
  private readonly placeOf = new Map<Waiter, EndpointSlots>()

  constructor(endpoints: readonly WeightedEndpoint[]) {
    this.use(endpoints)
  }

  get endpoints(): readonly EndpointSlots[] {
    return [...this.places.keys()]
  }

  /** Goes on with these endpoints, of which at least one is needed. Calls that wait for another one wait for these; calls that hold a slot keep it. */
  use(endpoints: readonly WeightedEndpoint[]): void {
    const weights = new Map(endpoints.map(({ slots, weight }) => [slots, weight]))
    for (const gone of this.endpoints.filter((one) => !weights.has(one))) gone.dismiss(this)
    const before = new Map(this.places)
    const waiting = [...this.placeOf]
    for (const [waiter] of waiting) this.leave(waiter)
    this.places.clear()
    for (const [slots, weight] of weights) {
      this.places.set(slots, { queue: new Queue(), weight, given: before.get(slots)?.given ?? 0 })
      if (!before.has(slots)) slots.serve(this)
    }
    for (const [waiter, place] of waiting) {
      this.wait(waiter, this.places.has(place) ? place : this.placeFor(waiter.prefix, waiter.avoid))
    }
    this.endpointChanged()
  }

  get length(): number {
    return this.placeOf.size
  }

  waitingAt(endpoint: EndpointSlots): number {
    return this.places.get(endpoint)?.queue.size ?? 0
  }

  /** Resolves to the endpoint whose slot the call then holds until `release`. Rejects with the reason of a signal that is aborted first. */
  async acquire(
    signals: readonly AbortSignal[],
    { priority = 0, prefix, avoid, onOutage }: Wish = {},
  ): Promise<EndpointSlots> {
    for (const signal of signals) signal.throwIfAborted()
    const place = this.placeFor(prefix, avoid)
    // Whoever waits goes first; `fill` leaves no slot free that one of them may have.
    if (!place.isFull && place.paused === undefined) {
      this.occupy(place)
      return place
    }
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        stopHearing()
        this.leave(waiter)
        onOutage?.(undefined)
      }
      const stopHearing = onAbort(signals, (reason) => {
        settle()
        reject(reason)
      })
      const waiter: Waiter = {
        ticket: (ticks += 1),
        priority,
        prefix,
        avoid,
        onOutage,
        enter: (endpoint) => {
          settle()
          this.occupy(endpoint)
          resolve(endpoint)
        },
      }
      this.wait(waiter, place)
      const why = this.outage()
      if (why !== undefined) onOutage?.(why)
    })
  }

  /** The first call of each queue, as a candidate for a slot of the endpoint. */
  *candidatesFor(endpoint: EndpointSlots, isFairTurn: boolean): Iterable<Candidate> {
    const mayGo = (waiter: Waiter): boolean => waiter.avoid?.has(endpoint) !== true || !this.hasOther(waiter.avoid)
    for (const [place, { queue }] of this.places) {
      const waiter = queue.first(mayGo, isFairTurn)
      if (waiter) yield { line: this, waiter, isOwn: place === endpoint || place.paused !== undefined }
    }
  }

  /** Hands a slot of the endpoint to a waiting call; those that share its prefix follow it. */
  admit(waiter: Waiter, endpoint: EndpointSlots): void {
    const { prefix } = waiter
    if (prefix !== undefined && waiter.avoid === undefined && this.placeOf.get(waiter) !== endpoint) {
      this.homes.set(prefix, endpoint)
      for (const sibling of [...(this.sharing.get(prefix) ?? [])]) {
        this.leave(sibling)
        this.wait(sibling, endpoint)
      }
    }
    waiter.enter(endpoint)
  }

  /** An endpoint went away or came back. */
  endpointChanged(): void {
    const why = this.outage()
    for (const waiter of this.placeOf.keys()) waiter.onOutage?.(why)
    for (const endpoint of this.endpoints) endpoint.fill()
  }

  /** Whether an endpoint beside these takes calls. */
  private hasOther(avoid: ReadonlySet<EndpointSlots>): boolean {
    return this.endpoints.some((one) => !avoid.has(one) && one.paused === undefined)
  }

  /** Why no endpoint takes calls; undefined where one does. */
  private outage(): string | undefined {
    const all = this.endpoints.map(({ paused }) => paused)
    return all.every((why) => why !== undefined) ? all.join('; ') : undefined
  }

  /** Where a call goes or waits. */
  private placeFor(prefix: string | undefined, avoid: Wish['avoid']): EndpointSlots {
    const sound = this.endpoints.filter(({ paused }) => paused === undefined)
    const others = sound.filter((endpoint) => avoid?.has(endpoint) !== true)
    const choice = [others, sound, this.endpoints].find(({ length }) => length > 0) ?? []
    const home = prefix === undefined ? undefined : this.homes.get(prefix)
    const idle = choice.filter((endpoint) => !endpoint.isFull)
    // A home that is full is waited for, unless another has nothing to do.
    const place =
      home !== undefined && choice.includes(home) && (!home.isFull || idle.length === 0)
        ? home
        : (idle.length > 0 ? idle : choice).reduce((best, one) => (this.precedes(one, best) ? one : best))
    if (prefix !== undefined && avoid === undefined) this.homes.set(prefix, place)
    return place
  }

  /** Whether a call rather goes to `one`: less loaded for its weight; among equals by turns of their weights. */
  private precedes(one: EndpointSlots, other: EndpointSlots): boolean {
    const [ours, theirs] = [this.places.get(one), this.places.get(other)]
    if (ours === undefined || theirs === undefined) return false
    const byLoad = one.load / ours.weight - other.load / theirs.weight
    if (byLoad !== 0) return byLoad < 0
    const byTurn = Math.max(this.givenLast, ours.given) - Math.max(this.givenLast, theirs.given)
    return byTurn < 0 || (byTurn === 0 && one.lastCall < other.lastCall)
  }

  private occupy(endpoint: EndpointSlots): void {
    endpoint.occupy()
    const place = this.places.get(endpoint)
    if (place === undefined) return
    this.givenLast = Math.max(this.givenLast, place.given)
    place.given = this.givenLast + 1 / place.weight
  }

  private wait(waiter: Waiter, place: EndpointSlots): void {
    this.placeOf.set(waiter, place)
    this.places.get(place)?.queue.add(waiter)
    if (waiter.prefix === undefined) return
    const siblings = this.sharing.get(waiter.prefix)
    if (siblings) siblings.add(waiter)
    else this.sharing.set(waiter.prefix, new Set([waiter]))
  }

  private leave(waiter: Waiter): void {
    const place = this.placeOf.get(waiter)
    if (place === undefined) return
    this.placeOf.delete(waiter)
    this.places.get(place)?.queue.remove(waiter)
    if (waiter.prefix === undefined) return
    const siblings = this.sharing.get(waiter.prefix)
    siblings?.delete(waiter)
    if (siblings?.size === 0) this.sharing.delete(waiter.prefix)
  }
}
