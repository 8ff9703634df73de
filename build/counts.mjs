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

/** @param {string} file report of vitest @returns {string[]} what failed, a line each */
export function vitestFailures(file) {
  const report = read(file)
  return (report?.testResults ?? []).flatMap((/** @type {any} */ suite) => {
    const failed = suite.assertionResults.filter((/** @type {any} */ one) => one.status === 'failed')
    if (failed.length === 0 && suite.status === 'failed')
      return [`${suite.name}: ${firstLine(suite.message)}`]
    return failed.map(
      (/** @type {any} */ one) => `${suite.name}: ${one.fullName}: ${firstLine(one.failureMessages[0])}`,
    )
  })
}

/** @param {string} file report of Playwright @returns {string[]} what failed, a line each */
export function playwrightFailures(file) {
  const report = read(file)
  /** @param {any} suite @returns {string[]} */
  const failuresOf = (suite) => [
    ...(suite.specs ?? [])
      .filter((/** @type {any} */ spec) => !spec.ok)
      .map((/** @type {any} */ spec) => {
        const results = spec.tests.flatMap((/** @type {any} */ test) => test.results)
        const message = results.find((/** @type {any} */ result) => result.error)?.error.message
        return `${spec.file}: ${spec.title}: ${firstLine(message)}`
      }),
    ...(suite.suites ?? []).flatMap(failuresOf),
  ]
  return (report?.suites ?? []).flatMap(failuresOf)
}

/** @param {string | undefined} message */
function firstLine(message) {
  return (message ?? 'no message').split('\n', 1)[0]
}

/** @param {string} file */
function read(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null
}
