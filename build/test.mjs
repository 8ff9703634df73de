// `npm test`: everything, each step under a heading; the last line is `N passed, N failed`.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, sep } from 'node:path'
import { build } from './build.mjs'
import { playwrightCounts, playwrightFailures, vitestCounts, vitestFailures } from './counts.mjs'
import { provideDebianPackages } from './debian.mjs'
import { electronRuntime } from './electron-runtime.mjs'
import { provideNode24 } from './node24.mjs'
import { out, root } from './targets.mjs'
import { typeProjectsOf } from './typeProjects.mjs'
import { underDisplay, unprivilegedPlace } from './unprivileged.mjs'

/** @typedef {import('./counts.mjs').Counts} Counts */

const reports = join(out, 'reports')
const total = { passed: 0, failed: 0 }
/** @type {string[]} */
const notes = []
/** @type {string[]} */
const failures = []

/**
 * Runs one step; an exception is one failed test, a sentence says why there was nothing to run here.
 * @param {string} title
 * @param {() => Promise<Counts> | Counts | string} act
 */
async function step(title, act) {
  console.log(`\n== ${title}`)
  const started = Date.now()
  /** @type {Counts} */
  let counts = { passed: 0, failed: 1 }
  try {
    const result = await act()
    if (typeof result === 'string') {
      notes.push(`${title}: ${result}`)
      return
    }
    counts = result
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
  }
  total.passed += counts.passed
  total.failed += counts.failed
  const skipped = counts.skipped ? `${counts.skipped} skipped, ` : ''
  const seconds = Math.round((Date.now() - started) / 1000)
  notes.push(`${title}: ${counts.passed} passed, ${counts.failed} failed, ${skipped}${seconds} s`)
}

/** @param {boolean} good @returns {Counts} */
const one = (good) => (good ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 })

/** @param {string} command @param {string[]} args @param {Record<string, string>} [env] */
function succeeds(command, args, env = {}) {
  return (
    spawnSync(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
    }).status === 0
  )
}

const tool = (/** @type {string} */ path) => join(root, 'node_modules', path)

/**
 * Vitest on this Node or on another.
 * @param {string} name @param {string} node @param {string[]} args
 */
function vitest(name, node, args) {
  const file = join(reports, `${name}.json`)
  const reporters = ['--reporter=dot', '--reporter=json', `--outputFile.json=${file}`]
  const good = succeeds(node, [tool('vitest/vitest.mjs'), 'run', ...reporters, ...args], {
    VALISE_NODE20: process.execPath,
  })
  const counts = vitestCounts(file)
  failures.push(...vitestFailures(file))
  // A runner that fails without a failed test (a crash of its own) has not passed.
  return good || counts.failed > 0 ? counts : { ...counts, failed: 1 }
}

/**
 * Playwright as an ordinary user under a display of its own.
 * @param {import('./unprivileged.mjs').Place} place @param {string} name @param {string} config @param {Record<string, string>} env
 */
async function playwright(place, name, config, env) {
  const cli = join(place.root, 'node_modules/@playwright/test/cli.js')
  const file = join('out/reports', `${name}.json`)
  const program = ['node', cli, 'test', '-c', config, '--reporter=dot,json', '--output', `out/e2e/${name}`]
  const wanted = { ...env, PLAYWRIGHT_JSON_OUTPUT_FILE: join(place.root, file) }
  const good = (await place.run(...underDisplay(program), wanted)) === 0
  place.collect(['e2e', 'reports'])
  const counts = playwrightCounts(join(root, file), process.platform)
  failures.push(...playwrightFailures(join(root, file), process.platform))
  return good || counts.failed > 0 ? counts : { ...counts, failed: 1 }
}

/** Tests with the relay in their own process need better-sqlite3, which is compiled for the Node that installed it. */
function compiledForThisNode() {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `src/${name.split(sep).join('/')}`)
    .filter((name) => /'(\.\.\/)+relay\/index\.ts'/.test(readFileSync(join(root, name), 'utf8')))
  return ['src/relay/**', 'build/**', ...files].flatMap((pattern) => ['--exclude', pattern])
}

rmSync(reports, { recursive: true, force: true })
mkdirSync(reports, { recursive: true })

await step('system', () => (provideDebianPackages(['run', 'display', 'test']), one(true)))
await step('build', async () => one((await build()).length > 0))
await step('lint', () => one(succeeds(process.execPath, [join(root, 'build/lint.mjs')])))
for (const project of typeProjectsOf(new URL('../package.json', import.meta.url))) {
  await step(`types: ${project}`, () =>
    one(succeeds(process.execPath, [tool('typescript/bin/tsc'), '-p', project])),
  )
}
await step(`unit, Node ${process.versions.node}`, () => vitest('unit', process.execPath, []))
await step('unit, Node 24', () => {
  const node = provideNode24()
  if (node === null) return 'not run, the package of Node 24 is for Linux on x64 only'
  return vitest('unit-node24', node, compiledForThisNode())
})

/** @type {import('./unprivileged.mjs').Place | null} */
let place = null
await step('runtime', async () => {
  await electronRuntime()
  place = unprivilegedPlace()
  return one(true)
})
if (place !== null) {
  const ready = /** @type {import('./unprivileged.mjs').Place} */ (place)
  const { exe } = await electronRuntime()
  // The same path below the staged checkout, where there is one.
  const electron = exe.startsWith(root) ? join(ready.root, exe.slice(root.length)) : exe
  const env = {
    VALISE_ELECTRON: electron,
    ...(process.env.VALISE_LONG ? { VALISE_LONG: process.env.VALISE_LONG } : {}),
  }
  if (existsSync(join(root, 'e2e/renderer/playwright.config.ts'))) {
    await step('renderer, Chromium', () =>
      playwright(ready, 'renderer', 'e2e/renderer/playwright.config.ts', env),
    )
  }
  await step('administrator’s page, Chromium', () =>
    playwright(ready, 'admin', 'e2e/admin/playwright.config.ts', env),
  )
  if (readdirSync(join(root, 'e2e')).some((name) => name.endsWith('.spec.ts'))) {
    await step('end to end, Electron', () => playwright(ready, 'e2e', 'e2e/playwright.config.ts', env))
  }
  ready.remove()
}

console.log(`\n${notes.join('\n')}`)
// Again at the end, since a log is often kept by its end alone.
for (const failure of failures) console.log(`failed: ${failure}`)
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1
