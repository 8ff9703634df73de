// Development: Vite's server for the renderer, rolldown's watchers for the rest, Electron restarted after each round.
import { spawn } from 'node:child_process'
import { watch as rolldownWatch } from 'rolldown'
import { createServer } from 'vite'
import { electronRuntime } from './electron-runtime.mjs'
import { rendererConfig } from './renderer.mjs'
import { preloadDefinitions, presentTargets, root, rolldownOptions } from './targets.mjs'

/**
 * Runs until the window is closed.
 * @param {string[]} args more arguments for Electron
 */
export async function watch(args) {
  const server = await createServer({
    ...rendererConfig(),
    server: { host: '127.0.0.1', port: 5173, strictPort: false },
  })
  await server.listen()
  const url = server.resolvedUrls?.local[0]
  if (url === undefined) throw new Error('the development server has no address')
  const { exe } = await electronRuntime()
  const define = await preloadDefinitions()

  /** @type {import('node:child_process').ChildProcess | null} */
  let child = null
  function restart() {
    child?.removeAllListeners('exit')
    child?.kill()
    const env = { ...process.env, RENDERER_URL: url }
    child = spawn(exe, [...args, '.'], { cwd: root, env, stdio: 'inherit' })
    child.on('exit', (code) => process.exit(code ?? 1))
  }

  const waiting = new Set(presentTargets().map(({ name }) => name))
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  for (const target of presentTargets()) {
    const watcher = rolldownWatch(rolldownOptions(target, { minify: false, define }))
    watcher.on('event', async (event) => {
      if (event.code === 'ERROR') console.error(event.error.message)
      if (event.code !== 'BUNDLE_END') return
      await event.result.close()
      waiting.delete(target.name)
      clearTimeout(timer)
      if (waiting.size === 0) timer = setTimeout(restart, 50)
    })
  }
}
