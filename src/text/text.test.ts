import { parse, TYPE, type MessageFormatElement } from '@formatjs/icu-messageformat-parser'
import { expect, test } from 'vitest'
import { errorCodes } from '../base/errors.ts'
import { catalogues, languages } from './catalogues.ts'
import { createDates, createText, errorText } from './index.ts'
import { relayCatalogues, type RelayTextKey } from './relay.ts'

const whole = {
  fr: { ...catalogues.fr, ...relayCatalogues.fr },
  en: { ...catalogues.en, ...relayCatalogues.en },
}
const keys = Object.keys(whole.fr) as RelayTextKey[]

/** Name and kind of every argument, also inside plurals and selects. */
function argumentsOf(elements: readonly MessageFormatElement[]): string[] {
  return elements.flatMap((element) => {
    if (element.type === TYPE.literal || element.type === TYPE.pound) return []
    const own = [`${element.value}:${TYPE[element.type]}`]
    if (element.type === TYPE.plural || element.type === TYPE.select) {
      return [...own, ...Object.values(element.options).flatMap((option) => argumentsOf(option.value))]
    }
    return own
  })
}

const distinct = (message: string): string[] => [...new Set(argumentsOf(parse(message)))].toSorted()

/** The words of a sentence, without ICU syntax. */
function words(elements: readonly MessageFormatElement[]): string[] {
  return elements.flatMap((element) => {
    if (element.type === TYPE.literal) return [element.value]
    if (element.type === TYPE.plural || element.type === TYPE.select) {
      return Object.values(element.options).map((option) => words(option.value).join('0'))
    }
    return []
  })
}

test('the catalogues have the same keys in the same order, none of them twice', () => {
  for (const language of languages) expect(Object.keys(whole[language])).toEqual(keys)
  expect(keys.length).toBe(Object.keys(catalogues.fr).length + Object.keys(relayCatalogues.fr).length)
})

test.each(languages)(
  '%s: every sentence parses, has no markup and the arguments of the French one',
  (language) => {
    for (const key of keys) {
      const message = whole[language][key]
      expect(distinct(message), key).toEqual(distinct(whole.fr[key]))
      // Quotes are syntax in ICU: a typographic apostrophe never is.
      expect(message, key).not.toMatch(/['<>]/)
      // Only a prompt of a command line ends in a space, for the cursor to stand after it.
      expect(message.replace(/: $/, ':').trim(), key).toBe(message.replace(/: $/, ':'))
    }
  },
)

test.each(languages)(
  '%s: every error code has a sentence that needs no values and says what to do',
  (language) => {
    const text = createText(language)
    for (const code of errorCodes) {
      const sentence = errorText(text, code)
      expect(sentence.length, code).toBeGreaterThan(30)
      expect(sentence, code).toMatch(/[.\u202f:]/)
      expect(argumentsOf(parse(catalogues[language][`error.${code}`])), code).toEqual([])
      expect(sentence, code).not.toMatch(
        /!|oups|une erreur est survenue|an error occurred|sécurisé à 100|inviolable/i,
      )
    }
    const extra = keys.filter(
      (key) => key.startsWith('error.') && !(errorCodes as readonly string[]).includes(key.slice(6)),
    )
    expect(extra).toEqual([])
  },
)

test('French typography: no-break spaces before double punctuation, inside guillemets, after numbers', () => {
  const faults = keys.flatMap((key) =>
    words(parse(whole.fr[key])).flatMap((sentence) =>
      [
        [/ [;?!»]/, 'plain space before punctuation'],
        [/ :/, 'plain space before a colon'],
        [/\u00a0[;?!]/, 'wide no-break space where the narrow one belongs'],
        [/[\p{L}\d»)][;?!]/u, 'no space before punctuation'],
        [/« |«(?!\u00a0)/, 'no no-break space after an opening guillemet'],
        // `valise:` is how an invitation begins.
        [/(?<!valise)(?<=\p{L}):(?=\s|$)/u, 'no space before a colon'],
        [/\.\.\./, 'three dots instead of an ellipsis'],
        [
          /\d (?:mots?|caractères?|messages?|secondes?|minutes?|heures?|postes?|essais?)/,
          'plain space after a number',
        ],
      ].flatMap(([pattern, fault]) =>
        (pattern as RegExp).test(sentence) ? [`${key}: ${String(fault)}`] : [],
      ),
    ),
  )
  expect(faults).toEqual([])
})

test('sentences are filled, plurals follow the language', () => {
  const fr = createText('fr')
  const en = createText('en')
  expect(fr('list.unread', { count: 1 })).toBe('1\u00a0non lu')
  expect(fr('list.unread', { count: 0 })).toBe('0\u00a0non lu')
  expect(en('list.unread', { count: 0 })).toBe('0 unread')
  expect(fr('empty.directorySize', { count: 1284 })).toContain('1\u202f284')
  expect(fr('thread.with', { name: '<b>{x}</b>' })).toBe('Conversation avec <b>{x}</b>')
  expect(() => fr('thread.with')).toThrow()
})

const paris = 'Europe/Paris'
const now = Date.UTC(2026, 10, 23, 9, 57)
const daysAgo = (days: number, minutes = 0): number => now - days * 86_400_000 + minutes * 60_000

test('dates of lists and dividers, in both languages', () => {
  const fr = createDates(createText('fr'), paris)
  const en = createDates(createText('en'), paris)
  expect(fr.clock(now)).toBe('10:57')
  expect(fr.day(now, now)).toBe('Aujourd’hui, lundi 23 novembre')
  expect(en.day(now, now)).toBe('Today, Monday 23 November')
  expect(fr.day(daysAgo(1), now)).toBe('Dimanche 22 novembre')
  expect(fr.day(Date.UTC(2026, 10, 1, 12), now)).toBe('Dimanche 1er novembre')
  expect(en.day(Date.UTC(2025, 10, 1, 12), now)).toMatch(/^Saturday,? 1 November 2025$/)
  expect([0, 1, 3, 20, 400].map((days) => fr.list(daysAgo(days), now))).toEqual([
    '10:57',
    'Hier',
    'Ven.',
    '3 nov.',
    '19 oct. 2025',
  ])
  expect([1, 3, 20].map((days) => en.list(daysAgo(days), now))).toEqual(['Yesterday', 'Fri', '3 Nov'])
  expect(fr.list(now + 60_000, now)).toBe('10:58')
})

test('a day ends at local midnight, also when the clocks change', () => {
  const dates = createDates(createText('fr'), paris)
  const midnight = Date.UTC(2026, 9, 25, 22)
  // 25 October 2026 has 25 hours in Paris.
  expect(dates.dayKey(midnight)).toBe('2026-10-25')
  expect(dates.dayKey(midnight + 3_600_000)).toBe('2026-10-26')
  expect(dates.list(midnight, midnight + 3_600_000)).toBe('Hier')
})

test('durations are rounded up and said in one unit', () => {
  const dates = createDates(createText('fr'), paris)
  expect([0, 24_000, 90_000, 91_000, 300_000, 7_200_000].map(dates.duration)).toEqual([
    '1\u00a0s',
    '24\u00a0s',
    '90\u00a0s',
    '2\u00a0minutes',
    '5\u00a0minutes',
    '2\u00a0heures',
  ])
})
