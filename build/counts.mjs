// Counts of a runner's JSON report.
import { existsSync, readFileSync } from 'node:fs'

/** @typedef {{ passed: number, failed: number, skipped?: number }} Counts */

/** @param {string} file report of vitest @returns {Counts} */
export function vitestCounts(file) {
  const report = read(file)
  if (report === null) return { passed: 0, failed: 1 }
  // A file that does not load has failed without a test of its own.
  const broken = report.testResults.filter(
    (/** @type {any} */ suite) =>
      suite.status === 'failed' &&
      suite.assertionResults.every((/** @type {any} */ one) => one.status !== 'failed'),
  )
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests + report.numTodoTests,
  }
}

/**
 * @param {string} file report of Playwright
 * @param {NodeJS.Platform} platform on Linux everything that a test needs is provided: one that is skipped has failed
 * @returns {Counts}
 */
export function playwrightCounts(file, platform) {
  const report = read(file)
  if (report === null) return { passed: 0, failed: 1 }
  const { expected, unexpected, flaky, skipped } = report.stats
  // One that passed at the second attempt has failed once too often.
  const failed = unexpected + flaky + report.errors.length
  if (platform === 'linux') return { passed: expected, failed: failed + skipped, skipped: 0 }
  return { passed: expected, failed, skipped }
}

/** @param {string} file */
function read(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null
}
