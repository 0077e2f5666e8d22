/**
 * A streamed answer, put together again: reads the server-sent events of /chat/completions or /completions (WHATWG HTML, "Server-sent events")
 * and gives the body that a plain answer would have had. Bytes may be split anywhere.
 */
import { redactedBeginning } from '../engine/secrets.ts'
import { isMapping, parseBody, refuseError } from './answers.ts'
import { FaultError } from './failures.ts'

const lineFeed = 10
const carriageReturn = 13
const colon = 58
const space = 32
const quote = 34
const backslash = 92

/** So many pieces of a text are joined at once: a text of a piece for each token would take several times its length. */
const piecesOfBlock = 256

/** So many bytes of a text are decoded at once. */
const bytesOfBlock = 1024

/** Parts of one line that are kept apart. */
const mostPending = 1024

/** So many events in a row that are like none before, and likeness is no longer looked for. */
const mostMisses = 32

/** Events that differ in one text alone, as those of a stream mostly do: their bytes before it and after it. */
interface Shape {
  before: Buffer
  after: Buffer
  field: 'content' | 'reasoning'
}

/** One streamed answer. Holds at most `mostBytes`, whatever is sent. */
export class StreamedAnswer {
  /**
   * When the answer last got further, by performance.now(): with each event that brings text, and with any event or comment until the first text. A server that queues the call sends
   * comments; a proxy before one that hangs sends them too.
   */
  progressedMs = performance.now()
  /** When its first text came, by performance.now(); undefined before. */
  firstTextMs: number | undefined
  /** It came as one plain body although a stream was asked for. */
  isPlain = false
  /** The end mark has come. */
  isDone = false
  /** Resolves when the end mark comes, rejects with what `push` throws. */
  readonly done: Promise<void>
  private settle: { resolve: () => void; reject: (error: unknown) => void } | undefined
  private readonly mode: 'chat' | 'raw'
  private readonly mostBytes: number
  private size = 0
  /** Bytes of a line whose end has not come. */
  private pending: Buffer[] = []
  /** The last line ended with a carriage return: a line feed that follows is part of its end. */
  private endsInReturn = false
  private hasBegun = false
  private isEnding = false
  /** Data of the event whose end has not come. */
  private data: string | undefined
  private heard = false
  private hasChoice = false
  private finishReason: unknown
  private readonly plain = new Text()
  private readonly content = new Text()
  private readonly reasoning = new Text()
  private sentUsage: Record<string, unknown> | undefined
  private shape: Shape | undefined
  private misses = 0

  constructor(mode: 'chat' | 'raw', mostBytes: number) {
    this.mode = mode
    this.mostBytes = mostBytes
    this.done = new Promise((resolve, reject) => (this.settle = { resolve, reject }))
    this.done.catch(() => undefined)
  }

  /** Nothing that could still come would change the text. */
  get isWhole(): boolean {
    return this.isDone || this.finishReason !== undefined
  }

  /** Characters so far. */
  get lengths(): { reasoning: number; text: number } {
    return { reasoning: this.reasoning.length, text: this.content.length }
  }

  /** What the endpoint last counted, unread. */
  get usage(): Record<string, unknown> | undefined {
    return this.sentUsage
  }

  /** The next bytes. Throws FaultError where they are no stream of completions, say an error, or are too many. */
  push(bytes: Uint8Array): void {
    try {
      this.take(bytes)
    } catch (error) {
      this.settle?.reject(error)
      throw error
    }
  }

