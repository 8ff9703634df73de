import fc from 'fast-check'
import { expect, test } from 'vitest'
import { linkify } from './linkify.ts'

const links = (text: string) =>
  linkify(text).flatMap((piece) => (piece.kind === 'link' ? [piece.address] : []))

test('https and mail addresses become links, punctuation stays outside', () => {
  expect(links('Arrêté publié : https://landes.example/arretes/1123.')).toEqual([
    'https://landes.example/arretes/1123',
  ])
  expect(links('(voir https://a.example/b_(c)), ou écrire à sidpc@landes.example ?')).toEqual([
    'https://a.example/b_(c)',
    'mailto:sidpc@landes.example',
  ])
  expect(links('« https://a.example/x »')).toEqual(['https://a.example/x'])
})

test('nothing else does', () => {
  for (const text of [
    'http://a.example',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'data:text/html,x',
    'https://user:secret@bank.example',
    'https://',
    'vbscript:x',
    'www.a.example',
    '\u202Ehttp://x',
  ]) {
    expect(links(text), text).toEqual([])
  }
})

test('the pieces are the text, and every link is https or mailto', () => {
  const part = fc.oneof(
    fc.string(),
    fc.constantFrom(
      'https://a.example',
      'b@c.example',
      'javascript:',
      '(',
      ')',
      '.',
      ' ',
      '@',
      'http://',
      '\n',
    ),
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const text = parts.join('')
      const pieces = linkify(text)
      expect(pieces.map((piece) => piece.text).join('')).toBe(text)
      for (const piece of pieces) {
        if (piece.kind === 'link') expect(['https:', 'mailto:']).toContain(new URL(piece.address).protocol)
      }
    }),
  )
})
