export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped?: number
}

/** Counts of a JSON report; a report that is missing counts as one failure. */
export function vitestCounts(file: string): Counts
/** The same; on Linux a skipped test counts as failed. */
export function playwrightCounts(file: string, platform: NodeJS.Platform): Counts

/** The failed tests of a JSON report, a line each; none for a report that is missing. */
export function vitestFailures(file: string): readonly string[]
/** The same of Playwright: what counts as failed on that platform. */
export function playwrightFailures(file: string, platform: NodeJS.Platform): readonly string[]
