// `npm run build`: everything that runs, into out/. `--watch`: rebuilds while one works and restarts the window.
import { fileURLToPath } from 'node:url'
import { build as rolldownBuild } from 'rolldown'
import { build as viteBuild } from 'vite'
import { adminPageConfig, rendererConfig, rendererPresent } from './renderer.mjs'
import { preloadDefinitions, presentTargets, rolldownOptions } from './targets.mjs'

/**
 * Builds the targets of these names, or all; what has no source yet is left out. Throws when one fails.
 * @param {readonly string[]} [only]
 * @returns {Promise<string[]>} the names of what was built
 */
export async function build(only) {
  const wanted = (/** @type {string} */ name) => only === undefined || only.includes(name)
  const targets = presentTargets().filter(({ name }) => wanted(name))
  const renderer = rendererPresent() && wanted('renderer')
  const define = wanted('preload') ? await preloadDefinitions() : {}
  await Promise.all([
    ...targets.map((target) =>
      rolldownBuild({ ...rolldownOptions(target, { minify: true, define }), logLevel: 'warn' }),
    ),
    ...(renderer ? [viteBuild(rendererConfig())] : []),
    ...(wanted('relay') ? [viteBuild(adminPageConfig())] : []),
  ])
  return [...targets.map(({ name }) => name), ...(renderer ? ['renderer'] : [])]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--watch')) {
    const { watch } = await import('./watch.mjs')
    await watch(process.argv.slice(2).filter((argument) => argument !== '--watch'))
  } else {
    const started = Date.now()
    const only = process.argv.slice(2)
    const names = await build(only.length === 0 ? undefined : only)
    console.log(`built ${names.join(', ')} in ${Date.now() - started} ms`)
  }
}
