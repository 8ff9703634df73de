import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { copyBytes, type Bytes } from '../base/bytes.ts'
import {
  canonicalInvitationCode,
  formatInvitation,
  invitationAlphabet,
  invitationCodeLength,
  parseInvitation,
  spokenInvitationCode,
  type Invitation,
} from './invitation.ts'

const code = fc
  .array(fc.constantFrom(...invitationAlphabet), {
    minLength: invitationCodeLength,
    maxLength: invitationCodeLength,
  })
  .map((characters) => characters.join(''))
const hash: fc.Arbitrary<Bytes> = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(copyBytes)
const host = fc.stringMatching(/^[a-z][a-z0-9]{0,20}(-[a-z0-9]{1,5})?(\.[a-z]{2,8}){0,3}$/)
const port = fc.integer({ min: 1024, max: 65_535 })

const invitation: fc.Arbitrary<Invitation> = fc.oneof(
  fc.record({
    address: fc.tuple(host, port).map(([h, p]) => `https://${h}:${p}`),
    tlsPin: hash,
    anchors: hash,
    tlsEndsAtProxy: fc.boolean(),
    code,
  }),
  fc.record({
    address: port.map((p) => `http://127.0.0.1:${p}`),
    tlsPin: fc.constant(null),
    anchors: hash,
    tlsEndsAtProxy: fc.constant(false),
    code,
  }),
)

const example: Invitation = {
  address: 'https://relais.interieur.example',
  tlsPin: new Uint8Array(32).fill(7),
  anchors: new Uint8Array(32).fill(9),
  tlsEndsAtProxy: false,
  code: 'K7QM24XD9P0A',
}

function refusal(text: string): unknown {
  try {
    return parseInvitation(text)
  } catch (thrown) {
    return thrown
  }
}

describe('the text of an invitation', () => {
  test('comes back as it went, however a mail program folds it', () => {
    fc.assert(
      fc.property(invitation, fc.array(fc.nat(400), { maxLength: 5 }), (given, folds) => {
        let text = formatInvitation(given)
        for (const fold of folds) text = `${text.slice(0, fold)}\r\n ${text.slice(fold)}`
        expect(parseInvitation(text)).toEqual(given)
      }),
    )
  })

  test('with any one character changed, left out or doubled is refused', () => {
    const text = formatInvitation(example)
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=:'
    for (let at = 0; at < text.length; at += 1) {
      const others = [...alphabet].filter((character) => character !== text[at])
      for (const character of ['', (text[at] ?? '').repeat(2), ...others]) {
        const changed = text.slice(0, at) + character + text.slice(at + 1)
        expect(refusal(changed)).toMatchObject({ code: 'invitation.malformed' })
      }
    }
  })

  test('cut anywhere, or anything else, is refused', () => {
    const text = formatInvitation(example)
    for (let end = 0; end < text.length; end += 1) {
      expect(refusal(text.slice(0, end))).toMatchObject({ code: 'invitation.malformed' })
    }
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String().map((body) => `valise:${body}`),
        ),
        (anything) => {
          expect(refusal(anything)).toMatchObject({ code: 'invitation.malformed' })
        },
      ),
    )
  })

  test('of before there was a word about proxies is still read, and binds to the channel', () => {
    const old =
      'valise:CAESIGh0dHBzOi8vcmVsYWlzLmludGVyaWV1ci5leGFtcGxlGiAHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHByIgCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkqDEs3UU0yNFhEOVAwQamJLoo'
    expect(parseInvitation(old)).toEqual(example)
  })

  test('that says something impossible is refused although its checksum is right', () => {
    const tries: [string, Invitation][] = [
      ['relay.insecureAddress', { ...example, address: 'http://relais.example', tlsPin: null }],
      ['invitation.malformed', { ...example, tlsPin: null }],
      ['invitation.malformed', { ...example, address: 'http://127.0.0.1:1' }],
      [
        'invitation.malformed',
        { ...example, address: 'http://127.0.0.1:1', tlsPin: null, tlsEndsAtProxy: true },
      ],
      ['invitation.malformed', { ...example, tlsPin: new Uint8Array(31) }],
      ['invitation.malformed', { ...example, anchors: new Uint8Array(33) }],
      ['invitation.malformed', { ...example, code: 'K7QM24XD9PL' }],
      ['invitation.malformed', { ...example, code: 'K7QM24XD9PU0' }],
      ['invitation.malformed', { ...example, address: 'https://relais.example/path' }],
    ]
    for (const [expected, impossible] of tries) {
      expect(refusal(formatInvitation(impossible))).toMatchObject({ code: expected })
    }
  })
})

describe('a code', () => {
  test('is the same read aloud, typed loosely or copied', () => {
    fc.assert(
      fc.property(code, (given) => {
        const spoken = spokenInvitationCode(given)
        expect(spoken).toMatch(/^\w{4}-\w{4}-\w{4}$/)
        const loose = ` ${spoken.toLowerCase().replaceAll('0', 'o').replaceAll('1', 'l')} `
        for (const typed of [given, spoken, loose]) expect(canonicalInvitationCode(typed)).toBe(given)
      }),
    )
  })

  test('of another length or with another letter is none', () => {
    for (const typed of [
      '',
      'K7QM24XD9P0',
      'K7QM24XD9P0AA',
      'K7QM24XD9P0U',
      'K7QM24XD9P0é',
      'K7QM_4XD9P0A',
    ]) {
      expect(canonicalInvitationCode(typed)).toBeNull()
    }
  })
})
