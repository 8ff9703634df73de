// What rolldown makes of the entries, and where it goes.
import { existsSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..')
export const out = join(root, 'out')

const builtins = [...builtinModules, /^node:/]
const native = [/^@signalapp\//]

/**
 * @typedef {object} Target
 * @property {string} name
 * @property {string} entry
 * @property {string} file
 * @property {'esm' | 'cjs'} format
 * @property {(string | RegExp)[]} external
 */

/** @type {readonly Target[]} */
const targets = [
  {
    name: 'main',
    entry: 'main/entry.main.ts',
    file: 'main/entry.main.js',
    format: 'esm',
    external: ['electron', ...builtins, ...native],
  },
  {
    name: 'engine',
    entry: 'src/engine/entry.engine.ts',
    file: 'main/entry.engine.js',
    format: 'esm',
    external: [...builtins, ...native],
  },
  {
    // A sandboxed preload is one CJS file and can require nothing but electron.
    name: 'preload',
    entry: 'main/preload/entry.preload.ts',
    file: 'preload/entry.preload.cjs',
    format: 'cjs',
    external: ['electron'],
  },
  {
    name: 'relay',
    entry: 'src/relay/entry.relay.ts',
    file: 'relay/entry.relay.js',
    format: 'esm',
    external: [...builtins, ...native, 'better-sqlite3'],
  },
  {
    name: 'cli',
    entry: 'src/cli/entry.cli.ts',
    file: 'cli/entry.cli.js',
    format: 'esm',
    external: [...builtins, ...native],
  },
]

/** The targets whose entry exists; the others are rooms that are yet to be built. */
export const presentTargets = () => targets.filter(({ entry }) => existsSync(join(root, entry)))

/**
 * Options of rolldown for a target.
 * @param {Target} target
 * @param {{ minify: boolean, define: Record<string, string> }} choice
 */
export function rolldownOptions(target, choice) {
  return {
    input: join(root, target.entry),
    external: target.external,
    platform: /** @type {const} */ (target.format === 'cjs' ? 'browser' : 'node'),
    transform: { define: target.name === 'preload' ? choice.define : {} },
    output: {
      file: join(out, target.file),
      format: target.format,
      codeSplitting: false,
      minify: choice.minify,
      sourcemap: choice.minify ? false : /** @type {const} */ (target.format === 'cjs' ? 'inline' : true),
      // Bundled CommonJS packages ask for node's modules by require.
      ...(target.format === 'esm' ? { banner: requireBanner } : {}),
    },
  }
}

const requireBanner =
  "import { createRequire as valiseCreateRequire } from 'node:module'; const require = valiseCreateRequire(import.meta.url);"

/**
 * The preload's channels, read from the contract while building: the contract itself with its schemas would cost the
 * preload 20 times its size and its parse time at every start.
 * @returns {Promise<Record<string, string>>}
 */
export async function preloadDefinitions() {
  const bundle = await rolldown({
    input: join(root, 'src/contract/calls.ts'),
    external: builtins,
    platform: 'node',
  })
  const { output } = await bundle.generate({ format: 'esm' })
  await bundle.close()
  const code = Buffer.from(output[0].code).toString('base64')
  const contract = await import(`data:text/javascript;base64,${code}`)
  /** @type {string[]} */
  const names = contract.callNames
  return {
    VALISE_CALL_CHANNELS: JSON.stringify(names.map((name) => [name, contract.callChannel(name)])),
    VALISE_DELTA_CHANNEL: JSON.stringify(contract.eventChannel('delta')),
  }
}
