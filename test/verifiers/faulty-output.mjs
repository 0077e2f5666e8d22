// Loaded before the command: an answer that names UNWRITABLE cannot be made text, one that names UNSENDABLE cannot be written.
import { isMainThread } from 'node:worker_threads'

if (isMainThread) {
  const stringify = JSON.stringify
  JSON.stringify = (value, ...rest) => {
    const text = stringify(value, ...rest)
    if (text?.includes('"UNWRITABLE"') && text.includes('"tests"') && text.includes('"verdict"'))
      throw new RangeError('Invalid string length')
    return text
  }
  const write = process.stdout.write
  process.stdout.write = function (text, ...rest) {
    if (String(text).includes('UNSENDABLE')) throw new Error('a fault of the output')
    return write.call(this, text, ...rest)
  }
}
