/** Columns of rows, by the types that JSON lines, Parquet and trainers have in common. */

/** `integer` is exact up to 2^53; every value may be null but those of lists. */
export type ColumnType =
  'string' | 'boolean' | 'integer' | 'number' | { readonly list: ColumnType } | { readonly fields: Columns }

/** Column names and their types, in the order in which they are written. */
export type Columns = Readonly<Record<string, ColumnType>>

/** One row, whose keys are its columns. */
export type Cells = Record<string, unknown>

/** A turn of a chat. */
export const messageType = { fields: { role: 'string', content: 'string' } } as const satisfies ColumnType

/** A chat. */
export const messagesType = { list: messageType } as const satisfies ColumnType

export interface Message {
  role: 'user' | 'assistant'
  content: string
}

export function user(content: string): Message {
  return { role: 'user', content }
}

export function assistant(content: string): Message {
  return { role: 'assistant', content }
}
