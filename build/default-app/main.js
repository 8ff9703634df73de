// Stands in for Electron's own default_app.asar in the fallback runtime: `electron [-r module] app`.
// It has to be ESM with a top-level await, so that Electron holds `ready` back until the app's main module has run.
import { readFileSync } from 'node:fs'
import { Module } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { app } from 'electron'

/** @param {string[]} argv */
function parse(argv) {
  const preload = []
  for (let i = 1; i < argv.length; i += 1) {
    if (argv[i] === '-r' || argv[i] === '--require') preload.push(argv[(i += 1)])
    else if (!argv[i].startsWith('-')) return { preload, target: resolve(argv[i]) }
  }
  return { preload, target: null }
}

/** @param {string} folder */
function readPackage(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  } catch {
    return null
  }
}

/** @param {string} target */
async function load(target) {
  Object.defineProperty(process, 'defaultApp', { value: true, enumerable: true, configurable: false })
  const description = readPackage(target)
  if (description) {
    app.setVersion(description.version)
    app.name = description.productName ?? description.name
    app.setDesktopName?.(description.desktopName ?? `${description.name}.desktop`)
  }
  const main = Module._resolveFilename(target, null, true)
  app.setAppPath(description ? target : dirname(main))
  await import(pathToFileURL(main).href)
}

const { preload, target } = parse(process.argv)
if (preload.length > 0) Module._preloadModules(preload)
if (target === null) {
  console.error('usage: electron [-r module] <folder or file>')
  app.exit(2)
} else {
  try {
    await load(target)
  } catch (error) {
    console.error(error)
    app.exit(1)
  }
}