  private take(bytes: Uint8Array): void {
    this.size += bytes.length
    if (this.size > this.mostBytes)
      throw new FaultError({ kind: 'malformed', detail: `an answer of more than ${this.mostBytes} bytes` })
    const read = this.readAlike(bytes)
    if (read === bytes.length) return
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset + read, bytes.length - read)
    // Neither byte is ever a part of another character in UTF-8: a text that is cut after one is whole.
    const end =
      chunk[chunk.length - 1] === lineFeed
        ? chunk.length
        : Math.max(chunk.lastIndexOf(lineFeed), chunk.lastIndexOf(carriageReturn)) + 1
    if (end === 0) {
      // Each has a cost of its own, however small.
      if (this.pending.push(chunk) > mostPending) this.pending = [Buffer.concat(this.pending)]
      return
    }
    const lines =
      this.pending.length === 0
        ? chunk.toString('utf8', 0, end)
        : Buffer.concat([...this.pending.splice(0), chunk.subarray(0, end)]).toString('utf8')
    if (end < chunk.length) this.pending.push(chunk.subarray(end))
    this.readText(lines)
  }

  /** No more bytes come. @returns the body of the answer. Throws FaultError where it is none, or broke off. */
  end(): Record<string, unknown> {
    this.isEnding = true
    const rest = Buffer.concat(this.pending.splice(0)).toString('utf8')
    // A last line without an end counts where it is whole.
    if (rest !== '') this.readText(`${rest}\n`)
    this.dispatch()
    if (this.isPlain || !this.heard) return parseBody(this.plain.take())
    if (!this.isWhole) {
      const { reasoning, text } = this.lengths
      throw brokenOff(`the stream ended before the answer did, after ${reasoning + text} characters`)
    }
    return this.body()
  }

  /** The body that a plain answer would have had, of what has come. */
  body(): Record<string, unknown> {
    const usage = this.sentUsage === undefined ? {} : { usage: this.sentUsage }
    if (!this.hasChoice) return { choices: [], ...usage }
    const reasoning = this.reasoning.length === 0 ? {} : { reasoning: this.reasoning.take() }
    const text = this.content.take()
    const written =
      this.mode === 'chat' ? { message: { role: 'assistant', content: text, ...reasoning } } : { text, ...reasoning }
    return { choices: [{ index: 0, ...written, finish_reason: this.finishReason ?? null }], ...usage }
  }

  /** Whole lines, each with its end. */
  private readText(text: string): void {
    if (this.isPlain) return this.plain.add(text)
    let lines = text
    if (this.endsInReturn && lines.startsWith('\n')) lines = lines.slice(1)
    this.endsInReturn = text.endsWith('\r')
    if (!this.hasBegun) {
      if (lines.startsWith('\uFEFF')) lines = lines.slice(1)
      const first = lines.trimStart()[0]
      if (first === undefined) return
      this.hasBegun = true
      // A comment, or one of the fields data, event, id, retry: else these are no events.
      this.isPlain = !':deir'.includes(first)
    }
    if (this.isPlain) return this.plain.add(lines)
    if (lines.includes('\r')) lines = lines.replace(/\r\n?/g, '\n')
    for (let from = 0; from < lines.length;) {
      const end = lines.indexOf('\n', from)
      this.readLine(lines, from, end)
      from = end + 1
    }
  }

  private readLine(lines: string, from: number, end: number): void {
    if (from === end) return this.dispatch()
    if (lines.charCodeAt(from) === colon) {
      this.heard = true
      if (this.content.length + this.reasoning.length === 0) this.progressedMs = performance.now()
      return
    }
    // The other fields say nothing here.
    if (!lines.startsWith('data', from)) return
    const name = from + 4
    if (name < end && lines.charCodeAt(name) !== colon) return
    const value = lines.charCodeAt(name + 1) === space ? name + 2 : name + 1
    const data = lines.slice(value, Math.max(value, end))
    this.data = this.data === undefined ? data : `${this.data}\n${data}`
  }

  /** An event is whole. */
  private dispatch(): void {
    const { data } = this
    if (data === undefined) return
    this.data = undefined
    this.heard = true
    if (this.isDone) return
    const before = this.content.length + this.reasoning.length
    if (data.startsWith('[DONE]')) {
      this.isDone = true
      this.settle?.resolve()
    } else if (data !== '') this.readOther(data)
    // Once the text has begun, events that bring none show no progress.
    const hasText = this.content.length + this.reasoning.length > before
    if (before === 0 || hasText) this.progressedMs = performance.now()
    if (hasText) this.firstTextMs ??= this.progressedMs
  }

  /**
   * Reads whole events like one before without parsing them, which would take most of the time of a stream.
   * @returns how many bytes they are: what comes after them is to be read otherwise
   */
  private readAlike(chunk: Uint8Array): number {
    const { shape } = this
    if (shape === undefined || this.isDone || this.data !== undefined || this.pending.length > 0) return 0
    const { before, after, field } = shape
    let read = 0
    while (isAt(before, chunk, read)) {
      const from = read + before.length
      const end = endOfPlain(chunk, from)
      if (end === from || !isAt(after, chunk, end)) break
      this[field].addBytes(chunk, from, end)
      read = end + after.length
    }
    if (read === 0) return 0
    this.heard = true
    this.endsInReturn = false
    this.progressedMs = performance.now()
    this.misses = 0
    return read
  }

  private readOther(data: string): void {
    const before = this.lengths
    this.readEvent(data)
    if (this.misses === mostMisses) return
    this.misses += 1
    const { reasoning, text } = this.lengths
    if (text !== before.text) this.learnShape(data, 'content')
    else if (reasoning !== before.reasoning) this.learnShape(data, 'reasoning')
  }

  /** Remembers how this event is made, where any other text in the place of its last piece would have been that piece and nothing else. */
  private learnShape(data: string, field: Shape['field']): void {
    const { last } = this[field]
    const at = data.indexOf(`"${last}"`)
    if (at < 0 || !standsForItself(last)) return
    const [before, after] = [data.slice(0, at + 1), data.slice(at + 1 + last.length)]
    const trial = new StreamedAnswer(this.mode, Infinity)
    try {
      trial.readEvent(`${before}${trialText}${after}`)
    } catch {
      return
    }
    const { reasoning, text } = trial.lengths
    const isPiece = trial[field].take() === trialText && reasoning + text === trialText.length
    if (isPiece && trial.finishReason === undefined && trial.sentUsage === undefined)
      this.shape = { before: Buffer.from(`data: ${before}`), after: Buffer.from(`${after}\n\n`), field }
  }

  private readEvent(data: string): void {
    let event: unknown
    try {
      event = JSON.parse(data)
    } catch {
      // The last event of a stream that was cut off.
      if (this.isEnding) return
      throw new FaultError({ kind: 'malformed', detail: `an event that is no JSON but ${redactedBeginning(data, 80)}` })
    }
    if (!isMapping(event))
      throw new FaultError({ kind: 'malformed', detail: `an event that is no object: ${redactedBeginning(data, 80)}` })
    this.refuseErrorOf(event, data)
    if (isMapping(event['usage'])) this.sentUsage = event['usage']
    if (!Array.isArray(event['choices'])) return
    for (const choice of event['choices'] as unknown[])
      if (isMapping(choice) && (choice['index'] === 0 || choice['index'] === undefined)) this.readChoice(choice)
  }

  /** An error after the first text is a generation that broke off, whatever its status: the call has cost something. */
  private refuseErrorOf(event: Record<string, unknown>, data: string): void {
    try {
      refuseError(event, data)
    } catch (error) {
      if (this.content.length + this.reasoning.length === 0) throw error
      throw brokenOff(redactedBeginning(data, 200))
    }
  }

  private readChoice(choice: Record<string, unknown>): void {
    this.hasChoice = true
    const finish = choice['finish_reason']
    // Some send an empty one with each piece.
    if (finish !== null && finish !== undefined && finish !== '') this.finishReason = finish
    // Some servers send the whole message as one event.
    const delta = this.mode === 'chat' ? (choice['delta'] ?? choice['message']) : choice
    if (!isMapping(delta)) return
    add(this.content, this.mode === 'chat' ? delta['content'] : delta['text'])
    // Some have both fields, one of them empty.
    add(
      this.reasoning,
      delta['reasoning'] === '' ? delta['reasoning_content'] : (delta['reasoning'] ?? delta['reasoning_content']),
    )
  }
}

