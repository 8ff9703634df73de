import { expect, test } from 'vitest'
import { createText } from '../../src/text/index.ts'
import { dayWords } from './days.ts'
import { dayMs, hourMs, minuteMs, spanWords, timerChoices } from './spans.ts'

const fr = createText('fr')
const en = createText('en')

test('spans are said in one unit, rounded up', () => {
  const said = [
    0,
    45 * minuteMs,
    hourMs,
    2 * hourMs - 1,
    4 * hourMs,
    dayMs,
    dayMs + 1,
    3 * dayMs,
    7 * dayMs,
    28 * dayMs,
  ]
  expect(said.map((ms) => spanWords(fr, ms).replaceAll('\u00a0', ' '))).toEqual([
    '1 minute',
    '45 minutes',
    '1 heure',
    '2 heures',
    '4 heures',
    '1 jour',
    '25 heures',
    '3 jours',
    '1 semaine',
    '4 semaines',
  ])
  expect(timerChoices.slice(1).map((seconds) => spanWords(en, seconds * 1000))).toEqual([
    '1 day',
    '1 week',
    '4 weeks',
  ])
})

test('days in both languages, the first of the month as French writes it', () => {
  expect(dayWords(fr, Date.UTC(2026, 9, 1), true)).toBe('1er octobre 2026')
  expect(dayWords(en, Date.UTC(2026, 9, 2), true)).toBe('2 October 2026')
})
