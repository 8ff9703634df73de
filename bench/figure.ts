/** One line of a benchmark's result; `ratio` is `value` over `beside.value`. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** The floor or the peer, measured in the same run. */
  readonly beside: { readonly name: string; readonly value: number }
  readonly ratio: number
  /** In words: what the ratio has to be. */
  readonly goal: string
  readonly holds: boolean
}

type Measured = Pick<Figure, 'name' | 'value' | 'unit' | 'beside'> & { readonly goal: number }

/** More is better: the ratio has to reach the goal. */
export function atLeast(measured: Measured): Figure {
  const ratio = ratioOf(measured)
  return { ...measured, ratio, goal: `≥ ${measured.goal}`, holds: ratio >= measured.goal }
}

/** Less is better: the ratio must not pass the goal. */
export function atMost(measured: Measured): Figure {
  const ratio = ratioOf(measured)
  return { ...measured, ratio, goal: `≤ ${measured.goal}`, holds: ratio <= measured.goal }
}

/** Printed beside the others, with nothing that it has to reach: `why` says so. */
export function printed({ why, ...measured }: Omit<Measured, 'goal'> & { readonly why: string }): Figure {
  return { ...measured, ratio: ratioOf(measured), goal: `none: ${why}`, holds: true }
}

export function median(values: readonly number[]): number {
  return percentile(values, 50)
}

/** The value that `rank` per cent lie below. */
export function percentile(values: readonly number[], rank: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const found = sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * rank) / 100))]
  if (found === undefined) throw new RangeError('no values')
  return found
}

function ratioOf({ value, beside }: Omit<Measured, 'goal'>): number {
  return Math.round((value / beside.value) * 1_000) / 1_000
}