const brokenOff = (detail: string): FaultError => new FaultError({ kind: 'broken-off', detail })

/** Adds what a delta says: text, or a list of text parts. */
function add(text: Text, delta: unknown): void {
  if (typeof delta === 'string') text.add(delta)
  else if (Array.isArray(delta)) {
    for (const part of delta as unknown[])
      if (isMapping(part) && typeof part['text'] === 'string') text.add(part['text'])
  } else if (delta !== null && delta !== undefined) {
    throw new FaultError({ kind: 'malformed', detail: `a delta that is no text but ${typeof delta}` })
  }
}

/** In no event. */
const trialText = 'a text in the place of another'

/** Whether a text is written in JSON as it is. */
function standsForItself(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code < space || code === quote || code === backslash) return false
  }
  return true
}

/** Where what is written in JSON as it is ends. */
function endOfPlain(chunk: Uint8Array, from: number): number {
  let at = from
  for (; at < chunk.length; at += 1) {
    const byte = chunk[at]
    if (byte === undefined || byte < space || byte === quote || byte === backslash) break
  }
  return at
}

/** Whether these bytes are in a chunk at a place. */
function isAt(bytes: Buffer, chunk: Uint8Array, place: number): boolean {
  const end = place + bytes.length
  return end <= chunk.length && bytes.compare(chunk, place, end, 0, bytes.length) === 0
}

/** A text that comes in many small pieces. */
class Text {
  /** In UTF-16 units. */
  length = 0
  last = ''
  private readonly blocks: string[] = []
  private readonly pieces: string[] = []
  /** Its end, not yet decoded: a string for each piece would be most of the garbage of a stream. */
  private bytes: Uint8Array | undefined
  private used = 0

  add(piece: string): void {
    if (piece === '') return
    this.decode()
    this.length += piece.length
    this.last = piece
    this.append(piece)
  }

  /** Whole characters in UTF-8. */
  addBytes(chunk: Uint8Array, from: number, end: number): void {
    if (end - from > bytesOfBlock) return this.add(decoded(chunk, from, end))
    if (this.used + end - from > bytesOfBlock) this.decode()
    const bytes = (this.bytes ??= new Uint8Array(bytesOfBlock))
    for (let at = from; at < end; at += 1) {
      const byte = chunk[at] ?? 0
      bytes[this.used++] = byte
      // Each byte that begins a character is a unit, that of a character of four bytes two.
      if ((byte & 0xc0) !== 0x80) this.length += byte < 0xf0 ? 1 : 2
    }
  }

  /** The whole text. */
  take(): string {
    this.decode()
    return [...this.blocks, ...this.pieces].join('')
  }

  private decode(): void {
    if (this.bytes === undefined || this.used === 0) return
    this.append(decoded(this.bytes, 0, this.used))
    this.used = 0
  }

  private append(piece: string): void {
    if (this.pieces.push(piece) === piecesOfBlock) this.blocks.push(this.pieces.splice(0).join(''))
  }
}

const decoded = ({ buffer, byteOffset }: Uint8Array, from: number, end: number): string =>
  Buffer.from(buffer, byteOffset + from, end - from).toString('utf8')
