/** What `wellspring doctor` looked at, what came of it, and the cure where there is one. */
export interface Finding {
  what: string
  state: 'works' | 'warning' | 'fault'
  detail: string
  cure?: string
}
