/**
 * What the relay can tell of the vault that a device was opened from, by the tokens it gave out and by the envelopes
 * that were acknowledged to it (ARCHITECTURE section 4, vault generation). On the wire: the place in this list, from 1.
 */
export const generationVerdicts = [
  /** No token was ever confirmed: a new device. */
  'first',
  /** The last token, of the same run of the program or after an orderly stop. */
  'current',
  /** The last token, of a run that ended without a stop: something may have left after it. */
  'unsure',
  /** Another token, or behind what was acknowledged: a copy, or an older state that was put back. */
  'foreign',
] as const

export type GenerationVerdict = (typeof generationVerdicts)[number]

export function verdictNumber(verdict: GenerationVerdict): number {
  return generationVerdicts.indexOf(verdict) + 1
}

/** Null for a number of no verdict: the answer is then malformed. */
export function verdictOf(place: number): GenerationVerdict | null {
  return generationVerdicts[place - 1] ?? null
}
