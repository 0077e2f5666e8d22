/** How figures are told: one line each, as text or with --json. */

/** Tells figures, and counts those that miss their goal. What is not whole is rounded to four digits. */
export class Figures {
  missed = 0
  private readonly asJson: boolean

  constructor(asJson: boolean) {
    this.asJson = asJson
  }

  tell(name: string, value: number, goal = 'no goal', ok = true): void {
    if (!ok) this.missed += 1
    const rounded = Number.isInteger(value) ? value : Number(value.toPrecision(4))
    console.log(
      this.asJson
        ? JSON.stringify({ name, value: rounded, goal, ok })
        : `${name}: ${rounded} (goal ${goal}${ok ? '' : ', missed'})`,
    )
  }
}
