import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../base/canonicalJson.ts'
import {
  defaultPolicy,
  managedRelay,
  policies,
  policyHash,
  policyNames,
  readPolicy,
  relayAllowed,
  type EffectivePolicy,
  type PolicyFile,
  type PolicyName,
} from './index.ts'

const file = (content: unknown, name = '10.json'): PolicyFile => ({ file: name, refused: null, content })
const effective = (...contents: readonly unknown[]): EffectivePolicy =>
  readPolicy(contents.map((content) => file(content))).policy
const sha = 'ab'.repeat(32)

/** Every policy on the side that a value which cannot be read falls to. */
const strictest = (name: PolicyName): unknown => policies[name].fallback(undefined)

describe('the table', () => {
  it('has defaults and fallbacks that its own schemas know', () => {
    expect(policyNames).toHaveLength(10)
    expect(readPolicy([])).toEqual({ policy: defaultPolicy(), findings: [] })
    for (const name of policyNames) {
      expect(policies[name].since).toMatch(/^\d+\.\d+\.\d+$/)
      expect(defaultPolicy()[name]).toEqual({ value: policies[name].default, origin: 'default' })
    }
  })
})

describe('reading', () => {
  it('takes good values', () => {
    const said = {
      RelayAddress: 'https://valise.example:8443',
      RelayCertificatePin: sha.toUpperCase(),
      RelayTlsEndsAtProxy: true,
      RelayAnchors: sha,
      AllowedRelays: ['https://valise.example:8443'],
      RequirePassphrase: true,
      PassphraseMinLength: 20,
      HelpContact: 'Assistance, poste 12 34',
      LogLevel: 'debug',
      MaximumDevices: 3,
    }
    const { policy, findings } = readPolicy([file(said)])
    expect(findings).toEqual([])
    for (const name of policyNames) expect(policy[name].origin).toBe('machine')
    expect(policy.RelayCertificatePin.value).toBe(sha)
    expect(policy.LogLevel.value).toBe('debug')
    expect(policy.MaximumDevices.value).toBe(3)
    expect(managedRelay(policy)).toEqual({
      address: said.RelayAddress,
      certificatePin: sha,
      tlsEndsAtProxy: true,
      anchors: sha,
    })
  })

  it('lets a later file replace what an earlier one said, and only that', () => {
    const policy = effective({ RequirePassphrase: true, LogLevel: 'warn' }, { RequirePassphrase: false })
    expect(policy.RequirePassphrase.value).toBe(false)
    expect(policy.LogLevel.value).toBe('warn')
  })

  it('falls to the stricter side for values that cannot be read (SECURITY 15)', () => {
    for (const bad of ['true', 1, 0, null, [], {}]) {
      expect(effective({ RequirePassphrase: bad }).RequirePassphrase.value).toBe(true)
    }
    const lengths: readonly [unknown, number][] = [
      [3, 16],
      [-1, 16],
      [20.2, 21],
      [900, 128],
      ['20', 128],
      [null, 128],
    ]
    for (const [bad, length] of lengths) {
      expect(effective({ PassphraseMinLength: bad }).PassphraseMinLength.value).toBe(length)
    }
    expect(effective({ LogLevel: 'trace' }).LogLevel.value).toBe('error')
    const list = effective({
      AllowedRelays: ['https://a.example', 'http://b.example', 'https://c.example/path', 7],
    })
    expect(list.AllowedRelays.value).toEqual(['https://a.example'])
    const none = effective({ AllowedRelays: 'https://a.example' })
    expect(relayAllowed(none, 'https://a.example')).toBe(false)
    expect(relayAllowed(effective({ AllowedRelays: [] }), 'https://a.example')).toBe(true)
  })

  it('reports unknown names and bad values without the values', () => {
    const { findings } = readPolicy([
      file({ RequirePassphrase: 'hush-hush', Requirepassphrase: true, toString: 1 }),
    ])
    expect(findings).toEqual([
      { code: 'value.invalid', file: '10.json', policy: 'RequirePassphrase' },
      { code: 'name.unknown', file: '10.json', policy: 'Requirepassphrase' },
      { code: 'name.unknown', file: '10.json', policy: 'toString' },
    ])
    expect(JSON.stringify(findings)).not.toContain('hush-hush')
  })

  it('gives findings and values that the journal can take, whatever a file says', () => {
    const names = Array.from({ length: 300 }, (_, n) => [`${'x'.repeat(63)}\u{1f511}${n}`, n])
    const { policy, findings } = readPolicy([
      file({ HelpContact: 'poste \ud800', ...Object.fromEntries(names) }),
    ])
    expect(findings).toHaveLength(100)
    for (const finding of findings) expect(canonicalJson({ ...finding })).toContain('10.json')
    expect(policy.HelpContact.value).toBe('')
    expect(policyHash(policy)).toMatch(/^[0-9a-f]{64}$/)
  })

  it('believes nothing of a refused file, and takes the names in it to the stricter side', () => {
    const refused = (content: unknown): PolicyFile => ({ file: '20.json', refused: 'file.writable', content })
    const said = { RequirePassphrase: false, LogLevel: 'debug' }
    const { policy, findings } = readPolicy([file({ HelpContact: 'poste 12' }), refused(said)])
    expect(policy.RequirePassphrase.value).toBe(true)
    expect(policy.LogLevel.value).toBe('error')
    expect(policy.HelpContact.value).toBe('poste 12')
    expect(policy.PassphraseMinLength.origin).toBe('default')
    expect(findings).toEqual([{ code: 'file.writable', file: '20.json' }])
    // What it names cannot be known: everything that no later file says.
    const unknown = readPolicy([refused(undefined), file({ LogLevel: 'info' }, '30.json')]).policy
    for (const name of policyNames) {
      if (name !== 'LogLevel') expect(unknown[name]).toEqual({ value: strictest(name), origin: 'machine' })
    }
    expect(unknown.LogLevel.value).toBe('info')
  })

  it('never throws, never lets an unreadable value through and always gives plain JSON', () => {
    const content = fc.oneof(
      fc.jsonValue({ stringUnit: 'binary' }),
      fc.dictionary(
        fc.constantFrom<string>(...policyNames, 'Other', '__proto__', 'constructor'),
        fc.jsonValue({ stringUnit: 'binary' }),
      ),
    )
    const refused = fc.constantFrom(null, 'file.owner' as const, 'file.writable' as const)
    const files = fc.array(fc.record({ file: fc.string(), refused, content }), { maxLength: 4 })
    fc.assert(
      fc.property(files, (list) => {
        const { policy, findings } = readPolicy(list)
        expect(JSON.parse(JSON.stringify(policy))).toEqual(policy)
        expect(policyHash(policy)).toMatch(/^[0-9a-f]{64}$/)
        expect(policy.PassphraseMinLength.value).toBeGreaterThanOrEqual(8)
        expect(policy.PassphraseMinLength.value).toBeLessThanOrEqual(128)
        for (const name of policyNames) {
          const last = list.findLast((one) => mentions(one.content, name))
          const read =
            last === undefined ? undefined : policies[name].schema.safeParse(member(last.content, name))
          if (last === undefined) expect(policy[name].origin).toBe('default')
          else if (last.refused === null && read?.success === true)
            expect(policy[name].value).toEqual(read.data)
          else expect(findings.length).toBeGreaterThan(0)
        }
      }),
      { numRuns: 500 },
    )
  })
})

