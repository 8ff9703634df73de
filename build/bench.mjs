// `npm run bench -- SUITE [--long]`: bundles bench/SUITE.bench.ts, runs it, writes out/bench/SUITE.json, prints a table.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build as rolldownBuild } from 'rolldown'
import { build } from './build.mjs'
import { provideDebianPackages } from './debian.mjs'
import { electronRuntime } from './electron-runtime.mjs'
import { reported } from './report.mjs'
import { out, root } from './targets.mjs'
import { underDisplay, unprivilegedPlace } from './unprivileged.mjs'

/**
 * @typedef {object} Measurement
 * @property {string} name
 * @property {number} value
 * @property {string} unit
 * @property {{ name: string, value: number }} beside the floor or peer measured in the same run
 * @property {number} ratio value / beside.value
 * @property {string} goal in words
 * @property {boolean} holds
 */

/** Suites that open windows; they run as an ordinary user under a virtual display. */
const windowed = new Set(['start', 'interface'])

/** Suites that talk to a relay in a process of its own. */
const relayed = new Set(['engine'])

/** Programs that a suite starts, besides itself. */
const programs = {
  relay: ['src/relay/testing/entry.unbudgeted.ts', 'src/relay/testing/entry.prototype.ts'],
}

/** @param {string} suite */
async function bundle(suite) {
  const others = suite in programs ? programs[/** @type {keyof typeof programs} */ (suite)] : []
  for (const path of others) await bundleFile(path, basename(path, '.ts'))
  return bundleFile(`bench/${suite}.bench.ts`, suite)
}

/** @param {string} path @param {string} name */
async function bundleFile(path, name) {
  const file = join(out, 'bench-run', `${name}.mjs`)
  await rolldownBuild({
    input: join(root, path),
    external: [
      ...builtinModules,
      /^node:/,
      /^@signalapp\//,
      'better-sqlite3',
      'pg',
      'amqplib',
      /^@?playwright/,
    ],
    platform: 'node',
    output: { file, format: 'esm', codeSplitting: false },
    logLevel: 'warn',
  })
  return file
}

/** @param {string} suite @param {boolean} long */
async function measure(suite, long) {
  const file = join(out, 'bench-run', `${suite}.mjs`)
  const { run } = await import(pathToFileURL(file).href)
  /** @type {readonly Measurement[]} */
  const measurements = await run({ long })
  mkdirSync(join(out, 'bench'), { recursive: true })
  writeFileSync(join(out, 'bench', `${suite}.json`), `${JSON.stringify(measurements, null, 2)}\n`)
  console.table(
    measurements.map(({ name, value, unit, beside, ratio, goal, holds }) => ({
      name,
      value: `${round(value)} ${unit}`,
      beside: `${beside.name}: ${round(beside.value)}`,
      ratio: round(ratio),
      goal,
      holds,
    })),
  )
  return measurements.every(({ holds }) => holds)
}

const round = (/** @type {number} */ value) => Number(value.toPrecision(4))

/** @param {string} suite @param {string[]} flags */
async function runWindowed(suite, flags) {
  provideDebianPackages(['run', 'display'])
  await build()
  const { exe } = await electronRuntime()
  const place = unprivilegedPlace()
  try {
    const electron = exe.startsWith(root) ? join(place.root, exe.slice(root.length)) : exe
    const program = ['node', join(place.root, 'build/bench.mjs'), suite, '--bundled', ...flags]
    return await place.run(...underDisplay(program), { VALISE_ELECTRON: electron })
  } finally {
    place.collect(['bench'])
    place.remove()
  }
}

await reported(async () => {
  const [suite = '', ...flags] = process.argv.slice(2)
  const known = readdirSync(join(root, 'bench'))
    .filter((name) => name.endsWith('.bench.ts'))
    .map((name) => name.slice(0, -'.bench.ts'.length))
  const unknown = flags.filter((flag) => flag !== '--long' && flag !== '--bundled')
  if (!known.includes(suite) || unknown.length > 0)
    throw new Error(`npm run bench -- SUITE [--long], SUITE one of: ${known.join(', ')}`)
  if (!flags.includes('--bundled')) {
    await bundle(suite)
    if (relayed.has(suite)) await build(['relay'])
    if (suite === 'relay') provideDebianPackages(['test', 'peers'])
    if (windowed.has(suite)) return runWindowed(suite, flags)
  }
  return (await measure(suite, flags.includes('--long'))) ? 0 : 1
})
