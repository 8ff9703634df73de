import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import type { FastifyInstance } from 'fastify'

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.woff2': 'font/woff2',
}

interface PageFile {
  readonly path: string
  readonly type: string
  readonly body: Buffer
}

/** The files of the built page, read once: what is served is this list, whatever a request names. */
export async function readPage(folder: string): Promise<readonly PageFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && types[extname(entry.name)] !== undefined)
  return Promise.all(
    files.map(async ({ name, parentPath }) => {
      const file = join(parentPath, name)
      const path = `/${file.slice(folder.length).replaceAll('\\', '/').replace(/^\/+/, '')}`
      const type = types[extname(name)] ?? 'application/octet-stream'
      return { path: path === '/index.html' ? '/' : path, type, body: await readFile(file) }
    }),
  )
}

export function servePage(app: FastifyInstance, files: readonly PageFile[]): void {
  for (const { path, type, body } of files)
    app.get(path, async (_request, reply) => reply.header('content-type', type).send(body))
}

/** SECURITY 7: what the page may load and do; nothing inline, nothing from elsewhere, in nobody's frame. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

/** Of every answer, refusals too. */
export function guardAnswers(app: FastifyInstance, secure: boolean): void {
  const headers: Readonly<Record<string, string>> = {
    'content-security-policy': contentSecurityPolicy,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy':
      'publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), microphone=(), geolocation=()',
    'cache-control': 'no-store',
    ...(secure ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  }
  app.addHook('onSend', async (_request, reply, payload) => {
    void reply.headers(headers)
    return payload
  })
}
