/** Columns of numbers that grow: what an index holds of millions of records lies outside of the heap, in a few bytes each. */

interface Numbers {
  readonly length: number
  [index: number]: number
  set(from: ArrayLike<number>): void
  readonly byteLength: number
}

/** Numbers by index; those that were never set are 0. */
export class Column {
  readonly #make: (length: number) => Numbers
  #numbers: Numbers
  #length = 0

  private constructor(make: (length: number) => Numbers) {
    this.#make = make
    this.#numbers = make(64)
  }

  static bytes(): Column {
    return new Column((length) => new Uint8Array(length))
  }

  /** 0 to 65,535. */
  static shorts(): Column {
    return new Column((length) => new Uint16Array(length))
  }

  static integers(): Column {
    return new Column((length) => new Uint32Array(length))
  }

  /** Times, offsets: whole numbers of any size. */
  static numbers(): Column {
    return new Column((length) => new Float64Array(length))
  }

  get length(): number {
    return this.#length
  }

  get byteLength(): number {
    return this.#numbers.byteLength
  }

  get(index: number): number {
    return index < this.#length ? (this.#numbers[index] ?? 0) : 0
  }

  /** The numbers themselves, at least so many: for loops over all of them. Good until the next change. */
  view(length: number): ArrayLike<number> {
    this.#reserve(length)
    return this.#numbers
  }

  set(index: number, value: number): void {
    this.#reserve(index + 1)
    this.#numbers[index] = value
    if (index >= this.#length) this.#length = index + 1
  }

  #reserve(length: number): void {
    if (length <= this.#numbers.length) return
    const grown = this.#make(Math.max(length, Math.ceil(this.#numbers.length * 1.5)))
    grown.set(this.#numbers)
    this.#numbers = grown
  }

  /** Of all numbers. */
  sum(): number {
    let sum = 0
    for (let index = 0; index < this.#length; index++) sum += this.#numbers[index] ?? 0
    return sum
  }

  /** @returns the index of the value */
  push(value: number): number {
    const index = this.#length
    this.set(index, value)
    return index
  }
}

/** Texts that many records share, such as models: each has a number, from 1; 0 is none. */
export class Names {
  readonly #numbers = new Map<string, number>()
  readonly #names: string[] = ['']

  /** The number of a name, which is taken in where it is new. */
  numberOf(name: string): number {
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    const number = this.#names.length
    this.#numbers.set(name, number)
    this.#names.push(name)
    return number
  }

  find(name: string): number | undefined {
    return this.#numbers.get(name)
  }

  nameOf(number: number): string {
    return this.#names[number] ?? ''
  }

  /** All of them with their numbers, as they came. */
  *entries(): Generator<[number: number, name: string]> {
    for (let number = 1; number < this.#names.length; number++) yield [number, this.nameOf(number)]
  }
}
