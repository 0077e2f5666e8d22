/** The keys that were added last: as many as are remembered, so that a server that runs for weeks stays as large as it is. */
export class RecentKeys {
  readonly #most: number
  readonly #keys = new Set<number>()

  /** @param most how many are remembered, 1 or more */
  constructor(most: number) {
    this.#most = most
  }

  has(key: number): boolean {
    return this.#keys.has(key)
  }

  /** Forgets the oldest where there are too many. */
  add(key: number): void {
    this.#keys.add(key)
    if (this.#keys.size <= this.#most) return
    const [oldest] = this.#keys
    if (oldest !== undefined) this.#keys.delete(oldest)
  }

  /** @returns whether it was remembered */
  delete(key: number): boolean {
    return this.#keys.delete(key)
  }

  clear(): void {
    this.#keys.clear()
  }
}
