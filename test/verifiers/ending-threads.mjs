// Loaded before the command: ends one of its worker threads at every twentieth task, in the middle of the work.
import { isMainThread } from 'node:worker_threads'
import { Piscina } from 'piscina'

const run = Piscina.prototype.run
let tasks = 0
let ended = 0
Piscina.prototype.run = function (...args) {
  tasks += 1
  if (tasks % 20 === 0) {
    const threads = this.threads
    void threads[ended % threads.length]?.terminate()
    ended += 1
  }
  return run.apply(this, args)
}
if (isMainThread) process.on('exit', () => process.stderr.write(`ended ${ended} threads\n`))
