/** What was noted last, by key: the note that is oldest goes when there are more than are to be remembered. */
export class Recent<Key, Value> {
  private readonly notes = new Map<Key, Value>()
  private readonly most: number

  constructor(most: number) {
    this.most = most
  }

  get(key: Key): Value | undefined {
    return this.notes.get(key)
  }

  /** Notes a value; it is the newest then. */
  set(key: Key, value: Value): void {
    this.notes.delete(key)
    this.notes.set(key, value)
    const [oldest] = this.notes.keys()
    if (this.notes.size > this.most && oldest !== undefined) this.notes.delete(oldest)
  }

  delete(key: Key): void {
    this.notes.delete(key)
  }
}
