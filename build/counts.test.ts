import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { playwrightCounts, playwrightFailures, vitestCounts, vitestFailures } from './counts.mjs'

const folder = mkdtempSync(join(tmpdir(), 'valise-counts-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function report(value: unknown): string {
  const file = join(folder, 'report.json')
  writeFileSync(file, JSON.stringify(value))
  return file
}

it('counts a report that is missing as a failure', () => {
  expect(vitestCounts(join(folder, 'none'))).toEqual({ passed: 0, failed: 1 })
  expect(playwrightCounts(join(folder, 'none'), 'linux')).toEqual({ passed: 0, failed: 1 })
})

it('counts a file that did not load', () => {
  const testResults = [
    { status: 'failed', assertionResults: [] },
    { status: 'failed', assertionResults: [{ status: 'failed' }, { status: 'passed' }] },
    { status: 'passed', assertionResults: [{ status: 'passed' }] },
  ]
  const file = report({
    numPassedTests: 2,
    numFailedTests: 1,
    numPendingTests: 3,
    numTodoTests: 1,
    testResults,
  })
  expect(vitestCounts(file)).toEqual({ passed: 2, failed: 2, skipped: 4 })
})

it('counts flaky tests and errors outside of tests, and on Linux what was skipped', () => {
  const file = report({ stats: { expected: 5, unexpected: 1, flaky: 1, skipped: 2 }, errors: [{}] })
  expect(playwrightCounts(file, 'linux')).toEqual({ passed: 5, failed: 5, skipped: 0 })
  expect(playwrightCounts(file, 'win32')).toEqual({ passed: 5, failed: 3, skipped: 2 })
})

it('names what failed, each in a line', () => {
  const vitest = report({
    testResults: [
      { name: 'a.test.ts', status: 'failed', message: 'does not load\n    at line 1', assertionResults: [] },
      {
        name: 'b.test.ts',
        status: 'failed',
        assertionResults: [
          { status: 'passed', fullName: 'holds' },
          {
            status: 'failed',
            fullName: 'adds up',
            failureMessages: ['Property failed\n{ seed: 7 }\n\nCounterexample: [1]\n    at line 3'],
          },
        ],
      },
    ],
  })
  expect(vitestFailures(vitest)).toEqual([
    'a.test.ts: does not load',
    'b.test.ts: adds up: Property failed { seed: 7 } Counterexample: [1]',
  ])
  const error = { message: 'not visible\nLocator' }
  const spec = (title: string, status: string, results: readonly unknown[]) => ({
    title,
    file: 'c.spec.ts',
    tests: [{ status, results }],
  })
  const specs = [
    spec('starts', 'expected', [{}]),
    spec('ends', 'unexpected', [{ error }]),
    spec('wavers', 'flaky', [{ error }, {}]),
    spec('waits', 'skipped', []),
  ]
  const suites = [{ specs: [], suites: [{ specs }] }]
  const playwright = report({ suites, errors: [{ message: 'no browser' }] })
  const named = [
    'c.spec.ts: ends: unexpected: not visible Locator',
    'c.spec.ts: wavers: flaky: not visible Locator',
    'c.spec.ts: waits: skipped: no message',
    'no browser',
  ]
  expect(playwrightFailures(playwright, 'linux')).toEqual(named)
  expect(playwrightFailures(playwright, 'win32')).toEqual(named.filter((name) => !name.includes('skipped')))
  expect(vitestFailures(join(folder, 'none'))).toEqual([])
  expect(playwrightFailures(join(folder, 'none'), 'linux')).toEqual([])
})
