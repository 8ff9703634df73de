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
      return [`${suite.name}: ${inOneLine(suite.message)}`]
    return failed.map(
      (/** @type {any} */ one) => `${suite.name}: ${one.fullName}: ${inOneLine(one.failureMessages[0])}`,
    )
  })
}

/**
 * @param {string} file report of Playwright
 * @param {NodeJS.Platform} platform as for the counts
 * @returns {string[]} what counts as failed, a line each
 */
export function playwrightFailures(file, platform) {
  const report = read(file)
  /** @param {any} spec */
  const failed = (spec) =>
    spec.tests.some(
      (/** @type {any} */ { status }) =>
        status === 'unexpected' || status === 'flaky' || (status === 'skipped' && platform === 'linux'),
    )
  /** @param {any} suite @returns {string[]} */
  const failuresOf = (suite) => [
    ...(suite.specs ?? []).filter(failed).map((/** @type {any} */ spec) => {
      const results = spec.tests.flatMap((/** @type {any} */ test) => test.results)
      const message = results.find((/** @type {any} */ result) => result.error)?.error.message
      const how = spec.tests.map((/** @type {any} */ test) => test.status).join(', ')
      return `${spec.file}: ${spec.title}: ${how}: ${inOneLine(message)}`
    }),
    ...(suite.suites ?? []).flatMap(failuresOf),
  ]
  const outside = (report?.errors ?? []).map((/** @type {any} */ error) => inOneLine(error.message))
  return [...(report?.suites ?? []).flatMap(failuresOf), ...outside]
}

/**
 * What is said of a failure in one line: without the stack, with all that repeats it (a property's seed and its
 * counterexample stand below the first line).
 * @param {string | undefined} message
 */
function inOneLine(message) {
  const lines = (message ?? 'no message').split('\n').map((line) => line.trim())
  const stack = lines.findIndex((line) => line.startsWith('at '))
  const said = lines.slice(0, stack > 0 ? stack : undefined).filter((line) => line !== '')
  return said.join(' ').slice(0, 3000)
}

/** @param {string} file */
function read(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null
}
