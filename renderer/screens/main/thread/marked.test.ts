import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Format } from '../../../../src/contract/index.ts'
import { carried, marked } from './marked.ts'

const bold = (start: number, length: number): Format => ({ start, length, style: 'bold' })
const shape = (text: string, formats: readonly Format[] = []) =>
  marked(text, formats, []).map((paragraph) => paragraph.map((one) => [one.text, one.styles.join('+')]))

test('ranges become pieces, nested and overlapping ones too', () => {
  expect(shape('un deux trois', [bold(3, 4), { start: 5, length: 8, style: 'italic' }])).toEqual([
    [
      ['un ', ''],
      ['de', 'bold'],
      ['ux', 'bold+italic'],
      [' trois', 'italic'],
    ],
  ])
  expect(shape('a\n\n\nb\nc', [bold(0, 5)])).toEqual([
    [['a', 'bold']],
    [
      ['b', 'bold'],
      ['\nc', ''],
    ],
  ])
})

test('a mention and a link keep what they stand for; a character is never cut', () => {
  const [[first, , third] = []] = marked(
    '@A voir https://x.example',
    [],
    [{ start: 0, length: 2, accountId: 'i' }],
  )
  expect(first).toMatchObject({ text: '@A', mentioned: 'i' })
  expect(third).toMatchObject({ text: 'https://x.example', address: 'https://x.example' })
  expect(shape('🙂!', [bold(1, 2)])).toEqual([[['🙂!', 'bold']]])
})

const range = fc.record({
  start: fc.nat(40),
  length: fc.integer({ min: 1, max: 40 }),
  style: fc.constant('bold' as const),
})
const written = fc.string({
  unit: fc.constantFrom('a', ' ', '\n', '🙂', 'é', 'https://x.example '),
  maxLength: 12,
})

test('whatever the ranges say, the pieces are the text and no half characters', () => {
  fc.assert(
    fc.property(written, fc.array(range, { maxLength: 5 }), (text, formats) => {
      const paragraphs = marked(text, formats, [])
      const put = paragraphs.map((pieces) => pieces.map((one) => one.text).join(''))
      expect(put).toEqual(text.split(/\n{2,}/u).filter((one) => one.trim() !== ''))
      for (const piece of paragraphs.flat()) expect(piece.text).not.toMatch(/\p{Surrogate}/u)
    }),
    { numRuns: 2000 },
  )
})

test('after an edit a range still marks what it marked', () => {
  const marks = (before: string, start: number, length: number, after: string): (string | undefined)[] =>
    carried([bold(start, length)], before, after).map((one) => after.slice(one.start, one.start + one.length))
  expect(marks('un deux trois', 3, 4, 'un deux trois quatre')).toEqual(['deux'])
  expect(marks('un deux trois', 3, 4, 'et un deux trois')).toEqual(['deux'])
  expect(marks('un deux trois', 3, 4, 'un d-eux trois')).toEqual(['d-eux'])
  expect(marks('un deux trois', 3, 4, 'un trois')).toEqual([])
  // What is typed right before or behind it is not of it.
  expect(marks('un deux trois', 3, 4, 'un *deux trois')).toEqual(['deux'])
  expect(marks('un deux trois', 3, 4, 'un deux* trois')).toEqual(['deux'])
  expect(marks('un deux trois', 3, 4, 'un de')).toEqual([])
})

test('after any edit the ranges lie in the text', () => {
  fc.assert(
    fc.property(written, written, fc.array(range, { maxLength: 5 }), (before, after, ranges) => {
      const inside = ranges.filter((one) => one.start + one.length <= before.length)
      for (const one of carried(inside, before, after)) {
        expect(one.length).toBeGreaterThan(0)
        expect(one.start).toBeGreaterThanOrEqual(0)
        expect(one.start + one.length).toBeLessThanOrEqual(after.length)
      }
      expect(carried(inside, before, before)).toEqual(inside)
    }),
    { numRuns: 2000 },
  )
})
