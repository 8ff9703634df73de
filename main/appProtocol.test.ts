import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  assetFor,
  assetHeaders,
  contentSecurityPolicy,
  readManifest,
  schemePrivileges,
  type Manifest,
} from './appProtocol.ts'

let folder = ''
let manifest: Manifest = new Map()

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'valise-assets-'))
  mkdirSync(join(folder, 'renderer/assets'), { recursive: true })
  writeFileSync(join(folder, 'secret.js'), 'no')
  writeFileSync(join(folder, 'renderer/index.html'), '<!doctype html>')
  writeFileSync(join(folder, 'renderer/assets/index-1a.js'), 'export {}')
  writeFileSync(join(folder, 'renderer/assets/index-1a.js.map'), '{}')
  manifest = readManifest(join(folder, 'renderer'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the frozen manifest', () => {
  it('lists what can be served and nothing else', () => {
    expect([...manifest.keys()].toSorted()).toEqual(['/assets/index-1a.js', '/index.html'])
  })

  it('serves exact addresses by GET', () => {
    expect(assetFor(manifest, 'GET', 'app://main/index.html')?.type).toBe('text/html; charset=utf-8')
    expect(assetFor(manifest, 'POST', 'app://main/index.html')).toBe(null)
    expect(assetFor(manifest, 'GET', 'app://main/index.html?x')).toBe(null)
  })

  it.each([
    'app://other/index.html',
    'app://main.evil/index.html',
    'app://main@evil/index.html',
    'app://main:80/index.html',
    'app://MAIN/index.html',
    'https://main/index.html',
    'file:///index.html',
    'app://main/../secret.js',
    'app://main/assets/../../secret.js',
    'app://main/%2e%2e/secret.js',
    'app://main/..%2fsecret.js',
    'app://main/..\\secret.js',
    'app://main//index.html',
    'app://main/./index.html',
    'app://main/index.html%00.js',
    'app://main/index.html/',
    'app://main/INDEX.HTML',
    'app://main/assets',
    'app://main/assets/index-1a.js.map',
    'app://main/',
    'app://main',
    '',
  ])('does not know %s', (address) => {
    expect(assetFor(manifest, 'GET', address)).toBe(null)
  })

  it('never leaves its folder', () => {
    const part = fc.constantFrom(
      '..',
      '.',
      '%2e%2e',
      'assets',
      'secret.js',
      'index.html',
      '\\',
      '/',
      '%2f',
      '%00',
      ':',
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), fc.constantFrom('/', '', '%2f'), (parts, glue) => {
        const asset = assetFor(manifest, 'GET', `app://main/${parts.join(glue)}`)
        expect(asset === null || manifest.has(asset.file.slice(join(folder, 'renderer').length))).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('what every answer carries', () => {
  it('names policy, type and isolation', () => {
    expect(assetHeaders({ file: '', type: 'text/css; charset=utf-8', bytes: 3 })).toMatchObject({
      'content-security-policy': contentSecurityPolicy,
      'x-content-type-options': 'nosniff',
      'cross-origin-opener-policy': 'same-origin',
    })
    expect(contentSecurityPolicy).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src blob:; " +
        "font-src 'self'; connect-src 'none'; frame-src 'none'; object-src 'none'; base-uri 'none'; " +
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    )
  })

  it('gives the scheme no more privileges than these', () => {
    expect(schemePrivileges).toEqual({
      scheme: 'app',
      privileges: {
        standard: true,
        secure: true,
        supportFetchAPI: false,
        corsEnabled: true,
        allowServiceWorkers: false,
        bypassCSP: false,
        codeCache: false,
      },
    })
  })
})
