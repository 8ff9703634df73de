// Runs one of the scenarios of e2e/demo as an ordinary user, with a virtual display where there is no other.
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { build as rolldownBuild } from 'rolldown'
import { build } from './build.mjs'
import { provideDebianPackages } from './debian.mjs'
import { electronRuntime } from './electron-runtime.mjs'
import { out, root } from './targets.mjs'
import { underDisplay, unprivilegedPlace } from './unprivileged.mjs'

/**
 * Builds everything, then runs `e2e/demo/entry.NAME.ts` to its end.
 * @param {string} name
 * @param {{ virtualDisplay: boolean }} choice whether to show it to nobody even where there is a display
 * @returns {Promise<number>} its exit code
 */
export async function runScenario(name, choice) {
  const virtual = choice.virtualDisplay || (process.platform === 'linux' && !process.env.DISPLAY)
  provideDebianPackages(virtual ? ['run', 'display'] : ['run'])
  await build()
  await rolldownBuild({
    input: join(root, `e2e/demo/entry.${name}.ts`),
    external: [...builtinModules, /^node:/, /^@playwright\//, /electron-runtime\.mjs$/],
    platform: 'node',
    output: { file: join(out, 'scenario', `${name}.mjs`), format: 'esm', codeSplitting: false },
    logLevel: 'warn',
  })
  const { exe } = await electronRuntime()
  const place = unprivilegedPlace()
  try {
    const electron = exe.startsWith(root) ? join(place.root, exe.slice(root.length)) : exe
    const script = join(place.root, 'out/scenario', `${name}.mjs`)
    if (virtual && !choice.virtualDisplay)
      console.log('no display here: the windows open on a virtual one (xvfb)')
    /** @type {[string, string[]]} */
    const program = virtual ? underDisplay(['node', script], '2400x1000x24') : ['node', [script]]
    return await place.run(...program, { VALISE_ELECTRON: electron })
  } finally {
    place.collect([name])
    place.remove()
  }
}
