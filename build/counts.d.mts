export interface Counts {
  readonly passed: number
  readonly failed: number
}

/** Counts of a JSON report; a report that is missing counts as one failure. */
export function vitestCounts(file: string): Counts
export function playwrightCounts(file: string): Counts
