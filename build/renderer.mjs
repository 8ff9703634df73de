// Vite's settings for the renderer.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import react from '@vitejs/plugin-react'
import { out, root } from './targets.mjs'

export const rendererPresent = () => existsSync(join(root, 'renderer/index.html'))

/** @returns {import('vite').InlineConfig} */
export function rendererConfig() {
  return {
    configFile: false,
    root: join(root, 'renderer'),
    base: './',
    logLevel: 'warn',
    plugins: [react()],
    build: {
      outDir: join(out, 'renderer'),
      emptyOutDir: true,
      target: 'chrome130',
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0,
      reportCompressedSize: false,
    },
  }
}

/** The administrator's page of the relay, beside its program. @returns {import('vite').InlineConfig} */
export function adminPageConfig() {
  return {
    configFile: false,
    root: join(root, 'src/relay/admin/page'),
    base: './',
    logLevel: 'warn',
    build: {
      outDir: join(out, 'relay/admin'),
      emptyOutDir: true,
      target: 'es2022',
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0,
      reportCompressedSize: false,
    },
  }
}