function mentions(content: unknown, name: string): boolean {
  const isObject = typeof content === 'object' && content !== null && !Array.isArray(content)
  return !isObject || Object.hasOwn(content, name)
}

function member(content: unknown, name: string): unknown {
  return Object.entries(content ?? {}).find(([key]) => key === name)?.[1]
}

describe('the hash', () => {
  it('is one for one policy, whatever the order of its members, and changes with value and origin', () => {
    const policy = effective({ LogLevel: 'info' })
    const turned = Object.fromEntries(Object.entries(policy).toReversed())
    expect(policyHash(turned as unknown as EffectivePolicy)).toBe(policyHash(policy))
    expect(policyHash(policy)).not.toBe(policyHash(defaultPolicy()))
    expect(policyHash(effective({ LogLevel: 'warn' }))).not.toBe(policyHash(policy))
  })
})

describe('the managed relay', () => {
  it('is there only when policy says all of it, and allows it', () => {
    const whole = { RelayAddress: 'https://a.example', RelayCertificatePin: sha, RelayAnchors: sha }
    expect(managedRelay(effective(whole))).not.toBeNull()
    for (const name of Object.keys(whole)) {
      expect(managedRelay(effective({ ...whole, [name]: 7 }))).toBeNull()
    }
    expect(managedRelay(effective({ ...whole, AllowedRelays: ['https://b.example'] }))).toBeNull()
    expect(managedRelay(effective({ ...whole, RelayTlsEndsAtProxy: true }))?.tlsEndsAtProxy).toBe(true)
    // What cannot be read leaves the login bound.
    expect(managedRelay(effective({ ...whole, RelayTlsEndsAtProxy: 'yes' }))?.tlsEndsAtProxy).toBe(false)
    const loopback = { ...whole, RelayAddress: 'http://127.0.0.1:8080' }
    expect(managedRelay(effective(loopback))).toBeNull()
    expect(managedRelay(effective({ ...loopback, RelayCertificatePin: null }))).not.toBeNull()
  })

  it('has no other address than https, or http on loopback', () => {
    for (const address of [
      'http://a.example',
      'https://a.example/',
      'https://u@a.example',
      'ftp://a',
      'file:///a',
      '',
    ]) {
      expect(effective({ RelayAddress: address }).RelayAddress.value).toBeNull()
    }
  })
})
