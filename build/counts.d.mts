export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped?: number
}

/** Counts of a JSON report; a report that is missing counts as one failure. */
export function vitestCounts(file: string): Counts
/** The same; on Linux a skipped test counts as failed. */
export function playwrightCounts(file: string, platform: NodeJS.Platform): Counts
