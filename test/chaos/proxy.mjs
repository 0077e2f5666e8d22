// A TCP proxy before a broker that can lose the answers to commits: the broker has ended the transaction, and its client never hears of
// it. No other fault leaves a commit in doubt so surely: the moment between the two is a millisecond.
import { connect, createServer } from 'node:net'

/** Number of the protocol's request that ends a transaction. */
const endTransaction = 26
const host = '127.0.0.1'

export class Proxy {
  #server
  #target
  #pairs = new Set()
  #toLose = 0
  /** Answers lost so far. */
  lost = 0

  constructor(targetPort) {
    this.#target = targetPort
    this.#server = createServer((client) => this.#pass(client))
  }

  async listen(port) {
    await new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, host, resolve)
    })
  }

  /** Loses the next answers to commits, so many, each with its connection. */
  loseAnswers(count) {
    this.#toLose += count
  }

  close() {
    this.#server.close()
    for (const cut of this.#pairs) cut()
  }

  #pass(client) {
    const broker = connect(this.#target, host)
    const cut = () => {
      this.#pairs.delete(cut)
      client.destroy()
      broker.destroy()
    }
    this.#pairs.add(cut)
    for (const socket of [client, broker]) socket.setNoDelay(true).on('error', cut).on('close', cut)
    /** Of a commit whose answer is to be lost. */
    let correlation
    const requests = new Frames((head) => {
      if (correlation !== undefined || this.#toLose === 0 || head.readInt16BE(4) !== endTransaction) return true
      this.#toLose -= 1
      correlation = head.readInt32BE(8)
      return true
    }, 12)
    const answers = new Frames((head) => head.readInt32BE(4) !== correlation, 8)
    broker.on('connect', () =>
      client.on('data', (chunk) => {
        requests.take(chunk)
        if (!broker.write(chunk)) client.pause()
      }),
    )
    broker.on('data', (chunk) => {
      // What comes in one piece with the lost answer is lost with it, as on a broken line.
      if (!answers.take(chunk)) {
        this.lost += 1
        return cut()
      }
      if (!client.write(chunk)) broker.pause()
    })
    client.on('drain', () => broker.resume())
    broker.on('drain', () => client.resume())
  }
}

/** Finds the heads of frames in a stream: each frame is its size in four bytes, and so many bytes. */
class Frames {
  #onHead
  #headBytes
  #head = Buffer.alloc(0)
  #left = 0

  /** `onHead` gets the first bytes of each frame, its size among them, and says whether the stream goes on. */
  constructor(onHead, headBytes) {
    this.#onHead = onHead
    this.#headBytes = headBytes
  }

  /** @returns false once `onHead` has said so */
  take(chunk) {
    for (let at = 0; at < chunk.length;) {
      if (this.#left > 0) {
        const skipped = Math.min(this.#left, chunk.length - at)
        this.#left -= skipped
        at += skipped
        continue
      }
      const missing = this.#headBytes - this.#head.length
      this.#head = Buffer.concat([this.#head, chunk.subarray(at, at + missing)])
      at += Math.min(missing, chunk.length - at)
      if (this.#head.length < this.#headBytes) return true
      this.#left = this.#head.readInt32BE(0) + 4 - this.#headBytes
      const head = this.#head
      this.#head = Buffer.alloc(0)
      if (!this.#onHead(head)) return false
    }
    return true
  }
}
