/** Polynomials in x as text: `2x^2 - 3x + 1`. */

/** Coefficients from the highest power down, written in the usual way. */
export function writePolynomial(coefficients: number[]): string {
  let result = ''
  coefficients.forEach((coefficient, index) => {
    if (coefficient === 0) return
    const power = coefficients.length - 1 - index
    const variable = power === 0 ? '' : power === 1 ? 'x' : `x^${String(power)}`
    const size = Math.abs(coefficient) === 1 && power > 0 ? '' : String(Math.abs(coefficient))
    const sign = result === '' ? (coefficient < 0 ? '-' : '') : coefficient < 0 ? ' - ' : ' + '
    result += `${sign}${size}${variable}`
  })
  return result === '' ? '0' : result
}

/** The coefficients of a polynomial written by `writePolynomial`, highest power first; undefined where it is not one. */
export function readPolynomial(written: string): number[] | undefined {
  const terms = written.replaceAll(' ', '').match(/[+-]?[^+-]+/g)
  if (terms === null) return undefined
  const byPower = new Map<number, number>()
  for (const term of terms) {
    const match = /^([+-]?)(\d*)(x?)(?:\^(\d))?$/.exec(term)
    if (match === null) return undefined
    const [, sign, digits, variable, exponent] = match
    const power = variable === '' ? 0 : Number(exponent ?? 1)
    const size = digits === '' || digits === undefined ? 1 : Number(digits)
    byPower.set(power, (byPower.get(power) ?? 0) + (sign === '-' ? -size : size))
  }
  const highest = Math.max(...byPower.keys())
  return Array.from({ length: highest + 1 }, (_, index) => byPower.get(highest - index) ?? 0)
}

/** The pattern of a written polynomial. */
export const POLYNOMIAL_PATTERN = '[-+ x^0-9]+'
