import { readdirSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import type { CustomScheme, Session } from 'electron'

export const appScheme = 'app'
export const appOrigin = 'app://main'
export const appPage = `${appOrigin}/index.html`

/** SECURITY 7: no fetch, no service worker, no CSP bypass, no code cache on disk (CVE-2026-70604 among the reasons). */
export const schemePrivileges: CustomScheme = Object.freeze({
  scheme: appScheme,
  privileges: Object.freeze({
    standard: true,
    secure: true,
    supportFetchAPI: false,
    corsEnabled: true,
    allowServiceWorkers: false,
    bypassCSP: false,
    codeCache: false,
  }),
})

/** SECURITY 7: pages come from `app://` under this policy, sent as a header with every answer. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  'media-src blob:',
  "font-src 'self'",
  "connect-src 'none'",
  "frame-src 'none'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
}

export interface Asset {
  readonly file: string
  readonly type: string
  readonly bytes: number
}

/** What may be served, by address path (`/index.html`): decided once, at start. Unknown kinds of files are left out. */
export type Manifest = ReadonlyMap<string, Asset>

export function readManifest(folder: string): Manifest {
  const manifest = new Map<string, Asset>()
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const type = contentTypes[extname(entry.name)]
    if (!entry.isFile() || type === undefined) continue
    const file = join(entry.parentPath, entry.name)
    manifest.set(`/${relative(folder, file).split(sep).join('/')}`, {
      file,
      type,
      bytes: statSync(file).size,
    })
  }
  return manifest
}

/** The asset of an address: the exact path of the manifest at the exact origin, by GET; null for all else. */
export function assetFor(manifest: Manifest, method: string, address: string): Asset | null {
  if (method !== 'GET' || !address.startsWith(`${appOrigin}/`)) return null
  const path = address.slice(appOrigin.length)
  // No decoding, no normalising: what is not written exactly so is not there. Chromium resolved `..` before.
  return manifest.get(path) ?? null
}

export function assetHeaders(asset: Asset): Record<string, string> {
  return {
    'content-type': asset.type,
    'content-length': String(asset.bytes),
    'content-security-policy': contentSecurityPolicy,
    'x-content-type-options': 'nosniff',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  }
}

export function serveApp(session: Session, manifest: Manifest): void {
  session.protocol.handle(appScheme, async (request) => {
    const asset = assetFor(manifest, request.method, request.url)
    if (asset === null)
      return new Response(null, { status: 404, headers: { 'x-content-type-options': 'nosniff' } })
    // Whole, not as a stream: the largest is half a megabyte, and a stream costs a dozen turns of this event loop.
    return new Response(new Uint8Array(await readFile(asset.file)), { headers: assetHeaders(asset) })
  })
}
